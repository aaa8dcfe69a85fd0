//! A lease kept alive while work goes on. The work hears when the lease is lost, and signs of life are never cut off in the
//! middle, so that none can arrive behind the line that says how the run ended.

use registry::RetrainLease;
use schemas::Timestamp;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Does the work and renews the lease meanwhile; `lost` is cancelled when it is somebody else's.
pub(super) async fn while_working<T>(
    mut lease: RetrainLease,
    every: Duration,
    lost: &CancellationToken,
    work: impl Future<Output = T>,
) -> (RetrainLease, T) {
    let done = CancellationToken::new();
    let keeping = async {
        while done.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            match lease.renew().await {
                Ok(true) => {}
                Ok(false) => lost.cancel(),
                Err(error) if lease.run().lease_until <= Timestamp::now() => {
                    tracing::error!("the retraining's lease is over, and cannot be renewed: {error}");
                    lost.cancel();
                }
                Err(error) => {
                    tracing::warn!("the retraining's lease was not renewed, and will be tried again: {error}");
                }
            }
        }
        lease
    };
    let working = async {
        let outcome = work.await;
        done.cancel();
        outcome
    };
    tokio::join!(keeping, working)
}
