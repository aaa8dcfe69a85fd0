//! How far figures would move on other rows: the bootstrap (Efron 1979, "Bootstrap methods: another look at the
//! jackknife"). As many pairs as there are are drawn again and again with replacement, and an interval holds the middle
//! share of the figures of the draws (percentile method). One draw is a count for each pair in the order of the
//! probabilities, and one walk over these gives every figure: nothing is sorted or copied again.

use super::confusion::Confusion;
use super::evaluation::Evaluation;
use super::interval::{CONFIDENCE, Interval};
use super::ranked::Ranked;
use serde::{Deserialize, Serialize};

/// How intervals are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resampling {
    /// How often pairs are drawn. The ends of an interval rest on 2.5 % of it at either side.
    pub resamples: u32,
    /// Where the random numbers begin: the same seed makes the same intervals, on however many threads.
    pub seed: u64,
}

/// The intervals of the figures, by the names of [`Metrics`](super::Metrics).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// The share of the resamples within each interval.
    pub confidence: f64,
    /// How they were made.
    #[serde(flatten)]
    pub resampling: Resampling,
    /// Of the accuracy.
    pub accuracy: Interval,
    /// Of the precision.
    pub precision: Interval,
    /// Of the recall.
    pub recall: Interval,
    /// Of F1.
    pub f1: Interval,
    /// Of the mean of the F1 of either class.
    pub macro_f1: Interval,
    /// Of the area under the ROC curve; none where only one class occurs.
    pub roc_auc: Option<Interval>,
    /// Of the average precision; none where only one class occurs.
    pub pr_auc: Option<Interval>,
    /// Of the log loss.
    pub log_loss: Interval,
    /// Of the Brier score.
    pub brier: Interval,
    /// Of the expected calibration error. Drawing adds noise to each bin, so draws are worse than the rows are; the
    /// interval is widened to hold the figure of the rows.
    pub ece: Interval,
}

impl Evaluation {
    /// The intervals of all figures, on all cores; none of no pairs, and none without a resample.
    pub fn intervals(&self, resampling: Resampling) -> Option<Intervals> {
        let figures = self.metrics()?;
        if resampling.resamples == 0 {
            return None;
        }
        let pairs = Ranked::of(self);
        let draws = draws(&pairs, resampling);
        let of = |figure: fn(&Figures) -> f64| Interval::of_draws(draws.iter().map(figure).collect());
        let both = |figure: fn(&Figures) -> f64| figures.roc_auc.and_then(|_| of(figure));
        let ece = of(|draw| draw.ece)?;
        Some(Intervals {
            confidence: CONFIDENCE,
            resampling,
            accuracy: of(|draw| draw.confusion.accuracy())?,
            precision: of(|draw| draw.confusion.precision())?,
            recall: of(|draw| draw.confusion.recall())?,
            f1: of(|draw| draw.confusion.f1())?,
            macro_f1: of(|draw| draw.confusion.macro_f1())?,
            roc_auc: both(|draw| draw.roc_auc),
            pr_auc: both(|draw| draw.pr_auc),
            log_loss: of(|draw| draw.log_loss)?,
            brier: of(|draw| draw.brier)?,
            ece: Interval { low: ece.low.min(figures.ece), high: ece.high.max(figures.ece) },
        })
    }
}

/// The figures of every draw, in their order.
fn draws(pairs: &Ranked, Resampling { resamples, seed }: Resampling) -> Vec<Figures> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32).min(resamples);
    let share = resamples.div_ceil(threads);
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|thread| {
                let numbers = (thread * share).min(resamples)..((thread + 1) * share).min(resamples);
                scope.spawn(move || {
                    let mut counts = vec![0_u32; pairs.len()];
                    numbers.map(|number| draw(pairs, &mut counts, seed, number)).collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("drawing doesn't panic")).collect()
    })
}

