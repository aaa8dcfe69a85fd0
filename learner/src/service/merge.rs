//! Records of many partitions in one order that is theirs alone: by time, topic, partition and offset, as far as each partition
//! keeps its own order. A record has its turn when every other partition has shown its next one, or is at its end: so the order
//! does not depend on which of them was faster.

use super::positions::{Positions, Source};
use super::record::Record;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long nothing may come of a partition that is told to be at its end, until that is believed where no record shows it:
/// behind the last record stand markers of transactions, and a broker that became its leader just now may know less than it.
const SETTLED: Duration = Duration::from_secs(1);

/// One partition.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) records: VecDeque<Record>,
    pub(super) bytes: usize,
    /// The next offset that has its turn.
    pub(super) next: i64,
    /// The next offset that comes from Kafka.
    pub(super) fetched: i64,
    /// Since when the client tells of its end, and nothing came.
    pub(super) quiet_since: Option<Instant>,
}

impl Lane {
    pub(super) fn at(next: i64) -> Self {
        Self { next, fetched: next, ..Self::default() }
    }

    pub(super) fn push(&mut self, record: Record) {
        self.quiet_since = None;
        self.fetched = record.offset + 1;
        self.bytes += record.bytes;
        self.records.push_back(record);
    }

    /// The time of its next record before this end; `Err(true)` where there is none, `Err(false)` where there may be one.
    fn head(&self, end: i64, now: Instant) -> Result<i64, bool> {
        match self.records.front() {
            Some(record) if record.offset < end => Ok(record.millis),
            Some(_) => Err(true),
            None => Err(self.next >= end
                || self.fetched >= end
                || self.quiet_since.is_some_and(|since| now.duration_since(since) >= SETTLED)),
        }
    }
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Record(Record),
    /// A partition has not shown its next record yet.
    Waits,
    /// Nothing is left before the end.
    Done,
}

/// All partitions.
#[derive(Debug, Default)]
pub(super) struct Lanes(pub(super) [Vec<Lane>; 3]);

impl Lanes {
    pub(super) fn at(positions: &Positions) -> Self {
        Self(Source::ALL.map(|source| positions.of(source).iter().map(|next| Lane::at(*next)).collect()))
    }

    pub(super) fn of(&self, source: Source) -> &[Lane] {
        &self.0[source as usize]
    }

    /// Adds partitions that are new, each at its beginning.
    pub(super) fn widen(&mut self, source: Source, partitions: usize) {
        self.0[source as usize].resize_with(partitions, || Lane::at(0));
    }

    /// The record whose turn it is.
    pub(super) fn next(&mut self, end: &Positions, now: Instant) -> Next {
        let mut first: Option<(i64, Source, usize)> = None;
        for source in Source::ALL {
            let ends = end.of(source).iter().copied().chain(std::iter::repeat(0));
            for (partition, (lane, end)) in self.of(source).iter().zip(ends).enumerate() {
                match lane.head(end, now) {
                    Ok(millis) if first.is_none_or(|(least, ..)| millis < least) => {
                        first = Some((millis, source, partition));
                    }
                    Ok(_) | Err(true) => {}
                    Err(false) => return Next::Waits,
                }
            }
        }
        let Some((_, source, partition)) = first else { return Next::Done };
        let lane = &mut self.0[source as usize][partition];
        let Some(record) = lane.records.pop_front() else { return Next::Waits };
        lane.next = record.offset + 1;
        lane.bytes -= record.bytes;
        Next::Record(record)
    }

    /// A round is over: what stands before its end is done, markers included.
    pub(super) fn pass(&mut self, end: &Positions) {
        for source in Source::ALL {
            for (lane, end) in self.0[source as usize].iter_mut().zip(end.of(source)) {
                lane.next = lane.next.max(*end);
                lane.fetched = lane.fetched.max(*end);
            }
        }
    }

    /// How far all was taken.
    pub(super) fn positions(&self) -> Positions {
        Positions(Source::ALL.map(|source| self.of(source).iter().map(|lane| lane.next).collect()))
    }

    /// How far all has come.
    pub(super) fn fetched(&self) -> Positions {
        Positions(Source::ALL.map(|source| self.of(source).iter().map(|lane| lane.fetched).collect()))
    }

    /// Whether records are at hand.
    pub(super) fn has_records(&self) -> bool {
        self.0.iter().flatten().any(|lane| !lane.records.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Value;
    use super::*;

    /// Of a topic that its size tells.
    fn record(bytes: usize, partition: i32, offset: i64, millis: i64) -> Record {
        Record { partition, offset, millis, bytes, value: Value::Unreadable }
    }

    /// The order in which all of it has its turn, when it comes in this one.
    fn order(arrivals: &[(usize, i32, i64, i64)]) -> Vec<(usize, i32, i64)> {
        let end = Positions([vec![3, 2], vec![2], vec![2]]);
        let mut lanes = Lanes::at(&Positions([vec![0, 0], vec![0], vec![0]]));
        let mut taken = Vec::new();
        for &(source, partition, offset, millis) in arrivals {
            lanes.0[source][partition as usize].push(record(source, partition, offset, millis));
            while let Next::Record(record) = lanes.next(&end, Instant::now()) {
                taken.push((record.bytes, record.partition, record.offset));
            }
        }
        assert!(matches!(lanes.next(&end, Instant::now()), Next::Done));
        taken
    }

    #[test]
    fn the_order_is_that_of_times_whichever_partition_was_faster() {
        let mut arrivals = [
            (0, 0, 0, 10),
            (0, 0, 1, 30),
            (0, 0, 2, 20),
            (0, 1, 0, 10),
            (0, 1, 1, 25),
            (1, 0, 0, 10),
            (1, 0, 1, 26),
            (2, 0, 0, 10),
            (2, 0, 1, 40),
        ];
        let expected = order(&arrivals);
        assert_eq!(expected[..4], [(0, 0, 0), (0, 1, 0), (1, 0, 0), (2, 0, 0)], "of one time: by topic and partition");
        assert_eq!(expected[4..], [(0, 1, 1), (1, 0, 1), (0, 0, 1), (0, 0, 2), (2, 0, 1)]);
        arrivals.sort_by_key(|(source, partition, ..)| (std::cmp::Reverse(*source), std::cmp::Reverse(*partition)));
        assert_eq!(order(&arrivals), expected);
    }

    #[test]
    fn markers_at_the_end_are_passed_when_nothing_came_for_a_while() {
        let (end, now) = (Positions([vec![5], vec![], vec![]]), Instant::now());
        let mut lanes = Lanes::at(&Positions([vec![4], vec![], vec![]]));
        assert!(matches!(lanes.next(&end, now), Next::Waits));
        lanes.0[0][0].quiet_since = Some(now);
        assert!(matches!(lanes.next(&end, now), Next::Waits));
        assert!(matches!(lanes.next(&end, now + SETTLED), Next::Done));
        lanes.pass(&end);
        assert_eq!(lanes.positions(), end);
    }

    #[test]
    fn what_stands_behind_the_end_is_left_for_the_next_round() {
        let mut lanes = Lanes::at(&Positions([vec![0], vec![], vec![]]));
        (0..3).for_each(|offset| lanes.0[0][0].push(record(0, 0, offset, 0)));
        let end = Positions([vec![2], vec![], vec![]]);
        let mut taken = 0;
        while let Next::Record(..) = lanes.next(&end, Instant::now()) {
            taken += 1;
        }
        assert_eq!((taken, lanes.positions()), (2, end));
        assert!(lanes.has_records());
    }
}
