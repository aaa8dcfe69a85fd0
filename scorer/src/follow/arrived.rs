//! What has come of the topic `models` for one version: which updates wait to be applied, and the last snapshot. Nothing is
//! judged here but whose a record is.

use model::Base;
use rdkafka::Message;
use schemas::{ModelName, ModelState, ModelsKey, ModelsKind, update_headers};
use service::kafka::headers;
use std::collections::BTreeMap;

/// Updates that wait hold at most so many bytes; of what comes above, the number is kept alone, and the registry has the rest.
const MAX_WAITING_BYTES: usize = 64 << 20;

/// A snapshot saves applying more updates than these.
pub(crate) const MANY_UPDATES: u64 = 64;

/// Records of one base.
#[derive(Debug)]
pub(super) struct Arrived {
    name: ModelName,
    base: Base,
    /// The highest number seen.
    latest: u64,
    waiting: BTreeMap<u64, Waiting>,
    waiting_bytes: usize,
    snapshot: Option<ModelState>,
}

/// An update that has come and is not applied yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// None where the registry has them alone.
    pub(super) bytes: Option<Vec<u8>>,
    /// When it was sent, in milliseconds since 1970.
    pub(super) sent_at_millis: Option<i64>,
}

impl Arrived {
    /// Nothing yet, of a version.
    pub(super) fn new(name: ModelName, base: Base) -> Self {
        Self { name, base, latest: 0, waiting: BTreeMap::new(), waiting_bytes: 0, snapshot: None }
    }

    /// Whose records count.
    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    /// The highest number seen.
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// The snapshot with the highest number.
    pub(super) fn snapshot(&self) -> Option<&ModelState> {
        self.snapshot.as_ref()
    }

    /// It is of no use.
    pub(super) fn forget_snapshot(&mut self) {
        self.snapshot = None;
    }

    /// Takes a record of the topic, where it is about this version. The error says why one of this model cannot be read.
    pub(super) fn take(&mut self, record: &impl Message) -> Result<(), String> {
        let Some(key) = record.key().and_then(ModelsKey::parse).filter(|key| key.name == self.name) else {
            return Ok(());
        };
        // A record without a value takes one back that was there.
        let Some(value) = record.payload() else { return Ok(()) };
        match key.kind {
            ModelsKind::Pointer | ModelsKind::Checkpoint => Ok(()),
            ModelsKind::Snapshot => self.take_snapshot(value).map_err(|reason| format!("{key}: {reason}")),
            ModelsKind::Update { .. } => self.take_update(record, value).map_err(|reason| format!("{key}: {reason}")),
        }
    }

    fn take_snapshot(&mut self, value: &[u8]) -> Result<(), String> {
        let state = ModelState::decode(value).map_err(|error| error.to_string())?;
        let is_ours = state.name == self.name && state.version == self.base.version && state.sha256 == self.base.sha256;
        if is_ours && self.snapshot.as_ref().is_none_or(|known| known.update < state.update) {
            self.latest = self.latest.max(state.update);
            // Whoever is that far behind takes the snapshot: what has room is what comes after it.
            self.forget_to(state.update.saturating_sub(MANY_UPDATES));
            self.snapshot = Some(state);
        }
        Ok(())
    }

    fn take_update(&mut self, record: &impl Message, value: &[u8]) -> Result<(), String> {
        let header = |name| {
            let text = record.headers().and_then(|all| headers::text(all, name));
            text.ok_or_else(|| format!("the update has no header `{name}`"))
        };
        let (version, sha256) = (header(update_headers::VERSION)?, header(update_headers::SHA256)?);
        if version != self.base.version.to_string() || sha256 != self.base.sha256 {
            return Ok(());
        }
        let number: u64 = header(update_headers::NUMBER)?.parse().map_err(|_| "its number is none".to_owned())?;
        self.latest = self.latest.max(number);
        let fits = !value.is_empty() && self.waiting_bytes + value.len() <= MAX_WAITING_BYTES;
        let waiting = Waiting { bytes: fits.then(|| value.to_vec()), sent_at_millis: record.timestamp().to_millis() };
        self.waiting_bytes += waiting.size_bytes();
        if let Some(before) = self.waiting.insert(number, waiting) {
            self.waiting_bytes -= before.size_bytes();
        }
        Ok(())
    }

