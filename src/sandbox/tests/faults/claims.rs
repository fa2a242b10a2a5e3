//! Faults of what is claimed.

use super::*;

fn claims(server: &Server, name: &str) -> Value {
    let statement = json(&get(server, "metadata"));
    let types = statement["rest"][0]["resource"].as_array().unwrap().clone();
    types
        .into_iter()
        .find(|claim| claim["type"] == name)
        .unwrap()
}

#[test]
fn the_statement_says_too_little_or_too_much() {
    let empty = |server: &Server| claims(server, "Basic")["interaction"] == json!([]);
    shows("empty-interactions", empty, false, true);
    let ids = |server: &Server| {
        let parameters = claims(server, "Patient")["searchParam"]
            .as_array()
            .unwrap()
            .clone();
        parameters
            .iter()
            .filter(|claim| claim["name"] == "_id")
            .count()
    };
    shows("parameter-claimed-twice", ids, 1, 2);
}

#[test]
fn what_is_claimed_is_not_there() {
    let history = |server: &Server| get(server, "Patient/_history").status;
    shows("history-claimed-only", history, 200, 501);
    let encounter = json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}});
    let included = |server: &Server| {
        put(server, &encounter);
        let mut seen = observation("o", "Patient/a", "x");
        seen["encounter"] = json!({"reference": "Encounter/e"});
        put(server, &seen);
        let bundle = json(&get(server, "Observation?_include=Observation:encounter"));
        ids_of(&bundle, "include").len()
    };
    shows("include-claimed-only", included, 1, 0);
    let found = |server: &Server| {
        put(server, &patient("a", "Ada"));
        ids(server, "Patient?address-city=nowhere").len()
    };
    shows("parameter-claimed-only", found, 0, 1);
    let server = with_defect("parameter-claimed-only");
    assert!(
        claims(&server, "Patient")["searchParam"]
            .to_string()
            .contains("address-city")
    );
}
