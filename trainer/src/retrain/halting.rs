//! Work on a thread that can be told to halt.

use super::RetrainError;
use tokio_util::sync::CancellationToken;

/// Does the work; when the token is cancelled, tells it to halt and waits until it has, so that what it made is removed.
pub(super) async fn on_thread<T: Send + 'static>(
    stop: &CancellationToken,
    halt: impl Fn(),
    work: impl FnOnce() -> Result<T, RetrainError> + Send + 'static,
) -> Result<T, RetrainError> {
    let mut working = tokio::task::spawn_blocking(work);
    tokio::select! {
        outcome = &mut working => outcome.expect("work on rows doesn't panic, and isn't cancelled"),
        () = stop.cancelled() => {
            halt();
            drop(working.await);
            Err(RetrainError::Stopped)
        }
    }
}
