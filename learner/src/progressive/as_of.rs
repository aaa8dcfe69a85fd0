//! What is known of a row's product and user before its own label: the aggregates that serve, kept in memory, which take a
//! rating or label when it comes and not before.

use feature_store::offline::Row;
use feature_store::online::{Entity, MemoryStore, ReviewEntities, Update, ViewReading};
use feature_store::views::Views;
use model::FeatureConfig;
use schemas::{Label, Source, Timestamp};

/// Features as of each row.
pub(super) struct AsOf {
    store: MemoryStore,
    views: Views,
    /// The model's features that views have: the place in the model, the view's name, the place in the view.
    wanted: Vec<(usize, String, usize)>,
    features: usize,
    record: Source,
}

impl AsOf {
    pub(super) fn new(views: &Views, features: &[FeatureConfig]) -> Self {
        let mut wanted = Vec::new();
        for view in views.iter() {
            for (place, feature) in view.features().iter().enumerate() {
                if let Some(of_model) = features.iter().position(|config| config.name == feature.full_name()) {
                    wanted.push((of_model, view.name().to_owned(), place));
                }
            }
        }
        Self {
            store: MemoryStore::new(views),
            views: views.clone(),
            wanted,
            features: features.len(),
            record: Source { topic: "rows".to_owned(), partition: 0, offset: 0 },
        }
    }

    /// Of rows that bring their features along.
    pub(super) fn brought_along(views: &Views) -> Self {
        Self::new(views, &[])
    }

    /// Whether views have all of the features.
    pub(super) fn knows(views: &Views, features: &[FeatureConfig]) -> bool {
        let known =
            |name: &str| views.iter().flat_map(|view| view.features()).any(|feature| feature.full_name() == name);
        features.iter().all(|feature| known(&feature.name))
    }

    /// The values of the model's features for a row, in their order.
    pub(super) fn values(&self, row: &Row, now: Timestamp) -> Vec<f64> {
        if self.wanted.is_empty() {
            return row.features.clone();
        }
        let mut values = vec![f64::NAN; self.features];
        let product = row.product_id.as_deref().map(Entity::product);
        let entities: Vec<Entity<'_>> = product.into_iter().chain(row.user_id.as_deref().map(Entity::user)).collect();
        let readings = self.store.read(&entities, now);
        for (entity, reading) in entities.iter().zip(&readings.entities) {
            for (view, reading) in self.views.of(entity.kind).zip(&reading.views) {
                let ViewReading::Present(present) = reading else { continue };
                for (of_model, _, place) in self.wanted.iter().filter(|(_, name, _)| name == view.name()) {
                    values[*of_model] = present.values[*place].unwrap_or(f64::NAN);
                }
            }
        }
        values
    }

    /// Takes note of a row's rating and label.
    pub(super) fn note(&mut self, row: &Row, label: Label, time: Timestamp) {
        if self.wanted.is_empty() {
            return;
        }
        self.record.offset += 1;
        let entities = ReviewEntities { product_id: row.product_id.as_deref(), user_id: row.user_id.as_deref() };
        let of_rating =
            row.rating.into_iter().flat_map(|rating| Update::of_rating(entities, rating, time, &self.record));
        let updates: Vec<Update<'_>> = of_rating.chain(Update::of_label(entities, label, time, &self.record)).collect();
        self.store.apply(&updates);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::offline::RowPosition;
    use feature_store::views::FeaturesConfig;
    use model::Transform;
    use schemas::Rating;

    fn row(product: &str, stars: f64) -> Row {
        Row {
            review_id: None,
            product_id: Some(product.to_owned()),
            user_id: None,
            title: None,
            text: Some("text".to_owned()),
            rating: Rating::new(stars),
            created_at: None,
            label: None,
            features: Vec::new(),
            extras: Vec::new(),
            problems: Vec::new(),
            position: RowPosition { file: 0, row: 1 },
        }
    }

    #[test]
    fn a_row_sees_the_ratings_before_it_and_not_its_own() {
        let views = FeaturesConfig::default().parse().unwrap();
        let names = ["user_stats.rating_mean", "product_stats.rating_mean", "product_stats.rating_count"];
        let features = names.map(|name| FeatureConfig { name: name.to_owned(), transform: Transform::None });
        let mut as_of = AsOf::new(&views, &features);
        let now = Timestamp::from_epoch_millis(0).unwrap();
        let mut seen = Vec::new();
        for (product, stars) in [("a", 5.0), ("a", 2.0), ("b", 1.0), ("a", 1.0)] {
            let row = row(product, stars);
            let values = as_of.values(&row, now);
            assert!(values[0].is_nan(), "it has no user");
            seen.push((values[1], values[2]));
            as_of.note(&row, Label::Positive, now);
        }
        assert!(seen[0].0.is_nan() && seen[2].0.is_nan());
        assert_eq!((seen[1], seen[3]), ((5.0, 1.0), (3.5, 2.0)));
        let brought = Row { features: vec![4.25], ..row("a", 1.0) };
        assert_eq!(AsOf::brought_along(&views).values(&brought, now), [4.25]);
        let other = FeatureConfig { name: "x.y".to_owned(), transform: Transform::None };
        assert!(AsOf::knows(&views, &features) && !AsOf::knows(&views, &[features[0].clone(), other]));
    }
}
