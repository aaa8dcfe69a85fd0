//! What is to be known of products and users: views by configuration, and how events become their values. Plain data and
//! arithmetic without I/O or clock, because three places must come to the same bits from the same events: the store in
//! memory, the script in Redis, and the join that makes history for training.
//!
//! ```
//! use feature_store::views::{Event, FeaturesConfig, State};
//! use schemas::Timestamp;
//!
//! let views = FeaturesConfig::default().parse()?;
//! let product_stats = views.get("product_stats").expect("one of the defaults");
//! let mut state = State::new(product_stats);
//! for (value, millis) in [(5.0, 1_000), (2.0, 2_000)] {
//!     let event_time = Timestamp::from_epoch_millis(millis).expect("within the range");
//!     state.apply(product_stats, &Event { value, event_time });
//! }
//! let names: Vec<&str> = product_stats.features().iter().map(|feature| feature.full_name()).collect();
//! assert_eq!(names, ["product_stats.rating_count", "product_stats.rating_mean"]);
//! assert_eq!(state.values(product_stats), [2.0, 3.5]);
//! # Ok::<(), feature_store::views::InvalidViews>(())
//! ```

mod aggregate;
mod config;
mod decay;
mod future;
mod state;
mod view;

pub use aggregate::{Aggregate, Function, Span};
pub use config::{FeatureConfig, FeaturesConfig, InvalidViews, ViewConfig};
pub(crate) use decay::{HALVINGS_LIMIT, SERIES_TERMS};
pub use future::is_future;
pub use state::{Event, State, value_of_label};
pub use view::{EntityKind, EventSource, Feature, FeatureNames, View, Views};

/// Days are UTC days, and a ttl counts them in full.
pub(crate) const DAY_MILLIS: i64 = 86_400_000;
