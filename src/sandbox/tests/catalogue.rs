//! Every defect does what it says and nothing without it; every variant stays legal. Defects of searches and operations
//! are tested by area, in the files below.

mod answers;
mod comparing;
mod counting;
mod including;
mod joining;
mod operating;
mod paging;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::sandbox::{DEFECTS, VARIANTS};

#[test]
fn ids_are_sorted_words_and_every_fault_has_a_source() {
    let ids: Vec<&str> = DEFECTS.iter().map(|defect| defect.id).collect();
    assert!(ids.is_sorted() && ids.len() >= 58);
    let faults: BTreeSet<_> = DEFECTS.iter().map(|defect| defect.fault).collect();
    assert_eq!(faults.len(), DEFECTS.len());
    for defect in DEFECTS.iter() {
        assert!(defect.provenance.starts_with("http"), "{}", defect.id);
        assert!(
            defect
                .id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        );
    }
    assert!(VARIANTS.iter().map(|variant| variant.id).is_sorted());
}

/// Loads the same data and tells what a client sees, so that a defect's answer can be held against the honest one.
fn seen(server: &Server, url: &str) -> (u16, String) {
    let response = get(server, url);
    (
        response.status,
        String::from_utf8_lossy(&response.body).into_owned(),
    )
}

/// What a defect makes of what a URL tells: id, URL, the honest answer, the faulty one.
type Telling = (&'static str, &'static str, &'static str, &'static str);

/// Fills an honest server and one with each defect, and holds what they tell against the table.
#[track_caller]
fn tell(fill: fn(&Server), tells: fn(&Server, &str) -> String, table: &[Telling]) {
    let honest = server();
    fill(&honest);
    for (id, url, right, wrong) in table {
        let faulty = with_defect(id);
        fill(&faulty);
        assert_eq!(tells(&honest, url), *right, "without {id}: {url}");
        assert_eq!(tells(&faulty, url), *wrong, "{id}: {url}");
    }
}

/// The ids of the matches in order, or the status if it is not 200.
fn matches(server: &Server, url: &str) -> String {
    let response = get(server, url);
    match response.status {
        200 => ids_of(&json(&response), "match").join(","),
        status => status.to_string(),
    }
}

/// The status of a GET.
fn status(server: &Server, url: &str) -> String {
    get(server, url).status.to_string()
}

fn fill(server: &Server) {
    let mut ada = patient("a", "Ada");
    ada["gender"] = json!("female");
    ada["birthDate"] = json!("1980-05-10");
    ada["communication"] =
        json!([{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}}]);
    ada["_birthDate"] = json!({"extension": [{"url": "http://example.org/e", "valueString": "x"}]});
    put(server, &ada);
    put(server, &patient("b", "Bob"));
    put(server, &patient("c", "Ada"));
    let text = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/a"},"valueQuantity":{"value":1.50}}"#;
    let request = Request::new(Method::Put, "Observation/o").with_body("application/json", text);
    assert_eq!(server.handle(&request).status, 201);
    put(server, &patient("b", "Bobby"));
    put(server, &patient("gone", "Gone"));
    server.handle(&Request::new(Method::Delete, "Patient/gone"));
}

