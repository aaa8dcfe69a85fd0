//! Which views there are, what each is about and what it holds. The names are fixed by what Feast and predictions call them.

/// A feature view: aggregates over one kind of entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// By `product_id`.
    ProductStats,
    /// By `user_id`.
    UserStats,
}

impl View {
    /// All views, in the order of their declaration.
    pub const ALL: [View; 2] = [View::ProductStats, View::UserStats];

    /// The name, as Feast knows it.
    pub fn name(self) -> &'static str {
        match self {
            View::ProductStats => "product_stats",
            View::UserStats => "user_stats",
        }
    }

    /// The field of a review that holds the entity's id.
    pub fn join_key(self) -> &'static str {
        match self {
            View::ProductStats => "product_id",
            View::UserStats => "user_id",
        }
    }
}

/// Somebody or something that has features: one row of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity<'a> {
    /// The view.
    pub view: View,
    /// The id.
    pub id: &'a str,
}

impl<'a> Entity<'a> {
    /// A product.
    pub fn product(id: &'a str) -> Self {
        Self { view: View::ProductStats, id }
    }

    /// A user.
    pub fn user(id: &'a str) -> Self {
        Self { view: View::UserStats, id }
    }
}

/// The features of a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatingStats {
    /// How many ratings the entity has got (or given).
    pub rating_count: i64,
    /// Their mean.
    pub rating_mean: f64,
}

impl RatingStats {
    /// The feature names, in the order of [`RatingStats::values`].
    pub const NAMES: [&'static str; 2] = ["rating_count", "rating_mean"];

    /// The values as a model takes them.
    pub fn values(self) -> [f64; 2] {
        [self.rating_count as f64, self.rating_mean]
    }
}
