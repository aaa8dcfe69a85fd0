//! Every task and thread of a service has a name, a policy and an end that somebody waits for. The first essential one
//! that ends, fails or panics stops all; what stopping means to a task is left to the task, which watches the token.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the end of a task means to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The service is nothing without it: its end stops everything, its error or panic is the service's.
    Essential,
    /// The service goes on without it: its error or panic is logged.
    BestEffort,
}

/// Why a supervised service ended.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A task gave up.
    #[error("{task}: {source}")]
    Failed {
        /// Its name.
        task: String,
        /// Why.
        source: BoxError,
    },
    /// A task panicked.
    #[error("{task} panicked: {message}")]
    Panicked {
        /// Its name.
        task: String,
        /// What it said.
        message: String,
    },
    /// Tasks did not end in time after they were told to stop.
    #[error("{} did not stop within {} s", tasks.join(", "), within.as_secs_f64())]
    Overdue {
        /// Their names.
        tasks: Vec<String>,
        /// The time they had.
        within: Duration,
    },
    /// The system refused a thread.
    #[error("cannot start thread {task}: {source}")]
    NotStarted {
        /// Its name.
        task: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Starts tasks and waits for their end. Clones are handles to the same supervisor.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

struct Shared {
    token: CancellationToken,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    next_id: u64,
    running: BTreeMap<u64, Running>,
    first_error: Option<TaskError>,
}

struct Running {
    name: String,
    /// None for a thread, which nobody can abort.
    abort: Option<AbortHandle>,
}

impl Supervisor {
    /// A supervisor whose tasks stop when `token` is cancelled, and which cancels it when one of them has to stop all.
    pub fn new(token: CancellationToken) -> Self {
        let shared = Shared { token, state: Mutex::default(), changed: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Cancelled when everything has to stop.
    pub fn token(&self) -> &CancellationToken {
        &self.shared.token
    }

    /// Starts an asynchronous task. Needs a tokio runtime.
    pub fn spawn<F, E>(&self, name: impl Into<String>, policy: Policy, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let name = name.into();
        // The lock is held until the handle is stored, so that the task cannot end before it is known.
        let mut state = self.shared.state();
        let id = state.register(&name);
        let shared = Arc::clone(&self.shared);
        #[expect(clippy::disallowed_methods, reason = "this is where a spawn gets its name, policy and end")]
        let handle = tokio::spawn(async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            shared.ended(id, policy, outcome.map(|result| result.map_err(Into::into)));
        });
        if let Some(running) = state.running.get_mut(&id) {
            running.abort = Some(handle.abort_handle());
        }
    }

    /// Starts a thread, for work that blocks: it must watch the token itself.
    pub fn spawn_blocking<F, E>(&self, name: impl Into<String>, policy: Policy, task: F) -> Result<(), TaskError>
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
        E: Into<BoxError>,
    {
        let name = name.into();
        let id = self.shared.state().register(&name);
        let shared = Arc::clone(&self.shared);
        let started = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(task));
            shared.ended(id, policy, outcome.map(|result| result.map_err(Into::into)));
        });
        if let Err(source) = started {
            self.shared.state().running.remove(&id);
            return Err(TaskError::NotStarted { task: name, source });
        }
        Ok(())
    }

    /// Waits until all tasks have ended; once the token is cancelled, at most `grace` longer. Tasks that are still
    /// there then are aborted, threads left behind.
    ///
    /// The error is that of the essential task that failed first.
    pub async fn join_all(self, grace: Duration) -> Result<(), TaskError> {
        tokio::select! {
            () = self.all_ended() => {}
            () = self.shared.token.cancelled() => {
                let _ = tokio::time::timeout(grace, self.all_ended()).await;
            }
        }
        let mut state = self.shared.state();
        let overdue: Vec<Running> = std::mem::take(&mut state.running).into_values().collect();
        overdue.iter().filter_map(|task| task.abort.as_ref()).for_each(AbortHandle::abort);
        match state.first_error.take() {
            Some(error) => Err(error),
            None if overdue.is_empty() => Ok(()),
            None => {
                Err(TaskError::Overdue { tasks: overdue.into_iter().map(|task| task.name).collect(), within: grace })
            }
        }
    }

    async fn all_ended(&self) {
        loop {
            // Asked for before the state is looked at, so that no end is missed in between.
            let changed = self.shared.changed.notified();
            if self.shared.state().running.is_empty() {
                return;
            }
            changed.await;
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        let running: Vec<&str> = state.running.values().map(|task| task.name.as_str()).collect();
        formatter.debug_struct("Supervisor").field("running", &running).finish_non_exhaustive()
    }
}

