//! The two classes of a binary decision. Their names in predictions are configuration; this is what they mean.

use serde::{Deserialize, Deserializer, Serialize, de};

/// A class. `Positive` is the one whose probability a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// The class with probability `1 - p`.
    Negative,
    /// The class with probability `p`.
    Positive,
}

impl Label {
    /// Reads a label as people write it in files: 0/1, neg/pos, negative/positive, false/true, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_any_of = |forms: &[&str]| forms.iter().any(|form| text.eq_ignore_ascii_case(form));
        if is_any_of(&["0", "0.0", "neg", "negative", "false"]) {
            Some(Self::Negative)
        } else if is_any_of(&["1", "1.0", "pos", "positive", "true"]) {
            Some(Self::Positive)
        } else {
            None
        }
    }

    /// Whether this is the positive class.
    pub fn is_positive(self) -> bool {
        self == Self::Positive
    }

    /// The class with the higher probability.
    pub fn from_probability(probability_of_positive: f64) -> Self {
        if probability_of_positive >= 0.5 { Self::Positive } else { Self::Negative }
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Label;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a label: 0 or 1, neg or pos, negative or positive, false or true")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Label, E> {
                Label::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Label, E> {
                Ok(if value { Label::Positive } else { Label::Negative })
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Label, E> {
                match value {
                    0 => Ok(Label::Negative),
                    1 => Ok(Label::Positive),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(value), &self)),
                }
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Label, E> {
                Err(E::invalid_value(de::Unexpected::Signed(value), &self))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Label, E> {
                if value == 0.0 {
                    Ok(Label::Negative)
                } else if value == 1.0 {
                    Ok(Label::Positive)
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(value), &self))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for Label {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Label".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "negative or positive (as written); the other forms are also read, text in any case",
            "enum": ["negative", "positive", "neg", "pos", "false", "true", "0", "1", "0.0", "1.0", 0, 1, false, true]
        })
    }
}
