//! Somebody or something that has features.

use crate::views::EntityKind;

/// A product or a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity<'a> {
    /// Which of them.
    pub kind: EntityKind,
    /// The id.
    pub id: &'a str,
}

impl<'a> Entity<'a> {
    /// A product.
    pub fn product(id: &'a str) -> Self {
        Self { kind: EntityKind::Product, id }
    }

    /// A user.
    pub fn user(id: &'a str) -> Self {
        Self { kind: EntityKind::User, id }
    }
}

/// The entities that a review names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewEntities<'a> {
    /// What is reviewed.
    pub product_id: Option<&'a str>,
    /// Who reviews.
    pub user_id: Option<&'a str>,
}

impl<'a> ReviewEntities<'a> {
    pub(super) fn entities(self) -> impl Iterator<Item = Entity<'a>> {
        self.product_id.map(Entity::product).into_iter().chain(self.user_id.map(Entity::user))
    }
}