#[test]
fn faults_of_reading_show_in_one_request() {
    let table = [
        ("count-without-type", "Patient?_summary=count"),
        ("decimal-through-double", "Observation/o"),
        ("deleted-in-search", "Patient"),
        ("empty-string", "Patient/a"),
        ("next-link-absent", "Patient?_count=1"),
        ("entry-without-request", "Patient/b/_history"),
        ("errors-as-html", "Patient/none"),
        ("filter-ignored", "Patient?gender=female"),
        ("full-url-with-version", "Patient/b/_history"),
        ("ge-excludes-day", "Patient?birthdate=ge1980-05-10"),
        ("history-oldest-first", "Patient/b/_history"),
        ("include-misses", "Observation?_include=Observation:subject"),
        (
            "includes-as-match",
            "Observation?_include=Observation:subject",
        ),
        ("not-omits-missing", "Patient?gender:not=male"),
        ("or-duplicates", "Patient?name=ad,ada"),
        ("primitive-extension-dropped", "Patient/a"),
        ("sort-ignored", "Patient?_sort=-_id"),
        (
            "total-counts-included",
            "Observation?_include=Observation:subject",
        ),
        ("vread-returns-current", "Patient/b/_history/1"),
    ];
    let honest = server();
    fill(&honest);
    for (id, url) in table {
        let faulty = with_defect(id);
        fill(&faulty);
        assert_ne!(seen(&honest, url), seen(&faulty, url), "{id}");
        assert_eq!(
            seen(&honest, "Patient/b"),
            seen(&faulty, "Patient/b"),
            "{id}"
        );
    }
}

#[test]
fn faults_of_storing_show_in_what_is_read() {
    let observation = json!({"resourceType": "Observation", "id": "p", "status": "final", "code": {"text": "x"},
        "subject": {"reference": "Patient/a"}, "encounter": {"reference": "Encounter/e"}, "valueString": "x"});
    let encounter = json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}});
    let read = |server: &Server, url: &str| {
        put(server, &patient("a", "Ada"));
        put(server, &encounter);
        put(server, &observation);
        json(&get(server, url))
    };
    let both = ["Observation/p", "Patient/a"].map(|url| read(&server(), url));
    assert_eq!(both[0]["encounter"]["reference"], "Encounter/e");
    assert!(both[0]["dataAbsentReason"].is_null() && both[1]["meta"]["profile"].is_null());
    let old = read(&with_defect("reference-of-old-type"), "Observation/p");
    assert_eq!(old["encounter"]["reference"], "EpisodeOfCare/e");
    let reasoned = read(&with_defect("value-and-reason"), "Observation/p");
    assert_eq!(reasoned["dataAbsentReason"]["text"], "unknown");
    let stamped = read(&with_defect("profile-stamped"), "Patient/a");
    let claim = stamped["meta"]["profile"][0].as_str().unwrap();
    assert!(claim.ends_with("/us-core-patient|6.1.0"), "{claim}");
}

#[test]
fn pages_overlap_only_with_the_fault() {
    let union = |server: &Server| {
        fill(server);
        let mut bundle = json(&get(server, "Patient?_count=2"));
        let mut seen = ids_of(&bundle, "match");
        while let Some(next) = link(&bundle, "next") {
            bundle = json(&get(server, &next));
            seen.extend(ids_of(&bundle, "match"));
        }
        seen
    };
    assert_eq!(union(&server()), ["a", "b", "c"]);
    assert_eq!(union(&with_defect("page-overlap")), ["a", "b", "b", "c"]);
}

#[test]
fn faults_of_writing_show_in_their_answers() {
    let stale = |server: &Server| {
        fill(server);
        let request = Request::new(Method::Put, "Patient/b").with_json(&patient("b", "Late"));
        server
            .handle(&request.with_header("If-Match", "W/\"1\""))
            .status
    };
    assert_eq!(
        (stale(&server()), stale(&with_defect("if-match-ignored"))),
        (412, 200)
    );
    let broken = |server: &Server| {
        let request = Request::new(Method::Post, "Patient").with_body("application/fhir+json", "{");
        server.handle(&request).status
    };
    assert_eq!(
        (broken(&server()), broken(&with_defect("bad-json-crashes"))),
        (400, 500)
    );
    let tag = |server: &Server| {
        let response = put(server, &patient("a", "Ada"));
        let version = json(&response)["meta"]["versionId"]
            .as_str()
            .unwrap()
            .to_owned();
        response.headers.get("etag").unwrap() == format!("W/\"{version}\"")
    };
    assert!(tag(&server()) && !tag(&with_defect("etag-differs")));
    let form = |server: &Server| {
        fill(server);
        let request = Request::new(Method::Post, "Patient/_search").with_body(
            "application/x-www-form-urlencoded",
            "family=ada&gender=female",
        );
        ids_of(&json(&server.handle(&request)), "match").len()
    };
    assert_eq!(
        (
            form(&server()),
            form(&with_defect("post-search-drops-parameter"))
        ),
        (1, 2)
    );
    let part = |server: &Server| {
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "POST", "url": "Patient"}, "resource": patient("x", "Ada")},
            {"request": {"method": "PUT", "url": "Patient/z"}, "resource": {"resourceType": "Patient", "id": "y"}},
        ]});
        assert_outcome(&send(server, Method::Post, "", &bundle), 400);
        ids(server, "Patient").len()
    };
    assert_eq!(
        (
            part(&server()),
            part(&with_defect("transaction-keeps-part"))
        ),
        (0, 1)
    );
}

