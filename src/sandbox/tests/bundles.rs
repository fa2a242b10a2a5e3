//! Batch and transaction.

use super::*;

fn entry(method: &str, url: &str, resource: Option<Value>) -> Value {
    let mut entry = json!({"request": {"method": method, "url": url}});
    if let Some(resource) = resource {
        entry["resource"] = resource;
    }
    entry
}

fn post(server: &Server, kind: &str, entries: &[Value]) -> Response {
    let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": entries});
    send(server, Method::Post, "", &bundle)
}

fn total(server: &Server, url: &str) -> u64 {
    json(&get(server, url))["total"].as_u64().unwrap()
}

#[test]
fn a_transaction_links_its_entries() {
    let server = server();
    let mut person = entry("POST", "Patient", Some(patient("x", "Ada")));
    person["fullUrl"] = json!("urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9");
    let subject = "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9";
    let weight = entry(
        "POST",
        "Observation",
        Some(observation("x", subject, "29463-7")),
    );
    let response = post(&server, "transaction", &[weight, person]);
    let bundle = json(&response);
    assert_eq!(response.status, 200, "{bundle}");
    assert_eq!(bundle["type"], "transaction-response");
    assert_eq!(bundle["entry"][0]["response"]["status"], "201 Created");
    assert_eq!(bundle["entry"][1]["response"]["etag"], "W/\"1\"");
    let location = bundle["entry"][1]["response"]["location"].as_str().unwrap();
    let key = crate::fhir::Key::from_reference(location).unwrap();
    assert_eq!(ids(&server, &format!("Observation?subject={key}")).len(), 1);
}

