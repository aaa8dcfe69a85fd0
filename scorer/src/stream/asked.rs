//! The features of a batch, asked for while the batch before is scored.

use super::work::Decoded;
use crate::features::Features;
use feature_store::online::FeatureBatch;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// A batch that is decoded, and whose features are on their way.
pub(super) struct Asked {
    decoded: Arc<Vec<Decoded>>,
    features: Features,
    reading: JoinHandle<FeatureBatch>,
}

impl Asked {
    pub(super) fn new(features: &Features, runtime: &Handle, decoded: Vec<Decoded>) -> Self {
        let decoded = Arc::new(decoded);
        let (store, reviews) = (features.clone(), decoded.clone());
        let reading = runtime.spawn(async move { store.read(&entities(&reviews)).await });
        Self { decoded, features: features.clone(), reading }
    }

    /// The reviews, with the features of each. Those whose reading ends by a panic are not available: a fault of that kind is no
    /// reason to score nothing.
    pub(super) fn wait(self, runtime: &Handle) -> (Arc<Vec<Decoded>>, FeatureBatch) {
        let Self { decoded, features, reading } = self;
        let found = runtime.block_on(reading).unwrap_or_else(|panic| {
            tracing::error!("{} reviews are scored without features: {panic}", decoded.len());
            features.unavailable(&entities(&decoded))
        });
        assert_eq!(found.len(), decoded.len(), "each review has an answer");
        (decoded, found)
    }
}

/// The product and the user of each review.
fn entities(decoded: &[Decoded]) -> Vec<(Option<&str>, Option<&str>)> {
    let reviews = decoded.iter().map(|review| match review {
        Ok(review) => (review.product_id.as_deref(), review.user_id.as_deref()),
        Err(_) => (None, None),
    });
    reviews.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::online::OnlineStore;
    use feature_store::views::FeaturesConfig;
    use schemas::{FeaturesStatus, Review};

    #[test]
    fn features_whose_reading_panics_are_not_available() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let features = Features::from_store(OnlineStore::memory(&FeaturesConfig::default().parse().unwrap()));
        let review = |entity: &str| {
            let text = format!(r#"{{"review_id": "r", "text": "t", "created_at": 0{entity}}}"#);
            Ok(Review::decode(text.as_bytes()).unwrap())
        };
        let decoded = vec![review(r#", "product_id": "p""#), review("")];
        let mut asked = Asked::new(&features, runtime.handle(), decoded);
        asked.reading = runtime.spawn(async { panic!("a fault") });
        let (_, found) = asked.wait(runtime.handle());
        let statuses: Vec<FeaturesStatus> = found.iter().map(|features| features.status).collect();
        assert_eq!(statuses, [FeaturesStatus::Unavailable, FeaturesStatus::None]);
    }
}
