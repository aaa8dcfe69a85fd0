//! How many texts of each class stay in each stratum.

/// Different texts, or those of them that stay, by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ByClass {
    /// Negative ones.
    pub negative: u64,
    /// Positive ones.
    pub positive: u64,
}

impl ByClass {
    /// Of both classes.
    pub fn total(self) -> u64 {
        self.negative + self.positive
    }

    /// Of one class.
    pub fn of(self, is_positive: bool) -> u64 {
        if is_positive { self.positive } else { self.negative }
    }

    fn of_sizes(smaller: u64, larger: u64, is_positive_larger: bool) -> Self {
        if is_positive_larger {
            Self { negative: smaller, positive: larger }
        } else {
            Self { negative: larger, positive: smaller }
        }
    }
}

/// How large a sample is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Rows of the larger class for each of the smaller one, at most.
    pub ratio: f64,
    /// Rows at most; none for as many as the ratio leaves.
    pub rows: Option<u64>,
}

impl Size {
    /// What stays of each stratum; strata are given, and answered, in the order of their names.
    pub(super) fn quotas(self, strata: &[ByClass]) -> Vec<ByClass> {
        let balanced: Vec<ByClass> = strata.iter().map(|texts| self.balanced(*texts)).collect();
        let total: u64 = balanced.iter().map(|quota| quota.total()).sum();
        let Some(rows) = self.rows.filter(|rows| *rows < total) else { return balanced };
        let shares = apportion(rows, &balanced.iter().map(|quota| quota.total()).collect::<Vec<_>>());
        balanced.iter().zip(shares).map(|(quota, rows)| shrink(*quota, rows)).collect()
    }

    /// All of the smaller class, and of the larger one what the ratio allows.
    fn balanced(self, texts: ByClass) -> ByClass {
        let is_positive_larger = texts.positive > texts.negative;
        let (smaller, larger) =
            if is_positive_larger { (texts.negative, texts.positive) } else { (texts.positive, texts.negative) };
        let allowed = (smaller as f64 * self.ratio).round() as u64;
        ByClass::of_sizes(smaller, larger.min(allowed), is_positive_larger)
    }
}

/// A quota of fewer rows in the same proportion.
fn shrink(quota: ByClass, rows: u64) -> ByClass {
    let shares = apportion(rows, &[quota.negative, quota.positive]);
    ByClass { negative: shares[0], positive: shares[1] }
}

/// Shares out fewer seats than the sizes sum to, in proportion to them: whole shares first, what is left by the largest
/// remainders, of equal ones to the first.
fn apportion(seats: u64, sizes: &[u64]) -> Vec<u64> {
    let total: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
    let share = |size: &u64| u128::from(*size) * u128::from(seats);
    let mut shares: Vec<u64> = sizes.iter().map(|size| (share(size) / total.max(1)) as u64).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by_key(|&i| (std::cmp::Reverse(share(&sizes[i]) % total.max(1)), i));
    let mut left = seats.saturating_sub(shares.iter().sum());
    for i in by_remainder {
        if left > 0 && shares[i] < sizes[i] {
            shares[i] += 1;
            left -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(ratio: f64, rows: Option<u64>, strata: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let strata: Vec<_> = strata.iter().map(|&(negative, positive)| ByClass { negative, positive }).collect();
        let quotas = Size { ratio, rows }.quotas(&strata);
        quotas.into_iter().map(|quota| (quota.negative, quota.positive)).collect()
    }

    #[test]
    fn the_larger_class_is_cut_to_the_ratio_in_each_stratum() {
        assert_eq!(quotas(1.0, None, &[(10, 90), (30, 5), (0, 7)]), [(10, 10), (5, 5), (0, 0)]);
        assert_eq!(quotas(2.5, None, &[(10, 90), (3, 4)]), [(10, 25), (3, 4)]);
    }

    #[test]
    fn a_number_of_rows_is_kept_to_exactly() {
        assert_eq!(quotas(1.0, Some(10), &[(10, 90)]), [(5, 5)]);
        assert_eq!(quotas(1.0, Some(11), &[(10, 90), (20, 30), (1, 1)]), [(2, 2), (4, 3), (0, 0)]);
        assert_eq!(quotas(3.0, Some(8), &[(10, 90)]), [(2, 6)]);
        for rows in 0..=62 {
            let of = quotas(1.0, Some(rows), &[(10, 90), (20, 30), (1, 1)]);
            assert_eq!(of.iter().map(|(negative, positive)| negative + positive).sum::<u64>(), rows);
        }
    }

    #[test]
    fn more_rows_than_there_are_is_all_that_the_ratio_leaves() {
        assert_eq!(quotas(1.0, Some(1000), &[(10, 90)]), [(10, 10)]);
        assert_eq!(quotas(1.0, Some(5), &[]), []);
    }
}
