//! Faults of `$everything` and of terminology.

use super::*;

/// Three patients with a record each; the first one's observation names an encounter.
fn records(server: &Server) {
    for id in ["p", "q", "r"] {
        put(server, &patient(id, "Ada"));
    }
    put(
        server,
        &json!({"resourceType": "Encounter", "id": "n", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"}}),
    );
    let mut weight = observation("w", "Patient/p", "x");
    weight["encounter"] = json!({"reference": "Encounter/n"});
    put(server, &weight);
}

#[test]
fn records_are_of_nobody_or_of_some_or_repeat() {
    tell(
        records,
        matches,
        &[
            (
                "everything-of-nobody-empty",
                "Patient/x/$everything",
                "404",
                "",
            ),
            (
                "everything-of-nobody-other",
                "Patient/x/$everything",
                "404",
                "p,n,w",
            ),
            (
                "everything-duplicates",
                "Patient/p/$everything",
                "p,n,w",
                "p,n,w,n",
            ),
            (
                "everything-capped",
                "Patient/$everything",
                "p,n,w,q,r",
                "p,n,w,q",
            ),
        ],
    );
}

/// A code system with two levels, and a value set that takes one code of it out.
fn terms(server: &Server) {
    put(
        server,
        &json!({"resourceType": "CodeSystem", "id": "s", "url": "urn:s", "name": "S", "status": "active",
            "content": "complete", "concept": [
                {"code": "a1", "concept": [{"code": "a2"}]},
                {"code": "b1", "designation": [{"value": "B"}]},
                {"code": "a3", "designation": [{"language": "en", "value": "A"}]}]}),
    );
    put(
        server,
        &json!({"resourceType": "ValueSet", "id": "v", "url": "urn:v", "status": "active", "compose": {
            "include": [{"system": "urn:s"}], "exclude": [{"system": "urn:s", "concept": [{"code": "b1"}]}]}}),
    );
    put(
        server,
        &json!({"resourceType": "ValueSet", "id": "w", "url": "urn:w", "status": "active",
            "compose": {"include": [{"system": "urn:s"}]}}),
    );
}

fn codes(response: &Response) -> String {
    let value_set = json(response);
    let contains = value_set["expansion"]["contains"].as_array().cloned();
    let codes: Vec<String> = contains
        .unwrap_or_default()
        .iter()
        .map(|coding| coding["code"].as_str().unwrap().to_owned())
        .collect();
    codes.join(",")
}

#[test]
fn expansions_hold_too_little_or_too_much() {
    let expansion = |server: &Server, url: &str| codes(&get(server, url));
    tell(
        terms,
        expansion,
        &[
            (
                "expand-ignores-exclude",
                "ValueSet/v/$expand",
                "a1,a2,a3",
                "a1,a2,b1,a3",
            ),
            (
                "expand-filters-page",
                "ValueSet/w/$expand?filter=b&count=1",
                "b1",
                "",
            ),
            (
                "expand-top-level-only",
                "ValueSet/v/$expand",
                "a1,a2,a3",
                "a1,a3",
            ),
            (
                "expand-ignores-paging",
                "ValueSet/v/$expand?offset=1&count=1",
                "a2",
                "a1,a2,a3",
            ),
            (
                "expand-post-ignores-paging",
                "ValueSet/v/$expand?offset=1&count=1",
                "a2",
                "a2",
            ),
        ],
    );
    let posted = |server: &Server| {
        terms(server);
        let input = json!({"resourceType": "Parameters", "parameter": [
            {"name": "offset", "valueInteger": 1}, {"name": "count", "valueInteger": 1}]});
        codes(&send(server, Method::Post, "ValueSet/v/$expand", &input))
    };
    assert_eq!(posted(&server()), "a2");
    assert_eq!(
        posted(&with_defect("expand-post-ignores-paging")),
        "a1,a2,a3"
    );
}

#[test]
fn a_designation_without_a_language_crashes() {
    tell(
        terms,
        status,
        &[
            (
                "lookup-designation-crashes",
                "CodeSystem/$lookup?system=urn:s&code=b1",
                "200",
                "500",
            ),
            (
                "lookup-designation-crashes",
                "CodeSystem/$lookup?system=urn:s&code=a3",
                "200",
                "200",
            ),
        ],
    );
}
