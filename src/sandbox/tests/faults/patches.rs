//! Faults of patches.

use super::*;

fn patched(server: &Server, body: &Value, media_type: &str) -> (u16, Value) {
    let mut ada = patient("a", "Ada");
    ada["name"][0]["given"] = json!(["A", "B"]);
    ada["identifier"] =
        json!([{"system": "urn:s", "value": "1"}, {"system": "urn:t", "value": "2"}]);
    put(server, &ada);
    let patch = Request::new(Method::Patch, "Patient/a").with_json(body);
    let status = server
        .handle(&patch.with_header("Content-Type", media_type))
        .status;
    (status, json(&get(server, "Patient/a")))
}

fn by_json(server: &Server, body: &Value) -> u16 {
    patched(server, body, "application/json-patch+json").0
}

fn by_path(server: &Server, parts: &Value) -> (u16, Value) {
    let body =
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]});
    patched(server, &body, "application/fhir+json")
}

#[test]
fn json_patches_crash() {
    let table = [
        (
            "bad-patch-crashes",
            json!([{"op": "unheard", "path": "/gender"}]),
            400,
        ),
        (
            "failed-patch-crashes",
            json!([{"op": "remove", "path": "/photo"}]),
            422,
        ),
        (
            "patch-move-crashes",
            json!([{"op": "copy", "from": "/name/0/given/0", "path": "/name/0/given/1"}]),
            200,
        ),
    ];
    let fine = json!([{"op": "replace", "path": "/name/0/family", "value": "B"}]);
    for (id, body, honest) in table {
        shows(id, |server| by_json(server, &body), honest, 500);
        assert_eq!(by_json(&with_defect(id), &fine), 200, "{id}");
    }
    let other = |server: &Server| patched(server, &patient("a", "B"), "application/fhir+json").0;
    shows("patch-not-parameters-crashes", other, 400, 500);
}

#[test]
fn lists_are_patched_at_the_wrong_place() {
    let given = |server: &Server, kind: &str, more: &Value| {
        let mut parts = vec![
            json!({"name": "type", "valueCode": kind}),
            json!({"name": "value", "valueString": "C"}),
        ];
        parts.extend(more.as_array().unwrap().iter().cloned());
        by_path(server, &json!(parts)).1["name"][0]["given"].clone()
    };
    let insert = json!([{"name": "path", "valueString": "Patient.name[0].given"}, {"name": "index", "valueInteger": 1}]);
    let inserted = |server: &Server| given(server, "insert", &insert);
    shows(
        "patch-insert-overwrites",
        inserted,
        json!(["A", "C", "B"]),
        json!(["C", "B"]),
    );
    let add = json!([{"name": "path", "valueString": "Patient.name[0]"}, {"name": "name", "valueString": "given"}]);
    let added = |server: &Server| given(server, "add", &add);
    shows(
        "patch-add-replaces",
        added,
        json!(["A", "B", "C"]),
        json!(["C"]),
    );
}

#[test]
fn replacing_crashes_by_place() {
    let replaced = |server: &Server, path: &str| {
        by_path(
            server,
            &json!([{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": path},
            {"name": "value", "valueString": "C"}]),
        )
        .0
    };
    let second = |server: &Server| replaced(server, "Patient.name[0].given[1]");
    shows("patch-index-crashes", second, 200, 500);
    assert_eq!(
        replaced(
            &with_defect("patch-index-crashes"),
            "Patient.name[0].given[0]"
        ),
        200
    );
    let found =
        |server: &Server| replaced(server, "Patient.identifier.where(system = 'urn:s').value");
    shows("patch-where-crashes", found, 200, 500);
}

#[test]
fn a_conditional_patch_in_a_bundle_crashes() {
    let status = |server: &Server| {
        put(server, &patient("a", "Ada"));
        let patch = json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
            {"name": "name", "valueString": "gender"}, {"name": "value", "valueCode": "female"}]}]});
        transaction(server, &[("PATCH", "Patient?_id=a", patch, "")]).status
    };
    shows("conditional-patch-entry-crashes", status, 200, 500);
}
