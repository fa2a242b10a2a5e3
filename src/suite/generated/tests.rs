//! Generated suites on small claims.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::super::ir::Refusal;
use super::*;
use crate::fhir::Key;
use crate::record::{Level, Provenance};

fn made(claims: Value, suite: &str) -> (Vec<Case>, Vec<LeftOut>) {
    made_of(claims, suite, None)
}

fn made_of(claims: Value, suite: &str, cohort: Option<&Cohort>) -> (Vec<Case>, Vec<LeftOut>) {
    let capability = Capability::new(json!({
        "resourceType": "CapabilityStatement",
        "rest": [{"mode": "server", "resource": [claims]}],
    }));
    let mut suites: Vec<Suite> = named(suite).map(Generator::empty).collect();
    let left_out = fill(
        &mut suites,
        &Ground {
            capability: &capability,
            cohort,
            now: jiff::Timestamp::UNIX_EPOCH,
        },
    );
    (suites[0].cases().to_vec(), left_out)
}

fn ids(cases: &[Case]) -> Vec<String> {
    cases.iter().map(Case::full_id).collect()
}

#[test]
fn every_declared_parameter_has_a_case_or_a_reason() {
    let (cases, left_out) = made(
        json!({
            "type": "Patient",
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [
                {"name": "family", "type": "string"},
                {"name": "birthdate", "type": "date"},
                {"name": "phonetic", "type": "string"},
                {"name": "shoe-size", "type": "number"},
            ],
        }),
        "expansion",
    );
    assert_eq!(
        ids(&cases),
        [
            "expand/Patient/read",
            "expand/Patient/search-family",
            "expand/Patient/search-family[or]",
            "expand/Patient/search-birthdate",
            "expand/Patient/search-birthdate[ge]",
            "expand/Patient/search-birthdate[le]",
            "expand/Patient/search-birthdate[gt]",
            "expand/Patient/search-birthdate[lt]",
        ]
    );
    let left: Vec<&str> = left_out.iter().map(|left| left.id.as_str()).collect();
    assert_eq!(
        left,
        [
            "expand/Patient/search-phonetic",
            "expand/Patient/search-shoe-size"
        ]
    );
}

#[test]
fn a_parameter_of_a_declared_combination_does_not_go_alone() {
    let combination = json!({
        "url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination",
        "extension": [
            {"url": "required", "valueString": "patient"},
            {"url": "required", "valueString": "category"},
            {"url": "optional", "valueString": "date"},
        ],
    });
    let (cases, _) = made(
        json!({
            "type": "Observation",
            "extension": [combination],
            "interaction": [{"code": "search-type"}],
            "searchParam": [{"name": "category"}, {"name": "code"}],
        }),
        "expansion",
    );
    assert_eq!(
        ids(&cases),
        [
            "expand/Observation/search-category",
            "expand/Observation/search-code",
            "expand/Observation/search-code[or]",
            "expand/Observation/search-patient+category+date",
        ]
    );
    let url = cases[0].steps[0].request.url.text();
    assert_eq!(
        url,
        "Observation?category=${x.v0}&patient=${x.v1}&_count=50"
    );
}

#[test]
fn resources_that_were_there_are_held_to_the_profile_that_the_target_supports() {
    let claims = |profile: &str| {
        let url = format!("http://hl7.org/fhir/us/core/StructureDefinition/{profile}");
        json!({"type": "Patient", "interaction": [{"code": "search-type"}], "supportedProfile": [url]})
    };
    let data = |provenance: Provenance, claim: &str| Cohort {
        resources: IndexMap::from([(
            Key::new("Patient", "a"),
            json!({"resourceType": "Patient", "id": "a", "meta": {"profile": [claim]}}),
        )]),
        provenance,
        ..Cohort::empty()
    };
    let level = |profile: &str, data: Cohort| {
        let (cases, _) = made_of(claims(profile), "us-core", Some(&data));
        let found = cases.iter().find(|case| case.id.ends_with("/conforms"))?;
        assert_eq!(found.id, "us-core/us-core-patient/conforms");
        Some(found.level)
    };
    let claim = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let there = |claim| data(Provenance::Crawled, claim);
    assert_eq!(
        level("us-core-patient|6.1.0", there(claim)),
        Some(Level::Shall)
    );
    assert_eq!(
        level("us-core-patient", there("http://a/b")),
        Some(Level::Should)
    );
    assert_eq!(level("us-core-patient|3.1.1", there(claim)), None);
    assert_eq!(level("other", there(claim)), None);
    assert_eq!(
        level("us-core-patient", data(Provenance::Generated, claim)),
        None
    );
}

#[test]
fn features_are_combined_as_far_as_they_are_claimed() {
    let claims = json!({
        "type": "Encounter",
        "interaction": [{"code": "search-type"}],
        "searchInclude": ["Encounter:subject"],
        "searchParam": [{"name": "patient"}, {"name": "status"}, {"name": "date"}],
    });
    let (cases, _) = made(claims, "core/pairwise");
    assert!((10..30).contains(&cases.len()), "{} cases", cases.len());
    let asks = |what: &str| cases.iter().any(|case| case.title.contains(what));
    assert!(asks("_include=Encounter:subject") && asks("_sort=-date") && asks("POST"));
    assert!(!asks("_revinclude") && !asks("_has"));
    let both = |case: &Case| {
        case.title.contains("_elements")
            && (case.title.contains("_summary=true") || case.title.contains("_summary=count"))
    };
    assert!(!cases.iter().any(both));
    assert!(cases.iter().all(|case| !case.writes()));
}

#[test]
fn a_refused_combination_is_weighed_by_what_of_it_is_claimed() {
    let claims = |parameters: &[&str]| {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|name| json!({"name": name}))
            .collect();
        json!({"type": "Encounter", "interaction": [{"code": "search-type"}],
            "searchInclude": ["Encounter:subject"], "searchParam": parameters})
    };
    let (cases, _) = made(claims(&["patient", "status", "date"]), "core/pairwise");
    for case in &cases {
        let free = [
            "_sort",
            "_total",
            "_summary",
            "_elements",
            "_format",
            "POST",
        ];
        let asks_freely = free.iter().any(|name| case.title.contains(name));
        match &case.steps[0].refusal {
            Refusal::NotClaimed(what) => {
                assert!(asks_freely, "{} {what}", case.title);
                assert!(
                    !what.contains("_include") && !what.contains("status"),
                    "{what}"
                );
            }
            other => assert!(*other == Refusal::Noted && !asks_freely, "{}", case.title),
        }
    }
    // A statement may claim what shapes an answer; of GET and POST one is enough, whatever it says.
    let all = [
        "patient",
        "status",
        "date",
        "_sort",
        "_total",
        "_summary",
        "_elements",
        "_format",
    ];
    let (cases, _) = made(claims(&all), "core/pairwise");
    for case in &cases {
        let is_noted = case.steps[0].refusal == Refusal::Noted;
        assert_eq!(is_noted, !case.title.starts_with("POST"), "{}", case.title);
    }
}

#[test]
fn a_suite_of_a_user_with_the_same_name_is_left_alone() {
    let mut own = GENERATORS[0].empty();
    own.span.file = "mine.yaml".to_owned();
    assert!(generator_of(&own).is_none());
    assert!(GENERATORS[1].may_hold("expand/Patient/read"));
    assert!(!GENERATORS[1].may_hold("expander/x"));
}
