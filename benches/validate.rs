//! Resources validated per second, on small resources, one thread. Loading the definitions is not part of it: that
//! happens once in a process, and its time is printed first.

use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rounds::fhir::definitions::{resource_types, search_parameters, value_set_contains};
use rounds::fhir::validate::{Validator, validate};
use serde_json::Value;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","meta":{"versionId":"1","lastUpdated":"2024-02-29T12:00:00.000Z"},
"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Example</div>"},
"identifier":[{"use":"official","system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345","period":{"start":"2001-05-06"}}],
"active":true,"name":[{"use":"official","family":"Example","given":["Anna","B"]},{"use":"nickname","given":["Ann"]}],
"telecom":[{"system":"phone","value":"+1 555 0100","use":"work","rank":1},{"system":"email","value":"a@example.org"}],
"gender":"female","birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
"deceasedBoolean":false,"address":[{"use":"home","type":"both","line":["1 Main Street"],"city":"Anywhere","postalCode":"12345","country":"US"}],
"contact":[{"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"N"}]}],"name":{"family":"Example"},"gender":"male"}],
"generalPractitioner":[{"reference":"Practitioner/1"}],"managingOrganization":{"reference":"Organization/1"}}"#;

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o1","status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}],"text":"Blood pressure"},
"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"effectiveDateTime":"2024-02-29T12:00:00+01:00",
"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120.0,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"},
"referenceRange":[{"low":{"value":60},"high":{"value":90}}]}]}"#;

const MEDICATION_REQUEST: &str = r#"{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order",
"medicationCodeableConcept":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"197361"}],"text":"Amlodipine 5 MG Oral Tablet"},
"subject":{"reference":"Patient/p1"},"authoredOn":"2024-02-29","requester":{"reference":"Practitioner/1"},
"dosageInstruction":[{"text":"1 tablet daily","timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}},
"doseAndRate":[{"doseQuantity":{"value":1,"unit":"tablet"}}]}],
"dispenseRequest":{"validityPeriod":{"start":"2024-02-29","end":"2025-02-28"},"numberOfRepeatsAllowed":3,"quantity":{"value":30}}}"#;

/// Loads each part by its first use. The base pack is what `validate` needs, the rest what all rules need.
fn load() {
    let start = Instant::now();
    resource_types();
    let structures = start.elapsed();
    search_parameters("Patient");
    let search = start.elapsed();
    value_set_contains("", None, "");
    let all = start.elapsed();
    eprintln!(
        "definitions loaded: structures {structures:?}, with search {search:?}, with codes {all:?}"
    );
    let start = Instant::now();
    let validator = Validator::built_in();
    let library = start.elapsed();
    let empty = serde_json::json!({"resourceType": "Basic", "code": {"text": "a"}});
    validator.validate(&empty, &[]);
    let rules = start.elapsed();
    eprintln!("library with US Core loaded: {library:?}, with the rules of R4 {rules:?}");
}

fn resources(criterion: &mut Criterion) {
    let resources: Vec<Value> = [PATIENT, OBSERVATION, MEDICATION_REQUEST]
        .iter()
        .map(|text| serde_json::from_str(text).expect("the samples are JSON"))
        .collect();
    load();
    for resource in &resources {
        assert_eq!(validate(resource), [], "the samples are valid");
    }
    let mut group = criterion.benchmark_group("resources");
    group.throughput(Throughput::Elements(resources.len() as u64));
    group.bench_function("validate", |bencher| {
        bencher.iter(|| -> usize {
            resources
                .iter()
                .map(|resource| validate(std::hint::black_box(resource)).len())
                .sum()
        });
    });
    let full = Validator::built_in();
    let without = full.clone().without_invariants();
    for (name, validator) in [("without invariants", &without), ("all rules", &full)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| -> usize {
                resources
                    .iter()
                    .map(|resource| validator.validate(std::hint::black_box(resource), &[]))
                    .map(|outcome| outcome.issues.len())
                    .sum()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, resources);
criterion_main!(benches);