fn draw(pairs: &Ranked, counts: &mut [u32], seed: u64, number: u32) -> Figures {
    counts.fill(0);
    // Each draw has a sequence of its own, so that no thread waits for another's numbers.
    let mut random = mixed(seed ^ mixed(u64::from(number)));
    let len = counts.len() as u128;
    for _ in 0..counts.len() {
        random = random.wrapping_add(STEP);
        counts[((u128::from(mixed(random)) * len) >> 64) as usize] += 1;
    }
    Figures::of(pairs, counts)
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The figures of pairs that occur so and so often. Those that need both classes are no numbers where one is absent.
struct Figures {
    confusion: Confusion,
    roc_auc: f64,
    pr_auc: f64,
    log_loss: f64,
    brier: f64,
    ece: f64,
}

impl Figures {
    fn of(pairs: &Ranked, counts: &[u32]) -> Self {
        let (mut negatives, mut positives) = (0_u64, 0_u64);
        // Of the pairs of one probability.
        let (mut tied_negatives, mut tied_positives) = (0_u64, 0_u64);
        let (mut twice_won, mut precisions) = (0.0, 0.0);
        let (mut surprises, mut squares, mut calibration_error) = (0.0, 0.0, 0.0);
        let mut called = (0, 0);
        for bin in pairs.bins() {
            let mut surplus = 0.0;
            for i in bin {
                let pair = pairs.at(i);
                let count = u64::from(counts[i]);
                let weight = f64::from(counts[i]);
                surprises += weight * pair.surprise;
                squares += weight * pair.surplus * pair.surplus;
                surplus += weight * pair.surplus;
                tied_positives += count * u64::from(pair.is_positive);
                tied_negatives += count * u64::from(!pair.is_positive);
                if pair.ends_tie {
                    twice_won += tied_negatives as f64 * (2 * positives + tied_positives) as f64;
                    positives += tied_positives;
                    negatives += tied_negatives;
                    if tied_positives > 0 {
                        precisions += tied_positives as f64 * (positives as f64 / (positives + negatives) as f64);
                    }
                    (tied_negatives, tied_positives) = (0, 0);
                    if i + 1 == pairs.called_positive() {
                        called = (negatives, positives);
                    }
                }
            }
            calibration_error += surplus.abs();
        }
        let (fp, tp) = called;
        let all = (negatives + positives) as f64;
        let is_ranked = negatives > 0 && positives > 0;
        let ranked = |figure: f64| if is_ranked { figure } else { f64::NAN };
        Self {
            confusion: Confusion { tn: negatives - fp, fp, fn_: positives - tp, tp },
            roc_auc: ranked(twice_won / (2.0 * negatives as f64 * positives as f64)),
            pr_auc: ranked(precisions / positives as f64),
            log_loss: surprises / all,
            brier: squares / all,
            ece: calibration_error / all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Label;

    const RESAMPLING: Resampling = Resampling { resamples: 400, seed: 7 };

    fn evaluation(pairs: u64) -> Evaluation {
        let mut evaluation = Evaluation::new();
        for i in 0..pairs {
            let probability = (i * 7919 % 257) as f64 / 256.0;
            let of_label = 0.5 * probability + 0.5 * (i * 104_729 % 127) as f64 / 126.0;
            evaluation.push(probability, Label::from_probability(of_label));
        }
        evaluation
    }

    #[test]
    fn pairs_that_all_occur_once_have_the_figures_of_the_metrics() {
        let evaluation = evaluation(3000);
        let metrics = evaluation.metrics().unwrap();
        let figures = Figures::of(&Ranked::of(&evaluation), &vec![1; 3000]);
        assert_eq!(figures.confusion, metrics.confusion);
        let pairs = [
            (figures.roc_auc, metrics.roc_auc.unwrap()),
            (figures.pr_auc, metrics.pr_auc.unwrap()),
            (figures.log_loss, metrics.log_loss),
            (figures.brier, metrics.brier),
            (figures.ece, metrics.ece),
        ];
        for (of_counts, of_pairs) in pairs {
            assert!((of_counts - of_pairs).abs() < 1e-12, "{of_counts} {of_pairs}");
        }
    }

    #[test]
    fn a_pair_that_occurs_often_counts_as_often_as_so_many_pairs() {
        let of = |pairs: &[(f64, Label)]| {
            let mut evaluation = Evaluation::new();
            pairs.iter().for_each(|&(probability, label)| evaluation.push(probability, label));
            evaluation
        };
        let (yes, no) = (Label::Positive, Label::Negative);
        let once = of(&[(0.9, yes), (0.6, no), (0.5, yes), (0.2, no), (0.1, yes)]);
        // In descending order of the probabilities.
        let figures = Figures::of(&Ranked::of(&once), &[2, 1, 0, 3, 1]);
        let repeated = of(&[(0.9, yes), (0.9, yes), (0.6, no), (0.2, no), (0.2, no), (0.2, no), (0.1, yes)]);
        let metrics = repeated.metrics().unwrap();
        assert_eq!(figures.confusion, metrics.confusion);
        assert!((figures.pr_auc - metrics.pr_auc.unwrap()).abs() < 1e-15);
        assert!((figures.roc_auc - metrics.roc_auc.unwrap()).abs() < 1e-15);
        assert!((figures.ece - metrics.ece).abs() < 1e-15);
    }

    #[test]
    fn an_interval_of_a_share_is_about_as_wide_as_theory_has_it() {
        let evaluation = evaluation(4000);
        let metrics = evaluation.metrics().unwrap();
        let intervals = evaluation.intervals(Resampling { resamples: 2000, seed: 1 }).unwrap();
        let theory = Interval::of_share((metrics.accuracy * 4000.0).round() as u64, 4000);
        let Interval { low, high } = intervals.accuracy;
        assert!(low < metrics.accuracy && metrics.accuracy < high);
        // Two thousand draws place an end to within a tenth of the half width.
        let half = (theory.high - theory.low) / 2.0;
        assert!((low - theory.low).abs() < 0.1 * half && (high - theory.high).abs() < 0.1 * half, "{low} {high}");
    }

    #[test]
    fn the_same_seed_makes_the_same_intervals_and_another_makes_others() {
        let evaluation = evaluation(500);
        assert_eq!(evaluation.intervals(RESAMPLING), evaluation.intervals(RESAMPLING));
        assert_ne!(evaluation.intervals(RESAMPLING), evaluation.intervals(Resampling { seed: 8, ..RESAMPLING }));
    }

    #[test]
    fn every_interval_holds_its_figure() {
        let evaluation = evaluation(1000);
        let (metrics, intervals) = (evaluation.metrics().unwrap(), evaluation.intervals(RESAMPLING).unwrap());
        for (figure, Interval { low, high }) in [
            (metrics.accuracy, intervals.accuracy),
            (metrics.f1, intervals.f1),
            (metrics.roc_auc.unwrap(), intervals.roc_auc.unwrap()),
            (metrics.pr_auc.unwrap(), intervals.pr_auc.unwrap()),
            (metrics.log_loss, intervals.log_loss),
            (metrics.ece, intervals.ece),
        ] {
            assert!(low <= figure && figure <= high && low < high, "{low} {figure} {high}");
        }
    }

    #[test]
    fn one_class_or_one_pair_has_what_intervals_it_can_have() {
        let mut evaluation = Evaluation::new();
        assert_eq!(evaluation.intervals(RESAMPLING), None);
        evaluation.push(0.9, Label::Positive);
        let intervals = evaluation.intervals(RESAMPLING).unwrap();
        assert_eq!((intervals.roc_auc, intervals.accuracy), (None, Interval { low: 1.0, high: 1.0 }));
        // Half of the draws hold one class alone, and say nothing of the ranking.
        evaluation.push(0.1, Label::Negative);
        let ranked = evaluation.intervals(RESAMPLING).unwrap().roc_auc;
        assert_eq!(ranked, Some(Interval { low: 1.0, high: 1.0 }));
        assert_eq!(evaluation.intervals(Resampling { resamples: 0, seed: 1 }), None);
    }
}
