//! The last record that was taken of each partition.
//!
//! librdkafka pauses partitions while a group rebalances, those that their member keeps too, and goes on from the position that
//! the application had when the pause was served. That may be a moment before the application has taken the record in its
//! hands: then the record comes twice, within one assignment, and both would be published.

use super::ownership::Epoch;

#[derive(Default)]
pub(super) struct Positions(Vec<Option<(Epoch, i64)>>);

impl Positions {
    /// Takes note of a record; false when it is not beyond the last one of its assignment, so that it was taken before.
    pub(super) fn advance(&mut self, partition: i32, epoch: Epoch, offset: i64) -> bool {
        let place = usize::try_from(partition).expect("Kafka counts partitions from 0");
        if place >= self.0.len() {
            self.0.resize(place + 1, None);
        }
        let last = &mut self.0[place];
        let is_new = last.is_none_or(|(of, taken)| of != epoch || taken < offset);
        if is_new {
            *last = Some((epoch, offset));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_an_assignment_a_record_is_taken_once_and_a_new_assignment_begins_where_it_will() {
        let mut positions = Positions::default();
        let mut taken = |partition, epoch, offset| positions.advance(partition, epoch, offset);
        assert!(taken(2, 1, 10) && taken(0, 2, 3), "the first of each partition");
        assert!(taken(2, 1, 12), "offsets of markers come as no record");
        assert!(!taken(2, 1, 12) && !taken(2, 1, 10), "again");
        assert!(taken(2, 1, 13));
        assert!(taken(2, 3, 10), "what was not committed comes to the next owner");
        assert!(taken(0, 2, 4), "partitions don't know of each other");
    }
}
