//! The mix: which operation the k-th arrival is. Seeded and of low discrepancy, so that two runs differ in what they
//! measure and not in what they sent. Not a random draw per arrival.

use crate::seed::{Rng, Seed};

/// Operations with their ordinals, for `count` arrivals.
///
/// Arrivals come in windows of as many as the weights, reduced by their greatest common divisor, add up to; every
/// window holds each operation exactly as often as its weight says, in a shuffled order. What is left at the end is
/// shared out by largest remainders, so that no operation is off by a whole arrival.
pub(super) struct Mix {
    weights: Vec<u32>,
    seed: Seed,
    left: u64,
    windows: u64,
    window: Vec<usize>,
    ordinals: Vec<u64>,
}

impl Mix {
    /// A mix by weights; an operation of weight 0 never comes.
    pub(super) fn new(weights: &[u32], count: u64, seed: Seed) -> Self {
        let divisor = weights.iter().copied().fold(0, gcd).max(1);
        Mix {
            weights: weights.iter().map(|weight| weight / divisor).collect(),
            seed,
            left: count,
            windows: 0,
            window: Vec::new(),
            ordinals: vec![0; weights.len()],
        }
    }

    /// Fills the next window, from the back.
    fn refill(&mut self) {
        let size: u64 = self.weights.iter().map(|weight| u64::from(*weight)).sum();
        let shares = if self.left >= size {
            self.weights
                .iter()
                .map(|weight| u64::from(*weight))
                .collect()
        } else {
            largest_remainders(&self.weights, size, self.left)
        };
        for (operation, share) in shares.into_iter().enumerate() {
            self.window.extend((0..share).map(|_| operation));
        }
        let mut stream = self.seed.index(self.windows).stream();
        self.windows += 1;
        // Fisher and Yates; the bias of the multiplication is below 2^-40 for windows of any size allowed.
        for position in (1..self.window.len()).rev() {
            let bound = position as u128 + 1;
            let other = (u128::from(stream.next_u64()) * bound) >> 64;
            self.window.swap(position, other as usize);
        }
    }
}

impl Iterator for Mix {
    /// The operation, and how many of its kind came before.
    type Item = (usize, u64);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if self.window.is_empty() {
            self.refill();
        }
        let operation = self.window.pop()?;
        self.left -= 1;
        let ordinal = self.ordinals[operation];
        self.ordinals[operation] += 1;
        Some((operation, ordinal))
    }
}

/// Shares `seats` in proportion to the weights, whole parts first, the rest to the largest remainders (Hamilton's
/// method); ties go to the first.
fn largest_remainders(weights: &[u32], size: u64, seats: u64) -> Vec<u64> {
    let size = size.max(1);
    let exact: Vec<u64> = weights.iter().map(|w| u64::from(*w) * seats).collect();
    let mut shares: Vec<u64> = exact.iter().map(|product| product / size).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&operation| std::cmp::Reverse(exact[operation] % size));
    let missing = seats - shares.iter().sum::<u64>();
    for &operation in order
        .iter()
        .take(usize::try_from(missing).unwrap_or(usize::MAX))
    {
        shares[operation] += 1;
    }
    shares
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(weights: &[u32], count: u64) -> Vec<u64> {
        let mut counts = vec![0; weights.len()];
        Mix::new(weights, count, Seed(3)).for_each(|(operation, _)| counts[operation] += 1);
        counts
    }

    #[test]
    fn whole_windows_hold_the_weights_exactly() {
        assert_eq!(counts(&[6, 3, 1], 12_000), [7_200, 3_600, 1_200]);
        assert_eq!(counts(&[60, 30, 10], 10), [6, 3, 1]);
    }

    #[test]
    fn a_broken_window_is_off_by_less_than_one() {
        for count in 0..50 {
            let weights = [5, 3, 2, 1];
            let found = counts(&weights, count);
            assert_eq!(found.iter().sum::<u64>(), count);
            for (weight, found) in weights.iter().zip(found) {
                let ideal = f64::from(*weight) * count as f64 / 11.0;
                assert!(
                    (found as f64 - ideal).abs() < 1.0,
                    "{count}: {found} of {ideal}"
                );
            }
        }
    }

    #[test]
    fn an_operation_without_weight_never_comes() {
        assert_eq!(counts(&[2, 0, 2], 7)[1], 0);
        assert_eq!(Mix::new(&[0, 0], 5, Seed(1)).count(), 0);
    }

    #[test]
    fn ordinals_count_each_operation_from_zero() {
        let mut next = [0, 0];
        for (operation, ordinal) in Mix::new(&[2, 1], 99, Seed(5)) {
            assert_eq!(ordinal, next[operation]);
            next[operation] += 1;
        }
        assert_eq!(next, [66, 33]);
    }

    #[test]
    fn windows_are_shuffled_differently() {
        let mix: Vec<usize> = Mix::new(&[4, 4], 80, Seed(5))
            .map(|(operation, _)| operation)
            .collect();
        assert!(mix.chunks(2).any(|window| window != &mix[..2]));
    }
}