    /// Whether the update with this number waits.
    pub(super) fn has(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }

    /// The update with this number, as far as it has come.
    pub(super) fn remove(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        self.waiting_bytes -= waiting.size_bytes();
        Some(waiting)
    }

    /// Forgets what is in the model: all updates up to this number.
    pub(super) fn forget_to(&mut self, number: u64) {
        while let Some(first) = self.waiting.first_entry().filter(|first| *first.key() <= number) {
            self.waiting_bytes -= first.remove().size_bytes();
        }
    }
}

impl Waiting {
    fn size_bytes(&self) -> usize {
        self.bytes.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp;
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
    use schemas::ModelVersion;

    fn arrived() -> Arrived {
        Arrived::new("sentiment".parse().unwrap(), Base { version: ModelVersion(3), sha256: "a".repeat(64) })
    }

    fn record(key: &str, value: Option<&[u8]>, headers: &[(&str, &str)]) -> OwnedMessage {
        let with = |all: OwnedHeaders, &(key, value): &(&str, &str)| all.insert(Header { key, value: Some(value) });
        let headers = headers.iter().fold(OwnedHeaders::new(), with);
        let (key, value) = (Some(key.as_bytes().to_vec()), value.map(<[u8]>::to_vec));
        OwnedMessage::new(value, key, "models".to_owned(), Timestamp::CreateTime(7), 0, 0, Some(headers))
    }

    fn update(version: &str, sha256: &str, number: &str) -> OwnedMessage {
        let headers = [("version", version), ("sha256", sha256), ("number", number)];
        record("sentiment/update/1", Some(b"bytes"), &headers)
    }

    #[test]
    fn updates_wait_until_they_are_in_the_model() {
        let mut arrived = arrived();
        for number in ["1", "2", "4"] {
            arrived.take(&update("v3", &"a".repeat(64), number)).unwrap();
        }
        assert_eq!(arrived.latest(), 4);
        arrived.forget_to(1);
        assert!(!arrived.has(1) && arrived.has(2) && !arrived.has(3));
        assert_eq!(arrived.remove(2), Some(Waiting { bytes: Some(b"bytes".to_vec()), sent_at_millis: Some(7) }));
        assert_eq!(arrived.remove(2), None);
        arrived.forget_to(4);
        assert_eq!(arrived.waiting_bytes, 0);
    }

    #[test]
    fn records_of_others_are_passed_over() {
        let mut arrived = arrived();
        arrived.take(&update("v2", &"a".repeat(64), "9")).unwrap();
        arrived.take(&update("v3", &"b".repeat(64), "9")).unwrap();
        arrived.take(&record("another/snapshot", Some(b"{"), &[])).unwrap();
        arrived.take(&record("no key of ours/", Some(b""), &[])).unwrap();
        arrived.take(&record("sentiment", Some(b"{"), &[])).unwrap();
        arrived.take(&record("sentiment/update/9", None, &[])).unwrap();
        assert_eq!(arrived.latest(), 0);
    }

    #[test]
    fn records_that_cannot_be_read_are_named() {
        let mut arrived = arrived();
        let refusal = arrived.take(&record("sentiment/update/9", Some(b"x"), &[])).unwrap_err();
        assert_eq!(refusal, "sentiment/update/9: the update has no header `version`");
        arrived.take(&update("v3", &"a".repeat(64), "nine")).unwrap_err();
        arrived.take(&record("sentiment/snapshot", Some(b"{}"), &[])).unwrap_err();
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut arrived = arrived();
        let large = vec![1; MAX_WAITING_BYTES / 2 + 1];
        for number in ["1", "2", "1"] {
            let headers = [("version", "v3"), ("sha256", &"a".repeat(64)), ("number", number)];
            arrived.take(&record("sentiment/update/1", Some(&large), &headers)).unwrap();
        }
        assert!(arrived.waiting_bytes <= MAX_WAITING_BYTES);
        assert!(arrived.has(2) && arrived.remove(2).unwrap().bytes.is_none());
    }
}
