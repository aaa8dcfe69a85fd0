//! A model handle follows its alias, and survives versions that are no models.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use model::{Corpus, Document, FitConfig, Model, ModelConfig};
use registry::{Alias, Registry, Run};
use schemas::{Label, ModelName, ModelVersion};
use scorer::ModelHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

struct House {
    folder: TempDir,
    registry: Registry,
    name: ModelName,
    production: Alias,
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let registry = Registry::open(folder.path().to_str().unwrap()).unwrap();
        Self { folder, registry, name: "sentiment".parse().unwrap(), production: "production".parse().unwrap() }
    }

    async fn register(&self, bytes: impl Into<Bytes>) -> ModelVersion {
        self.registry.register(&self.name, bytes.into(), Run::default()).await.unwrap().version
    }

    async fn promote(&self, version: ModelVersion) {
        self.registry.set_alias(&self.name, &self.production, version, "test", "").await.unwrap();
    }

    async fn load(&self) -> Result<(ModelHandle, scorer::ModelFollower), scorer::LoadError> {
        ModelHandle::load(&self.registry, &self.name, &self.production.clone().into()).await
    }
}

fn fitted() -> Model {
    let mut config = ModelConfig::default();
    config.vectorizer.hash_bits = 12;
    config.vectorizer.min_df = 1;
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    let document = |text| Document { title: None, text, features: &[] };
    corpus.push_batch(&[(document("great"), Label::Positive), (document("awful"), Label::Negative)]).unwrap();
    corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0
}

#[tokio::test]
async fn a_moved_alias_changes_the_model_for_every_clone_of_the_handle() {
    let house = House::new();
    let first = house.register(fitted().to_bytes()).await;
    house.promote(first).await;
    let (handle, mut follower) = house.load().await.unwrap();
    let (clone, before) = (handle.clone(), handle.current());
    assert_eq!(before.reference.version, first);
    assert_eq!(before.sha256.len(), 64);

    let second = house.register(fitted().to_bytes()).await;
    follower.look().await;
    assert_eq!(handle.current().reference.version, first, "a version that nobody promoted changes nothing");
    house.promote(second).await;
    follower.look().await;
    assert_eq!(handle.current().reference.version, second);
    assert_eq!(clone.current().reference.version, second);
    assert_eq!(before.reference.version, first, "who holds the old model goes on with it");
}

#[tokio::test]
async fn a_version_that_is_no_model_leaves_the_old_one_in_service() {
    let house = House::new();
    let good = house.register(fitted().to_bytes()).await;
    house.promote(good).await;
    let (handle, mut follower) = house.load().await.unwrap();
    let bad = house.register(&b"no model"[..]).await;
    house.promote(bad).await;
    follower.look().await;
    follower.look().await;
    assert_eq!(handle.current().reference.version, good);

    let better = house.register(fitted().to_bytes()).await;
    house.promote(better).await;
    follower.look().await;
    assert_eq!(handle.current().reference.version, better);
}

#[tokio::test]
async fn the_follower_polls_until_it_is_told_to_stop() {
    let house = House::new();
    let first = house.register(fitted().to_bytes()).await;
    house.promote(first).await;
    let (handle, follower) = house.load().await.unwrap();
    let token = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(follower.run(Duration::from_millis(5), token.clone()));
    let second = house.register(fitted().to_bytes()).await;
    house.promote(second).await;
    let changed = async {
        while handle.current().reference.version != second {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), changed).await.expect("the change is seen");
    token.cancel();
    tasks.join_next().await.unwrap().unwrap();
    assert_eq!(handle.current().reference.version, second, "the model outlives its follower");
}

#[tokio::test]
async fn without_a_model_the_error_says_how_to_get_one() {
    let house = House::new();
    let error = house.load().await.unwrap_err().to_string();
    let folder = house.folder.path().display();
    let expected = format!(
        "no model \"sentiment\" has the alias \"production\" in {folder}: train one with plaudit train --input FILE --promote"
    );
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_model_that_nobody_promoted_is_named_with_the_way_to_do_it() {
    let house = House::new();
    house.register(fitted().to_bytes()).await;
    let error = house.load().await.unwrap_err().to_string();
    assert!(error.contains("\"production\"") && error.contains("plaudit models promote v1"), "{error}");
}

#[tokio::test]
async fn a_version_that_is_no_model_is_an_error_at_the_start() {
    let house = House::new();
    let bad = house.register(&b"no model"[..]).await;
    house.promote(bad).await;
    let error = house.load().await.unwrap_err().to_string();
    assert!(error.starts_with("cannot use version v1 of \"sentiment\": "), "{error}");
}
