//! `plaudit features get`: what the online store knows of some products and users right now.

use crate::config::Config;
use crate::output::{Output, Table};
use crate::usage::WrongUsage;
use feature_store::online::{Entity, OnlineStore, Reading, ViewReading};
use feature_store::views::{EntityKind, Feature, View, Views};
use schemas::Timestamp;
use serde::Serialize;
use std::fmt;

/// Show what the online store knows of products and users: values, event times, statuses
#[derive(clap::Args)]
#[command(after_help = "\
STATUS is present, stale (the latest event is older than the view's ttl: predictions leave the
values out), missing (nothing is known) or unavailable (the store did not answer in time, and the
exit code is 1). EVENT TIME is that of the latest event in the values.

The store is the one of redis.url, the views are those of features.views.

Examples:
  plaudit features get product=B00005N7P0
  plaudit features get product=B00005N7P0 user=A2M1CU2IRZG0K9
  plaudit features get user=A2M1CU2IRZG0K9 --set redis.url=redis://localhost:6379 --json")]
pub struct Args {
    /// product=ID or user=ID; repeat for more
    #[arg(required = true, value_name = "product=ID | user=ID", value_parser = selected)]
    entities: Vec<Selected>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Selected {
    kind: EntityKind,
    id: String,
}

fn selected(text: &str) -> Result<Selected, String> {
    let kind = |name: &str| match name {
        "product" | "product_id" => Some(EntityKind::Product),
        "user" | "user_id" => Some(EntityKind::User),
        _ => None,
    };
    let found = text.split_once('=').and_then(|(name, id)| Some((kind(name)?, id))).filter(|(_, id)| !id.is_empty());
    let (kind, id) = found.ok_or("write product=ID or user=ID, such as product=B00005N7P0")?;
    Ok(Selected { kind, id: id.to_owned() })
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    if !config.redis.is_enabled() {
        let advice = "there is no online store: set redis.url, such as --set redis.url=redis://localhost:6379";
        return Err(WrongUsage(advice.to_owned()).into());
    }
    let views = config.features.parse()?;
    let store = OnlineStore::connect(&config.redis, &views).await?;
    let entities: Vec<Entity<'_>> =
        args.entities.iter().map(|selected| Entity { kind: selected.kind, id: &selected.id }).collect();
    let readings = store.read(&entities, Timestamp::now()).await;
    let known = Known {
        entities: entities
            .iter()
            .zip(&readings.entities)
            .map(|(entity, reading)| known(&views, entity, reading))
            .collect(),
        undecodable: readings.undecodable,
    };
    args.output.result(&known)?;
    match readings.error {
        // What could be had stands above.
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// What the store knows, for people or as JSON.
#[derive(Serialize)]
struct Known<'a> {
    entities: Vec<KnownEntity<'a>>,
    /// Rows that count as missing because they cannot be decoded.
    undecodable: usize,
}

#[derive(Serialize)]
struct KnownEntity<'a> {
    entity: EntityKind,
    id: &'a str,
    views: Vec<KnownView<'a>>,
}

#[derive(Serialize)]
struct KnownView<'a> {
    view: &'a str,
    status: &'static str,
    event_time: Option<Timestamp>,
    features: Vec<KnownFeature<'a>>,
}

#[derive(Serialize)]
struct KnownFeature<'a> {
    name: &'a str,
    value: Option<Number>,
}

/// Counts are shown as the whole numbers that they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Fraction(f64),
}

fn known<'a>(views: &'a Views, entity: &Entity<'a>, reading: &'a Reading) -> KnownEntity<'a> {
    let views = views.of(entity.kind).zip(&reading.views).map(|(view, reading)| known_view(view, reading));
    KnownEntity { entity: entity.kind, id: entity.id, views: views.collect() }
}

fn known_view<'a>(view: &'a View, reading: &'a ViewReading) -> KnownView<'a> {
    let (status, values) = match reading {
        ViewReading::Present(values) => ("present", Some(values)),
        ViewReading::Stale(values) => ("stale", Some(values)),
        ViewReading::Missing => ("missing", None),
        ViewReading::Unavailable => ("unavailable", None),
    };
    let value = |place: usize, feature: &Feature| {
        let value = values.and_then(|values| values.values[place])?;
        Some(if feature.aggregate().is_whole() { Number::Whole(value as i64) } else { Number::Fraction(value) })
    };
    let features = view.features().iter().enumerate();
    let features =
        features.map(|(place, feature)| KnownFeature { name: feature.full_name(), value: value(place, feature) });
    KnownView {
        view: view.name(),
        status,
        event_time: values.map(|values| values.event_time),
        features: features.collect(),
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(number) => write!(f, "{number}"),
            Number::Fraction(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(["ENTITY", "FEATURE", "VALUE", "STATUS", "EVENT TIME"]);
        for entity in &self.entities {
            for view in &entity.views {
                for feature in &view.features {
                    table.row([
                        format!("{}={}", entity.entity, entity.id),
                        feature.name.to_owned(),
                        feature.value.map_or_else(|| "-".to_owned(), |value| value.to_string()),
                        view.status.to_owned(),
                        view.event_time.map_or_else(|| "-".to_owned(), |time| time.to_string()),
                    ]);
                }
            }
        }
        write!(f, "{table}")?;
        for entity in self.entities.iter().filter(|entity| entity.views.is_empty()) {
            writeln!(f, "no view of features.views is about a {}", entity.entity)?;
        }
        if self.undecodable > 0 {
            let rows = self.undecodable;
            writeln!(
                f,
                "{rows} of these cannot be decoded and count as missing: somebody else wrote under those keys"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_a_kind_and_an_id() {
        let product = |id: &str| Selected { kind: EntityKind::Product, id: id.to_owned() };
        assert_eq!(selected("product=B1"), Ok(product("B1")));
        assert_eq!(selected("product_id=a=b c"), Ok(product("a=b c")));
        assert_eq!(selected("user=u").unwrap().kind, EntityKind::User);
        for wrong in ["", "B1", "product=", "shop=1", "=1"] {
            assert!(selected(wrong).unwrap_err().contains("product=ID"), "{wrong}");
        }
    }
}
