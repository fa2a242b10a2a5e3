//! A distribution of latencies in constant memory: an HDR histogram of microseconds. Not a store of samples, and not
//! where anything is timed.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::nearest_rank;

/// Longer latencies count as this one.
pub const CEILING: Duration = Duration::from_secs(120);
/// Significant digits of a full distribution: quantiles are exact to 0.1 %.
const DIGITS: u8 = 3;
/// Significant digits of a coarse distribution: exact to 1 %.
const COARSE_DIGITS: u8 = 2;
/// Cookie of the V2 encoding with LEB128 counts.
const V2_COOKIE: u32 = 0x1c84_9303 | 0x10;

/// Latencies from 0 to [`CEILING`] in buckets of microseconds.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Histogram<u32>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// An empty distribution with three digits, about 80 kB.
    pub fn new() -> Self {
        let ceiling = micros(CEILING);
        Latencies {
            histogram: Histogram::new_with_bounds(1, ceiling, DIGITS)
                .expect("one microsecond to two minutes in three digits is a histogram"),
        }
    }

    /// An empty distribution with two digits that grows with its largest value: 3 kB for latencies below 10 ms.
    pub fn coarse() -> Self {
        Latencies {
            histogram: Histogram::new(COARSE_DIGITS).expect("two digits are a histogram"),
        }
    }

    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        self.histogram
            .record(micros(latency.min(CEILING)))
            .expect("values up to the ceiling fit, or the histogram grows");
    }

    /// Counts everything that another distribution of the same kind holds; nothing is lost.
    pub fn merge(&mut self, other: &Latencies) {
        self.histogram
            .add(&other.histogram)
            .expect("distributions of one kind have the same bounds, or grow");
    }

    /// Latencies counted.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// True if nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// A quantile in microseconds, `ppm` in millionths; 0 if nothing was counted.
    pub fn quantile(&self, ppm: u32) -> u64 {
        self.at_rank(nearest_rank(ppm, self.len()))
            .map_or(0, |bucket| bucket.high)
    }

    /// The bucket of the `rank`-th smallest latency, from 1; `None` beyond the number of latencies.
    pub fn at_rank(&self, rank: u64) -> Option<Bucket> {
        let mut seen = 0;
        for step in self.histogram.iter_recorded() {
            seen += u64::from(step.count_at_value());
            if seen >= rank {
                let value = step.value_iterated_to();
                return Some(Bucket {
                    low: self.histogram.lowest_equivalent(value),
                    high: self.histogram.highest_equivalent(value),
                });
            }
        }
        None
    }

    /// The largest latency in microseconds, to the precision of the distribution; 0 if nothing was counted.
    pub fn max(&self) -> u64 {
        self.histogram.max()
    }

    /// The HDR V2 encoding, uncompressed: a header of 40 bytes, big-endian, then counts as ZigZag LEB128 where a
    /// negative number stands for so many empty buckets. As read by the HdrHistogram libraries of any language,
    /// <https://github.com/HdrHistogram/HdrHistogram/blob/master/src/main/java/org/HdrHistogram/AbstractHistogram.java>
    /// (`encodeIntoByteBuffer`).
    pub fn encode(&self) -> Vec<u8> {
        let counts = self.encode_counts();
        let length = u32::try_from(counts.len()).expect("a histogram has less than 2^24 buckets");
        let mut bytes = Vec::with_capacity(counts.len() + 40);
        bytes.extend_from_slice(&V2_COOKIE.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&0u32.to_be_bytes());
        bytes.extend_from_slice(&u32::from(self.histogram.sigfig()).to_be_bytes());
        bytes.extend_from_slice(&self.histogram.low().to_be_bytes());
        bytes.extend_from_slice(&self.histogram.high().to_be_bytes());
        bytes.extend_from_slice(&1.0f64.to_be_bytes());
        bytes.extend_from_slice(&counts);
        bytes
    }

    /// Buckets from the first to that of the largest value.
    fn encode_counts(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut empty: i64 = 0;
        let max = self.histogram.max();
        for step in self.histogram.iter_all() {
            let count = i64::from(step.count_at_value());
            if count == 0 {
                empty += 1;
            } else {
                skip(&mut bytes, empty);
                empty = 0;
                zig_zag(&mut bytes, count);
            }
            if step.value_iterated_to() >= max {
                break;
            }
        }
        skip(&mut bytes, empty);
        bytes
    }
}

/// The values, in microseconds, that the distribution does not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest.
    pub low: u64,
    /// The largest.
    pub high: u64,
}

fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
}

/// So many empty buckets: one is a plain zero, more are a negative number.
fn skip(bytes: &mut Vec<u8>, empty: i64) {
    match empty {
        0 => {}
        1 => zig_zag(bytes, 0),
        _ => zig_zag(bytes, -empty),
    }
}

/// ZigZag LEB128 of numbers far below 2^56, where the nine-byte form of HDR is the usual one.
fn zig_zag(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: &[u64]) -> Latencies {
        let mut latencies = Latencies::new();
        for &value in micros {
            latencies.record(Duration::from_micros(value));
        }
        latencies
    }

    #[test]
    fn a_quantile_is_exact_to_a_thousandth() {
        let values: Vec<u64> = (1..=100).map(|step| step * 1_000).collect();
        let latencies = of(&values);
        for (ppm, exact) in [(500_000, 50_000), (950_000, 95_000), (990_000, 99_000)] {
            let found = latencies.quantile(ppm);
            assert!(found >= exact && found - exact <= exact / 1_000, "{found}");
        }
        let bucket = latencies.at_rank(95).unwrap();
        assert!(bucket.low <= 95_000 && 95_000 <= bucket.high);
        assert_eq!(latencies.at_rank(101), None);
    }

    #[test]
    fn nothing_counted_has_no_quantiles() {
        let latencies = Latencies::new();
        assert!(latencies.is_empty());
        assert_eq!(latencies.quantile(950_000), 0);
        assert_eq!(latencies.at_rank(1), None);
    }

    #[test]
    fn a_latency_beyond_the_ceiling_counts_as_the_ceiling() {
        for mut latencies in [Latencies::new(), Latencies::coarse()] {
            latencies.record(Duration::from_secs(7_200));
            assert_eq!(latencies.len(), 1);
            let max = latencies.max();
            assert!((120_000_000..121_000_000).contains(&max), "{max}");
        }
    }

    #[test]
    fn a_merged_distribution_is_that_of_all_samples() {
        let (even, odd): (Vec<u64>, Vec<u64>) = (0..5_000).partition(|value| value % 2 == 0);
        let mut merged = of(&even);
        merged.merge(&of(&odd));
        assert_eq!(
            merged.encode(),
            of(&(0..5_000).collect::<Vec<_>>()).encode()
        );
        let mut coarse = Latencies::coarse();
        let mut slow = Latencies::coarse();
        slow.record(Duration::from_secs(3));
        coarse.merge(&slow);
        assert_eq!(coarse.len(), 1);
    }

    #[test]
    fn the_encoding_lists_counts_and_skips_empty_buckets() {
        let bytes = of(&[1, 1, 5]).encode();
        assert_eq!(&bytes[..4], &[0x1c, 0x84, 0x93, 0x13]);
        assert_eq!(&bytes[12..16], &[0, 0, 0, 3]);
        // One empty bucket (0), two of 1 us, three empty ones, one of 5 us.
        assert_eq!(&bytes[40..], &[0, 4, 5, 2]);
        assert_eq!(bytes[4..8], 4u32.to_be_bytes());
    }
}