#[test]
fn faults_of_headers_show_in_their_answers() {
    let field = |server: &Server, name: &str| {
        let response = send(server, Method::Post, "Patient", &patient("x", "Ada"));
        assert_eq!(response.status, 201);
        response.headers.get(name).map(str::to_owned)
    };
    let honest = |name: &str| field(&server(), name).unwrap();
    assert!(honest("Location").ends_with("/_history/1"));
    assert_eq!(
        field(&with_defect("create-without-location"), "Location"),
        None
    );
    assert!(honest("Content-Type").starts_with("application/fhir+json"));
    let media = field(&with_defect("generic-json-type"), "Content-Type");
    assert!(media.unwrap().starts_with("application/json"));
    assert!(honest("Last-Modified").ends_with(" GMT"));
    let modified = field(&with_defect("last-modified-as-instant"), "Last-Modified");
    assert!(modified.unwrap().ends_with('Z'));
}

fn at_once(server: &Arc<Server>, request: &Request) -> Vec<u16> {
    let barrier = Arc::new(std::sync::Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (server, request, barrier) =
                (Arc::clone(server), request.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                server.handle(&request).status
            })
        })
        .collect();
    let mut statuses: Vec<u16> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    statuses.sort_unstable();
    statuses
}

#[test]
fn without_a_fault_concurrent_writes_are_decided_one_by_one() {
    let server = Arc::new(server());
    put(&server, &patient("a", "Ada"));
    let update = Request::new(Method::Put, "Patient/a")
        .with_json(&patient("a", "Eva"))
        .with_header("If-Match", "W/\"1\"");
    assert_eq!(at_once(&server, &update), [200, 412, 412, 412]);
    let create = Request::new(Method::Post, "Patient")
        .with_json(&patient("x", "Once"))
        .with_header("If-None-Exist", "family=once");
    assert_eq!(at_once(&server, &create), [200, 200, 200, 201]);
}

/// How often a race is tried: each round is likely to show it, none has to.
const ROUNDS: usize = 200;

#[test]
fn races_have_a_window_with_the_fault() {
    let server = Arc::new(with_defect("if-match-race"));
    let update = Request::new(Method::Put, "Patient/a").with_json(&patient("a", "Eva"));
    let lost = (0..ROUNDS).any(|_| {
        let current = put(&server, &patient("a", "Ada"));
        let tag = current.headers.get("etag").unwrap();
        let statuses = at_once(&server, &update.clone().with_header("If-Match", tag));
        statuses.iter().filter(|status| **status == 200).count() > 1
    });
    assert!(lost);
    let server = Arc::new(with_defect("conditional-create-race"));
    let doubled = (0..ROUNDS).any(|round| {
        let create = Request::new(Method::Post, "Patient")
            .with_json(&patient("x", &format!("Once{round}")))
            .with_header("If-None-Exist", format!("family=once{round}"));
        let statuses = at_once(&server, &create);
        statuses.iter().filter(|status| **status == 201).count() > 1
    });
    assert!(doubled);
}

