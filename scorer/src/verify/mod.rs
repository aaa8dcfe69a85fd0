//! Stored predictions made again: the review that each came from, the version and the update that it names and the features
//! that it recorded give its probability to the last bit, or something is wrong with one of them. Reads the topics from beginning
//! to end, joins no group, writes nothing and holds a batch at a time.

mod models;
mod partition;
mod report;

pub use report::{Difference, Reason, VerifyReport};

use crate::FeatureInputs;
use model::{Document, Scratch};
use models::Models;
use partition::Partition;
use rdkafka::Message;
use registry::Registry;
use schemas::{Prediction, Review};
use service::kafka::{KafkaConfig, admin};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Predictions that are looked at together: their reviews are held, some megabytes.
const BATCH: usize = 10_000;

/// What verifying needs.
pub struct Verify {
    /// Where the topics are.
    pub kafka: KafkaConfig,
    /// The topic with predictions.
    pub predictions: String,
    /// Where their models are.
    pub registry: Registry,
    /// What the registry is asked on.
    pub runtime: Handle,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The topics cannot be read.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// The registry cannot be read.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// A partition brings nothing.
    #[error("topic \"{topic}\" partition {partition} has brought nothing for {seconds} s, and has not ended")]
    Stalled {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How long.
        seconds: u64,
    },
}

impl Verify {
    /// Looks at all predictions that the topic holds now; `progress` is told how many it has seen. Blocks.
    pub fn run(&self, stop: &CancellationToken, progress: &mut dyn FnMut(u64)) -> Result<VerifyReport, VerifyError> {
        let started = Instant::now();
        let mut run = Run {
            kafka: &self.kafka,
            models: Models::new(self.registry.clone(), self.runtime.clone()),
            reviews: HashMap::new(),
            scratch: Scratch::new(),
            report: VerifyReport::default(),
        };
        let ends = admin::end_offsets(&self.kafka, &self.predictions)?;
        for partition in ends.iter().map(|(_, partition, _)| partition) {
            let mut records = Partition::open(&self.kafka, &self.predictions, partition)?;
            let mut batch = Vec::with_capacity(BATCH);
            while let Some(record) = records.next(stop)? {
                run.report.predictions += 1;
                match Prediction::decode(record.payload().unwrap_or_default()) {
                    Ok(prediction) => batch.push(prediction),
                    Err(_) => run.report.cannot(Reason::PredictionUnreadable),
                }
                if batch.len() == BATCH {
                    run.verify(std::mem::take(&mut batch), stop)?;
                    progress(run.report.predictions);
                }
            }
            run.verify(batch, stop)?;
            progress(run.report.predictions);
        }
        run.report.stopped = stop.is_cancelled();
        run.report.seconds = started.elapsed().as_secs_f64();
        Ok(run.report)
    }
}

/// Topic, partition and offset of a review.
type Place = (String, i32, i64);

struct Run<'v> {
    kafka: &'v KafkaConfig,
    models: Models,
    /// The partitions that reviews come from, each where it was read to.
    reviews: HashMap<(String, i32), Partition>,
    scratch: Scratch,
    report: VerifyReport,
}

impl Run<'_> {
    fn verify(&mut self, mut batch: Vec<Prediction>, stop: &CancellationToken) -> Result<(), VerifyError> {
        let reviews = self.read_reviews(&batch, stop)?;
        // One model after the other, each with its updates in their order.
        batch.sort_by(|one, next| {
            let key = |prediction: &Prediction| (prediction.model.version, prediction.model.update);
            one.model.name.cmp(&next.model.name).then(key(one).cmp(&key(next)))
        });
        for prediction in batch {
            if stop.is_cancelled() {
                return Ok(());
            }
            let source = &prediction.source;
            let place = (source.topic.clone(), source.partition, source.offset);
            match reviews.get(&place) {
                None => self.report.cannot(Reason::ReviewGone),
                Some(None) => self.report.cannot(Reason::ReviewUnreadable),
                Some(Some(review)) => self.compare(&prediction, review)?,
            }
        }
        Ok(())
    }

    fn compare(&mut self, prediction: &Prediction, review: &Review) -> Result<(), VerifyError> {
        let model = match self.models.at(&prediction.model)? {
            Ok(model) => model,
            Err(reason) => {
                self.report.cannot(reason);
                return Ok(());
            }
        };
        let at_hand = FeatureInputs::of(model);
        let values = at_hand.values(at_hand.names().map(|name| prediction.features.get(name).copied()));
        let document = Document { title: review.title.as_deref(), text: &review.text, features: &values };
        let found = model.probability(&document, &mut self.scratch);
        self.report.compared(prediction, found);
        Ok(())
    }

    /// The reviews of a batch by where they stand; none for one that cannot be read.
    fn read_reviews(
        &mut self,
        batch: &[Prediction],
        stop: &CancellationToken,
    ) -> Result<HashMap<Place, Option<Review>>, VerifyError> {
        let mut wanted: BTreeMap<(String, i32), Vec<i64>> = BTreeMap::new();
        for Prediction { source, .. } in batch {
            wanted.entry((source.topic.clone(), source.partition)).or_default().push(source.offset);
        }
        let mut found = HashMap::with_capacity(batch.len());
        for ((topic, partition), mut offsets) in wanted {
            offsets.sort_unstable();
            let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
            let key = (topic.clone(), partition);
            if !self.reviews.contains_key(&key) {
                match Partition::open(self.kafka, &topic, partition) {
                    Ok(records) => _ = self.reviews.insert(key.clone(), records),
                    // The topic is gone, and its reviews with it.
                    Err(service::kafka::Error::MissingTopics { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            let records = self.reviews.get_mut(&key).expect("it is there, or was put there");
            records.go_to(first)?;
            while let Some(record) = records.next_up_to(last, stop)? {
                let offset = record.offset();
                if offsets.binary_search(&offset).is_ok() {
                    let review = Review::decode(record.payload().unwrap_or_default()).ok();
                    found.insert((topic.clone(), partition, offset), review);
                }
            }
        }
        Ok(found)
    }
}
