//! Versions sent to MLflow. What has been sent is noted beside the version; whatever is not noted is sent when it is asked
//! for next, and goes on with the run that an earlier attempt began.

use super::client::Client;
use super::directory::{self, Place};
use super::run::{dataset, identity, metrics, parameters, tags};
use super::{Error, MlflowConfig};
use crate::registry::json as file;
use crate::store::numbered;
use crate::{Alias, Manifest, Registry};
use bytes::Bytes;
use object_store::path::Path;
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Parameters and tags of one request.
const BATCH_PARAMETERS: usize = 100;
/// Metrics of one request.
const BATCH_METRICS: usize = 1000;

/// A registry beside an MLflow server.
#[derive(Debug, Clone)]
pub struct Mirror {
    pub(super) client: Client,
    pub(super) registry: Registry,
    experiment: String,
}

/// Where a version is in MLflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The server.
    pub url: String,
    /// The run.
    pub run_id: String,
    /// The version of the registered model, as MLflow counts.
    pub version: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// What a synchronization did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// The versions that MLflow lacked.
    pub sent: Vec<ModelVersion>,
    /// The aliases that were moved in MLflow.
    pub pushed: Vec<Alias>,
    /// The aliases that were moved here, after MLflow.
    pub adopted: Vec<Alias>,
}

impl Mirror {
    /// A registry beside the server that the configuration names. Nothing is asked of it yet.
    pub fn new(config: &MlflowConfig, registry: &Registry) -> Result<Self, Error> {
        let client = Client::new(config)?;
        Ok(Self { client, registry: registry.clone(), experiment: config.experiment.clone() })
    }

    /// Brings MLflow up to date: every version that it lacks, oldest first, then the aliases, both ways.
    pub async fn sync(&self, name: &ModelName) -> Result<Synced, Error> {
        let mut synced = Synced::default();
        for manifest in self.registry.versions(name).await? {
            if self.sent(name, manifest.version).await?.is_none() {
                self.send(name, manifest.version).await?;
                synced.sent.push(manifest.version);
            }
        }
        self.agree_on_all(name, &mut synced).await?;
        Ok(synced)
    }

    /// Brings the aliases together, both ways.
    pub async fn agree_on_aliases(&self, name: &ModelName) -> Result<(), Error> {
        self.agree_on_all(name, &mut Synced::default()).await
    }

    /// Where a version is in this MLflow, if it was sent there.
    pub async fn sent(&self, name: &ModelName, version: ModelVersion) -> Result<Option<Sent>, Error> {
        let path = note_path(name, version);
        let Some(bytes) = self.registry.store.read(&path).await? else { return Ok(None) };
        let sent: Sent = self.registry.parse(&path, &bytes)?;
        Ok(Some(sent).filter(|sent| sent.url == self.client.url()))
    }

    /// Sends a version, unless it is there.
    pub async fn send(&self, name: &ModelName, version: ModelVersion) -> Result<Sent, Error> {
        if let Some(sent) = self.sent(name, version).await? {
            return Ok(sent);
        }
        let manifest = self.registry.manifest(name, version).await?;
        self.create_registered_model(name).await?;
        let (run_id, version_there) = match self.find_version(&manifest).await? {
            Some(found) => found,
            None => self.send_run(&manifest).await?,
        };
        let url = self.client.url().to_owned();
        let sent = Sent { url, run_id, version: version_there, at: Timestamp::now() };
        self.registry.store.write(&note_path(name, version), file(&sent)).await?;
        Ok(sent)
    }

    async fn send_run(&self, manifest: &Manifest) -> Result<(String, String), Error> {
        let artifact = self.registry.artifact(&manifest.name, manifest.version).await?;
        let experiment_id = self.experiment_id().await?;
        let (run_id, run_artifacts) = match self.find_run(&experiment_id, manifest).await? {
            Some(run) => run,
            None => self.create_run(&experiment_id, manifest).await?,
        };
        self.log(&run_id, manifest).await?;
        self.client.upload(&run_artifacts, "plaudit/manifest.json", file(manifest)).await?;

        let body = json!({
            "experiment_id": experiment_id,
            "name": manifest.name,
            "model_type": "plaudit",
            "source_run_id": run_id,
            "tags": tags(identity(manifest)),
        });
        let model = self.client.post("logged-models", &body).await?;
        let model_id = self.text(&model, "logged-models", &["model", "info", "model_id"])?;
        let artifact_uri = self.text(&model, "logged-models", &["model", "info", "artifact_uri"])?;
        let place = Place { artifact_uri: &artifact_uri, model_id: &model_id, run_id: &run_id };
        self.upload(manifest, artifact, &place).await?;
        let ready = json!({"model_id": model_id, "status": "LOGGED_MODEL_READY"});
        self.client.patch(&format!("logged-models/{model_id}"), &ready).await?;
        let outputs = json!({"run_id": run_id, "models": [{"model_id": model_id, "step": 0}]});
        self.client.post("runs/outputs", &outputs).await?;

        let body = json!({
            "name": manifest.name,
            "source": format!("models:/{model_id}"),
            "run_id": run_id,
            "model_id": model_id,
            "tags": tags(identity(manifest)),
            "description": format!("{} of Plaudit's model \"{}\"", manifest.version, manifest.name),
        });
        let created = self.client.post("model-versions/create", &body).await?;
        let version = self.text(&created, "model-versions/create", &["model_version", "version"])?;
        let finished = json!({"run_id": run_id, "status": "FINISHED", "end_time": manifest.created_at.epoch_millis()});
        self.client.post("runs/update", &finished).await?;
        Ok((run_id, version))
    }

