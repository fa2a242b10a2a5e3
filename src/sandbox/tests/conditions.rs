//! Preconditions and conditional interactions.

use super::*;

fn identified(id: &str, value: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:s", "value": value}]})
}

#[test]
fn if_match_guards_update_patch_and_delete() {
    let server = server();
    put(&server, &patient("a", "One"));
    put(&server, &patient("a", "Two"));
    let update = |tag: &str| {
        let request = Request::new(Method::Put, "Patient/a").with_json(&patient("a", "Three"));
        server.handle(&request.with_header("If-Match", tag))
    };
    assert_outcome(&update("W/\"1\""), 412);
    assert_eq!(update("W/\"1\", W/\"2\"").status, 200);
    let delete = |tag: &str| {
        server.handle(&Request::new(Method::Delete, "Patient/a").with_header("If-Match", tag))
    };
    assert_outcome(&delete("W/\"2\""), 412);
    assert_eq!(delete("W/\"3\"").status, 204);
    assert_outcome(&update("*"), 412);
}

#[test]
fn conditional_reads_answer_304() {
    let server = server();
    let written = put(&server, &patient("a", "Ada"));
    let read = |name: &str, value: &str| {
        server.handle(&Request::get("Patient/a").with_header(name, value))
    };
    let same = read("If-None-Match", "W/\"1\"");
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.headers.get("etag"), Some("W/\"1\""));
    assert_eq!(read("If-None-Match", "W/\"7\"").status, 200);
    let modified = written.headers.get("last-modified").unwrap();
    assert_eq!(read("If-Modified-Since", modified).status, 304);
    assert_eq!(
        read("If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT").status,
        200
    );
    assert_eq!(read("If-Modified-Since", "yesterday").status, 200);
}

#[test]
fn a_conditional_create_happens_at_most_once() {
    let server = server();
    let create = |criteria: &str| {
        let request = Request::new(Method::Post, "Patient").with_json(&identified("x", "1"));
        server.handle(&request.with_header("If-None-Exist", criteria))
    };
    let first = create("identifier=urn:s|1");
    let again = create("identifier=urn:s|1");
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(json(&first)["id"], json(&again)["id"]);
    put(&server, &identified("b", "1"));
    assert_outcome(&create("identifier=urn:s%7C1"), 412);
    assert_outcome(&create("identifierr=1"), 400);
    assert_outcome(&create("_count=1"), 412);
}

#[test]
fn a_conditional_update_has_three_outcomes() {
    let server = server();
    let update = |body: &Value| send(&server, Method::Put, "Patient?identifier=urn:s|1", body);
    let mut nameless = identified("", "1");
    nameless.as_object_mut().unwrap().remove("id");
    let created = update(&nameless);
    assert_eq!(created.status, 201);
    let id = json(&created)["id"].as_str().unwrap().to_owned();
    assert_eq!(update(&nameless).status, 200);
    assert_eq!(
        json(&get(&server, &format!("Patient/{id}")))["meta"]["versionId"],
        "2"
    );
    assert_outcome(&update(&identified("other", "1")), 400);
    put(&server, &identified("b", "1"));
    assert_outcome(&update(&nameless), 412);
    assert_outcome(
        &send(&server, Method::Put, "Patient?bogus=1", &nameless),
        400,
    );
}

#[test]
fn a_conditional_delete_takes_one_match_and_never_everything() {
    let server = server();
    put(&server, &identified("a", "1"));
    put(&server, &identified("b", "2"));
    put(&server, &identified("c", "2"));
    let delete = |url: &str| server.handle(&Request::new(Method::Delete, url));
    assert_eq!(delete("Patient?identifier=urn:s|1").status, 204);
    assert_outcome(&get(&server, "Patient/a"), 410);
    assert_eq!(delete("Patient?identifier=urn:s|9").status, 204);
    assert_outcome(&delete("Patient?identifier=urn:s|2"), 412);
    assert_outcome(&delete("Patient"), 412);
    assert_outcome(&delete("Patient?identifer=2"), 400);
    assert_eq!(ids(&server, "Patient"), ["b", "c"]);
}
