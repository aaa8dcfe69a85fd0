//! The whole configuration: the sections that the crates define, in the order of `default.toml`, which is their reference
//! page. Merged from all layers once, checked whole, and handed to the verbs.

use crate::preset::Preset;
use registry::{Reference, RegistryConfig};
use serde::Deserialize;
use service::config::{Effective, Layers};
use std::fmt::Display;
use std::path::PathBuf;

/// The complete and commented defaults.
const DEFAULTS: &str = include_str!("default.toml");

/// `PLAUDIT__SECTION__KEY`.
const ENVIRONMENT_PREFIX: &str = "PLAUDIT";

/// The flags that every verb takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub struct Settings {
    /// A TOML file with the keys that differ from the defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets one key, such as scorer.threads=2; repeat for more
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = service::config::parse_override)]
    set: Vec<(String, toml::Value)>,
    /// Kafka's brokers, as kafka.brokers
    #[arg(long, global = true, value_name = "HOST:PORT,..")]
    brokers: Option<String>,
    /// The model registry, a folder or s3://bucket/prefix, as registry.url
    #[arg(long, global = true, value_name = "FOLDER or URL")]
    registry: Option<String>,
}

impl Settings {
    /// Lays the preset, the file, the environment and the flags over the defaults.
    pub fn merge(&self, preset: Option<Preset>) -> anyhow::Result<Effective> {
        self.merge_with(preset, &service::config::environment(ENVIRONMENT_PREFIX))
    }

    /// Whether the command line itself says where models are kept.
    pub fn names_registry(&self) -> bool {
        self.registry.is_some()
    }

    fn merge_with(&self, preset: Option<Preset>, environment: &[(String, String)]) -> anyhow::Result<Effective> {
        let mut overrides = self.set.clone();
        for (key, value) in [("kafka.brokers", &self.brokers), ("registry.url", &self.registry)] {
            overrides.extend(value.clone().map(|value| (key.to_owned(), toml::Value::String(value))));
        }
        let layers = Layers {
            defaults: DEFAULTS,
            open_tables: &["kafka.properties"],
            free_tables: &["features.views"],
            preset: preset.map(Preset::layer),
            file: self.config.as_deref(),
            environment_prefix: ENVIRONMENT_PREFIX,
            environment,
            overrides: &overrides,
        };
        Ok(service::config::merge(&layers)?)
    }
}

/// Every section of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub kafka: service::kafka::KafkaConfig,
    pub topics: schemas::Topics,
    pub redis: feature_store::online::RedisConfig,
    pub features: feature_store::views::FeaturesConfig,
    pub offline: feature_store::offline::store::OfflineConfig,
    pub ingest: ingest::service::IngestConfig,
    pub join: feature_store::join::JoinConfig,
    pub sample: trainer::sample::SampleConfig,
    pub validation: trainer::validate::ValidationConfig,
    pub registry: RegistryConfig,
    pub mlflow: registry::mlflow::MlflowConfig,
    pub model: ModelSection,
    pub train: model::FitConfig,
    pub learn: learner::LearnConfig,
    pub promotion: trainer::PromotionConfig,
    pub retrain: trainer::retrain::RetrainConfig,
    pub monitor: trainer::monitoring::MonitorConfig,
    pub scorer: scorer::StreamConfig,
    pub gateway: scorer::GatewayConfig,
    pub health: service::health::HealthConfig,
    pub telemetry: service::telemetry::TelemetryConfig,
}

/// `[model]`: which model this process is about, and how a new version is made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    pub name: schemas::ModelName,
    pub alias: Reference,
    pub updates: bool,
    pub labels: [String; 2],
    pub cleaning: model::Cleaning,
    pub vectorizer: model::VectorizerConfig,
    pub features: Vec<model::FeatureConfig>,
}

impl ModelSection {
    /// What is stored in a model that is trained now.
    pub fn to_train(&self) -> model::ModelConfig {
        let Self { labels, cleaning, vectorizer, features, .. } = self.clone();
        model::ModelConfig { labels, cleaning, vectorizer, features }
    }
}

