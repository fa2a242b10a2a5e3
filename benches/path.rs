//! Evaluations per second of FHIRPath on an Observation of 5 kB and on a Bundle of 170 of them, one thread:
//! `cargo bench --bench path`. Not a test: nothing here fails.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rounds::fhir::path::{Context, Expression};
use serde_json::{Value, json};

const EXPRESSIONS: &[&str] = &[
    "Observation.status",
    "Observation.value.value >= 6.3",
    "category.coding.where(system = 'http://terminology.hl7.org/CodeSystem/observation-category').code",
    "code.coding.exists(system = 'http://loinc.org')",
    "dataAbsentReason.empty() or value.empty()",
    "(Observation.component.value as Quantity)",
    "Observation.component.where(code.coding.code = '12-4').value.ofType(Quantity).value",
    "subject.resolve() is Patient",
    "Observation.descendants().count()",
];

/// Expressions that read all of a Bundle.
const ON_BUNDLE: &[&str] = &[
    "Bundle.entry.resource.ofType(Observation).count()",
    "Bundle.entry.where(resource is Patient).resource.id",
];

/// Entries of the Bundle: about 800 kB.
const ENTRIES: usize = 170;

/// An Observation with as many components as make about 5 kB.
fn observation() -> Value {
    let coding = |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code, "display": "A test"}]});
    let components: Vec<Value> = (0..22)
        .map(|index| {
            let value: Value = serde_json::from_str(&format!("{index}.50")).expect("a number");
            json!({
                "code": coding(&format!("{index}-4")),
                "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
            })
        })
        .collect();
    let category = "http://terminology.hl7.org/CodeSystem/observation-category";
    let value: Value = serde_json::from_str("6.30").expect("a number");
    json!({
        "resourceType": "Observation",
        "id": "example",
        "status": "final",
        "category": [{"coding": [{"system": category, "code": "laboratory"}]}],
        "code": coding("15074-8"),
        "subject": {"reference": "Patient/example"},
        "effectiveDateTime": "2024-05-05T10:11:12+02:00",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "component": components,
    })
}

fn evaluations(criterion: &mut Criterion) {
    let resource = observation();
    let context = Context {
        resource: &resource,
        variables: &[],
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let mut group = criterion.benchmark_group("path");
    group.throughput(Throughput::Elements(1));
    for text in EXPRESSIONS {
        let expression = Expression::parse(text).expect("an expression of ours parses");
        group.bench_function(*text, |bencher| {
            bencher.iter(|| expression.evaluate(&context))
        });
    }
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Expression::parse(EXPRESSIONS[2]))
    });
    group.finish();
    bundle(criterion);
}

fn bundle(criterion: &mut Criterion) {
    let entry = json!({"resource": observation()});
    let entries = vec![entry; ENTRIES];
    let resource = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
    let context = Context {
        resource: &resource,
        variables: &[],
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let mut group = criterion.benchmark_group("bundle");
    group.throughput(Throughput::Elements(1));
    for text in ON_BUNDLE {
        let expression = Expression::parse(text).expect("an expression of ours parses");
        group.bench_function(*text, |bencher| {
            bencher.iter(|| expression.evaluate(&context))
        });
    }
    group.finish();
}

criterion_group!(benches, evaluations);
criterion_main!(benches);
