//! Metadata, create, read, vread, update, patch, delete and history.

use super::*;

#[test]
fn metadata_claims_r4_json_and_what_is_done() {
    let server = server();
    let response = get(&server, "metadata");
    let statement = json(&response);
    assert_eq!(response.media_type(), "application/fhir+json");
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let capability = crate::fhir::capability::Capability::new(statement);
    for interaction in [
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    ] {
        assert!(capability.supports("Patient", interaction), "{interaction}");
    }
    assert!(capability.supports_system("transaction"));
    assert!(capability.flag("Patient", "updateCreate"));
    assert!(capability.supports_parameter("Patient", "_lastUpdated"));
    assert!(!capability.supports_parameter("Patient", "phonetic"));
    assert!(capability.supports_include("Observation", false, "Observation:subject"));
    assert!(capability.supports_include("Patient", true, "Observation:subject"));
    let issues = crate::fhir::validate::validate(capability.value());
    assert!(issues.is_empty(), "{:?}", &issues[..issues.len().min(5)]);
}

#[test]
fn every_declared_parameter_is_answered() {
    let server = server();
    let statement = json(&get(&server, "metadata"));
    let mut asked = 0;
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let name = resource["type"].as_str().unwrap();
        for parameter in resource["searchParam"].as_array().unwrap() {
            let code = parameter["name"].as_str().unwrap();
            if parameter["type"] == "composite" {
                continue;
            }
            let request = Request::get(format!("{name}?{code}:missing=false"))
                .with_header("Prefer", "handling=strict");
            assert_eq!(server.handle(&request).status, 200, "{name}?{code}");
            asked += 1;
        }
    }
    assert!(asked > 1_000, "{asked}");
}

#[test]
fn a_create_gets_an_id_a_location_and_version_one() {
    let server = server();
    let response = send(&server, Method::Post, "Patient", &patient("mine", "Ada"));
    let created = json(&response);
    let id = created["id"].as_str().unwrap();
    assert_eq!(response.status, 201);
    assert_ne!(id, "mine");
    assert_eq!(response.headers.get("etag"), Some("W/\"1\""));
    let location = format!("{BASE}/Patient/{id}/_history/1");
    assert_eq!(response.headers.get("location"), Some(location.as_str()));
    assert!(
        response
            .headers
            .get("last-modified")
            .unwrap()
            .ends_with("GMT")
    );
    assert_eq!(get(&server, &location).status, 200);
    assert_eq!(get(&server, &format!("Patient/{id}")).body, response.body);
}

#[test]
fn assigned_ids_depend_on_the_seed_alone() {
    let create = |server: &Server| {
        json(&send(server, Method::Post, "Patient", &patient("x", "Ada")))["id"].clone()
    };
    assert_eq!(create(&server()), create(&server()));
}

#[test]
fn decimals_and_member_order_are_kept_byte_for_byte() {
    let server = server();
    let text = r#"{"resourceType":"Observation","id":"d","status":"final","valueQuantity":{"value":1.50,"unit":"mg"},"code":{"text":"x"},"referenceRange":[{"low":{"value":1.0e-2}}]}"#;
    let request = Request::new(Method::Put, "Observation/d").with_body("application/json", text);
    assert_eq!(server.handle(&request).status, 201);
    let read = String::from_utf8(get(&server, "Observation/d").body.to_vec()).unwrap();
    let (_, tail) = read.split_once("\"status\"").unwrap();
    assert_eq!(tail, text.split_once("\"status\"").unwrap().1);
}

#[test]
fn an_update_creates_then_makes_versions() {
    let server = server();
    assert_eq!(put(&server, &patient("a", "One")).status, 201);
    let second = put(&server, &patient("a", "Two"));
    assert_eq!(
        (second.status, second.headers.get("etag")),
        (200, Some("W/\"2\""))
    );
    let first = json(&get(&server, "Patient/a/_history/1"));
    assert_eq!(first["name"][0]["family"], "One");
    assert_outcome(&get(&server, "Patient/a/_history/9"), 404);
}

