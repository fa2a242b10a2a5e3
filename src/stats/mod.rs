//! Statistics over plain numbers: quantiles and latency distributions. No I/O, and no opinion about what is good.

pub mod binomial;
pub mod latency;

pub use latency::Latencies;

/// The rank, from 1, of the sample that is the quantile of `n` samples: the smallest one with at least that share of
/// all samples at or below it. Definition 1 of Hyndman and Fan 1996, <https://doi.org/10.1080/00031305.1996.10473566>:
/// no interpolation, so that the answer is a time that somebody really waited.
///
/// `ppm` is the quantile in millionths (950,000 is p95). Integer arithmetic: p95 of 100 samples is the 95th, on every
/// machine.
pub fn nearest_rank(ppm: u32, n: u64) -> u64 {
    let rank = (u128::from(ppm) * u128::from(n)).div_ceil(1_000_000);
    u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, n.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_sample_that_covers_its_share() {
        assert_eq!(nearest_rank(950_000, 100), 95);
        assert_eq!(nearest_rank(950_000, 101), 96);
        assert_eq!(nearest_rank(500_000, 4), 2);
        assert_eq!(nearest_rank(999_000, 10), 10);
        assert_eq!(nearest_rank(1, 10), 1);
        assert_eq!(nearest_rank(1_000_000, 10), 10);
    }
}
