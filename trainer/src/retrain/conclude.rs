//! What becomes of a version that is registered: the comparison with production on the newest rows, the alias if the gates hold,
//! the reason in the registry. Nothing stops it any more; what fails keeps production as it is.

use super::RetrainError;
use super::plan::RetrainPlan;
use super::prepare::Prepared;
use super::report::RetrainReport;
use super::run::{RetrainOrder, Retrainer};
use super::version::Made;
use crate::gates::{Challenge, Judgement, VerdictPage, verdict};
use registry::{Author, Move, RetrainFence, RetrainOutcome, Retraining, Tag, Verdict};
use schemas::ModelVersion;
use std::time::Instant;

/// What a description may take.
const DESCRIPTION_CHARS: usize = 1000;

/// A version that is to take the alias.
struct Promoting<'a> {
    fence: &'a RetrainFence,
    run: &'a Retraining,
    why: &'a str,
    version: ModelVersion,
    verdict: Option<&'a Verdict>,
    prepared: &'a Prepared,
}

impl Retrainer {
    /// Compares the version with production, moves the alias if the gates hold, and says so in the registry.
    pub(super) async fn conclude(
        &self,
        fence: &RetrainFence,
        run: &Retraining,
        order: &RetrainOrder,
        made: Made,
    ) -> RetrainReport {
        let concluding = Instant::now();
        let Made { report, prepared, rows } = made;
        let version = report.model.version;
        let challenge = Challenge {
            name: self.name.clone(),
            version,
            alias: self.alias.clone(),
            data: rows.test.clone(),
            config: self.promotion.clone(),
        };
        let judged = async {
            let Judgement { verdict, .. } = verdict(&self.registry, challenge, |_| {}).await?;
            let promoting =
                Promoting { fence, run, why: &order.why, version, verdict: verdict.as_ref(), prepared: &prepared };
            let (outcome, reason) = self.promote(promoting).await?;
            Ok::<_, RetrainError>((verdict, outcome, reason))
        };
        let (verdict, outcome, reason) = judged.await.unwrap_or_else(|error| {
            (None, RetrainOutcome::Kept, format!("it could not be compared or promoted: {error}"))
        });
        self.describe(run, version, &prepared.plan, &reason).await;
        let mut seconds = report.seconds;
        seconds.insert("conclude".to_owned(), concluding.elapsed().as_secs_f64());
        RetrainReport {
            run: run.number,
            trigger: order.trigger.clone(),
            outcome,
            reason,
            model: report.model,
            rows: report.rows,
            metrics: report.metrics,
            verdict,
            trials: report.tuned.map(|tuned| tuned.trials).unwrap_or_default(),
            plan: prepared.plan,
            seconds,
        }
    }

    async fn promote(&self, promoting: Promoting<'_>) -> Result<(RetrainOutcome, String), RetrainError> {
        let Promoting { fence, run, why, version, verdict, prepared } = promoting;
        if let Some(verdict) = verdict.filter(|verdict| !verdict.passed) {
            return Ok((RetrainOutcome::Kept, failed_gates(verdict)));
        }
        if !fence.is_held().await? {
            return Ok((RetrainOutcome::Kept, RetrainError::Lost.to_string()));
        }
        let why = match (why, verdict.and_then(|verdict| verdict.reason.as_deref())) {
            ("", None) => format!("retraining {}, {}: the gates held", run.number, run.trigger),
            ("", Some(reason)) => format!("retraining {}, {}: {reason}", run.number, run.trigger),
            (why, _) => format!("retraining {}: {why}", run.number),
        };
        let change = Move {
            alias: self.alias.clone(),
            version,
            verdict: verdict.cloned(),
            only_after: Some(prepared.alias_line),
        };
        let standing = self.registry.move_alias(&self.name, change, &Author::new(self.who.clone(), why)).await?;
        if !standing.is_new {
            let others = standing.entry;
            let reason = format!("{} was moved to {} by {} meanwhile", self.alias, others.version, others.who);
            return Ok((RetrainOutcome::Kept, reason));
        }
        let reason = match (&prepared.production, verdict) {
            (None, _) => "it is the first version in production".to_owned(),
            (Some(_), None) => "there are no gates to hold".to_owned(),
            (Some(production), Some(verdict)) => {
                let notes =
                    verdict.gates.iter().filter_map(|gate| Some(format!("; {}: {}", gate.gate, gate.note.as_ref()?)));
                format!("it holds the gates against {}{}", production.version, notes.collect::<String>())
            }
        };
        Ok((RetrainOutcome::Promoted, reason))
    }

    /// Tags and description of the version. Nothing hangs on them.
    async fn describe(&self, run: &Retraining, version: ModelVersion, plan: &RetrainPlan, reason: &str) {
        let Retraining { number, trigger, .. } = run;
        let author = Author::new(self.who.clone(), format!("retraining {number}"));
        let RetrainPlan { train, test, settings, .. } = plan;
        let text = format!(
            "Retrained ({trigger}) on reviews of {} to {} with the settings of {settings}; compared on those up to {}: {reason}",
            train.from, train.until, test.until
        );
        let text: String = text.chars().take(DESCRIPTION_CHARS).collect();
        let noting = async {
            for (key, value) in [("retrain.run", number.to_string()), ("retrain.trigger", trigger.name().to_owned())] {
                let tag = Tag::new(key, &value).map_err(|problem| registry::Error::Note { problem })?;
                self.registry.tag(&self.name, version, tag, &author).await?;
            }
            self.registry.describe(&self.name, version, &text, &author).await
        };
        if let Err(error) = noting.await {
            tracing::warn!(model.version = %version, "{version} has no description of its retraining: {error}");
        }
    }
}

/// The gates that did not hold, in a line.
fn failed_gates(verdict: &Verdict) -> String {
    if let Some(reason) = &verdict.reason {
        return reason.clone();
    }
    let page = VerdictPage(verdict).to_string();
    let failed = page.lines().filter_map(|line| line.trim().strip_prefix("FAILED ")).collect::<Vec<_>>();
    format!("gates did not hold: {}", failed.join("; "))
}