#[test]
fn an_update_needs_the_id_of_its_url() {
    let server = server();
    assert_outcome(
        &send(&server, Method::Put, "Patient/b", &patient("a", "Ada")),
        400,
    );
    let nameless = json!({"resourceType": "Patient"});
    assert_outcome(&send(&server, Method::Put, "Patient/b", &nameless), 400);
    assert_outcome(
        &send(&server, Method::Put, "Patient/b_c", &patient("b_c", "Ada")),
        400,
    );
}

#[test]
fn bad_bodies_are_refused_by_kind() {
    let server = server();
    let post = |text: &'static str| {
        server
            .handle(&Request::new(Method::Post, "Patient").with_body("application/fhir+json", text))
    };
    assert_outcome(&post("{\"resourceType\":"), 400);
    assert_outcome(&post("[]"), 400);
    assert_outcome(
        &post("{\"resourceType\":\"Patient\",\"active\":true,\"active\":false}"),
        400,
    );
    assert_outcome(&post("{\"resourceType\":\"Observation\"}"), 400);
    assert_outcome(
        &post("{\"resourceType\":\"Patient\",\"birthDate\":\"yesterday\"}"),
        422,
    );
    assert_outcome(
        &post("{\"resourceType\":\"Patient\",\"colour\":\"red\"}"),
        422,
    );
    let text = Request::new(Method::Post, "Patient").with_body("text/plain", "a patient");
    assert_outcome(&server.handle(&text), 415);
}

#[test]
fn a_deleted_resource_is_gone_and_its_history_stays() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    assert_eq!(
        server
            .handle(&Request::new(Method::Delete, "Patient/a"))
            .status,
        204
    );
    assert_outcome(&get(&server, "Patient/a"), 410);
    assert_outcome(&get(&server, "Patient/a/_history/2"), 410);
    assert_eq!(get(&server, "Patient/a/_history/1").status, 200);
    assert_eq!(
        server
            .handle(&Request::new(Method::Delete, "Patient/a"))
            .status,
        204
    );
    assert_eq!(
        server
            .handle(&Request::new(Method::Delete, "Patient/none"))
            .status,
        204
    );
    assert_eq!(put(&server, &patient("a", "Again")).status, 201);
    let history = json(&get(&server, "Patient/a/_history"));
    let methods: Vec<&str> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["request"]["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["PUT", "DELETE", "PUT"]);
    assert_eq!(history["total"], 3);
    assert!(history["entry"][1].get("resource").is_none());
    assert_eq!(history["entry"][1]["response"]["status"], "204 No Content");
    assert_outcome(&get(&server, "Patient/none/_history"), 404);
}

#[test]
fn history_has_three_levels_since_and_pages() {
    let server = server();
    for id in ["a", "b", "c"] {
        put(&server, &patient(id, "Ada"));
    }
    put(&server, &observation("o", "Patient/a", "1-8"));
    assert_eq!(json(&get(&server, "_history"))["total"], 4);
    let first = json(&get(&server, "Patient/_history?_count=2"));
    assert_eq!(first["total"], 3);
    assert_eq!(first["entry"][0]["resource"]["id"], "c");
    let next = link(&first, "next").unwrap();
    let second = json(&get(&server, &next));
    assert_eq!(second["entry"].as_array().unwrap().len(), 1);
    assert!(link(&second, "next").is_none());
    let since = json(&get(&server, "Patient/c"))["meta"]["lastUpdated"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        json(&get(&server, &format!("Patient/_history?_since={since}")))["total"],
        1
    );
    assert_outcome(&get(&server, "Patient/_history?_since=soon"), 400);
}

#[test]
fn a_json_patch_changes_what_it_names() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    let patch = |body: Value| {
        let request = Request::new(Method::Patch, "Patient/a")
            .with_body("application/json-patch+json", body.to_string());
        server.handle(&request)
    };
    let done = patch(json!([{"op": "replace", "path": "/name/0/family", "value": "Eva"}]));
    assert_eq!(
        (done.status, json(&done)["name"][0]["family"].as_str()),
        (200, Some("Eva"))
    );
    assert_outcome(
        &patch(json!([{"op": "test", "path": "/active", "value": true}])),
        422,
    );
    assert_outcome(
        &patch(json!([{"op": "add", "path": "/colour", "value": "red"}])),
        422,
    );
    assert_outcome(
        &patch(json!([{"op": "replace", "path": "/id", "value": "b"}])),
        422,
    );
    assert_outcome(&patch(json!({"op": "none"})), 400);
    assert_outcome(&send(&server, Method::Patch, "Patient/a", &json!([])), 400);
}

