//! How many patients a core makes per second, as values and as bytes. Not a test: nothing here fails.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rounds::population::{Plan, patient};
use rounds::seed::Seed;

/// Patients in one round: enough to have people of all ages.
const PATIENTS: u64 = 200;

fn population(criterion: &mut Criterion) {
    let plan = Plan::new(Seed::FIXED, PATIENTS);
    let mut group = criterion.benchmark_group("population");
    group.sample_size(20);
    group.throughput(Throughput::Elements(PATIENTS));
    group.bench_function("patients", |bencher| {
        bencher.iter(|| {
            (0..PATIENTS)
                .map(|index| patient(&plan, index).len())
                .sum::<usize>()
        });
    });
    group.bench_function("patients-to-json", |bencher| {
        bencher.iter(|| {
            let mut bytes = Vec::new();
            for index in 0..PATIENTS {
                for resource in patient(&plan, index) {
                    serde_json::to_writer(&mut bytes, &resource).expect("a Vec takes all bytes");
                }
            }
            bytes.len()
        });
    });
    group.finish();
}

criterion_group!(benches, population);
criterion_main!(benches);
