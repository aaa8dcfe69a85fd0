//! What Kafka's ACLs allow: an operation on a resource. librdkafka's errors say that one was refused and name neither; whoever
//! makes a call says here what it takes, so that the error can.

use std::fmt;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::error::Error;

/// An operation on a resource, in the words of Kafka's ACLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    operation: Operation,
    resource: Resource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Describe,
    Read,
    Write,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Resource {
    Topic(String),
    Group(String),
    TransactionalId(String),
}

impl Access {
    /// To make this topic.
    pub fn create_topic(name: impl Into<String>) -> Self {
        Self { operation: Operation::Create, resource: Resource::Topic(name.into()) }
    }

    /// To see that this topic is there. Who may read or write it may do this too.
    pub fn describe_topic(name: impl Into<String>) -> Self {
        Self { operation: Operation::Describe, resource: Resource::Topic(name.into()) }
    }

    /// To fetch records from this topic.
    pub fn read_topic(name: impl Into<String>) -> Self {
        Self { operation: Operation::Read, resource: Resource::Topic(name.into()) }
    }

    /// To send records to this topic.
    pub fn write_topic(name: impl Into<String>) -> Self {
        Self { operation: Operation::Write, resource: Resource::Topic(name.into()) }
    }

    /// To find the coordinator of this group, which librdkafka does for every consumer with a group's name.
    pub fn describe_group(name: impl Into<String>) -> Self {
        Self { operation: Operation::Describe, resource: Resource::Group(name.into()) }
    }

    /// To be a member of this group and to commit its offsets.
    pub fn read_group(name: impl Into<String>) -> Self {
        Self { operation: Operation::Read, resource: Resource::Group(name.into()) }
    }

    /// To write in transactions under this id.
    pub fn write_transactional_id(id: impl Into<String>) -> Self {
        Self { operation: Operation::Write, resource: Resource::TransactionalId(id.into()) }
    }

    /// The topic, if it is about one.
    pub fn topic(&self) -> Option<&str> {
        match &self.resource {
            Resource::Topic(name) => Some(name),
            Resource::Group(_) | Resource::TransactionalId(_) => None,
        }
    }

    /// Whether a broker that answers with this code has refused it.
    fn is_refused_by(&self, code: RDKafkaErrorCode) -> bool {
        use RDKafkaErrorCode as Code;
        match (code, &self.resource, self.operation) {
            (Code::TopicAuthorizationFailed, Resource::Topic(_), _) => true,
            (Code::GroupAuthorizationFailed, Resource::Group(_), _) => true,
            (Code::TransactionalIdAuthorizationFailed, Resource::TransactionalId(_), _) => true,
            // Who may write to no topic at all gets no idempotent producer either.
            (Code::ClusterAuthorizationFailed, Resource::Topic(_), Operation::Write) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.operation {
            Operation::Create => "Create",
            Operation::Describe => "Describe",
            Operation::Read => "Read",
            Operation::Write => "Write to",
        })?;
        match &self.resource {
            Resource::Topic(name) => write!(f, " topic \"{name}\""),
            Resource::Group(name) => write!(f, " group \"{name}\""),
            Resource::TransactionalId(id) => write!(f, " transactional id \"{id}\""),
        }
    }
}

impl Error {
    /// As [`client`](Self::client), for a call that takes these: the one that was refused is named.
    pub fn refused_or_client(action: &'static str, source: KafkaError, needs: &[Access]) -> Self {
        match source.rdkafka_error_code().and_then(|code| Self::refused(code, needs)) {
            Some(error) => error,
            None => Self::client(action, source),
        }
    }

    /// The error of a call that takes these, where the code says that one was refused.
    pub(super) fn refused(code: RDKafkaErrorCode, needs: &[Access]) -> Option<Self> {
        let refused = needs.iter().find(|need| need.is_refused_by(code))?;
        Some(Self::NotAllowed { access: refused.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::ErrorKind;

    #[test]
    fn a_refusal_names_what_was_refused_of_all_that_the_call_takes() {
        use RDKafkaErrorCode as Code;
        let needs = [Access::read_group("g"), Access::write_topic("t"), Access::write_transactional_id("i")];
        for (code, expected) in [
            (Code::TopicAuthorizationFailed, "Write to topic \"t\""),
            (Code::ClusterAuthorizationFailed, "Write to topic \"t\""),
            (Code::GroupAuthorizationFailed, "Read group \"g\""),
            (Code::TransactionalIdAuthorizationFailed, "Write to transactional id \"i\""),
        ] {
            let error = Error::refused_or_client("write", KafkaError::Global(code), &needs);
            let advice = "grant it to the user of kafka.properties, as docs/SECURITY.md says";
            assert_eq!(error.to_string(), format!("not allowed to {expected}; {advice}"));
            assert_eq!(error.kind(), ErrorKind::Fatal);
        }
    }

    #[test]
    fn what_is_no_refusal_stays_what_it_is() {
        let needs = [Access::read_topic("t")];
        let late = KafkaError::Global(RDKafkaErrorCode::RequestTimedOut);
        assert!(matches!(Error::refused_or_client("read", late, &needs), Error::Client { .. }));
        // The cluster has refused something else.
        let other = KafkaError::Global(RDKafkaErrorCode::ClusterAuthorizationFailed);
        assert!(matches!(Error::refused_or_client("read", other, &needs), Error::Client { .. }));
    }
}