#[test]
fn prefer_decides_what_a_write_returns() {
    let server = server();
    let write = |value: &str| {
        let request = Request::new(Method::Post, "Patient").with_json(&patient("x", "Ada"));
        server.handle(&request.with_header("Prefer", value))
    };
    let minimal = write("return=minimal");
    assert!(minimal.body.is_empty() && minimal.headers.get("location").is_some());
    assert_eq!(
        json(&write("return=OperationOutcome"))["resourceType"],
        "OperationOutcome"
    );
    assert_eq!(
        json(&write("return=representation"))["resourceType"],
        "Patient"
    );
}

#[test]
fn wrong_places_methods_and_formats_have_their_statuses() {
    let server = server();
    assert_outcome(&get(&server, "Foo/1"), 404);
    assert_outcome(&get(&server, "Patient/$unknown"), 404);
    let refused = send(&server, Method::Post, "Patient/1", &patient("1", "Ada"));
    assert_outcome(&refused, 405);
    assert!(refused.headers.get("allow").unwrap().contains("PUT"));
    let options = server.handle(&Request::new(Method::Options, "Patient"));
    assert_eq!((options.status, options.body.len()), (204, 0));
    assert!(options.headers.get("allow").unwrap().contains("POST"));
    let html = Request::get("metadata").with_header("Accept", "text/html");
    assert_outcome(&server.handle(&html), 406);
    assert_outcome(&get(&server, "metadata?_format=text/turtle"), 406);
    let plain = Request::get("metadata").with_header("Accept", "application/json");
    assert_eq!(server.handle(&plain).media_type(), "application/json");
}

#[test]
fn head_is_get_without_a_body_and_request_ids_come_back() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    let length = get(&server, "Patient/a").body.len().to_string();
    let request = Request::new(Method::Head, "Patient/a").with_header("X-Request-Id", "r-1");
    let response = server.handle(&request);
    assert_eq!((response.status, response.body.len()), (200, 0));
    assert_eq!(
        response.headers.get("content-length"),
        Some(length.as_str())
    );
    assert_eq!(response.headers.get("x-request-id"), Some("r-1"));
}

#[test]
fn the_log_tells_reads_from_writes() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    get(&server, "Patient/a?_summary=true");
    let form = Request::new(Method::Post, "Patient/_search")
        .with_body("application/x-www-form-urlencoded", "name=ada");
    assert_eq!(server.handle(&form).status, 200);
    let log = server.log();
    assert_eq!(
        (log.total(), log.mutating(), log.unsafe_methods()),
        (3, 1, 2)
    );
    assert_eq!(log.entries()[1].path, "Patient/{id}");
    assert_eq!(log.entries()[1].query, "_summary=true");
}
#[test]
fn answers_are_valid_resources() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    put(&server, &observation("o", "Patient/a", "1-8"));
    server.handle(&Request::new(Method::Delete, "Observation/o"));
    put(&server, &observation("o", "Patient/a", "1-8"));
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": "Patient/a"}},
        {"request": {"method": "DELETE", "url": "Patient/none"}},
        {"request": {"method": "GET", "url": "Patient/none"}},
    ]});
    let answers = [
        get(&server, "Observation?_include=Observation:subject&_count=1"),
        get(&server, "Observation?_summary=count"),
        get(&server, "Observation?_elements=code"),
        get(&server, "_history?_count=2"),
        get(&server, "Patient/none"),
        get(&server, "Patient?birthdate=soon"),
        send(&server, Method::Post, "", &bundle),
        send(
            &server,
            Method::Post,
            "Patient",
            &json!({"resourceType": "Patient", "x": 1}),
        ),
    ];
    for answer in answers {
        let body = json(&answer);
        let issues = crate::fhir::validate::validate(&body);
        assert!(issues.is_empty(), "{issues:?}\n{body}");
    }
}
