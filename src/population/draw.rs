//! Small draws from a seeded stream: integers, choices, a bell curve. Not a statistics library.

use crate::seed::{Rng, Seed, Stream};

/// A stream with the few draws that the population needs.
///
/// Only additions and multiplications are used, so the same seed gives the same values on every platform.
pub(super) struct Draw(Stream);

impl Draw {
    /// The draws of a seed.
    pub(super) fn new(seed: Seed) -> Self {
        Draw(seed.stream())
    }

    /// A number from 0 to `bound - 1`; 0 if `bound` is 0. The bias is below `bound / 2^32`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let product = u64::from(self.0.next_u32()) * u64::from(bound);
        u32::try_from(product >> 32).expect("a 32-bit product of two 32-bit factors shifted by 32")
    }

    /// A number from `low` to `high`, both included; `low` if the range is empty.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = u32::try_from(i64::from(high) - i64::from(low) + 1).unwrap_or(1);
        low + i32::try_from(self.below(width)).unwrap_or(0)
    }

    /// True in `per_mille` of 1,000 draws.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `items`, which must not be empty.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let length = u32::try_from(items.len()).expect("our tables are short");
        &items[self.below(length) as usize]
    }

    /// One of `items` by weight; the weights must not all be 0.
    pub(super) fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> T {
        let total = items.iter().map(|(_, weight)| weight).sum();
        let mut rest = self.below(total);
        for (item, weight) in items {
            if rest < *weight {
                return *item;
            }
            rest -= weight;
        }
        unreachable!("the rest is below the sum of the weights")
    }

    /// A value of mean 0 and deviation 1, cut at ±6: twelve uniform draws summed (Irwin and Hall), because
    /// a logarithm may differ in the last bit between platforms.
    pub(super) fn normal(&mut self) -> f64 {
        let sum: f64 = (0..12)
            .map(|_| f64::from(self.0.next_u32()) / 4_294_967_296.0)
            .sum();
        sum - 6.0
    }

    /// The stream itself, for the word lists of `fake`.
    pub(super) fn stream(&mut self) -> &mut Stream {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_their_ranges() {
        let mut draw = Draw::new(Seed(1));
        for _ in 0..1000 {
            assert!(draw.below(7) < 7);
            assert!((-3..=3).contains(&draw.between(-3, 3)));
            assert!(draw.normal().abs() <= 6.0);
            assert_eq!(draw.weighted(&[('a', 0), ('b', 5)]), 'b');
        }
        assert_eq!(draw.between(5, 4), 5);
    }

    #[test]
    fn the_bell_curve_has_mean_zero_and_deviation_one() {
        let mut draw = Draw::new(Seed(2));
        let values: Vec<f64> = (0..20_000).map(|_| draw.normal()).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let variance = values.iter().map(|value| value * value).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
    }
}
