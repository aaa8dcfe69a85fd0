//! The names of the topics. Each is configuration; the roles are not.

use serde::{Deserialize, Serialize};

/// The topics' names, section `[topics]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// Reviews to score.
    pub reviews: String,
    /// Predictions, one per review.
    pub predictions: String,
    /// Labels.
    pub feedback: String,
    /// What is in production now, compacted.
    pub models: String,
    /// Alerts.
    pub drift: String,
}

impl Topics {
    /// Where records of `topic` go that cannot be processed.
    pub fn dead_letters_of(topic: &str) -> String {
        format!("{topic}.dlq")
    }

    /// What is wrong with the names, if anything: Kafka takes 1 to 249 of `a-z A-Z 0-9 . _ -` except `.` and
    /// `..`, and two roles in one topic would read each other's records.
    pub fn check(&self) -> Result<(), String> {
        let named = [
            ("reviews", &self.reviews),
            ("predictions", &self.predictions),
            ("feedback", &self.feedback),
            ("models", &self.models),
            ("drift", &self.drift),
        ];
        for (i, (role, name)) in named.iter().enumerate() {
            let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
            // 245: room for `.dlq`.
            if !(1..=245).contains(&name.len()) || !name.bytes().all(fits) || matches!(name.as_str(), "." | "..") {
                return Err(format!(
                    "topics.{role} = \"{name}\" is no name for a topic: \
                     use 1 to 245 letters, digits, dots, underscores or hyphens"
                ));
            }
            if let Some((other, _)) = named[..i].iter().find(|(_, earlier)| earlier == name) {
                return Err(format!("topics.{role} and topics.{other} are both \"{name}\": give each its own topic"));
            }
            if let Some((other, _)) = named.iter().find(|(_, other)| **name == Self::dead_letters_of(other)) {
                return Err(format!(
                    "topics.{role} = \"{name}\" is where the dead letters of topics.{other} go: give it another name"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        let [reviews, predictions, feedback, models, drift] =
            ["reviews", "predictions", "feedback", "models", "drift"].map(str::to_owned);
        Topics { reviews, predictions, feedback, models, drift }
    }

    #[test]
    fn names_that_kafka_takes_are_fine() {
        assert_eq!(topics().check(), Ok(()));
        assert_eq!(Topics { reviews: "eu.shop_Reviews-2".to_owned(), ..topics() }.check(), Ok(()));
        assert_eq!(Topics { reviews: "r".repeat(245), ..topics() }.check(), Ok(()));
    }

    #[test]
    fn a_name_that_kafka_refuses_is_named_with_its_key() {
        for name in ["", ".", "..", "a b", "a/b", "bücher", &"r".repeat(246)] {
            let refusal = Topics { feedback: name.to_owned(), ..topics() }.check().unwrap_err();
            assert!(refusal.starts_with(&format!("topics.feedback = \"{name}\" is no name for a topic")), "{refusal}");
        }
    }

    #[test]
    fn two_roles_never_share_a_topic() {
        let refusal = Topics { drift: "reviews".to_owned(), ..topics() }.check().unwrap_err();
        assert_eq!(refusal, "topics.drift and topics.reviews are both \"reviews\": give each its own topic");

        let refusal = Topics { reviews: "drift.dlq".to_owned(), ..topics() }.check().unwrap_err();
        assert_eq!(
            refusal,
            "topics.reviews = \"drift.dlq\" is where the dead letters of topics.drift go: give it another name"
        );
    }
}