#[test]
fn a_transaction_runs_deletes_then_creates_then_updates_then_reads() {
    let server = server();
    put(&server, &patient("old", "Old"));
    let entries = [
        entry("GET", "Patient?family=new", None),
        entry("PUT", "Patient/p", Some(patient("p", "New"))),
        entry("POST", "Patient", Some(patient("x", "New"))),
        entry("DELETE", "Patient/old", None),
    ];
    let bundle = json(&post(&server, "transaction", &entries));
    assert_eq!(bundle["entry"][0]["resource"]["total"], 2, "{bundle}");
    assert_eq!(bundle["entry"][3]["response"]["status"], "204 No Content");
    let history = json(&get(&server, "_history"));
    let methods: Vec<&str> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["request"]["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["PUT", "POST", "DELETE", "PUT"]);
}

#[test]
fn a_failing_entry_takes_everything_back() {
    let server = server();
    put(&server, &patient("kept", "Kept"));
    let mut stale = entry("PUT", "Patient/kept", Some(patient("kept", "Changed")));
    stale["request"]["ifMatch"] = json!("W/\"9\"");
    let entries = [
        entry("POST", "Patient", Some(patient("x", "New"))),
        entry("PUT", "Patient/q", Some(patient("q", "New"))),
        stale,
    ];
    let response = post(&server, "transaction", &entries);
    assert_outcome(&response, 412);
    assert_eq!(
        json(&response)["issue"][0]["expression"][0],
        "Bundle.entry[2]"
    );
    assert_eq!(ids(&server, "Patient"), ["kept"]);
    assert_eq!(total(&server, "_history"), 1);
    assert_outcome(&get(&server, "Patient/q"), 404);
    assert_eq!(put(&server, &patient("q", "Later")).status, 201);
    assert_eq!(ids(&server, "Patient?family=later"), ["q"]);
}

#[test]
fn an_invalid_entry_is_named_and_nothing_happens() {
    let server = server();
    let wrong = json!({"resourceType": "Patient", "colour": "red"});
    let entries = [
        entry("POST", "Patient", Some(patient("x", "New"))),
        entry("POST", "Patient", Some(wrong)),
    ];
    assert_outcome(&post(&server, "transaction", &entries), 422);
    assert_eq!(total(&server, "Patient"), 0);
    assert_outcome(
        &post(&server, "transaction", &[entry("FETCH", "Patient/1", None)]),
        400,
    );
    assert_outcome(&post(&server, "collection", &[]), 400);
}

#[test]
fn a_resource_may_occur_only_once() {
    let server = server();
    let entries = [
        entry("PUT", "Patient/p", Some(patient("p", "One"))),
        entry("DELETE", "Patient/p", None),
    ];
    assert_outcome(&post(&server, "transaction", &entries), 400);
}

#[test]
fn conditional_entries_and_references_are_resolved() {
    let server = server();
    let mut person = patient("p", "Ada");
    person["identifier"] = json!([{"system": "urn:s", "value": "1"}]);
    put(&server, &person);
    let mut create = entry("POST", "Patient", Some(person.clone()));
    create["request"]["ifNoneExist"] = json!("identifier=urn:s|1");
    create["fullUrl"] = json!("urn:uuid:9d3a6a3e-1f8f-4f1c-8c5b-0a1f00000001");
    let linked = observation("x", "urn:uuid:9d3a6a3e-1f8f-4f1c-8c5b-0a1f00000001", "1-8");
    let criteria = observation("y", "Patient?identifier=urn:s|1", "1-8");
    let entries = [
        create,
        entry("POST", "Observation", Some(linked)),
        entry("POST", "Observation", Some(criteria)),
    ];
    let bundle = json(&post(&server, "transaction", &entries));
    assert_eq!(
        bundle["entry"][0]["response"]["status"], "200 OK",
        "{bundle}"
    );
    assert_eq!(total(&server, "Observation?subject=Patient/p"), 2);
    let lost = observation("z", "Patient?identifier=urn:s|2", "1-8");
    assert_outcome(
        &post(
            &server,
            "transaction",
            &[entry("POST", "Observation", Some(lost))],
        ),
        412,
    );
}

#[test]
fn entries_of_a_batch_stand_alone() {
    let server = server();
    let entries = [
        entry("PUT", "Patient/p", Some(patient("p", "Ada"))),
        entry("GET", "Patient/none", None),
        entry("GET", "Patient/p", None),
        entry(
            "POST",
            "",
            Some(json!({"resourceType": "Bundle", "type": "batch"})),
        ),
        json!({"resource": {"resourceType": "Patient"}}),
    ];
    let response = post(&server, "batch", &entries);
    let bundle = json(&response);
    let statuses: Vec<&str> = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["response"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [
            "201 Created",
            "404 Not Found",
            "200 OK",
            "400 Bad Request",
            "400 Bad Request"
        ]
    );
    assert_eq!(
        bundle["entry"][1]["response"]["outcome"]["resourceType"],
        "OperationOutcome"
    );
    assert_eq!(bundle["entry"][2]["resource"]["id"], "p");
    assert_eq!(bundle["type"], "batch-response");
}

#[test]
fn a_patch_travels_as_a_binary() {
    use base64::Engine;
    let server = server();
    put(&server, &patient("p", "Ada"));
    let document = r#"[{"op":"add","path":"/active","value":true}]"#;
    let data = base64::engine::general_purpose::STANDARD.encode(document);
    let binary = json!({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data});
    let bundle = json(&post(
        &server,
        "transaction",
        &[entry("PATCH", "Patient/p", Some(binary))],
    ));
    assert_eq!(
        bundle["entry"][0]["response"]["status"], "200 OK",
        "{bundle}"
    );
    assert_eq!(json(&get(&server, "Patient/p"))["active"], true);
}

#[test]
fn resources_are_returned_if_preferred() {
    let server = server();
    let bundle = json!({"resourceType": "Bundle", "type": "transaction",
        "entry": [entry("POST", "Patient", Some(patient("x", "Ada")))]});
    let request = Request::new(Method::Post, "").with_json(&bundle);
    let plain = json(&server.handle(&request));
    assert!(plain["entry"][0].get("resource").is_none());
    let full = json(&server.handle(&request.with_header("Prefer", "return=representation")));
    assert_eq!(full["entry"][0]["resource"]["resourceType"], "Patient");
}
