//! A verb that is one service: it works until a signal comes or its end is reached, and then prints what it did.

use crate::output::Output;
use serde::Serialize;
use service::health::{Component, Health, HealthConfig};
use service::shutdown::token_on_signals;
use service::supervisor::{Policy, Supervisor};
use std::fmt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How a service runs.
pub struct UntilEnd {
    /// The name of its thread and of its component of health.
    pub name: &'static str,
    /// Where health and metrics are told.
    pub health: HealthConfig,
    /// Whether it stops at the end offsets seen at the start; without an end to reach, a signal is how it ends.
    pub until_end: bool,
    /// How its report is printed.
    pub output: Output,
}

/// What is ready to work. It blocks, and watches the token.
pub struct Prepared<W> {
    /// The work.
    pub work: W,
    /// How long it may go on after a signal.
    pub grace: Duration,
}

impl UntilEnd {
    /// Prepares the work, does it and prints its report.
    pub async fn run<R, E, W>(
        self,
        prepare: impl AsyncFnOnce(&Supervisor, Component) -> anyhow::Result<Prepared<W>>,
    ) -> anyhow::Result<()>
    where
        R: Serialize + fmt::Display + Default + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        W: FnOnce(&CancellationToken) -> Result<R, E> + Send + 'static,
    {
        let stop = token_on_signals()?;
        let health = Health::new();
        let component = health.component(self.name);
        let summary = tokio::select! {
            summary = self.work(prepare, component, &health, &stop) => summary?,
            () = stopped_while_starting(&stop, &health) => Summary { report: R::default(), stopped: true },
        };
        self.output.result(&summary)
    }

    async fn work<R, E, W>(
        &self,
        prepare: impl AsyncFnOnce(&Supervisor, Component) -> anyhow::Result<Prepared<W>>,
        component: Component,
        health: &Health,
        stop: &CancellationToken,
    ) -> anyhow::Result<Summary<R>>
    where
        R: Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
        W: FnOnce(&CancellationToken) -> Result<R, E> + Send + 'static,
    {
        // The supervisor cancels its own token when the work ends, however it ends; the outer one tells of a signal.
        let supervisor = Supervisor::new(stop.child_token());
        let token = supervisor.token().clone();
        // What has begun stops also where the rest cannot begin, before the runtime goes.
        let _stopping = token.clone().drop_guard();
        // First of all: what takes time to prepare, such as a large model, is told as not ready meanwhile.
        if !self.health.listen.is_empty() {
            let listener = service::health::bind(&self.health.listen, "health.listen").await?;
            let serving = service::health::serve(listener, health.router(), token.clone());
            supervisor.spawn("health", Policy::Essential, serving);
        }
        let Prepared { work, grace } = prepare(&supervisor, component).await?;
        let (sender, report) = tokio::sync::oneshot::channel();
        let (signal, until_end) = (stop.clone(), self.until_end);
        supervisor.spawn_blocking(self.name, Policy::Essential, move || {
            work(&token).map(|report| {
                // Nobody waits for it when the supervisor has given up.
                let _ = sender.send(Summary { report, stopped: until_end && signal.is_cancelled() });
            })
        })?;
        supervisor.join_all(grace).await?;
        Ok(report.await?)
    }
}

/// A broker or a store that does not answer must not hold up the end: until the work begins, there is nothing to finish.
async fn stopped_while_starting(stop: &CancellationToken, health: &Health) {
    stop.cancelled().await;
    if !health.is_starting() {
        std::future::pending::<()>().await;
    }
}

/// The report, for people or as JSON.
#[derive(Serialize)]
struct Summary<R> {
    #[serde(flatten)]
    report: R,
    /// Whether a signal ended the run before the end that it was to reach.
    stopped: bool,
}

impl<R: fmt::Display> fmt::Display for Summary<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, stopped } = self;
        write!(f, "{report}")?;
        if *stopped { f.write_str("\nstopped before the end") } else { Ok(()) }
    }
}
