//! The verdict on a challenger: the version that an alias stands for is fetched, met on the test's rows, and judged.

use super::config::PromotionConfig;
use super::judge::judge;
use super::paired::{Duel, compare};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::evaluation::SliceBy;
use crate::holdout::Holdout;
use crate::pass::Pass;
use crate::progress::Progress;
use feature_store::offline::FileError;
use model::Model;
use registry::{Alias, LogEntry, Registry, Verdict};
use schemas::{ModelName, ModelVersion};

/// Who holds an alias, as it was looked up before the comparison.
pub(crate) struct Incumbent {
    /// None where the alias stands for nothing yet.
    pub(crate) champion: Option<Champion>,
    /// The number of the last line about the alias: whoever finds another one when it is moved was not compared with.
    pub(crate) line: u64,
}

/// The version that an alias stands for, or why it cannot be met.
pub(crate) struct Champion {
    version: ModelVersion,
    model: Result<Box<Model>, String>,
}

impl Incumbent {
    /// Fetches the champion. One that cannot be used is no reason to stop: nothing can hold against it, and that is said.
    pub(crate) async fn fetch(registry: &Registry, name: &ModelName, alias: &Alias) -> Result<Self, Error> {
        let (version, line) = registry.holder(name, alias).await?;
        let Some(version) = version else { return Ok(Self { champion: None, line }) };
        let model = match registry.artifact(name, version).await {
            Ok(artifact) => Model::from_bytes(&artifact).map(Box::new).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Ok(Self { champion: Some(Champion { version, model }), line })
    }
}

/// Where a challenger is to be compared.
pub(crate) struct Arena<'a> {
    /// None where nothing is tested.
    pub(crate) rows: Option<(&'a Dataset, Option<Holdout>)>,
    pub(crate) config: &'a PromotionConfig,
}

impl Arena<'_> {
    /// What the gates say; none where there are no gates.
    pub(crate) fn verdict(
        &self,
        champion: Option<Champion>,
        challenger: &Model,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Verdict>, Error> {
        if self.config.gates.is_empty() {
            return Ok(None);
        }
        let Some(Champion { version, model }) = champion else {
            return Ok(Some(undecided(true, None, "the first version, which has none to hold against".to_owned())));
        };
        let champion = match model {
            Ok(model) => model,
            Err(error) => {
                return Ok(Some(undecided(false, Some(version), format!("{version} cannot be used: {error}"))));
            }
        };
        let Some((dataset, holdout)) = self.rows else {
            let reason = format!("there is no test on which it could be compared with {version}");
            return Ok(Some(undecided(false, Some(version), reason)));
        };
        let slices = self.slices()?;
        let duel = Duel { champion: &champion, challenger, dataset, holdout, slices: &slices };
        let paired = compare(&duel, progress)?;
        if paired.is_empty() {
            let reason = format!("no row of the test has a label, so it was not compared with {version}");
            return Ok(Some(undecided(false, Some(version), reason)));
        }
        Ok(Some(judge(&paired, self.config, version)))
    }

    /// Whether the rows have what the gates slice by: better known before anything is learned than after it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Some((dataset, _)) = self.rows else { return Ok(()) };
        for by in self.slices()? {
            let extras = by.extra_column().map(str::to_owned).into_iter().collect();
            let has_it = match Pass::open(&dataset.clone().with_extras(extras)) {
                Ok(pass) => by.field().is_none_or(|field| pass.has_field(field)),
                Err(Error::File(FileError::NoExtraColumn { .. })) => false,
                Err(error) => return Err(error),
            };
            if !has_it {
                let column = by.field().map_or_else(|| by.to_string(), |field| field.name().to_owned());
                return Err(Error::NoGateColumn { data: dataset.to_string(), slice: by.to_string(), column });
            }
        }
        Ok(())
    }

    /// Each kind of slices once.
    fn slices(&self) -> Result<Vec<SliceBy>, Error> {
        let mut slices: Vec<SliceBy> = Vec::new();
        for slice in self.config.gates.iter().filter_map(|gate| gate.slice.as_deref()) {
            let by: SliceBy = slice.parse().map_err(|reason| Error::GateSlice { slice: slice.to_owned(), reason })?;
            if !slices.contains(&by) {
                slices.push(by);
            }
        }
        Ok(slices)
    }
}

fn undecided(passed: bool, champion: Option<ModelVersion>, reason: String) -> Verdict {
    Verdict { passed, forced: false, champion, rows: 0, gates: Vec::new(), reason: Some(reason) }
}

/// What the gates say of a version, and of whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What they say; none where there are no gates.
    pub verdict: Option<Verdict>,
    /// The number of the last line about the alias when the version that it stands for was fetched, for
    /// [`Move::only_after`](registry::Move): whoever takes the alias meanwhile was not compared with.
    pub line: u64,
}

/// What the gates say of a registered version, were it to take an alias: `plaudit models promote --test`.
pub async fn verdict(
    registry: &Registry,
    challenge: Challenge,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Judgement, Error> {
    let Challenge { name, version, alias, data, config } = challenge;
    let artifact = registry.artifact(&name, version).await?;
    let Incumbent { champion, line } = Incumbent::fetch(registry, &name, &alias).await?;
    let judging = tokio::task::spawn_blocking(move || {
        let challenger =
            Model::from_bytes(&artifact).map_err(|error| Error::Artifact { name: name.clone(), version, error })?;
        let arena = Arena { rows: Some((&data, None)), config: &config };
        arena.check()?;
        arena.verdict(champion, &challenger, &mut progress)
    });
    let verdict = judging.await.expect("judging doesn't panic, and isn't cancelled")?;
    Ok(Judgement { verdict, line })
}

/// The verdict on a version whose alias somebody else has moved meanwhile: that is not the one it was compared with.
pub fn overtaken(verdict: Option<Verdict>, alias: &Alias, by: &LogEntry) -> Verdict {
    let reason =
        format!("{alias} was moved to {} by {} meanwhile, and it was not compared with that", by.version, by.who);
    let verdict = verdict.unwrap_or_else(|| undecided(false, by.previous(), String::new()));
    Verdict { passed: false, forced: false, reason: Some(reason), ..verdict }
}

/// A registered version that is to take an alias.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The model.
    pub name: ModelName,
    /// The version.
    pub version: ModelVersion,
    /// The alias, which stands for the version to hold against.
    pub alias: Alias,
    /// What both are tested on.
    pub data: Dataset,
    /// The gates.
    pub config: PromotionConfig,
}
