//! What the load engine spends on an arrival besides the request: `cargo bench --bench load`.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rounds::engine::load::schedule::{Arrivals, Schedule};
use rounds::engine::load::tally::{Tally, Times};
use rounds::seed::Seed;

/// Arrivals per iteration.
const ARRIVALS: u64 = 10_000;

fn schedule(c: &mut Criterion) {
    let mut group = c.benchmark_group("schedule");
    group.throughput(Throughput::Elements(ARRIVALS));
    for (name, arrivals) in [
        ("uniform", Arrivals::Uniform),
        ("poisson", Arrivals::Poisson),
    ] {
        let schedule = Schedule {
            rate_milli: ARRIVALS * 1_000,
            warmup: Duration::ZERO,
            duration: Duration::from_secs(1),
            arrivals,
            weights: vec![6, 3, 1],
            seed: Seed::FIXED,
        };
        group.bench_function(name, |b| b.iter(|| schedule.all().last()));
    }
    group.finish();
}

fn tally(c: &mut Criterion) {
    let mut group = c.benchmark_group("tally");
    let times = |number: u64| {
        let due = Duration::from_micros(number * 50);
        Times {
            due,
            sent: due + Duration::from_micros(30),
            done: due + Duration::from_micros(200 + number % 1_000),
        }
    };
    group.throughput(Throughput::Elements(ARRIVALS));
    let mut filled = Tally::default();
    group.bench_function("record", |b| {
        b.iter(|| {
            for number in 0..ARRIVALS {
                let times = times(number);
                filled.sent(times.due, times, Ok(()));
            }
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("merge", |b| {
        let mut all = Tally::default();
        b.iter(|| all.merge(&filled));
    });
    group.finish();
}

criterion_group!(benches, schedule, tally);
criterion_main!(benches);
