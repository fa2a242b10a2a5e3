//! Requests from a cohort, and reasons why there are none.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::engine::load::plan::read;
use crate::record::{Completeness, Isolation, Provenance};
use crate::suite::yaml;

fn cohort(isolation: Isolation) -> Cohort {
    let mut cohort = Cohort::empty();
    cohort.provenance = Provenance::Generated;
    cohort.completeness = Completeness::Exact;
    cohort.isolation = isolation;
    for (id, family) in [("a", "Ada"), ("b", "O'Neil, Jr"), ("c", "")] {
        let patient = json!({
            "resourceType": "Patient",
            "id": id,
            "active": id == "a",
            "name": [{"family": family}],
        });
        cohort.resources.insert(Key::new("Patient", id), patient);
    }
    cohort
}

fn capability() -> Capability {
    Capability::new(json!({"rest": [{"mode": "server", "resource": [{
        "type": "Patient",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": "family"}, {"name": "active"}],
    }]}]}))
}

fn supplied(
    operation: &str,
    cohort: &Cohort,
    requirements: &Requirements,
) -> Result<Vec<String>, Verdict> {
    let text = format!(
        "kind: load\ntitle: A test\nrate: 1\nduration: 1s\nthresholds: {{all: [error_rate < 1%]}}\n\
         operations:\n  - {{name: one, {operation}}}\n"
    );
    let plan = read("load/test", &yaml::parse("load/test.yaml", &text).unwrap()).unwrap();
    let capability = capability();
    let ground = Ground {
        capability: &capability,
        cohort,
        requirements,
        seed: Seed(1),
        now: SystemClock::new().now(),
    };
    let mut urls: Vec<String> = ground
        .supply(&plan.operations[0])?
        .requests
        .into_iter()
        .map(|request| request.url)
        .collect();
    urls.sort();
    Ok(urls)
}

const FAMILY: &str = "get: 'Patient?family=${value}', from: {type: Patient, value: name.family}";

#[test]
fn every_resource_with_a_value_makes_a_request() {
    let none = Requirements::default();
    let cohort = cohort(Isolation::None);
    let read = "get: 'Patient/${value}', from: {type: Patient, value: id}";
    assert_eq!(
        supplied(read, &cohort, &none).unwrap(),
        ["Patient/a", "Patient/b", "Patient/c"]
    );
    // Values are escaped for search; an empty name is no value.
    assert_eq!(
        supplied(FAMILY, &cohort, &none).unwrap(),
        ["Patient?family=Ada", "Patient?family=O%27Neil%5C%2C%20Jr"]
    );
    let active = "get: 'Patient/${value}', from: {type: Patient, value: id, where: active}";
    assert_eq!(supplied(active, &cohort, &none).unwrap(), ["Patient/a"]);
}

#[test]
fn a_search_is_confined_and_has_the_company_that_the_target_requires() {
    let tag = Isolation::Tag {
        system: "urn:x".to_owned(),
        code: "run".to_owned(),
    };
    let known = BTreeMap::from([("Patient".to_owned(), vec!["active".to_owned()])]);
    let urls = supplied(FAMILY, &cohort(tag), &Requirements::configured(known)).unwrap();
    assert!(urls[0].starts_with("Patient?family=Ada&_tag="), "{urls:?}");
    assert!(urls[0].ends_with("&active=true"), "{urls:?}");
    assert!(urls[1].ends_with("&active=false"), "{urls:?}");
}

#[test]
fn requirements_that_cannot_be_met_block_the_operation() {
    let known = BTreeMap::from([("Patient".to_owned(), vec!["birthdate".to_owned()])]);
    let requirements = Requirements::configured(known);
    let verdict = supplied(FAMILY, &cohort(Isolation::None), &requirements).unwrap_err();
    assert!(matches!(verdict, Verdict::Blocked(reason) if reason.contains("birthdate")));
}

#[test]
fn an_operation_without_data_is_vacuous() {
    let verdict = supplied(FAMILY, &Cohort::empty(), &Requirements::default()).unwrap_err();
    assert!(matches!(verdict, Verdict::Vacuous(_)), "{verdict:?}");
}

#[test]
fn what_the_target_does_not_claim_is_skipped() {
    let cohort = cohort(Isolation::None);
    for (operation, missing) in [
        (
            "get: 'Group/${value}', from: {type: Patient, value: id}",
            "Group.read",
        ),
        (
            "get: 'Observation?patient=${value}', from: {type: Patient, value: id}",
            "Observation.search-type",
        ),
        (
            "get: 'Patient?phone=${value}', from: {type: Patient, value: id}",
            "Patient.search.phone",
        ),
    ] {
        let verdict = supplied(operation, &cohort, &Requirements::default()).unwrap_err();
        assert_eq!(verdict, Verdict::Skip(format!("not claimed: {missing}")));
    }
}
