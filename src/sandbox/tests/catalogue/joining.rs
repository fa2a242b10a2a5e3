//! Faults of composites, of chains, of `_has`, and of parameters that are not known.

use super::*;

/// A patient, a panel with two components and a report, and a document that replaces another one.
fn panel(server: &Server) {
    let component = |code: &str, value: u32| json!({"code": {"coding": [{"system": "urn:c", "code": code}]}, "valueQuantity": {"value": value, "code": "mm"}});
    let mut pressure = observation("w", "Patient/p", "bp");
    pressure["component"] = json!([component("sys", 120), component("dia", 80)]);
    pressure["valueDateTime"] = json!("2024-05-01");
    let document = |id: &str, relates: Value| {
        json!({"resourceType": "DocumentReference", "id": id, "status": "current", "relatesTo": relates,
            "content": [{"attachment": {"url": "urn:x"}}]})
    };
    let mut ada = patient("p", "Ada");
    ada["gender"] = json!("female");
    let relates = json!([{"code": "replaces", "target": {"reference": "DocumentReference/d1"}}]);
    for resource in [
        ada,
        patient("q", "Bob"),
        pressure,
        document(
            "d1",
            json!([{"code": "appends", "target": {"reference": "DocumentReference/d0"}}]),
        ),
        document("d2", relates),
    ] {
        put(server, &resource);
    }
}

#[test]
fn composites_find_too_little_or_too_much() {
    let two =
        "Observation?component-code-value-quantity=sys$120&component-code-value-quantity=dia$80";
    tell(
        panel,
        matches,
        &[
            ("two-composites-crash", two, "w", "500"),
            (
                "composite-across-elements",
                "Observation?component-code-value-quantity=sys$80",
                "",
                "w",
            ),
            (
                "composite-across-elements",
                "Observation?component-code-value-quantity=sys$90",
                "",
                "",
            ),
            (
                "composite-date-unread",
                "Observation?code-value-date=bp$2024-05-01",
                "w",
                "",
            ),
            (
                "composite-reference-unread",
                "DocumentReference?relationship=DocumentReference/d1$replaces",
                "d2",
                "",
            ),
        ],
    );
}

#[test]
fn chains_find_nothing_or_something_else() {
    tell(
        panel,
        matches,
        &[
            (
                "chain-missing-crashes",
                "Observation?subject:Patient.birthdate:missing=true",
                "w",
                "500",
            ),
            (
                "chain-modifier-dropped",
                "Observation?subject:Patient.gender:not=female",
                "",
                "w",
            ),
            (
                "chain-modifier-dropped",
                "Observation?subject:Patient.family:exact=ada",
                "",
                "w",
            ),
            (
                "chain-finds-nothing",
                "Observation?subject:Patient.family=ada",
                "w",
                "",
            ),
            (
                "has-second-empty",
                "Patient?gender=female&_has:Observation:subject:code=bp",
                "p",
                "",
            ),
            (
                "has-second-empty",
                "Patient?_has:Observation:subject:code=bp&gender=female",
                "p",
                "p",
            ),
            (
                "has-nothing-crashes",
                "Patient?_has:Observation:subject:code=none",
                "",
                "500",
            ),
            (
                "has-nothing-crashes",
                "Patient?_has:Encounter:subject:status=planned",
                "",
                "500",
            ),
            (
                "has-id-ignored",
                "Patient?_has:Observation:subject:_id=none",
                "",
                "p",
            ),
        ],
    );
}

#[test]
fn unknown_parameters_are_claimed_or_match_nothing() {
    let claims = |server: &Server, url: &str| {
        let bundle = json(&get(server, url));
        let is_claimed = link(&bundle, "self").unwrap().contains("nosuch");
        format!("{} {is_claimed}", ids_of(&bundle, "match").join(","))
    };
    tell(
        panel,
        claims,
        &[
            (
                "unknown-parameter-empty",
                "Patient?nosuch=x",
                "p,q false",
                " false",
            ),
            (
                "self-link-claims-all",
                "Patient?nosuch=x",
                "p,q false",
                "p,q true",
            ),
        ],
    );
}
