//! Is there a broker, and does it have the topics? One sentence when not, in place of librdkafka's endless retries.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use super::access::Access;
use super::config::KafkaConfig;
use super::error::Error;

/// How long librdkafka may wait before it is asked what went wrong meanwhile.
const STEP: Duration = Duration::from_millis(200);

impl KafkaConfig {
    /// One sentence when no broker answers within this time, or when it refuses the credentials.
    pub fn check_reachable(&self, within: Duration) -> Result<(), Error> {
        metadata(self, within).map(drop)
    }

    /// One sentence when a topic is hidden from this client: it may exist or not.
    pub fn check_visible(&self, topics: &[&str]) -> Result<(), Error> {
        Cluster::new(self)?.check_visible(topics, self.connect_timeout())
    }

    /// One sentence when a topic does not exist, with `advice` on how to create it. Needs the broker within the
    /// connect timeout.
    pub fn check_topics(&self, topics: &[&str], advice: &str) -> Result<(), Error> {
        let cluster = Cluster::new(self)?;
        let metadata = cluster.metadata(self.connect_timeout())?;
        let is_missing = |topic: &&&str| !metadata.topics().iter().any(|found| found.name() == **topic);
        let missing: Vec<&str> = topics.iter().filter(is_missing).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        cluster.check_visible(&missing, self.connect_timeout())?;
        let missing = missing.into_iter().map(str::to_owned).collect();
        Err(Error::MissingTopics { topics: missing, brokers: self.brokers.clone(), advice: advice.to_owned() })
    }
}

/// All brokers and topics of the cluster. Asking for all of them creates none.
pub(super) fn metadata(kafka: &KafkaConfig, within: Duration) -> Result<Metadata, Error> {
    Cluster::new(kafka)?.metadata(within)
}

/// A client that asks what there is, for those who ask more than once.
pub(super) struct Cluster {
    brokers: String,
    producer: BaseProducer<Quiet>,
}

impl Cluster {
    /// Does not connect yet.
    pub(super) fn new(kafka: &KafkaConfig) -> Result<Self, Error> {
        let mut config = kafka.producer();
        // Who writes nothing need not be allowed to.
        config.set("enable.idempotence", "false");
        let producer = config
            .create_with_context(Quiet::default())
            .map_err(|source| Error::client("create a Kafka client", source))?;
        Ok(Self { brokers: kafka.brokers.clone(), producer })
    }

    /// All brokers and topics as they are now.
    pub(super) fn metadata(&self, within: Duration) -> Result<Metadata, Error> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.producer.client().fetch_metadata(None, STEP.min(left)) {
                Ok(metadata) => return Ok(metadata),
                Err(source) => tracing::trace!("no metadata yet: {source}"),
            }
            self.producer.poll(Duration::ZERO);
            let cause = self.producer.context().last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let brokers = self.brokers.clone();
            match cause.verdict {
                Verdict::Refused => return Err(Error::Refused { brokers, cause: cause.reason }),
                Verdict::Untrusted => return Err(Error::Untrusted { brokers }),
                Verdict::None => {}
            }
            if left.is_zero() {
                return Err(Error::Unreachable { brokers, within, cause: cause.reason });
            }
        }
    }

    /// A list of all topics leaves out those that this client may not see. Asked for by name, a broker says that they are
    /// hidden, whether they exist or not.
    pub(super) fn check_visible(&self, topics: &[&str], within: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + within;
        for topic in topics {
            let left = deadline.saturating_duration_since(Instant::now()).max(STEP);
            let answer = self.producer.client().fetch_metadata(Some(topic), left);
            let answer = answer.map_err(|source| Error::client("ask for a topic", source))?;
            let code = answer.topics().iter().find(|found| found.name() == *topic).and_then(|found| found.error());
            if let Some(error) = code.and_then(|code| Error::refused(code.into(), &[Access::describe_topic(*topic)])) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Keeps what librdkafka says about a connection instead of logging it: the caller reports it once.
#[derive(Default)]
struct Quiet {
    last: Mutex<Cause>,
}

#[derive(Default, Clone)]
struct Cause {
    reason: String,
    verdict: Verdict,
}

/// What no waiting heals.
#[derive(Default, Clone, Copy)]
enum Verdict {
    #[default]
    None,
    /// By the broker, because of who we are.
    Refused,
    /// By us, because of what the broker is.
    Untrusted,
}

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", "{facility} {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode as Code;
        // "1/1 brokers are down" says less than the line before it.
        if matches!(error.rdkafka_error_code(), Some(Code::AllBrokersDown)) {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.verdict = match error.rdkafka_error_code() {
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => Verdict::Refused,
            Some(Code::SSL) if reason.contains("certificate verify failed") => Verdict::Untrusted,
            _ => Verdict::None,
        };
        // "sasl_ssl://host:9093/bootstrap: cause (after 3ms in state CONNECT)": the cause is what matters.
        let cause = reason.split_once(": ").map_or(reason, |(_, cause)| cause);
        last.reason = cause.split(" (after ").next().unwrap_or(cause).to_owned();
    }
}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, _: ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::EmbeddedBroker;

    /// A port that nobody listens on: it was free a moment ago.
    fn closed_port() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn an_absent_broker_gives_one_sentence_in_time() {
        let brokers = format!("127.0.0.1:{}", closed_port());
        let within = Duration::from_millis(600);
        let start = Instant::now();
        let error = KafkaConfig::new(&brokers, "app").check_reachable(within).unwrap_err();
        assert!(start.elapsed() < within + Duration::from_secs(2), "took {:?}", start.elapsed());
        let message = error.to_string();
        assert!(message.starts_with(&format!("no Kafka broker answers at {brokers} within 0.6 s (")), "{message}");
        assert!(message.contains("refused") && !message.contains('\n'), "{message}");
    }

    #[test]
    fn a_missing_topic_is_named_with_the_advice() {
        let broker = EmbeddedBroker::start(&[("here", 1)]).unwrap();
        let kafka = broker.config("app");
        kafka.check_topics(&["here"], "").unwrap();
        let message = kafka.check_topics(&["here", "gone"], "create it with make topics").unwrap_err().to_string();
        let expected = format!("topic \"gone\" does not exist at {}; create it with make topics", broker.brokers());
        assert_eq!(message, expected);
        // Asking must not have created it.
        assert!(kafka.check_topics(&["gone"], "").is_err());
    }
}
