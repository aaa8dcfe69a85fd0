//! The same where the offline store and the registry are in a bucket.

use crate::s3::Bucket;
use crate::world::World;
use feature_store::offline::files_below;

#[test]
fn store_and_registry_may_be_in_a_bucket() {
    let bucket = Bucket::start();
    let mut world = World::with_reviews(1200);
    let offline = world.path("offline");
    for file in files_below(&offline).unwrap() {
        let name = file.strip_prefix(&offline).unwrap().display().to_string();
        bucket.put(&format!("/bucket/offline/{name}"), &std::fs::read(file).unwrap());
    }
    world.environment = bucket.environment();
    world.settings.extend(["offline.url=s3://bucket/offline", "registry.url=s3://bucket/models"].map(str::to_owned));
    let feature = "model.features=[\"product_stats.rating_mean\"]";
    let first = world.json(&["retrain", "--set", feature]);
    assert_eq!((&first["outcome"], &first["rows"]["train"]), (&"promoted".into(), &960.into()), "{first:#}");
    let second = world.json(&["retrain"]);
    assert_eq!((&second["run"], &second["plan"]["production"]), (&2.into(), &"v1".into()), "{second:#}");
    let history = world.json(&["retrain", "history"]);
    assert_eq!(history["runs"].as_array().unwrap().len(), 2);
    let data = &world.json(&["models", "show", "v1"])["run"]["data"];
    assert_eq!(data["paths"][0], "s3://bucket/offline/reviews");
}