impl Config {
    /// Reads every section and checks it.
    pub fn read(effective: &Effective) -> anyhow::Result<Self> {
        let config: Self = effective.parse()?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        sound(self.kafka.check())?;
        sound(self.topics.check())?;
        sound(self.redis.check())?;
        sound(self.features.check())?;
        sound(self.ingest.check())?;
        sound(self.join.check())?;
        sound(self.sample.check())?;
        sound(self.validation.check())?;
        sound(self.registry.check())?;
        sound(self.mlflow.check())?;
        sound(self.model.to_train().check())?;
        sound(self.train.check())?;
        sound(self.learn.check())?;
        sound(self.promotion.check())?;
        sound(self.retrain.check())?;
        sound(self.monitor.check())?;
        sound(self.scorer.check())?;
        sound(self.gateway.check())?;
        sound(self.telemetry.check())
    }
}

/// The sections' own errors name the key already.
fn sound<E: Display>(checked: Result<(), E>) -> anyhow::Result<()> {
    checked.map_err(|error| anyhow::anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::io::Write;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        settings: Settings,
    }

    fn read(flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        read_preset(None, flags, environment)
    }

    fn read_preset(preset: Option<Preset>, flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        let flags = std::iter::once("plaudit").chain(flags.iter().copied());
        let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::read(&Flags::try_parse_from(flags)?.settings.merge_with(preset, &environment)?)
    }

    #[test]
    fn the_defaults_are_complete_and_sound() {
        let config = read(&[], &[]).unwrap();
        assert_eq!(config.model.name.as_str(), "sentiment");
        assert_eq!(config.model.alias.to_string(), "production");
    }

    #[test]
    fn the_defaults_page_and_the_crates_defaults_agree() {
        let config = read(&[], &[]).unwrap();
        assert_eq!(config.model.to_train(), model::ModelConfig::default());
        assert_eq!(config.train, model::FitConfig::default());
        assert_eq!(config.validation, trainer::validate::ValidationConfig::default());
        assert_eq!(config.learn, learner::LearnConfig::default());
        assert_eq!(config.promotion, trainer::PromotionConfig::default());
        assert_eq!(config.monitor, trainer::monitoring::MonitorConfig::default());
        assert_eq!(config.features, feature_store::views::FeaturesConfig::default());
        assert_eq!(config.redis, feature_store::online::RedisConfig::default());
    }

    #[test]
    fn a_file_yields_to_the_environment_and_that_to_flags() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "[kafka]\nbrokers = 'file:1'\ngroup = 'file'\n[topics]\nreviews = 'file'").unwrap();
        let path = file.path().to_str().unwrap();
        let environment = [("PLAUDIT__KAFKA__BROKERS", "environment:1"), ("PLAUDIT__KAFKA__GROUP", "environment")];
        let config = read(&["--config", path, "--brokers", "flag:1"], &environment).unwrap();
        assert_eq!(config.topics.reviews, "file");
        assert_eq!(config.kafka.group, "environment");
        assert_eq!(config.kafka.brokers, "flag:1");
    }

    #[test]
    fn a_preset_yields_to_everything_but_the_defaults() {
        let of = |preset, flags| read_preset(preset, flags, &[]).unwrap();
        let (fast, accurate) = (of(Some(Preset::Fast), &[]), of(Some(Preset::Accurate), &[]));
        assert_eq!(fast.model.to_train(), of(None, &[]).model.to_train());
        assert_eq!(accurate.model.cleaning.punctuation, model::Punctuation::Keep);
        let flagged = of(Some(Preset::Accurate), &["--set", "model.cleaning.punctuation=drop"]);
        assert_eq!(flagged.model.cleaning.punctuation, model::Punctuation::Drop);
    }

    #[test]
    fn a_key_of_kafkas_own_may_be_set() {
        let config = read(&["--set", "kafka.properties.socket.timeout.ms=5000"], &[]).unwrap();
        assert_eq!(config.kafka.properties["socket.timeout.ms"], "5000");
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        for (setting, named) in [
            ("kafka.broker=x", "kafka.brokers"),
            ("model.alias=a/b", "model.alias"),
            ("model.labels=[\"a\", \"a\"]", "labels"),
            ("registry.poll_interval_ms=0", "registry.poll_interval_ms"),
            ("topics.feedback=reviews", "topics.feedback"),
            ("train.c=-1.0", "c"),
        ] {
            let error = read(&["--set", setting], &[]).unwrap_err().to_string();
            assert!(error.contains(named), "{setting}: {error}");
        }
    }
}
