//! The verdict on a challenger: the version that an alias stands for is fetched, met on the test's rows, and judged.

use super::config::PromotionConfig;
use super::judge::judge;
use super::paired::{Duel, compare};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::evaluation::SliceBy;
use crate::holdout::Holdout;
use crate::progress::Progress;
use model::Model;
use registry::{Alias, Registry, Verdict};
use schemas::{ModelName, ModelVersion};

/// The version that an alias stands for, or why it cannot be met.
pub(crate) struct Champion {
    version: ModelVersion,
    model: Result<Box<Model>, String>,
}

impl Champion {
    /// Fetches it; none where the alias stands for nothing yet. One that cannot be used is no reason to stop: nothing can
    /// hold against it, and that is said.
    pub(crate) async fn fetch(registry: &Registry, name: &ModelName, alias: &Alias) -> Result<Option<Self>, Error> {
        let Some(&version) = registry.aliases(name).await?.get(alias) else { return Ok(None) };
        let model = match registry.artifact(name, version).await {
            Ok(artifact) => Model::from_bytes(&artifact).map(Box::new).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Ok(Some(Self { version, model }))
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

/// What the gates say of a registered version, were it to take an alias: `plaudit models promote --test`.
pub async fn verdict(
    registry: &Registry,
    challenge: Challenge,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Option<Verdict>, Error> {
    let Challenge { name, version, alias, data, config } = challenge;
    let artifact = registry.artifact(&name, version).await?;
    let champion = Champion::fetch(registry, &name, &alias).await?;
    let judging = tokio::task::spawn_blocking(move || {
        let challenger =
            Model::from_bytes(&artifact).map_err(|error| Error::Artifact { name: name.clone(), version, error })?;
        let rows = Some((&data, None));
        Arena { rows, config: &config }.verdict(champion, &challenger, &mut progress)
    });
    judging.await.expect("judging doesn't panic, and isn't cancelled")
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
