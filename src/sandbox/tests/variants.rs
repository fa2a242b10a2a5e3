//! What each legal variant does differently, and that it says so nowhere that R4 forbids.

use super::*;

#[test]
fn a_stale_version_may_be_a_conflict() {
    let stale = |server: &Server, method: Method| {
        put(server, &patient("a", "Ada"));
        put(server, &patient("a", "Eva"));
        let request = Request::new(method, "Patient/a").with_json(&patient("a", "Ida"));
        let request = request.with_header("If-Match", "W/\"1\"");
        server.handle(&request).status
    };
    for method in [Method::Put, Method::Delete] {
        assert_eq!(stale(&server(), method), 412);
        assert_eq!(stale(&with_variant("conflict-as-409"), method), 409);
    }
}

#[test]
fn a_delete_may_be_answered_with_an_outcome() {
    let server = with_variant("delete-with-outcome");
    put(&server, &patient("a", "Ada"));
    let delete = |url: &str, preference: &str| {
        let request = Request::new(Method::Delete, url).with_header("Prefer", preference);
        server.handle(&request)
    };
    assert_outcome(&delete("Patient/a", "handling=lenient"), 200);
    assert_eq!(delete("Patient/a", "return=minimal").status, 204);
    assert_outcome(&delete("Patient?_id=none", "handling=lenient"), 200);
    assert_eq!(get(&server, "Patient/a").status, 410);
    let history = json(&get(&server, "Patient/a/_history"));
    assert_eq!(history["entry"][0]["response"]["status"], "200 OK");
}

#[test]
fn totals_may_be_left_out_but_not_of_a_count() {
    let server = with_variant("no-totals");
    put(&server, &patient("a", "Ada"));
    for url in ["Patient?_total=accurate", "Patient/_history"] {
        let bundle = json(&get(&server, url));
        assert!(
            bundle["total"].is_null() && bundle["entry"].is_array(),
            "{url}"
        );
    }
    for url in ["Patient?_summary=count", "Patient?_count=0"] {
        assert_eq!(json(&get(&server, url))["total"], 1, "{url}");
    }
}

#[test]
fn pages_may_be_small() {
    let server = with_variant("page-cap-20");
    for number in 0..25 {
        put(&server, &patient(&format!("p{number}"), "Ada"));
    }
    for url in [
        "Patient?_count=100",
        "Patient",
        "Patient/_history?_count=100",
    ] {
        let bundle = json(&get(&server, url));
        assert_eq!(bundle["entry"].as_array().map(Vec::len), Some(20), "{url}");
        assert!(link(&bundle, "next").is_some());
    }
    let named = json(&get(&server, "Patient?_count=100"));
    assert!(link(&named, "self").unwrap().ends_with("_count=20"));
}

#[test]
fn links_may_be_relative_and_lead_on() {
    let server = with_variant("relative-links");
    put(&server, &patient("a", "Ada"));
    put(&server, &patient("b", "Ada"));
    let bundle = json(&get(&server, "Patient?_count=1"));
    assert_eq!(link(&bundle, "self").unwrap(), "/fhir/Patient?_count=1");
    let next = link(&bundle, "next").unwrap();
    let absolute = format!("http://127.0.0.1:1{next}");
    assert_eq!(ids(&server, &absolute), ["b"]);
    assert!(
        bundle["entry"][0]["fullUrl"]
            .as_str()
            .unwrap()
            .starts_with(BASE)
    );
}

#[test]
fn a_narrative_may_be_made_and_makes_no_second_version() {
    let server = with_variant("server-narrative");
    put(&server, &patient("a", "Ada"));
    let stored = json(&get(&server, "Patient/a"));
    assert_eq!(stored["text"]["status"], "generated");
    assert_eq!(get(&server, "Patient/a?_format=xml").status, 200);
    let variants = ["quiet-update", "server-narrative", "utc-instants"];
    let variants = variants.map(|id| variant(id).unwrap()).to_vec();
    let quiet = Server::new(
        &Options {
            variants,
            ..options()
        },
        BASE,
    )
    .unwrap();
    let mut ada = patient("a", "Ada");
    ada["deceasedDateTime"] = json!("2024-05-01T00:30:00+02:00");
    put(&quiet, &ada);
    assert_eq!(put(&quiet, &ada).headers.get("etag"), Some("W/\"1\""));
    let kept = json(&get(&quiet, "Patient/a"));
    assert_eq!(kept["deceasedDateTime"], "2024-04-30T22:30:00Z");
    assert_eq!(
        ids(&quiet, "Patient?death-date=2024-05-01T00:30:00%2B02:00"),
        ["a"]
    );
}

#[test]
fn unknown_parameters_may_be_ignored_though_the_client_is_strict() {
    let strict = |server: &Server, url: &str| {
        server.handle(&Request::get(url).with_header("Prefer", "handling=strict"))
    };
    for url in ["Patient?unheard=of", "Patient/_history?unheard=of"] {
        assert_outcome(&strict(&server(), url), 400);
        let answer = strict(&with_variant("unknown-ignored"), url);
        assert_eq!(answer.status, 200, "{url}");
        assert!(!link(&json(&answer), "self").unwrap().contains("unheard"));
    }
    let create = Request::new(Method::Post, "Patient").with_json(&patient("x", "Ada"));
    let create = create.with_header("If-None-Exist", "unheard=of");
    let server = with_variant("unknown-ignored");
    assert_outcome(&server.handle(&create), 400);
}

#[test]
fn an_index_may_lag_by_seconds() {
    let server = with_variant("index-lag-2s");
    put(&server, &patient("a", "Ada"));
    assert_eq!(get(&server, "Patient/a").status, 200);
    let tries = (0..3_000).position(|_| !ids(&server, "Patient").is_empty());
    assert!(tries.is_some_and(|tries| tries > 500), "{tries:?}");
}