#[test]
fn opaque_versions_work_as_versions_do() {
    let server = with_variant("opaque-versions");
    let first = put(&server, &patient("a", "One"));
    let version = json(&first)["meta"]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(version.parse::<u64>().is_err());
    put(&server, &patient("a", "Two"));
    let old = json(&get(&server, &format!("Patient/a/_history/{version}")));
    assert_eq!(old["name"][0]["family"], "One");
    let stale = Request::new(Method::Put, "Patient/a")
        .with_json(&patient("a", "Three"))
        .with_header("If-Match", format!("W/\"{version}\""));
    assert_outcome(&server.handle(&stale), 412);
}

#[test]
fn a_server_without_versions_shows_none() {
    let server = with_variant("no-versions");
    let created = put(&server, &patient("a", "One"));
    assert_eq!(created.headers.get("etag"), None);
    let location = created.headers.get("location").unwrap();
    assert!(location.ends_with("/Patient/a"), "{location}");
    let read = get(&server, "Patient/a");
    assert_eq!(read.headers.get("etag"), None);
    assert!(read.headers.get("last-modified").is_some());
    assert!(json(&read)["meta"]["versionId"].is_null());
    for url in [
        "Patient/a/_history",
        "Patient/a/_history/1",
        "Patient/_history",
        "_history",
    ] {
        assert_outcome(&get(&server, url), 405);
    }
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": "Patient/a/_history/1"}}]});
    let answer = json(&server.handle(&Request::new(Method::Post, "").with_json(&batch)));
    assert_eq!(
        answer["entry"][0]["response"]["status"],
        "405 Method Not Allowed"
    );
    let named = Request::new(Method::Put, "Patient/a")
        .with_json(&patient("a", "Two"))
        .with_header("If-Match", "W/\"1\"");
    assert_outcome(&server.handle(&named), 412);
    let statement = json(&get(&server, "metadata")).to_string();
    assert!(statement.contains("no-version") && !statement.contains("vread"));
    assert!(!statement.contains("history-"));
}

#[test]
fn a_deleted_resource_can_be_unknown() {
    let server = with_variant("gone-as-404");
    put(&server, &patient("a", "Ada"));
    server.handle(&Request::new(Method::Delete, "Patient/a"));
    assert_outcome(&get(&server, "Patient/a"), 404);
}

#[test]
fn a_quiet_update_makes_no_version() {
    let server = with_variant("quiet-update");
    put(&server, &patient("a", "Ada"));
    let again = put(&server, &patient("a", "Ada"));
    assert_eq!(again.headers.get("etag"), Some("W/\"1\""));
    let stored = json(&get(&server, "Patient/a"));
    assert_eq!(put(&server, &stored).headers.get("etag"), Some("W/\"1\""));
    assert_eq!(
        put(&server, &patient("a", "Eva")).headers.get("etag"),
        Some("W/\"2\"")
    );
}

#[test]
fn a_lagging_index_catches_up() {
    let server = with_variant("index-lag");
    put(&server, &patient("a", "Ada"));
    assert_eq!(get(&server, "Patient/a").status, 200);
    assert!(ids(&server, "Patient").is_empty());
    // The clock of the tests moves one millisecond per reading.
    let tries = (0..1_000).position(|_| !ids(&server, "Patient").is_empty());
    assert!(tries.is_some_and(|tries| tries > 100), "{tries:?}");
    let create = Request::new(Method::Post, "Patient").with_json(&patient("x", "Eva"));
    let create = create.with_header("If-None-Exist", "family=eva");
    assert_eq!(server.handle(&create).status, 201);
    assert_eq!(server.handle(&create).status, 200);
}

