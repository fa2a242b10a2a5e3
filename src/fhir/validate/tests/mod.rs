//! What the base definitions find and let pass, on small resources of our own. Not profiles, and not data of others.

use serde_json::{Value, json};

use super::rule::RULES;
use super::validate;

mod limit;
mod profile;
mod structure;
mod value;

/// Rule and path of each issue; also holds every test to the list of rules.
fn issues(resource: &Value) -> Vec<(&'static str, String)> {
    validate(resource)
        .into_iter()
        .map(|issue| {
            assert!(
                RULES.iter().any(|(rule, _)| *rule == issue.rule),
                "{}",
                issue.rule
            );
            (issue.rule, issue.path)
        })
        .collect()
}

/// Asserts that there is exactly this one issue.
fn one(resource: &Value, rule: &str, path: &str) {
    assert_eq!(issues(resource), [(rule, path.to_owned())], "{resource}");
}

fn passes(resource: &Value) {
    assert_eq!(issues(resource), [], "{resource}");
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"versionId": "1", "lastUpdated": "2024-02-29T12:00:00.000Z", "tag": [{"system": "http://a", "code": "b"}]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"},
        "contained": [{"resourceType": "Organization", "id": "o1", "name": "A"}],
        "extension": [{"url": "http://example.org/e", "valueQuantity": {"value": 1.50, "unit": "m"}}],
        "identifier": [{"use": "official", "system": "urn:oid:1.2.3", "value": "1"}],
        "active": true,
        "name": [{"family": "A", "given": ["B", "C"], "_given": [null, {"id": "g"}]}],
        "telecom": [{"system": "phone", "value": "1", "rank": 1}],
        "gender": "female",
        "_gender": {"id": "x"},
        "birthDate": "1974-12-25",
        "_birthDate": {"extension": [{"url": "http://example.org/t", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
        "deceasedBoolean": false,
        "maritalStatus": {"coding": [{"system": "http://a", "code": "M"}], "text": "a"},
        "multipleBirthInteger": 2,
        "contact": [{"relationship": [{"text": "a"}], "name": {"family": "D"}, "gender": "male"}],
        "communication": [{"language": {"text": "de"}, "preferred": true}],
        "generalPractitioner": [{"reference": "Practitioner/1"}],
        "managingOrganization": {"reference": "#o1"},
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}]
    })
}

fn observation() -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "http://example.org/fhir/Patient/1"},
        "effectiveDateTime": "2024-01",
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        "referenceRange": [{"low": {"value": 60.0}}],
        "component": [{"code": {"text": "a"}, "valueString": "b", "referenceRange": [{"text": "c"}]}]
    })
}

/// A copy with the value at a JSON pointer replaced or added; `null` removes the member.
fn with(mut resource: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match resource.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.shift_remove(name)),
        Value::Object(object) => drop(object.insert(name.to_owned(), value)),
        Value::Array(array) => array[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    resource
}

#[test]
fn whole_resources_pass() {
    passes(&patient());
    passes(&observation());
    passes(&json!({"resourceType": "Patient"}));
    passes(&json!({"resourceType": "Patient", "id": "a"}));
}
