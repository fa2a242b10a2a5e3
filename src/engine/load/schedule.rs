//! The schedule: when which operation is due. Exact, seeded, the same for any number of shards, and computed as it is
//! consumed. It does not know what a request is, and it never looks at a clock.
//!
//! The model is open: an arrival is due when it is due, whatever became of those before it.

use std::time::Duration;

use super::mix::Mix;
use crate::seed::{Rng, Seed, Stream};

/// How arrivals are spread over the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// One every 1/rate seconds.
    Uniform,
    /// As independent users come: a Poisson process, given its number of arrivals.
    Poisson,
}

/// One request that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Number within the schedule from 0, the warm-up included.
    pub number: u64,
    /// From the start of the schedule.
    pub due: Duration,
    /// Index of the operation.
    pub operation: usize,
    /// How many arrivals of the same operation came before it in its phase.
    pub ordinal: u64,
    /// From the start of the measured phase; `None` during the warm-up.
    pub measured: Option<Duration>,
}

/// Rate, time and mix: everything that decides the arrivals.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Requests per 1,000 seconds.
    pub rate_milli: u64,
    /// Before anything is measured.
    pub warmup: Duration,
    /// Measured.
    pub duration: Duration,
    /// Spread.
    pub arrivals: Arrivals,
    /// Weight of each operation; 0 for those that are left out.
    pub weights: Vec<u32>,
    /// Seed of times and mix.
    pub seed: Seed,
}

impl Schedule {
    /// Arrivals of a phase: the whole part of rate times time, always.
    fn count(&self, phase: Duration) -> u64 {
        let count = u128::from(self.rate_milli) * phase.as_nanos() / 1_000_000_000_000;
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Measured arrivals.
    pub fn measured(&self) -> u64 {
        self.count(self.duration)
    }

    /// All arrivals, the warm-up included.
    pub fn total(&self) -> u64 {
        self.count(self.warmup) + self.measured()
    }

    /// All arrivals in order.
    pub fn all(&self) -> impl Iterator<Item = Arrival> + '_ {
        let warm = self.phase("warm-up", self.warmup, Duration::ZERO, 0, false);
        let offset = self.count(self.warmup);
        warm.chain(self.phase("measured", self.duration, self.warmup, offset, true))
    }

    /// The arrivals of shard `index` of `shards`: every `shards`-th. The union of all shards is the whole schedule.
    pub fn shard(&self, index: u64, shards: u64) -> impl Iterator<Item = Arrival> + '_ {
        self.all()
            .filter(move |arrival| arrival.number % shards == index)
    }

    fn phase(
        &self,
        label: &str,
        span: Duration,
        start: Duration,
        first: u64,
        measured: bool,
    ) -> impl Iterator<Item = Arrival> + '_ {
        let count = self.count(span);
        let seed = self.seed.derive(label);
        let times = Times::new(self, span, count, seed.derive("times"));
        let mix = Mix::new(&self.weights, count, seed.derive("mix"));
        (first..)
            .zip(times.zip(mix))
            .map(move |(number, (time, (operation, ordinal)))| Arrival {
                number,
                due: start + time,
                operation,
                ordinal,
                measured: measured.then_some(time),
            })
    }
}

/// Times of the arrivals of one phase, ascending, all before its end.
enum Times {
    Uniform {
        next: u64,
        count: u64,
        rate_milli: u64,
    },
    Poisson(Box<Spacings>),
}

impl Times {
    fn new(schedule: &Schedule, span: Duration, count: u64, seed: Seed) -> Self {
        match schedule.arrivals {
            Arrivals::Uniform => Times::Uniform {
                next: 0,
                count,
                rate_milli: schedule.rate_milli,
            },
            Arrivals::Poisson => Times::Poisson(Box::new(Spacings::new(span, count, seed))),
        }
    }
}

impl Iterator for Times {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match self {
            Times::Uniform {
                next,
                count,
                rate_milli,
            } => {
                if next == count {
                    return None;
                }
                let time = u128::from(*next) * 1_000_000_000_000 / u128::from(*rate_milli);
                *next += 1;
                Some(nanoseconds(time))
            }
            Times::Poisson(spacings) => spacings.next(),
        }
    }
}

/// Given their number, the times of a Poisson process are uniform and independent; in order they are the partial sums
/// of one more exponential gaps than arrivals, scaled to the span (Devroye 1986, Non-Uniform Random Variate
/// Generation, theorem V.2.2, <http://luc.devroye.org/rnbookindex.html>). The gaps are drawn twice, once for their sum
/// and once to be used, which is cheaper than keeping them.
struct Spacings {
    stream: Stream,
    span: u128,
    left: u64,
    reached: u128,
    sum: u128,
}