#[test]
fn faults_of_bundles_show_in_their_answers() {
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": "Patient/none"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": patient("x", "Ada")},
    ]});
    let answer = |server: &Server| json(&send(server, Method::Post, "", &batch));
    let first = |server: &Server| {
        let status = answer(server)["entry"][0]["response"]["status"].clone();
        status.as_str().unwrap()[..3].to_owned()
    };
    assert_eq!(first(&server()), "404");
    assert_eq!(first(&with_defect("batch-out-of-order")), "201");
    let tag = |server: &Server| answer(server)["entry"][1]["response"]["etag"].is_string();
    assert!(tag(&server()) && !tag(&with_defect("bundle-entry-without-etag")));
    let read_first = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "GET", "url": "Patient/a"}},
        {"request": {"method": "PUT", "url": "Patient/a"}, "resource": patient("a", "New")},
    ]});
    let seen = |server: &Server| {
        put(server, &patient("a", "Old"));
        let answer = json(&send(server, Method::Post, "", &read_first));
        answer["entry"][0]["resource"]["name"][0]["family"].clone()
    };
    assert_eq!(seen(&server()), "New");
    assert_eq!(seen(&with_defect("transaction-in-given-order")), "Old");
    let twice = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "PUT", "url": "Patient/a"}, "resource": patient("a", "One")},
        {"request": {"method": "PUT", "url": "Patient/a"}, "resource": patient("a", "Two")},
    ]});
    let status = |server: &Server| send(server, Method::Post, "", &twice).status;
    assert_eq!(status(&server()), 400);
    assert_eq!(status(&with_defect("transaction-accepts-overlap")), 200);
    let linked = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "PUT", "url": "Observation/o"},
         "resource": observation("o", "Patient?family=ada", "x")},
    ]});
    let subject = |server: &Server| {
        put(server, &patient("a", "Ada"));
        assert_eq!(send(server, Method::Post, "", &linked).status, 200);
        json(&get(server, "Observation/o"))["subject"]["reference"].clone()
    };
    assert_eq!(subject(&server()), "Patient/a");
    let kept = subject(&with_defect("conditional-reference-kept"));
    assert_eq!(kept, "Patient?family=ada");
}

#[test]
fn faults_of_histories_and_updates_show_in_their_answers() {
    let history = |server: &Server, query: &str| {
        fill(server);
        json(&get(server, &format!("Patient/b/_history?{query}")))
    };
    let total = |server: &Server| history(server, "_count=1")["total"].clone();
    assert_eq!(total(&server()), 2);
    assert_eq!(total(&with_defect("history-total-of-page")), 1);
    let since_itself = |server: &Server| {
        fill(server);
        let stored = json(&get(server, "Patient/b"));
        let since = stored["meta"]["lastUpdated"].as_str().unwrap().to_owned();
        json(&get(server, &format!("Patient/b/_history?_since={since}")))["total"].clone()
    };
    assert_eq!(since_itself(&server()), 1);
    assert_eq!(since_itself(&with_defect("since-exclusive")), 0);
    let twice = "Patient/b/_history?_since=2001-01-01&_since=2002-01-01";
    let honest = server();
    fill(&honest);
    assert_outcome(&get(&honest, twice), 400);
    let removed = |server: &Server| {
        fill(server);
        put(server, &patient("a", "Ada"));
        json(&get(server, "Patient/a"))["gender"].is_null()
    };
    assert!(removed(&server()) && !removed(&with_defect("update-keeps-removed")));
    let conditional = |server: &Server, method: Method, id: &str| {
        fill(server);
        let request = Request::new(method, "Patient?gender=female").with_json(&patient(id, "Eva"));
        let request = match method {
            Method::Post => Request {
                url: "Patient".into(),
                ..request
            }
            .with_header("If-None-Exist", "gender=female"),
            _ => request,
        };
        let status = server.handle(&request).status;
        let family = json(&get(server, "Patient/a"))["name"][0]["family"].clone();
        (status, family == "Eva")
    };
    let updates = with_defect("conditional-create-updates");
    assert_eq!(conditional(&server(), Method::Post, "x"), (200, false));
    assert_eq!(conditional(&updates, Method::Post, "x"), (200, true));
    let takes = with_defect("conditional-update-takes-any-id");
    assert_eq!(conditional(&server(), Method::Put, "x"), (400, false));
    assert_eq!(conditional(&takes, Method::Put, "x"), (200, true));
}

