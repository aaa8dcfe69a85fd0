//! The parts of one partition as a chain of ranges of offsets. Parts are created one behind the other, so that ranges
//! overlap only where a compacted part stands beside those that it covers, or where a writer that was thought dead wrote
//! after a compaction had taken the file in its way. Rows of one offset are the same in every file: which is read does not
//! matter, as long as one is.

use std::ops::Range;

/// A part to read, and from where on: what stands before was read of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The part's place among those that were given.
    pub(super) part: usize,
    /// The first offset to read.
    pub(super) from: i64,
}

/// The chain through a partition's parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
    /// Ranges between the first and the last part that no part covers.
    pub(super) gaps: Vec<Range<i64>>,
    /// The offset at which the next part begins; none where there is no part.
    pub(super) end: Option<i64>,
}

/// Chains parts, given by the offsets that they cover: of those that start before or where the chain ends, always the one
/// that reaches furthest.
pub(super) fn chain(parts: &[Range<i64>]) -> Chain {
    let mut by_start: Vec<usize> = (0..parts.len()).collect();
    by_start.sort_by_key(|&part| (parts[part].start, std::cmp::Reverse(parts[part].end)));
    let mut waiting = by_start.into_iter().peekable();
    let Some(&first) = waiting.peek() else { return Chain::default() };
    let mut chain = Chain::default();
    let mut end = parts[first].start;
    loop {
        let mut furthest: Option<usize> = None;
        while let Some(part) = waiting.next_if(|&part| parts[part].start <= end) {
            if furthest.is_none_or(|other| parts[part].end > parts[other].end) {
                furthest = Some(part);
            }
        }
        match furthest.filter(|&part| parts[part].end > end) {
            Some(part) => {
                chain.links.push(Link { part, from: end });
                end = parts[part].end;
            }
            None => match waiting.peek() {
                Some(&next) if parts[next].start > end => {
                    chain.gaps.push(end..parts[next].start);
                    end = parts[next].start;
                }
                Some(_) => {}
                None => break,
            },
        }
    }
    chain.end = Some(end);
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(parts: &[Range<i64>]) -> Vec<(usize, i64)> {
        chain(parts).links.iter().map(|link| (link.part, link.from)).collect()
    }

    #[test]
    fn parts_that_follow_each_other_are_all_read() {
        let parts = [10..20, 0..10, 20..21];
        assert_eq!(links(&parts), [(1, 0), (0, 10), (2, 20)]);
        assert_eq!(chain(&parts).end, Some(21));
        assert_eq!(chain(&[]), Chain::default());
    }

    #[test]
    fn a_compacted_part_is_read_in_place_of_those_that_it_covers() {
        assert_eq!(links(&[0..10, 10..20, 0..20, 20..30]), [(2, 0), (3, 20)]);
        // Some of them are gone already.
        assert_eq!(links(&[10..20, 0..20, 20..30]), [(1, 0), (2, 20)]);
    }

    #[test]
    fn of_overlapping_parts_the_second_is_read_from_where_the_first_ends() {
        assert_eq!(links(&[0..10, 5..15]), [(0, 0), (1, 10)]);
        assert_eq!(links(&[0..100, 50..130, 100..180, 180..200]), [(0, 0), (2, 100), (3, 180)]);
    }

    #[test]
    fn a_hole_is_told_and_stepped_over() {
        let found = chain(&[0..10, 30..40]);
        assert_eq!((found.gaps.first(), found.gaps.len(), found.end), (Some(&(10..30)), 1, Some(40)));
        assert_eq!(links(&[0..10, 30..40]), [(0, 0), (1, 30)]);
    }

    #[test]
    fn every_offset_is_read_once_whatever_overlaps() {
        // All sets of up to four ranges among six offsets.
        let ranges: Vec<Range<i64>> = (0..6).flat_map(|start| (start + 1..=6).map(move |end| start..end)).collect();
        let count = ranges.len();
        for choice in 0..count.pow(4) {
            let parts: Vec<_> = (0..4).map(|i| ranges[choice / count.pow(i) % count].clone()).collect();
            let mut read = [0; 6];
            for link in chain(&parts).links {
                (link.from..parts[link.part].end).for_each(|offset| read[offset as usize] += 1);
            }
            for (offset, times) in (0..).zip(read) {
                let is_there = parts.iter().any(|part| part.contains(&offset));
                assert_eq!(times, usize::from(is_there), "offset {offset} of {parts:?}");
            }
        }
    }
}
