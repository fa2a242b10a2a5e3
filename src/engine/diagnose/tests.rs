//! The engine against a scripted endpoint: what it sends, when it stops, and that nothing of a record gets out.

use serde_json::{Value, json};

use super::*;
use crate::clock::SystemClock;
use crate::http::scripted::Scripted;
use crate::http::{Method, Request};
use crate::probe::testing::{BASE, capability, searchset, way};

/// A word that stands in every value of the endpoint.
const SENTINEL: &str = "Lovelace";

async fn run(endpoint: &Arc<Scripted>, options: Options) -> Consultation {
    let transport: Arc<dyn Transport> = Arc::clone(endpoint) as _;
    let clock = Arc::new(SystemClock::new());
    diagnose(ReadOnly::new(transport), Ok(way()), &options, clock).await
}

fn not_found() -> Value {
    crate::fhir::outcome::error("not-found", SENTINEL)
}

/// A server that does everything right and holds one organization and one patient.
fn good(url: &str) -> (u16, Value) {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let link = format!("{BASE}/{url}");
    let ids: &[&str] = if query.contains(crate::probe::known::IMPOSSIBLE) {
        &[]
    } else {
        &[SENTINEL]
    };
    match path {
        "metadata" => (200, capability()),
        "Organization" | "Patient" | "Observation" => {
            (200, searchset(path, ids, &[("self", link.as_str())]))
        }
        _ if path.starts_with(&format!("Organization/{SENTINEL}")) => (
            200,
            json!({ "resourceType": "Organization", "id": SENTINEL, "name": SENTINEL,
                    "meta": { "versionId": "1" } }),
        ),
        _ => (404, not_found()),
    }
}

fn mark(consultation: &Consultation, probe: &str) -> Mark {
    let line = consultation.lines.iter().find(|line| line.probe == probe);
    line.unwrap().mark
}

#[tokio::test(start_paused = true)]
async fn a_good_server_has_no_problem_and_is_asked_within_the_budget() {
    let endpoint = Scripted::json(BASE, good);
    let start = tokio::time::Instant::now();
    let consultation = run(&endpoint, Options::default()).await;
    assert_eq!(consultation.lines.len(), PROBES.len());
    assert_eq!(consultation.tally().problems, 0, "{consultation:#?}");
    let log = endpoint.log();
    assert_eq!(consultation.requests, log.len() as u64);
    assert!(consultation.requests <= MAX_REQUESTS);
    assert!(log.iter().all(|(method, _)| *method == Method::Get));
    // Two a second: n requests take n - 1 intervals of half a second at least.
    assert!(start.elapsed().as_millis() >= (log.len() as u128 - 1) * 500);
    for name in [
        "metadata",
        "capability",
        "interactions",
        "search-echo",
        "search-filter",
    ] {
        assert_eq!(mark(&consultation, name), Mark::Pass, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_value_of_the_endpoint_gets_into_the_record_or_its_text() {
    let endpoint = Scripted::json(BASE, good);
    let options = Options {
        patient: Some(SENTINEL.to_owned()),
        ..Options::default()
    };
    for options in [options, Options::default()] {
        let consultation = run(&endpoint, options).await;
        let stored = serde_json::to_string(&consultation).unwrap();
        let printed = crate::record::consultation::Consultation::clone(&consultation);
        assert!(!stored.contains(SENTINEL));
        assert!(!format!("{printed:?}").contains(SENTINEL));
        let again: Consultation = serde_json::from_str(&stored).unwrap();
        assert_eq!(again, consultation);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_filters_is_found_out() {
    let endpoint = Scripted::json(BASE, |url| {
        let path = url.split('?').next().unwrap_or_default();
        good(path)
    });
    let consultation = run(&endpoint, Options::default()).await;
    assert_eq!(mark(&consultation, "search-echo"), Mark::Fail);
    assert_eq!(mark(&consultation, "search-filter"), Mark::Fail);
    assert_eq!(consultation.causes[0].cause, "gateway-drops-query");
    assert_eq!(consultation.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_429_ends_it() {
    let endpoint = Scripted::json(BASE, |url| match url {
        "metadata" => (200, capability()),
        _ => (429, not_found()),
    });
    let consultation = run(&endpoint, Options::default()).await;
    assert_eq!(endpoint.log().len(), 2);
    assert_eq!(mark(&consultation, "latency"), Mark::Skip);
    let told = consultation
        .not_tested
        .iter()
        .any(|line| line.contains("429"));
    assert!(told);
}

#[tokio::test(start_paused = true)]
async fn three_failures_in_a_row_end_it() {
    let endpoint = Scripted::json(BASE, |url| match url {
        "metadata" => (200, capability()),
        _ => (503, Value::Null),
    });
    run(&endpoint, Options::default()).await;
    assert_eq!(endpoint.log().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_a_patient_gets_the_one_that_was_named_or_is_let_be() {
    fn facade(url: &str) -> (u16, Value) {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let lacks = match path {
            "Patient" => !query.contains("_id="),
            "Observation" => !query.contains("patient=") || !query.contains("category="),
            "Organization" => true,
            _ => false,
        };
        if lacks {
            let text = match path {
                "Patient" => "_id is required",
                "Observation" => "patient and category are required",
                _ => "searches of this type are not supported",
            };
            return (400, crate::fhir::outcome::error("required", text));
        }
        good(url)
    }
    let endpoint = Scripted::json(BASE, facade);
    let consultation = run(&endpoint, Options::default()).await;
    assert_eq!(consultation.tally().problems, 0, "{consultation:#?}");
    let reason = "server requires _id";
    assert!(
        consultation
            .lines
            .iter()
            .any(|line| line.fact.contains(reason)),
        "{consultation:#?}"
    );
    let options = Options {
        patient: Some("p1".to_owned()),
        ..Options::default()
    };
    let endpoint = Scripted::json(BASE, facade);
    let consultation = run(&endpoint, options).await;
    let asked = endpoint.log();
    let url = "Observation?patient=p1&category=laboratory&_count=1";
    assert!(asked.iter().any(|(_, sent)| sent == url), "{asked:?}");
    assert_eq!(consultation.tally().problems, 0, "{consultation:#?}");
}

#[tokio::test(start_paused = true)]
async fn one_probe_alone_runs_with_what_it_builds_on() {
    let endpoint = Scripted::json(BASE, good);
    let options = Options {
        probes: vec!["search-echo".to_owned()],
        ..Options::default()
    };
    let consultation = run(&endpoint, options).await;
    assert_eq!(consultation.lines.len(), 1);
    assert_eq!(mark(&consultation, "search-echo"), Mark::Pass);
}

#[tokio::test]
async fn a_post_never_reaches_the_wire_through_a_read_only_transport() {
    let endpoint = Scripted::json(BASE, good);
    let transport: Arc<dyn Transport> = Arc::clone(&endpoint) as _;
    let transport = ReadOnly::new(transport);
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let exchange = transport.send(Request::new(method, "Patient")).await;
        assert_eq!(exchange.outcome.unwrap_err().kind, FailureKind::Refused);
    }
    assert!(endpoint.log().is_empty());
}
