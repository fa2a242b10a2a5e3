//! Operations per second of the version sweep, and the time to judge 20,000 transactions, one thread:
//! `cargo bench --bench judge`. Not a test: nothing here fails.

use std::collections::BTreeMap;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rounds::property::order::isolation::{Act, Fate, Transaction, anomalies};
use rounds::property::order::sweep::sweep;
use rounds::property::order::{Action, Operation, Version};
use rounds::seed::{Rng, Seed};

/// Clients.
const LANES: u64 = 16;
/// Transactions, and resources that they touch.
const TRANSACTIONS: usize = 20_000;
const RESOURCES: usize = 2_000;

/// A history in which each client reads, writes upon what it read, and is refused if another was faster.
fn history(count: u64) -> (Vec<Version>, Vec<Operation>) {
    let mut stream = Seed::FIXED.derive("bench/judge").stream();
    let mut versions = vec![Version::live("1")];
    let mut operations = Vec::new();
    let mut known = vec![1; LANES as usize];
    for number in 0..count {
        let lane = number % LANES;
        let based_on = known[lane as usize].to_string();
        let current = versions.len();
        let action = match stream.next_u32() % 3 {
            0 => Action::Read {
                saw: Some(current.to_string()),
            },
            _ if known[lane as usize] < current => Action::Refused { based_on },
            _ => {
                let made = (current + 1).to_string();
                versions.push(Version::live(made.clone()));
                Action::Write {
                    made,
                    based_on: Some(based_on),
                }
            }
        };
        known[lane as usize] = versions.len();
        let moment = number * 100;
        operations.push(Operation {
            lane: lane as u16,
            called: moment.saturating_sub(700),
            returned: Some(moment + 700),
            action,
        });
    }
    (versions, operations)
}

fn sweeps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sweep");
    for count in [1_000, 100_000] {
        let (versions, operations) = history(count);
        group.throughput(Throughput::Elements(count));
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |bencher, _| {
            bencher.iter(|| sweep(&versions, &operations));
        });
    }
    group.finish();
}

/// Transactions one after the other, each of which reads two resources and writes them.
fn transactions() -> (BTreeMap<String, Vec<Version>>, Vec<Transaction>) {
    let mut stream = Seed::FIXED.derive("bench/transactions").stream();
    let mut histories: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    let mut transactions = Vec::new();
    for number in 0..TRANSACTIONS {
        let first = stream.next_u32() as usize % RESOURCES;
        let other = (first + 1 + stream.next_u32() as usize % (RESOURCES - 1)) % RESOURCES;
        let mut acts = Vec::new();
        for resource in [first, other].map(|resource| resource.to_string()) {
            let versions = histories.entry(resource.clone()).or_default();
            let token = format!("{number}/{resource}");
            let mut version = Version::live(token.clone());
            version.token = Some(token.clone());
            let saw = versions.last().map(|version| version.id.clone());
            versions.push(version);
            acts.push(Act::Read {
                resource: resource.clone(),
                saw,
            });
            acts.push(Act::Write { resource, token });
        }
        transactions.push(Transaction {
            fate: Fate::Committed,
            acts,
        });
    }
    (histories, transactions)
}

fn isolation(criterion: &mut Criterion) {
    let (histories, transactions) = transactions();
    let mut group = criterion.benchmark_group("isolation");
    group.sample_size(10);
    group.throughput(Throughput::Elements(TRANSACTIONS as u64));
    group.bench_function("20000 transactions", |bencher| {
        bencher.iter(|| anomalies(&histories, &transactions).expect("the history is whole"));
    });
    group.finish();
}

criterion_group!(benches, sweeps, isolation);
criterion_main!(benches);
