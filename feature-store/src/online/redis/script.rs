//! The script that applies events, made for a view: one text for all, with the view's names and numbers put in, so that a
//! call carries nothing but events.

use super::reply::Request;
use crate::online::feast;
use crate::online::update::Origin;
use crate::views::{EntityKind, Feature, Function, HALVINGS_LIMIT, SERIES_TERMS, Span, View, Views};
use sha1::{Digest, Sha1};

/// An expired key must have been stale in every view; see [`lifetime_seconds`].
const LIFETIMES_OF_A_TTL: i64 = 2;

/// The script of a view.
pub(super) struct ViewScript {
    text: String,
    hash: String,
}

impl ViewScript {
    pub(super) fn new(views: &Views, view: &View, origin: Origin) -> Self {
        let constants = constants(view, lifetime_seconds(views, view.entity()), origin);
        let (mut values, mut fields) = (String::new(), String::new());
        for (place, feature) in view.features().iter().enumerate() {
            values.push_str(&format!("local value{place} = {}\n", value(feature)));
            let field = quoted(&feast::feature_field(view.name(), feature.name()));
            fields.push_str(&format!(",\n  {field}, {}", encoded(feature, &format!("value{place}"))));
        }
        let text = include_str!("aggregate.lua")
            .replace("--@CONSTANTS\n", &constants)
            .replace("--@FEATURES\n", &format!("{}\n", adoptable(view)))
            .replace("--@VALUES\n", &values)
            .replace("--@FIELDS\n", &format!("{fields}\n"));
        let hash = Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, hash }
    }

    /// What the server knows it by.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// Makes it known to a server.
    pub(super) fn load(&self) -> Request {
        Request::of(&[b"SCRIPT", b"LOAD", self.text.as_bytes()])
    }
}

/// How long a key lives after a write; 0 for ever, as it must when some view of the entity is never stale. Feast keeps all
/// views of an entity under one key, so the longest ttl counts. An event that comes later than that would start anew in any
/// case; twice the ttl leaves as much time again for an ingest that lags behind.
fn lifetime_seconds(views: &Views, entity: EntityKind) -> i64 {
    let longest = views.of(entity).map(View::ttl_millis).reduce(|longest, ttl| longest.zip(ttl).map(|(a, b)| a.max(b)));
    longest.flatten().map_or(0, |millis| LIFETIMES_OF_A_TTL * millis / 1000)
}

fn constants(view: &View, lifetime_seconds: i64, origin: Origin) -> String {
    let half_lives: Vec<String> = view.half_lives_millis().iter().map(f64::to_string).collect();
    format!(
        "local STATE_FIELD, TIME_FIELD = '{}', '{}'\n\
         local HALF_LIVES, LONGEST_WINDOW = {{ {} }}, {}\n\
         local TTL_MILLIS, LIFETIME_SECONDS = {}, {lifetime_seconds}\n\
         local HALVINGS_LIMIT, SERIES_TERMS = {HALVINGS_LIMIT}, {SERIES_TERMS}\n\
         local IS_HISTORY = {}\n",
        state_field(view.name()),
        feast::event_time_field(view.name()),
        half_lives.join(", "),
        view.longest_window_days(),
        view.ttl_millis().unwrap_or(0),
        origin == Origin::History,
    )
}

/// The features that tell something of the state: field, function, and which of the sums they are about.
fn adoptable(view: &View) -> String {
    let features = view.features().iter().filter_map(|feature| {
        let sums = match feature.aggregate().span {
            Span::All => "'all'".to_owned(),
            Span::HalfLife { .. } => (feature.half_life() + 1).to_string(),
            Span::Window { .. } => return None,
        };
        let field = quoted(&feast::feature_field(view.name(), feature.name()));
        Some(format!("{{ {field}, '{}', {sums} }}", feature.aggregate().function.name()))
    });
    format!("{{ {} }}", features.collect::<Vec<_>>().join(", "))
}

/// The expression of a feature's value.
fn value(feature: &Feature) -> String {
    let aggregate = feature.aggregate();
    let (count, sum) = match aggregate.span {
        Span::All => ("count".to_owned(), "sum".to_owned()),
        Span::HalfLife { .. } => {
            let sums = format!("decayed[{}]", feature.half_life() + 1);
            (format!("{sums}[1]"), format!("{sums}[2]"))
        }
        Span::Window { days } => (format!("(window({days}))"), format!("select(2, window({days}))")),
    };
    match aggregate.function {
        Function::Count => count,
        Function::Sum => sum,
        Function::Mean => format!("{sum} / {count}"),
        Function::Last => "last".to_owned(),
    }
}

/// The expression of a value's bytes. A value that no event speaks for is Feast's null.
fn encoded(feature: &Feature, value: &str) -> String {
    if feature.aggregate().is_whole() {
        format!(
            "{value} < 128 and char(0x20, {value}) or \
             {value} < 16384 and char(0x20, {value} % 128 + 128, floor({value} / 128)) or long({value})"
        )
    } else {
        format!("{value} == {value} and pack('<Bd', 0x29, {value}) or ''")
    }
}

/// Any bytes as a string of Lua.
fn quoted(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
    format!("'{escaped}'")
}

/// The field that holds what Feast has no name for.
pub(super) fn state_field(view: &str) -> String {
    format!("_agg:{view}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::FeaturesConfig;

    fn views(ttl_days: [u32; 2]) -> Views {
        let mut config = FeaturesConfig::default();
        let product_stats = config.views["product_stats"].clone();
        config.views.insert("product_more".to_owned(), product_stats);
        for (name, ttl_days) in ["product_stats", "product_more"].into_iter().zip(ttl_days) {
            config.views.get_mut(name).unwrap().ttl_days = Some(ttl_days);
        }
        config.parse().unwrap()
    }

    #[test]
    fn a_key_outlives_the_longest_ttl_of_its_views_and_for_ever_where_one_has_none() {
        const DAY: i64 = 86_400;
        for (ttl_days, expected) in [([3, 7], 14 * DAY), ([7, 3], 14 * DAY), ([0, 7], 0), ([7, 0], 0), ([0, 0], 0)] {
            assert_eq!(lifetime_seconds(&views(ttl_days), EntityKind::Product), expected, "{ttl_days:?}");
        }
        assert_eq!(lifetime_seconds(&views([1, 1]), EntityKind::User), 0);
    }

    #[test]
    fn each_view_has_scripts_of_its_own_and_no_marker_is_left() {
        let views = views([0, 0]);
        let origins = [Origin::Live, Origin::History].into_iter();
        let scripts: Vec<_> = origins
            .flat_map(|origin| views.iter().map(move |view| (view, origin)))
            .map(|(view, origin)| ViewScript::new(&views, view, origin))
            .collect();
        assert!(scripts.iter().all(|script| !script.text.contains("--@")));
        let hashes: std::collections::HashSet<_> = scripts.iter().map(|script| &script.hash).collect();
        assert_eq!(hashes.len(), scripts.len());
    }
}
