//! The traffic: reviews into `reviews` and their labels into `feedback`, no faster than the ledger admits them.

use crate::Error;
use crate::excerpt::excerpt;
use crate::generated::GeneratedReviews;
use crate::ledger::{Departure, Ledger};
use crate::split::{Half, Split};
use feature_store::offline::Row;
use ingest::{Omissions, Outgoing, Pace, Publisher, RowBatches, RowConverter, Sent};
use schemas::{Origin, Rating, Review, Topics};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// When nothing has come out for so long, what is under way is given up as missing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where the replayed reviews come from.
pub(crate) enum Source {
    /// The grammar; endless when there is no limit.
    Generated { reviews: GeneratedReviews, left: Option<u64> },
    /// The second half of files.
    Files(Box<SecondHalf>),
}

/// The rows of files that are replayed.
pub(crate) struct SecondHalf {
    batches: RowBatches,
    batch: std::vec::IntoIter<Row>,
    split: Split,
    converter: RowConverter,
}

impl SecondHalf {
    pub(crate) fn new(batches: RowBatches, split: Split, converter: RowConverter) -> Self {
        Self { batches, batch: Vec::new().into_iter(), split, converter }
    }

    async fn next(&mut self) -> Result<Option<Outgoing>, Error> {
        loop {
            for row in self.batch.by_ref() {
                if self.split.half_of(&row) == Half::First {
                    continue;
                }
                if let Some(outgoing) = self.converter.convert(row) {
                    return Ok(Some(outgoing));
                }
            }
            let Some(rows) = self.batches.next().await? else { return Ok(None) };
            self.batch = rows.into_iter();
        }
    }
}

impl Source {
    async fn next(&mut self) -> Result<Option<Outgoing>, Error> {
        match self {
            Self::Generated { left: Some(0), .. } => Ok(None),
            Self::Generated { reviews, left } => {
                *left = left.map(|left| left - 1);
                Ok(reviews.next().map(with_label))
            }
            Self::Files(half) => half.next().await,
        }
    }

    fn is_endless(&self) -> bool {
        matches!(self, Self::Generated { left: None, .. })
    }

    fn omissions(&self) -> Omissions {
        match self {
            Self::Generated { .. } => Omissions::default(),
            Self::Files(half) => half.converter.omissions().clone(),
        }
    }
}

fn with_label(review: Review) -> Outgoing {
    let label = review.rating.and_then(Rating::label).map(|label| (label, Origin::Rating));
    Outgoing::new(review, label, true)
}

/// Sends what its source has.
pub(crate) struct Feed {
    pub(crate) source: Source,
    pub(crate) publisher: Publisher,
    pub(crate) topics: Topics,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) pace: Pace,
    /// Reviews sent so far, for whoever watches.
    pub(crate) sent: Arc<AtomicU64>,
}

/// What was sent, once the broker has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fed {
    /// Reviews.
    pub(crate) reviews: u64,
    /// Rows that were not sent, or with a flaw.
    pub(crate) omissions: Omissions,
    /// Whether it was told to stop before its source had no more.
    pub(crate) stopped: bool,
}

impl Feed {
    /// Sends until the source has no more, `stop` is cancelled, or nothing comes out any more; what was sent is with the
    /// broker then.
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> Result<Fed, Error> {
        let (mut too_large, mut stopped) = (0, false);
        let ledger = Arc::clone(&self.ledger);
        let mut stalled = pin!(ledger.stalled(PATIENCE));
        while let Some(outgoing) = self.source.next().await? {
            let sent = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    stopped = !self.source.is_endless();
                    break;
                }
                () = &mut stalled => break,
                sent = self.send(&outgoing) => sent?,
            };
            match sent {
                Sent::Queued => _ = self.sent.fetch_add(1, Ordering::Relaxed),
                Sent::TooLarge => too_large += 1,
            }
        }
        self.publisher.flush().await?;
        let mut omissions = self.source.omissions();
        omissions.skip_too_large(too_large);
        Ok(Fed { reviews: self.publisher.reviews_delivered(), omissions, stopped })
    }

    /// Between the ledger's entry and the two records nothing is awaited but room in the producer's queue, which holds more
    /// than the ledger admits: a stop never parts them.
    async fn send(&mut self, outgoing: &Outgoing) -> Result<Sent, Error> {
        let review = &outgoing.review;
        let review_id = review.review_id.0.as_str();
        self.pace.wait(Some(review.created_at)).await;
        let value = serde_json::to_vec(review).expect("a review is plain data");
        let departure = Departure {
            review_id,
            record_bytes: (review_id.len() + value.len()) as u64,
            is_labelled: outgoing.feedback.is_some(),
            excerpt: excerpt(review),
        };
        self.ledger.admit(departure).await;
        let sent = self.publisher.send(&self.topics.reviews, review_id, &value).await?;
        match (sent, &outgoing.feedback) {
            (Sent::TooLarge, _) => self.ledger.withdraw(review_id),
            (Sent::Queued, Some(feedback)) => _ = self.publisher.send_feedback(feedback).await?,
            (Sent::Queued, None) => {}
        }
        Ok(sent)
    }
}