#[test]
fn faults_of_operations_and_fields_show_in_one_request() {
    let table = [
        ("everything-leaks", "Patient/a/$everything"),
        ("everything-misses", "Patient/a/$everything"),
        (
            "expand-ignores-filter",
            "ValueSet/$expand?url=urn:rounds:sandbox:inpatient&filter=care",
        ),
        (
            "lookup-invents",
            "CodeSystem/$lookup?system=urn:rounds:sandbox:ward&code=unicorn",
        ),
        (
            "validate-code-anything",
            "CodeSystem/$validate-code?url=urn:rounds:sandbox:ward&code=unicorn",
        ),
        (
            "validate-always-fine",
            "Patient/a/$validate?profile=urn:unknown",
        ),
    ];
    let honest = server();
    fill(&honest);
    for (id, url) in table {
        let faulty = with_defect(id);
        fill(&faulty);
        assert_ne!(seen(&honest, url), seen(&faulty, url), "{id}");
    }
    let field = |server: &Server, method: Method, name: &str| {
        fill(server);
        let request = Request::new(method, "Patient/a").with_header("Origin", "https://a.example");
        server.handle(&request).headers.get(name).is_some()
    };
    let allow = "Access-Control-Allow-Origin";
    assert!(field(&server(), Method::Get, allow));
    assert!(!field(&with_defect("cors-missing"), Method::Get, allow));
    assert!(field(&server(), Method::Head, "ETag"));
    assert!(!field(
        &with_defect("head-without-etag"),
        Method::Head,
        "ETag"
    ));
    let body = |server: &Server| {
        let request = Request::new(Method::Put, "Patient/a").with_json(&patient("a", "Ada"));
        server
            .handle(&request.with_header("Prefer", "return=minimal"))
            .body
            .len()
    };
    assert_eq!(body(&server()), 0);
    assert!(body(&with_defect("prefer-ignored")) > 0);
}

#[test]
fn a_conditional_delete_may_delete_many() {
    let delete = |server: &Server| {
        put(server, &patient("a", "Ada"));
        put(server, &patient("b", "Ada"));
        let request = Request::new(Method::Delete, "Patient?family=ada");
        (server.handle(&request).status, ids(server, "Patient").len())
    };
    assert_eq!(delete(&server()), (412, 2));
    assert_eq!(delete(&with_variant("delete-many")), (204, 0));
}

#[test]
fn a_modest_server_refuses_what_it_does_not_claim() {
    let server = with_variant("modest");
    let made = send(&server, Method::Post, "Patient", &patient("x", "Ada"));
    let id = json(&made)["id"].as_str().unwrap().to_owned();
    let place = format!("Patient/{id}");
    let update = send(&server, Method::Put, &place, &patient(&id, "Eva"));
    assert_eq!(update.status, 200);
    let status = |method: Method, url: &str, body: &Value| send(&server, method, url, body).status;
    assert_eq!(status(Method::Put, "Patient/y", &patient("y", "Eva")), 405);
    assert_eq!(status(Method::Delete, &place, &json!({})), 405);
    assert_eq!(
        status(Method::Put, "Patient?family=eva", &patient(&id, "Eva")),
        405
    );
    let bundle = json!({"resourceType": "Bundle", "type": "batch"});
    assert_eq!(status(Method::Post, "", &bundle), 405);
    let dangling = observation("o", "Patient/none", "x");
    assert_eq!(status(Method::Post, "Observation", &dangling), 422);
    let fitting = observation("o", &place, "x");
    assert_eq!(status(Method::Post, "Observation", &fitting), 201);
    let conditional = Request::new(Method::Post, "Patient")
        .with_json(&patient("x", "Ada"))
        .with_header("If-None-Exist", "family=eva");
    assert_outcome(&server.handle(&conditional), 400);
    assert_outcome(&get(&server, &format!("{place}/$validate")), 404);
}