impl State {
    fn register(&mut self, name: &str) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.running.insert(id, Running { name: name.to_owned(), abort: None });
        id
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, id: u64, policy: Policy, outcome: Result<Result<(), BoxError>, Box<dyn Any + Send>>) {
        let mut state = self.state();
        // Gone when nobody waits any more: its end was reported as overdue.
        let Some(Running { name: task, .. }) = state.running.remove(&id) else { return };
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(source)) => Some(TaskError::Failed { task: task.clone(), source }),
            Err(panic) => Some(TaskError::Panicked { task: task.clone(), message: panic_message(&*panic) }),
        };
        match (policy, error) {
            (Policy::Essential, error) => {
                match error {
                    // The first one goes to whoever waits, and is reported there; later ones mostly follow from it.
                    Some(error) if state.first_error.is_none() => state.first_error = Some(error),
                    Some(error) => tracing::warn!(task, "{error}"),
                    None => tracing::debug!(task, "{task} ended"),
                }
                self.token.cancel();
            }
            (Policy::BestEffort, Some(error)) => tracing::error!(task, "{error}; going on without it"),
            (Policy::BestEffort, None) => tracing::debug!(task, "{task} ended"),
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    /// Waits for the end, but not for ever.
    async fn join(supervisor: Supervisor) -> Result<(), TaskError> {
        tokio::time::timeout(GRACE, supervisor.join_all(GRACE)).await.expect("the supervisor ends in time")
    }

    async fn until_cancelled(token: CancellationToken) -> Result<(), Error> {
        token.cancelled().await;
        Ok(())
    }

    fn supervisor_with_a_waiting_task() -> Supervisor {
        let supervisor = Supervisor::new(CancellationToken::new());
        supervisor.spawn("waits", Policy::Essential, until_cancelled(supervisor.token().clone()));
        supervisor
    }

    #[tokio::test]
    async fn an_essential_error_stops_all_and_is_returned_with_its_name() {
        let supervisor = supervisor_with_a_waiting_task();
        supervisor.spawn("fails", Policy::Essential, async { Err(Error::other("disk full")) });
        let error = join(supervisor).await.unwrap_err();
        assert_eq!(error.to_string(), "fails: disk full");
    }

    #[tokio::test]
    async fn an_essential_end_stops_all_without_an_error() {
        let supervisor = supervisor_with_a_waiting_task();
        supervisor.spawn("ends", Policy::Essential, async { Ok::<_, Error>(()) });
        join(supervisor).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_in_a_thread_stops_all() {
        let supervisor = supervisor_with_a_waiting_task();
        let task = || -> Result<(), Error> { panic!("index {}", 7) };
        supervisor.spawn_blocking("poll loop", Policy::Essential, task).unwrap();
        let error = join(supervisor).await.unwrap_err();
        assert_eq!(error.to_string(), "poll loop panicked: index 7");
    }

    #[tokio::test]
    async fn a_best_effort_error_stops_nothing() {
        let supervisor = Supervisor::new(CancellationToken::new());
        supervisor.spawn("fails", Policy::BestEffort, async { Err(Error::other("no terminal")) });
        let token = supervisor.token().clone();
        join(supervisor).await.unwrap();
        assert!(!token.is_cancelled());
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_is_named() {
        let supervisor = Supervisor::new(CancellationToken::new());
        supervisor.spawn("stuck", Policy::Essential, std::future::pending::<Result<(), Error>>());
        supervisor.token().cancel();
        let error = supervisor.join_all(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error.to_string(), "stuck did not stop within 0.02 s");
    }

    #[tokio::test]
    async fn a_task_may_start_another() {
        let supervisor = Supervisor::new(CancellationToken::new());
        let handle = supervisor.clone();
        supervisor.spawn("parent", Policy::BestEffort, async move {
            handle.spawn("child", Policy::Essential, async { Err(Error::other("from the child")) });
            Ok::<_, Error>(())
        });
        let error = join(supervisor).await.unwrap_err();
        assert_eq!(error.to_string(), "child: from the child");
    }
}
