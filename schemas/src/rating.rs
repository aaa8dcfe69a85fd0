//! Stars, 1 to 5, and the label that follows from them.

use crate::Label;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A rating from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rating(f64);

impl Rating {
    /// A rating, when the number lies in 1 to 5.
    pub fn new(stars: f64) -> Option<Self> {
        (1.0..=5.0).contains(&stars).then_some(Self(stars))
    }

    /// The number of stars.
    pub fn stars(self) -> f64 {
        self.0
    }

    /// From 4 up positive, up to 2 negative; between them there is no telling.
    pub fn label(self) -> Option<Label> {
        if self.0 >= 4.0 {
            Some(Label::Positive)
        } else if self.0 <= 2.0 {
            Some(Label::Negative)
        } else {
            None
        }
    }
}

impl Serialize for Rating {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 { serializer.serialize_u8(self.0 as u8) } else { serializer.serialize_f64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Rating {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stars = f64::deserialize(deserializer)?;
        Self::new(stars).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Float(stars), &"a number from 1 to 5"))
    }
}

impl schemars::JsonSchema for Rating {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rating".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number", "minimum": 1, "maximum": 5, "description": "stars, 1 to 5"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_1_to_5_is_a_rating() {
        for stars in [0.0, 0.999, 5.001, 6.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rating::new(stars), None, "{stars}");
        }
        assert_eq!(Rating::new(1.0).map(Rating::stars), Some(1.0));
        assert_eq!(Rating::new(5.0).map(Rating::stars), Some(5.0));
    }

    #[test]
    fn a_label_follows_from_4_up_and_from_2_down() {
        let label = |stars| Rating::new(stars).and_then(Rating::label);
        assert_eq!([1.0, 2.0].map(label), [Some(Label::Negative); 2]);
        assert_eq!([2.1, 3.0, 3.9].map(label), [None; 3]);
        assert_eq!([4.0, 4.5, 5.0].map(label), [Some(Label::Positive); 3]);
    }
}