    async fn upload(&self, manifest: &Manifest, artifact: Bytes, place: &Place<'_>) -> Result<(), Error> {
        for (path, bytes) in directory::files(manifest, artifact, place) {
            self.client.upload(place.artifact_uri, path, bytes).await?;
        }
        Ok(())
    }

    async fn experiment_id(&self) -> Result<String, Error> {
        let endpoint = "experiments/get-by-name";
        let find = async || {
            let found = self.client.get(endpoint, &[("experiment_name", &self.experiment)]).await?;
            self.text(&found, endpoint, &["experiment", "experiment_id"])
        };
        match find().await {
            Err(error) if error.is_absent() => {}
            found => return found,
        }
        match self.client.post("experiments/create", &json!({"name": self.experiment})).await {
            Ok(created) => self.text(&created, "experiments/create", &["experiment_id"]),
            // Somebody else was first.
            Err(error) if error.is_there() => find().await,
            Err(error) => Err(error),
        }
    }

    async fn create_registered_model(&self, name: &ModelName) -> Result<(), Error> {
        match self.client.post("registered-models/create", &json!({"name": name})).await {
            Err(error) if !error.is_there() => Err(error),
            _ => Ok(()),
        }
    }

    /// The run and the version of MLflow's that are the version of ours, where an earlier attempt came so far.
    async fn find_version(&self, manifest: &Manifest) -> Result<Option<(String, String)>, Error> {
        let endpoint = "model-versions/search";
        let filter = format!("name = '{}' and {}", manifest.name, by_identity(manifest));
        let found = self.client.get(endpoint, &[("filter", &filter), ("max_results", "1")]).await?;
        let version = &found["model_versions"][0];
        if version.is_null() {
            return Ok(None);
        }
        Ok(Some((self.text(version, endpoint, &["run_id"])?, self.text(version, endpoint, &["version"])?)))
    }

    async fn find_run(&self, experiment_id: &str, manifest: &Manifest) -> Result<Option<(String, String)>, Error> {
        let body = json!({"experiment_ids": [experiment_id], "filter": by_identity(manifest), "max_results": 1});
        let found = self.client.post("runs/search", &body).await?;
        let run = &found["runs"][0];
        if run.is_null() { Ok(None) } else { self.run_of(run, "runs/search").map(Some) }
    }

    async fn create_run(&self, experiment_id: &str, manifest: &Manifest) -> Result<(String, String), Error> {
        let end = manifest.created_at.epoch_millis();
        let took = manifest.run.seconds.get("total").map_or(0, |seconds| (seconds * 1000.0) as i64);
        let names = [("mlflow.source.name", "plaudit train"), ("mlflow.source.type", "JOB")];
        let names = names.map(|(key, value)| (key, value.to_owned()));
        let body = json!({
            "experiment_id": experiment_id,
            "run_name": format!("{}-{}", manifest.name, manifest.version),
            "start_time": end - took,
            "tags": tags(identity(manifest).into_iter().chain(names)),
        });
        let created = self.client.post("runs/create", &body).await?;
        self.run_of(&created["run"], "runs/create")
    }

    fn run_of(&self, run: &Value, endpoint: &str) -> Result<(String, String), Error> {
        let of = |field| self.text(run, endpoint, &["info", field]);
        Ok((of("run_id")?, of("artifact_uri")?))
    }

    async fn log(&self, run_id: &str, manifest: &Manifest) -> Result<(), Error> {
        for parameters in parameters(manifest).chunks(BATCH_PARAMETERS) {
            self.client.post("runs/log-batch", &json!({"run_id": run_id, "params": parameters})).await?;
        }
        for metrics in metrics(manifest).chunks(BATCH_METRICS) {
            self.client.post("runs/log-batch", &json!({"run_id": run_id, "metrics": metrics})).await?;
        }
        if let Some(dataset) = dataset(manifest) {
            self.client.post("runs/log-inputs", &json!({"run_id": run_id, "datasets": [dataset]})).await?;
        }
        Ok(())
    }

    /// The text or number at a path of an answer.
    pub(super) fn text(&self, answer: &Value, endpoint: &str, path: &[&str]) -> Result<String, Error> {
        let found = path.iter().fold(answer, |value, key| &value[key]);
        let found = found.as_str().map(str::to_owned).or_else(|| found.as_u64().map(|number| number.to_string()));
        found.ok_or_else(|| Error::Incomplete {
            url: self.client.url().to_owned(),
            endpoint: endpoint.to_owned(),
            field: path.join("."),
        })
    }
}

fn by_identity(manifest: &Manifest) -> String {
    identity(manifest).map(|(tag, value)| format!("tags.`{tag}` = '{value}'")).join(" and ")
}

fn note_path(name: &ModelName, version: ModelVersion) -> Path {
    numbered(&Path::from_iter([name.as_str(), "mlflow"]), version.0)
}
