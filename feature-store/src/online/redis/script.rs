//! The script that applies events, made for a view: one text for all, with the view's names and numbers put in, so that a
//! call carries nothing but events.

use super::reply::Request;
use crate::online::feast;
use crate::online::update::Origin;
use crate::views::{Feature, Function, HALVINGS_LIMIT, SERIES_TERMS, Span, View, Views};
use sha1::{Digest, Sha1};

/// The script of a view.
pub(super) struct ViewScript {
    text: String,
    hash: String,
}

impl ViewScript {
    pub(super) fn new(views: &Views, view: &View, origin: Origin) -> Self {
        let lifetime_seconds = views.lifetime(view.entity()).map_or(0, |lifetime| lifetime.as_secs());
        let constants = constants(view, lifetime_seconds, origin);
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

fn constants(view: &View, lifetime_seconds: u64, origin: Origin) -> String {
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

    #[test]
    fn each_view_has_scripts_of_its_own_and_no_marker_is_left() {
        let views = FeaturesConfig::default().parse().unwrap();
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
