//! The threads of the worker, and the channels between them.

use super::intake::Intake;
use super::publish::Publisher;
use super::work::{ScoredBatch, Worker};
use rdkafka::consumer::Consumer;
use service::health::Component;
use service::kafka::Error;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whom to tell when work stands still for how long.
pub(super) struct Watch {
    pub(super) component: Component,
    pub(super) limit: Duration,
}

/// Runs the stages until the token is cancelled, one of them fails, or the intake has reached the end and all is published.
pub(super) fn run<'c>(
    intake: Intake<'c>,
    worker: &Worker,
    publisher: &mut Publisher<'c>,
    watch: &Watch,
    token: &CancellationToken,
) -> Result<(), Error> {
    // One batch, a full one before scoring, waits before each stage, which keeps it busy. With the one that each stage works on,
    // and the one whose features are on their way, at most six are in memory.
    let (collected, to_score) = sync_channel(1);
    let (scored, to_publish) = sync_channel::<ScoredBatch<'c>>(1);
    let (consumer, ownership) = (intake.consumer, intake.ownership);
    // A stage that ends, however it ends, stops the others: its channel closes, and the token says so to the intake.
    let stop = token.child_token();
    let stop_on_end = stop.clone().drop_guard();
    std::thread::scope(|scope| {
        let taking = spawn(scope, "intake", || {
            let _stop_on_end = stop.clone().drop_guard();
            intake.run(&stop, collected)
        });
        let scoring = spawn(scope, "scoring", move || worker.run(&to_score, &scored));
        let watching = spawn(scope, "watching", || ownership.progress.watch(&watch.component, watch.limit, &stop));
        let clearing = spawn(scope, "clearing", || consumer.context().starts.clear(consumer, &stop));
        let published = to_publish.into_iter().try_for_each(|batch| {
            let (records, bytes) = batch.batch.size();
            // What is not published when the worker is told to stop is left to the next owner.
            if !token.is_cancelled() {
                publisher.publish(batch)?;
            }
            ownership.progress.done(records, bytes);
            Ok(())
        });
        drop(stop_on_end);
        for side in [&watching, &clearing] {
            side.thread().unpark();
        }
        let taken = taking.join();
        for stage in [scoring, watching, clearing] {
            stage.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        published.and(taken.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Starts a thread with a name.
pub(super) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() -> T + Send + 'scope,
) -> std::thread::ScopedJoinHandle<'scope, T> {
    std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run).expect("a thread can be started")
}
