//! Somebody or something that has features.

use crate::views::{EntityKind, Views};

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
    /// Those that have a name: see [`is_id`].
    pub(super) fn entities(self) -> impl Iterator<Item = Entity<'a>> {
        let named = self.product_id.map(Entity::product).into_iter().chain(self.user_id.map(Entity::user));
        named.filter(|entity| is_id(entity.id))
    }

    /// Whether there are views of any of them.
    pub fn is_known_to(self, views: &Views) -> bool {
        self.entities().any(|entity| views.know(entity.kind))
    }
}

/// Whether a text names somebody or something. A blank one is what shops write for nobody: all who have none would be one,
/// with the features of a crowd. The same online and in history.
pub(crate) fn is_id(text: &str) -> bool {
    !text.trim().is_empty()
}
