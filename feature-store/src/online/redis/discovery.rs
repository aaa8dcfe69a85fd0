//! Something that servers are asked for, such as who the master is: kept, and asked for anew where there is doubt. Asking takes
//! longer than a read may, so it is a task of its own, one at a time; those who have no time for its answer leave it to the
//! next ones.

use super::failure::Failure;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Whoever fails is doubted; while somebody keeps failing, the others are not asked more often.
const DOUBT_INTERVAL: Duration = Duration::from_millis(250);

/// What is known, and how it is asked for.
pub(super) struct Discovery<T> {
    ask: Box<dyn Fn(Option<T>) -> Answer<T> + Send + Sync>,
    known: Arc<Mutex<Known<T>>>,
}

/// What is found, or why nothing is.
pub(super) type Answer<T> = BoxFuture<'static, Result<T, Failure>>;

struct Known<T> {
    value: Option<T>,
    /// Whether a server has said that it is wrong.
    is_refuted: bool,
    asking: Option<Shared<Answer<T>>>,
    asked_at: Option<Instant>,
}

impl<T: Clone + Send + Sync + 'static> Discovery<T> {
    /// Asks by `ask`, which is told what was known before and ends by itself.
    pub(super) fn new(ask: impl Fn(Option<T>) -> Answer<T> + Send + Sync + 'static) -> Self {
        let known = Known { value: None, is_refuted: false, asking: None, asked_at: None };
        Self { ask: Box::new(ask), known: Arc::new(Mutex::new(known)) }
    }

    /// What is known; of what is refuted, or not known yet, what is found.
    pub(super) async fn get(&self) -> Result<T, Failure> {
        let asking = {
            let mut known = self.known();
            match &known.value {
                Some(value) if !known.is_refuted => return Ok(value.clone()),
                _ => self.asking(&mut known),
            }
        };
        asking.await
    }

    /// Somebody fails: it may be that others have taken its place. What is known counts until that is found.
    pub(super) fn doubt(&self) {
        let mut known = self.known();
        if known.asked_at.is_none_or(|asked_at| asked_at.elapsed() >= DOUBT_INTERVAL) {
            drop(self.asking(&mut known));
        }
    }

    /// Somebody says that it is wrong.
    pub(super) fn refute(&self) {
        self.known().is_refuted = true;
    }

    /// The answer that is on its way, or is from now on.
    fn asking(&self, known: &mut Known<T>) -> Shared<Answer<T>> {
        // One whose runtime has ended has brought nothing.
        if let Some(asking) = known.asking.as_ref().filter(|asking| asking.peek().is_none()) {
            return asking.clone();
        }
        let (answer, shared) = ((self.ask)(known.value.clone()), self.known.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends by the limits of those who are asked")]
        let task = tokio::spawn(async move {
            let answer = answer.await;
            let mut known = lock(&shared);
            known.asking = None;
            if let Ok(found) = &answer {
                known.value = Some(found.clone());
                known.is_refuted = false;
            }
            answer
        });
        let given_up = |_| Failure::Away("the process ends".to_owned());
        let asking = async move { task.await.map_err(given_up)? }.boxed().shared();
        known.asked_at = Some(Instant::now());
        known.asking = Some(asking.clone());
        asking
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        lock(&self.known)
    }
}

fn lock<T>(known: &Mutex<Known<T>>) -> MutexGuard<'_, Known<T>> {
    // Nothing panics while it is held.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Answers how often it was asked, each time that it is allowed to.
    fn counting() -> (Discovery<usize>, Arc<Semaphore>, Arc<AtomicUsize>) {
        let (allowed, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (allowing, counted) = (allowed.clone(), asked.clone());
        let discovery = Discovery::new(move |_| {
            let allowed = allowed.clone();
            let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                allowed.acquire().await.map_err(|_| Failure::no_redis())?.forget();
                Ok(number)
            }
            .boxed()
        });
        (discovery, allowing, counted)
    }

    #[tokio::test]
    async fn it_is_asked_once_however_many_wait_or_give_up() {
        let (discovery, allowing, asked) = counting();
        for _ in 0..3 {
            let given_up = tokio::time::timeout(Duration::from_millis(20), discovery.get()).await;
            assert!(given_up.is_err());
        }
        allowing.add_permits(1);
        assert_eq!(futures::join!(discovery.get(), discovery.get()), (Ok(1), Ok(1)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_doubted_counts_until_something_else_is_found_and_what_is_refuted_does_not() {
        let (discovery, allowing, asked) = counting();
        allowing.add_permits(1);
        assert_eq!(discovery.get().await, Ok(1));
        discovery.doubt();
        assert_eq!(asked.load(Ordering::SeqCst), 1, "doubts come one after the other");
        while asked.load(Ordering::SeqCst) == 1 {
            discovery.doubt();
        }
        discovery.doubt();
        assert_eq!((discovery.get().await, asked.load(Ordering::SeqCst)), (Ok(1), 2));
        discovery.refute();
        allowing.add_permits(1);
        assert_eq!(discovery.get().await, Ok(2));
        assert_eq!(discovery.get().await, Ok(2));
    }
}
