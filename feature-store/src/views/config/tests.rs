//! Sections as people write them.

use super::*;

fn views(text: &str) -> Result<Views, String> {
    let text = format!("project = 'p'\nttl_days = 3\n{text}");
    let config: FeaturesConfig = toml::from_str(&text).map_err(|error| error.to_string())?;
    config.parse().map_err(|error| error.to_string())
}

const VIEW: &str = "[views.v]\nentity = 'product_id'\nsource = 'reviews'\n";

#[test]
fn every_form_of_a_feature_is_read() {
    let views = views(&format!(
        "{VIEW}features.b = 'mean'\nfeatures.a = 'count'\nfeatures.c = {{ aggregate = 'mean', half_life_days = 30 }}\n\
         features.d = {{ aggregate = 'count', window_days = 7 }}\nfeatures.e = {{ aggregate = 'last' }}\n\
         [views.u]\nentity = 'user_id'\nsource = 'feedback'\nttl_days = 0\nfeatures = {{ positives = 'sum' }}"
    ))
    .unwrap();
    let names: Vec<&str> = views.iter().map(View::name).collect();
    assert_eq!(names, ["u", "v"]);
    let view = views.get("v").unwrap();
    let features: Vec<String> =
        view.features().iter().map(|feature| format!("{} = {}", feature.full_name(), feature.aggregate())).collect();
    assert_eq!(features, ["v.a = count", "v.b = mean", "v.c = mean, half-life 30 d", "v.d = count, 7 d", "v.e = last"]);
    assert_eq!((view.ttl_millis(), view.source()), (Some(3 * DAY_MILLIS), EventSource::Reviews));
    let view = views.get("u").unwrap();
    assert_eq!((view.ttl_millis(), view.entity(), view.source()), (None, EntityKind::User, EventSource::Feedback));
}

#[test]
fn what_is_wrong_is_named_with_its_key_and_what_to_write() {
    for (features, key, advice) in [
        ("x = 'median'", "features.views.v.features.x", "\"count\", \"sum\", \"mean\" or \"last\""),
        ("x = { aggregate = 'p99' }", "features.views.v.features.x", "half_life_days"),
        ("x = { aggregate = 'mean', half_life_days = 0 }", "features.x.half_life_days", "more than 0"),
        ("x = { aggregate = 'mean', half_life_days = nan }", "features.x.half_life_days", "more than 0"),
        ("x = { aggregate = 'mean', window_days = 0 }", "features.x.window_days", "1 to 366"),
        ("x = { aggregate = 'mean', window_days = 367 }", "features.x.window_days", "1 to 366"),
        ("x = { aggregate = 'mean', window_days = 7, half_life_days = 7 }", "features.x", "leave one out"),
        ("x = { aggregate = 'last', window_days = 7 }", "features.x", "ttl_days"),
        ("X = 'count'", "features.views.v.features.X", "a-z"),
        ("'x.y' = 'count'", "features.views.v.features.x.y", "a-z"),
    ] {
        let error = views(&format!("{VIEW}[views.v.features]\n{features}")).unwrap_err();
        assert!(error.contains(key) && error.contains(advice), "{features}: {error}");
    }
    for (section, key) in [
        (format!("{VIEW}features = {{}}"), "features.views.v.features"),
        (format!("{VIEW}ttl_days = 40000\nfeatures.x = 'count'"), "features.views.v.ttl_days"),
        (VIEW.replace("[views.v]", "[views.'v w']") + "features.x = 'count'", "features.views.v w"),
    ] {
        let error = views(&section).unwrap_err();
        assert!(error.contains(key), "{section}: {error}");
    }
}

#[test]
fn shapes_that_make_no_sense_are_refused_by_what_is_expected() {
    for (features, advice) in [
        ("x = 7", "an aggregate such as"),
        ("x = { half_life_days = 7 }", "aggregate"),
        ("x = { aggregate = 'mean', halflife = 7 }", "half_life_days"),
    ] {
        let error = views(&format!("{VIEW}[views.v.features]\n{features}")).unwrap_err();
        assert!(error.contains(advice), "{features}: {error}");
    }
    let error = views("[views.v]\nentity = 'shop_id'\nsource = 'reviews'\nfeatures.x = 'count'").unwrap_err();
    assert!(error.contains("product_id") && error.contains("user_id"), "{error}");
}

#[test]
fn a_view_of_too_many_features_is_refused() {
    let features = |count: usize| (0..count).map(|i| format!("f{i} = 'count'\n")).collect::<String>();
    assert!(views(&format!("{VIEW}[views.v.features]\n{}", features(MOST_FEATURES))).is_ok());
    let error = views(&format!("{VIEW}[views.v.features]\n{}", features(MOST_FEATURES + 1))).unwrap_err();
    assert!(error.contains("features.views.v has 49 features") && error.contains("a view of their own"), "{error}");
}

#[test]
fn no_views_are_no_features() {
    assert_eq!(views("[views]").unwrap().iter().count(), 0);
}

#[test]
fn the_default_is_two_views_of_ratings() {
    let views = FeaturesConfig::default().parse().unwrap();
    let names: Vec<&str> = views.iter().flat_map(View::features).map(|feature| feature.full_name()).collect();
    let expected = [
        "product_stats.rating_count",
        "product_stats.rating_mean",
        "user_stats.rating_count",
        "user_stats.rating_mean",
    ];
    assert_eq!(names, expected);
}

#[test]
fn features_that_share_a_field_in_redis_are_refused() {
    // Found by search: MurmurHash3 has 32 bits.
    let collision = collision();
    let features: String = collision.iter().map(|name| format!("{name} = 'count'\n")).collect();
    let error = views(&format!("{VIEW}[views.v.features]\n{features}")).unwrap_err();
    assert!(error.contains("rename one"), "{error}");
}

/// Two names whose fields are the same.
fn collision() -> [String; 2] {
    let mut known = std::collections::HashMap::new();
    (0_u32..)
        .find_map(|i| {
            let other = known.insert(feast::feature_field("v", &format!("f{i}")), i)?;
            Some([format!("f{other}"), format!("f{i}")])
        })
        .unwrap()
}
