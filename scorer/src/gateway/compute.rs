//! Where the work of a request is done. Up to about half a millisecond of it stays on the thread that serves the connection;
//! more goes to the blocking pool, on no more threads than there are cores, so that a burst of large batches delays nobody's
//! single prediction. A panic in the work is that request's error alone.

use super::Gateway;
use super::error::ApiError;
use model::Scratch;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Parsing and scoring run at some 50 to 100 MB a second and thread: this many bytes take about half a millisecond.
const INLINE_BYTES: usize = 32 * 1024;

/// Runs `work` on `bytes` of input.
pub(super) async fn run<T, F>(gateway: &Gateway, bytes: usize, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if bytes <= INLINE_BYTES {
        return unless_it_panics(work);
    }
    let limit = gateway.config().request_timeout();
    let cores = Arc::clone(&gateway.shared.cores);
    let finished = async {
        let core = cores.acquire_owned().await.expect("the semaphore of cores is never closed");
        let task = tokio::task::spawn_blocking(move || {
            let _core = core;
            unless_it_panics(work)
        });
        task.await.unwrap_or(Err(ApiError::PredictionFailed))
    };
    tokio::time::timeout(limit, finished).await.unwrap_or(Err(ApiError::PredictionLate { limit }))
}

fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Result<T, ApiError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        // The panic's own message has gone to stderr; it may hold a piece of the text, so it is not repeated.
        tracing::error!("a prediction panicked: its request was answered with 500");
        ApiError::PredictionFailed
    })
}

/// Lends this thread's scratch. After a panic it is gone, and the next loan makes a new one.
pub(super) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    thread_local! {
        static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
    }
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let done = work(&mut scratch);
    SCRATCH.set(Some(scratch));
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Features;
    use crate::gateway::GatewayConfig;

    fn gateway(request_timeout_ms: u64) -> Gateway {
        let config = GatewayConfig {
            listen: "127.0.0.1:0".into(),
            max_text_characters: 5000,
            max_batch: 10,
            max_body_bytes: 1 << 20,
            request_timeout_ms,
        };
        Gateway::new(config, Features::none())
    }

    #[tokio::test]
    async fn a_panic_is_the_error_of_its_request_alone() {
        let gateway = gateway(10_000);
        for bytes in [1, INLINE_BYTES + 1] {
            let error = run(&gateway, bytes, || -> () { panic!("a word from somebody's review") }).await.unwrap_err();
            assert_eq!(error.to_string(), "Prediction failed: internal error, see the log of the service.");
            assert_eq!(error.status(), 500);
            assert_eq!(run(&gateway, bytes, || 7).await.unwrap(), 7);
        }
    }

    #[tokio::test]
    async fn work_that_finds_no_core_in_time_is_given_up() {
        let gateway = gateway(20);
        let all = u32::try_from(gateway.shared.cores.available_permits()).unwrap();
        let cores = gateway.shared.cores.acquire_many(all).await.unwrap();
        assert_eq!(run(&gateway, INLINE_BYTES, || 7).await.unwrap(), 7, "small work waits for nobody");
        let error = run(&gateway, INLINE_BYTES + 1, || 7).await.unwrap_err();
        assert_eq!(error.to_string(), "Prediction failed: no answer within 20 ms.");
        drop(cores);
        assert_eq!(run(&gateway, INLINE_BYTES + 1, || 7).await.unwrap(), 7);
    }
}
