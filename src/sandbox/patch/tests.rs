//! FHIRPath Patch where the official cases say nothing: choices, extensions of primitives, refusals.

use serde_json::{Value, json};

use super::super::outcome::Refusal;
use super::super::tests::server;
use super::{Patch, apply};
use crate::fhir::Key;

fn operation(parts: Value) -> Value {
    json!({"name": "operation", "part": parts})
}

fn patched(resource: &Value, operations: &[Value]) -> Result<Value, Refusal> {
    let parameters = json!({"resourceType": "Parameters", "parameter": operations});
    let patch = Patch::of_parameters(&parameters)?;
    let server = server();
    apply(&server, resource, &patch, &Key::of(resource).unwrap())
}

fn part(name: &str, kind: &str, value: Value) -> Value {
    json!({"name": name, kind: value})
}

fn kind(name: &str) -> Value {
    part("type", "valueCode", name.into())
}

fn path(path: &str) -> Value {
    part("path", "valueString", path.into())
}

fn patient() -> Value {
    json!({"resourceType": "Patient", "id": "p", "deceasedBoolean": false, "gender": "male",
        "name": [{"given": ["a", "b"], "_given": [null, {"id": "x"}]}]})
}

#[test]
fn a_choice_changes_its_type_in_place() {
    let value = part("value", "valueDateTime", "2020".into());
    let changed = patched(
        &patient(),
        &[operation(json!([
            kind("replace"),
            path("Patient.deceased"),
            value
        ]))],
    )
    .unwrap();
    assert_eq!(changed["deceasedDateTime"], "2020");
    assert!(changed.get("deceasedBoolean").is_none());
    let keys: Vec<&String> = changed.as_object().unwrap().keys().collect();
    assert_eq!(keys[2], "deceasedDateTime");
}

#[test]
fn a_choice_that_is_there_in_another_type_is_not_added() {
    let value = part("value", "valueDateTime", "2020".into());
    let name = part("name", "valueString", "deceased".into());
    let add = operation(json!([kind("add"), path("Patient"), name, value]));
    assert_eq!(patched(&patient(), &[add]).unwrap_err().status, 422);
}

#[test]
fn what_stands_beside_a_primitive_moves_with_it() {
    let to_front = operation(json!([
        kind("move"),
        path("Patient.name[0].given"),
        part("source", "valueInteger", 1.into()),
        part("destination", "valueInteger", 0.into())
    ]));
    let changed = patched(&patient(), &[to_front]).unwrap();
    assert_eq!(changed["name"][0]["given"], json!(["b", "a"]));
    assert_eq!(changed["name"][0]["_given"], json!([{"id": "x"}, null]));
    let delete = operation(json!([kind("delete"), path("Patient.name[0].given[1]")]));
    let changed = patched(&patient(), &[delete]).unwrap();
    assert_eq!(changed["name"][0], json!({"given": ["a"]}));
}

#[test]
fn what_is_empty_after_a_deletion_is_gone_and_deleting_nothing_is_no_error() {
    let delete = |place: &str| operation(json!([kind("delete"), path(place)]));
    let both = [
        delete("Patient.name[0].given[1]"),
        delete("Patient.name[0].given[0]"),
    ];
    let changed = patched(&patient(), &both).unwrap();
    assert!(changed.get("name").is_none(), "{changed}");
    assert_eq!(
        patched(&patient(), &[delete("Patient.photo")]).unwrap(),
        patient()
    );
}

#[test]
fn patches_that_cannot_be_read_are_refused_with_400_and_those_that_cannot_be_applied_with_422() {
    let value = || part("value", "valueCode", "female".into());
    let name = |name: &str| part("name", "valueString", name.into());
    let index = |index: u64| part("index", "valueInteger", index.into());
    let cases = [
        (
            400,
            json!([kind("rewrite"), path("Patient.gender"), value()]),
        ),
        (400, json!([kind("replace"), value()])),
        (400, json!([kind("replace"), path("Patient.gender")])),
        (
            400,
            json!([kind("replace"), path("Patient.(gender"), value()]),
        ),
        (400, json!([kind("add"), path("Patient"), value()])),
        (400, json!([kind("insert"), path("Patient.name"), value()])),
        (
            400,
            json!([
                kind("delete"),
                path("Patient.gender"),
                part("odd", "valueString", "x".into())
            ]),
        ),
        (
            422,
            json!([kind("replace"), path("Patient.birthDate"), value()]),
        ),
        (
            422,
            json!([kind("replace"), path("Patient.name.given"), value()]),
        ),
        (422, json!([kind("delete"), path("Patient.name.given")])),
        (
            422,
            json!([kind("add"), path("Patient"), name("nose"), value()]),
        ),
        (
            422,
            json!([kind("add"), path("Patient"), name("gender"), value()]),
        ),
        (
            422,
            json!([
                kind("insert"),
                path("Patient.name.given"),
                index(7),
                value()
            ]),
        ),
        (
            422,
            json!([kind("insert"), path("Patient.gender"), index(0), value()]),
        ),
        (
            422,
            json!([
                kind("replace"),
                path("Patient.gender"),
                part("value", "valueCode", "odd".into())
            ]),
        ),
        (
            422,
            json!([
                kind("replace"),
                path("Patient.id"),
                part("value", "valueId", "q".into())
            ]),
        ),
        (422, json!([kind("replace"), path("'a'"), value()])),
    ];
    for (status, parts) in cases {
        let refusal = patched(&patient(), &[operation(parts.clone())]).unwrap_err();
        assert_eq!(refusal.status, status, "{parts}: {:?}", refusal.issues);
    }
}