#[test]
fn faults_of_formats_show_in_the_label_or_the_narrative() {
    let label = |server: &Server, url: &str, accept: &str| {
        let request = Request::get(url).with_header("Accept", accept);
        server.handle(&request).media_type()
    };
    let weighed = "application/fhir+json;q=0.1, application/fhir+xml";
    let of = |server: &Server| label(server, "metadata", weighed);
    assert_eq!(of(&server()), "application/fhir+xml");
    let faulty = with_defect("accept-weight-ignored");
    assert_eq!(of(&faulty), "application/fhir+json");
    let of = |server: &Server| label(server, "metadata?_format=xml", "application/fhir+json");
    assert_eq!(of(&server()), "application/fhir+xml");
    assert_eq!(of(&with_defect("format-ignored")), "application/fhir+json");
    let narrative = |server: &Server| {
        let mut ada = patient("a", "Ada");
        ada["text"] = json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Ada</div>"});
        put(server, &ada);
        get(server, "Patient/a?_format=xml")
            .body
            .windows(4)
            .any(|found| found == b"<div")
    };
    assert!(narrative(&server()) && !narrative(&with_defect("xml-narrative-lost")));
}

#[test]
fn faults_of_patches_show_in_what_is_stored() {
    let patched = |server: &Server, body: &Value, media_type: &str| {
        let mut ada = patient("a", "Ada");
        ada["name"][0]["given"] = json!(["A", "B"]);
        put(server, &ada);
        let patch = Request::new(Method::Patch, "Patient/a").with_json(body);
        let status = server
            .handle(&patch.with_header("Content-Type", media_type))
            .status;
        let name = json(&get(server, "Patient/a"))["name"][0].clone();
        (status, name)
    };
    let json_patch = "application/json-patch+json";
    let half = json!([{"op": "replace", "path": "/name/0/family", "value": "B"}, {"op": "remove", "path": "/photo"}]);
    let (status, name) = patched(&server(), &half, json_patch);
    assert_eq!((status, &name["family"]), (422, &json!("Ada")));
    let (status, name) = patched(&with_defect("patch-keeps-part"), &half, json_patch);
    assert_eq!((status, &name["family"]), (422, &json!("B")));
    let tested = json!([{"op": "test", "path": "/name/0/family", "value": "C"}, {"op": "replace", "path": "/name/0/family", "value": "B"}]);
    assert_eq!(patched(&server(), &tested, json_patch).0, 422);
    let faulty = with_defect("patch-test-ignored");
    assert_eq!(patched(&faulty, &tested, json_patch).0, 200);
    let insert = json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "insert"}, {"name": "path", "valueString": "Patient.name[0].given"},
        {"name": "index", "valueInteger": 0}, {"name": "value", "valueString": "C"}]}]});
    let given =
        |server: &Server| patched(server, &insert, "application/fhir+json").1["given"].clone();
    assert_eq!(given(&server()), json!(["C", "A", "B"]));
    assert_eq!(
        given(&with_defect("patch-insert-appends")),
        json!(["A", "B", "C"])
    );
}

#[test]
fn a_narrative_made_of_data_does_not_outlive_it() {
    let server = server();
    let after = |status: &str| {
        let mut ada = patient("a", "Ada");
        ada["text"] = json!({"status": status, "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Ada</div>"});
        put(&server, &ada);
        let body = json!([{"op": "replace", "path": "/name/0/family", "value": "B"}]);
        let patch = Request::new(Method::Patch, "Patient/a").with_json(&body);
        server.handle(&patch.with_header("Content-Type", "application/json-patch+json"));
        json(&get(&server, "Patient/a")).get("text").is_some()
    };
    assert!(!after("generated") && after("additional"));
}
