//! Faults of conditions, versions, histories, and of what is accepted and kept.

use super::*;

fn twice(server: &Server) {
    put(server, &patient("a", "Ada"));
    put(server, &patient("a", "Eva"));
}

fn if_match(server: &Server, method: Method, url: &str, tags: &str) -> u16 {
    twice(server);
    let request = Request::new(method, url).with_json(&patient("a", "Ida"));
    server.handle(&request.with_header("If-Match", tags)).status
}

#[test]
fn stale_versions_are_not_refused() {
    let delete = |server: &Server| if_match(server, Method::Delete, "Patient/a", "W/\"1\"");
    shows("delete-ignores-if-match", delete, 412, 204);
    let by_criteria = |server: &Server| if_match(server, Method::Put, "Patient?_id=a", "W/\"1\"");
    shows("conditional-update-ignores-if-match", by_criteria, 412, 200);
    let list = |server: &Server| if_match(server, Method::Put, "Patient/a", "W/\"1\", W/\"7\"");
    shows("if-match-list-ignored", list, 412, 200);
    for id in [
        "delete-ignores-if-match",
        "conditional-update-ignores-if-match",
        "if-match-list-ignored",
    ] {
        assert_eq!(
            if_match(&with_defect(id), Method::Put, "Patient/a", "W/\"1\""),
            412,
            "{id}"
        );
    }
}

#[test]
fn criteria_are_not_understood() {
    let create = |server: &Server, criteria: &str| {
        put(server, &patient("a", "Ada"));
        let request = Request::new(Method::Post, "Patient").with_json(&patient("x", "Ada"));
        server
            .handle(&request.with_header("If-None-Exist", criteria))
            .status
    };
    shows(
        "if-none-exist-ignored",
        |server| create(server, "family=ada"),
        200,
        201,
    );
    let mixed = |server: &Server| create(server, "family=ada&unheard=of");
    shows("criteria-unknown-ignored", mixed, 400, 200);
    shows("criteria-unknown-matches-nothing", mixed, 400, 201);
    for id in [
        "criteria-unknown-ignored",
        "criteria-unknown-matches-nothing",
    ] {
        assert_eq!(create(&with_defect(id), "family=ada"), 200, "{id}");
    }
}

#[test]
fn deleted_resources_crash_what_concerns_them() {
    let gone = |server: &Server| {
        twice(server);
        status(server, Method::Delete, "Patient/a")
    };
    let vread = |server: &Server| {
        gone(server);
        get(server, "Patient/a/_history/3").status
    };
    shows("vread-tombstone-crashes", vread, 410, 500);
    let revive = |server: &Server| {
        gone(server);
        send(server, Method::Put, "Patient/a", &patient("a", "Ada")).status
    };
    shows("revive-crashes", revive, 201, 500);
}

fn versions(server: &Server, url: &str) -> Vec<String> {
    let bundle = json(&get(server, url));
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let tag = |entry: &Value| entry["response"]["etag"].as_str().unwrap().to_owned();
    entries.iter().map(tag).collect()
}

#[test]
fn histories_lack_versions_or_lead_on() {
    let deleted = |server: &Server| {
        twice(server);
        status(server, Method::Delete, "Patient/a");
        versions(server, "Patient/a/_history").len()
    };
    shows("history-forgets-first", deleted, 3, 2);
    shows("history-without-deletes", deleted, 3, 2);
    let server = with_defect("history-forgets-first");
    deleted(&server);
    let back = (0..3_000).any(|_| versions(&server, "Patient/a/_history").len() == 3);
    assert!(back, "only for 2 s");
    let next = |server: &Server| {
        twice(server);
        let next = link(&json(&get(server, "Patient/_history")), "next");
        next.map(|url| {
            (
                versions(server, &url).len(),
                link(&json(&get(server, &url)), "next"),
            )
        })
    };
    shows("history-next-to-nothing", next, None, Some((0, None)));
    let last = |server: &Server| {
        put(server, &patient("a", "Ada"));
        let body = json!([{"op": "add", "path": "/meta/tag", "value": [{"code": "t"}]}]);
        let patch = Request::new(Method::Patch, "Patient/a").with_json(&body);
        let patch = patch.with_header("Content-Type", "application/json-patch+json");
        assert_eq!(server.handle(&patch).status, 200);
        assert_eq!(ids(server, "Patient?_tag=t"), ["a"]);
        versions(server, "Patient/a/_history").len()
    };
    shows("meta-patch-overwrites", last, 2, 1);
}

fn sent(server: &Server, body: &str) -> u16 {
    let request = Request::new(Method::Put, "Observation/o")
        .with_body("application/fhir+json", body.to_owned());
    server.handle(&request).status
}

#[test]
fn what_is_valid_is_refused_and_what_is_not_is_kept() {
    let early = |server: &Server| {
        let mut ada = patient("a", "Ada");
        ada["birthDate"] = json!("0987-05-10");
        send(server, Method::Put, "Patient/a", &ada).status
    };
    shows("early-year-refused", early, 201, 422);
    let whole = |server: &Server| {
        put(server, &patient("a", "Ada"));
        let seen = observation("o", &format!("{BASE}/Patient/a"), "x");
        send(server, Method::Put, "Observation/o", &seen).status
    };
    shows("absolute-reference-refused", whole, 201, 409);
    let bare = r#"{"resourceType":"Observation","id":"o","code":{"text":"x"}}"#;
    shows(
        "required-not-checked",
        |server| sent(server, bare),
        422,
        201,
    );
    let loose = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"1.\"02"},"valueQuantity":{"value":-01.50}}"#;
    shows("loose-numbers", |server| sent(server, loose), 400, 201);
    let server = with_defect("loose-numbers");
    sent(&server, loose);
    let kept = json(&get(&server, "Observation/o"));
    assert_eq!(kept["valueQuantity"]["value"].to_string(), "-1.50");
    assert_eq!(kept["code"]["text"], "1.\"02");
    let profile = |server: &Server| {
        put(server, &patient("a", "Ada"));
        let outcome = json(&get(server, "Patient/a/$validate?profile=urn:unknown"));
        outcome["issue"][0]["severity"] == "error"
    };
    shows("validate-unknown-profile-fine", profile, true, false);
}

#[test]
fn values_are_not_kept_as_they_are() {
    for (sent_as, stripped) in [
        ("1.50", "1.5"),
        ("100.0", "1e+2"),
        ("-0.0", "0"),
        ("7.0", "7"),
    ] {
        let kept = |server: &Server| {
            let body = format!(
                r#"{{"resourceType":"Observation","id":"o","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{sent_as}}}}}"#
            );
            sent(server, &body);
            let text = String::from_utf8(get(server, "Observation/o").body.to_vec()).unwrap();
            let (_, value) = text.split_once("\"value\":").unwrap();
            value.trim_end_matches('}').to_owned()
        };
        shows(
            "decimal-as-exponent",
            kept,
            sent_as.to_owned(),
            stripped.to_owned(),
        );
    }
    let values = |server: &Server| {
        let mut ada = patient("a", "Ada");
        ada["extension"] = json!([{"url": "urn:a", "valueBoolean": true}, {"url": "urn:b", "valueCoding": {"code": "x"}}]);
        put(server, &ada);
        let kept = json(&get(server, "Patient/a"))["extension"].clone();
        [
            kept[0].get("valueBoolean").is_some(),
            kept[1].get("valueCoding").is_some(),
        ]
    };
    shows(
        "extension-value-dropped",
        values,
        [true, true],
        [false, true],
    );
}