impl Spacings {
    fn new(span: Duration, count: u64, seed: Seed) -> Self {
        let mut stream = seed.stream();
        let sum = (0..=count).map(|_| exponential(&mut stream)).sum::<u128>();
        Spacings {
            stream: seed.stream(),
            span: span.as_nanos(),
            left: count,
            reached: 0,
            sum: sum.max(1),
        }
    }

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        self.reached += exponential(&mut self.stream);
        let time = self.span * self.reached / self.sum;
        Some(nanoseconds(time.min(self.span.saturating_sub(1))))
    }
}

/// A draw from the exponential distribution with mean 2^32, by comparisons alone (von Neumann 1951, Various techniques
/// used in connection with random digits): without a logarithm it is the same number on every platform. A run of
/// descending numbers of odd length gives its first number; each run of even length adds one whole.
fn exponential(stream: &mut Stream) -> u128 {
    let mut whole: u128 = 0;
    loop {
        let first = stream.next_u32();
        let mut last = first;
        let mut is_odd = true;
        loop {
            let next = stream.next_u32();
            if next >= last {
                break;
            }
            last = next;
            is_odd = !is_odd;
        }
        if is_odd {
            return (whole << 32) | u128::from(first);
        }
        whole += 1;
    }
}

fn nanoseconds(time: u128) -> Duration {
    Duration::from_nanos(u64::try_from(time).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(arrivals: Arrivals) -> Schedule {
        Schedule {
            rate_milli: 100_000,
            warmup: Duration::from_millis(500),
            duration: Duration::from_secs(3),
            arrivals,
            weights: vec![5, 3, 2],
            seed: Seed(7),
        }
    }

    #[test]
    fn the_number_of_arrivals_is_rate_times_time() {
        for arrivals in [Arrivals::Uniform, Arrivals::Poisson] {
            let schedule = schedule(arrivals);
            let all: Vec<Arrival> = schedule.all().collect();
            assert_eq!(all.len(), 350);
            let measured = all.iter().filter(|arrival| arrival.measured.is_some());
            assert_eq!(measured.count(), 300);
            assert_eq!((schedule.measured(), schedule.total()), (300, 350));
        }
    }

    #[test]
    fn a_fraction_of_an_arrival_is_none() {
        let slow = Schedule {
            rate_milli: 1_500,
            warmup: Duration::ZERO,
            duration: Duration::from_secs(3),
            ..schedule(Arrivals::Uniform)
        };
        assert_eq!(slow.total(), 4);
    }

    #[test]
    fn times_ascend_and_stay_within_their_phase() {
        for arrivals in [Arrivals::Uniform, Arrivals::Poisson] {
            let all: Vec<Arrival> = schedule(arrivals).all().collect();
            assert!(all.is_sorted_by_key(|arrival| arrival.due));
            for arrival in &all {
                let is_warm = arrival.due < Duration::from_millis(500);
                assert_eq!(is_warm, arrival.measured.is_none());
                assert!(arrival.due < Duration::from_millis(3_500));
            }
        }
    }

    #[test]
    fn uniform_arrivals_are_evenly_spaced() {
        let all: Vec<Arrival> = schedule(Arrivals::Uniform).all().collect();
        assert!(
            all.windows(2)
                .all(|pair| pair[1].due - pair[0].due == Duration::from_millis(10))
        );
    }

    #[test]
    fn poisson_gaps_vary_as_much_as_their_mean() {
        let long = Schedule {
            duration: Duration::from_secs(200),
            warmup: Duration::ZERO,
            ..schedule(Arrivals::Poisson)
        };
        let times: Vec<f64> = long
            .all()
            .map(|arrival| arrival.due.as_secs_f64())
            .collect();
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n;
        // Exponential gaps have a coefficient of variation of 1; its standard error here is 0.007.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.05);
        // P(gap > 2 means) = e^-2 = 0.135.
        let long_gaps = gaps.iter().filter(|gap| **gap > 2.0 * mean).count() as f64;
        assert!((long_gaps / n - 0.135).abs() < 0.01);
    }

    #[test]
    fn the_shards_together_are_the_schedule() {
        let schedule = schedule(Arrivals::Poisson);
        for shards in [1, 2, 3, 8] {
            let mut union: Vec<Arrival> = (0..shards)
                .flat_map(|index| schedule.shard(index, shards))
                .collect();
            union.sort_by_key(|arrival| arrival.number);
            assert_eq!(union, schedule.all().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_schedule_depends_on_its_seed_alone() {
        let one: Vec<Arrival> = schedule(Arrivals::Poisson).all().collect();
        assert_eq!(one, schedule(Arrivals::Poisson).all().collect::<Vec<_>>());
        let other = Schedule {
            seed: Seed(8),
            ..schedule(Arrivals::Poisson)
        };
        assert_ne!(one, other.all().collect::<Vec<_>>());
    }

    #[test]
    fn the_first_arrivals_of_a_seed_never_change() {
        let first: Vec<u128> = schedule(Arrivals::Poisson)
            .all()
            .take(4)
            .map(|arrival| arrival.due.as_nanos())
            .collect();
        assert_eq!(first, [1_114_115, 10_687_879, 10_913_685, 35_135_421]);
    }
}
