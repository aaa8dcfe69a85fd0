//! Stopping on request: the first SIGINT or SIGTERM cancels a token, on which everything finishes what it has begun; a
//! second one ends the process at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that a signal ended: 128 and the signal's number.
const EXIT_INTERRUPTED: i32 = 130;
const EXIT_TERMINATED: i32 = 143;

/// A token that the first SIGINT or SIGTERM cancels. Needs a tokio runtime, whose end ends the watch.
pub fn token_on_signals() -> io::Result<CancellationToken> {
    let mut signals =
        Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
    let token = CancellationToken::new();
    let cancelled = token.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process, and has nothing to finish")]
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping; a second signal ends the process at once");
        cancelled.cancel();
        let code = signals.next().await;
        std::process::exit(code);
    });
    Ok(token)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Waits for a signal; the exit code that goes with it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => EXIT_INTERRUPTED,
            _ = self.terminate.recv() => EXIT_TERMINATED,
        }
    }
}
