//! Suites of users on live endpoints: a case under two identities, a case that fails now and then, data that cannot be
//! deleted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rounds::sandbox::{self, Client, Options};
use serde_json::{Value, json};

use super::stage::{Folder, Server, Stranger};

/// The only case of a record.
fn only_case(folder: &Folder) -> Value {
    let id = folder.run_ids().pop().expect("a run");
    let record = folder.record(&id);
    let cases = record["cases"].as_array().expect("cases");
    let own = cases.iter().find(|case| case["suite"] == "mine");
    own.expect("the case of the suite").clone()
}

const TWO: &str = "
kind: conformance
title: Who may read what
cases:
  - id: access/patient-is-closed
    title: A token for observations opens no patient
    spec: http://hl7.org/fhir/R4/security.html#http
    sentence: the server decides who may read what
    level: SHALL
    severity: critical
    identities: [limited]
    steps:
      - post: Patient
        body: { resourceType: Patient, name: [{ family: 'Rounds-${unique}' }] }
        expect: { status: 201 }
        capture: { made: created-id }
      - get: Patient/${made}
        identity: limited
        expect: { status: 403 }
      - get: Patient/${made}
        expect: { status: 200, path: id = %made }
";

/// A sandbox that wants tokens, and a folder whose target has a second identity with these scopes.
fn two(scopes: &str) -> (Server, Folder) {
    let fixture = |name: &str| format!("{}/fixtures/smart/{name}", env!("CARGO_MANIFEST_DIR"));
    let keys = std::fs::read_to_string(fixture("public.jwks.json")).expect("the fixture is there");
    let server = Server::start(Options {
        variants: vec![sandbox::variant("smart").expect("a known variant")],
        client: Some(Client {
            id: "tester".to_owned(),
            jwks: serde_json::from_str(&keys).expect("a JWK Set"),
        }),
        token_lifetime: Duration::from_secs(60),
        ..Options::default()
    });
    let folder = Folder::new();
    let auth = |scopes: &str| {
        format!(
            "{{ backend-services: {{ client-id: tester, key: '{}', kid: ec-1, scopes: [{scopes}] }} }}",
            fixture("es384.pem")
        )
    };
    folder.write(
        "rounds.yaml",
        &format!(
            "targets:\n  closed:\n    url: '{}'\n    writes: true\n    auth: {}\n    identities:\n      limited: {}\n",
            server.url(),
            auth("system/*.cruds"),
            auth(scopes)
        ),
    );
    folder.write("mine.yaml", TWO);
    (server, folder)
}

const RUN_MINE: [&str; 4] = ["run", "./mine.yaml", "-t", "closed"];

#[test]
fn a_case_asks_as_two_in_turn() {
    let (_server, folder) = two("system/Observation.rs");
    folder.rounds(&RUN_MINE).exits(0);
    assert_eq!(only_case(&folder)["verdict"], "pass");
}

#[test]
fn a_second_identity_that_may_do_too_much_is_found() {
    let (_server, folder) = two("system/*.rs");
    folder.rounds(&RUN_MINE).exits(1);
    let case = only_case(&folder);
    assert_eq!(case["verdict"], "fail");
    assert_eq!(case["findings"][0]["actual"], "200");
}

const READ: &str = "
kind: conformance
title: One read
cases:
  - id: flaky/read
    title: A patient is read
    spec: http://hl7.org/fhir/R4/http.html#read
    sentence: The read interaction accesses the current contents of a resource
    level: SHALL
    severity: major
    steps:
      - get: Patient/a
        expect: { status: 200 }
";

/// A server that knows its patient only after so many reads.
fn forgetful(failures: usize) -> (Stranger, Folder) {
    let reads = AtomicUsize::new(0);
    let server = Stranger::start(move |path| {
        let json = "application/fhir+json";
        if path.ends_with("/metadata") {
            let claims = json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "status": "active",
                "date": "2026-01-01", "kind": "instance", "format": ["json"],
                "rest": [{ "mode": "server", "resource": [
                    { "type": "Patient", "interaction": [{ "code": "read" }] }] }] });
            (200, json, claims.to_string())
        } else if path.ends_with("/Patient/a") && reads.fetch_add(1, Ordering::Relaxed) >= failures
        {
            let patient = json!({ "resourceType": "Patient", "id": "a" });
            (200, json, patient.to_string())
        } else {
            let outcome = json!({ "resourceType": "OperationOutcome", "issue": [
                { "severity": "error", "code": "not-found" }] });
            (404, json, outcome.to_string())
        }
    });
    let folder = Folder::new();
    folder.write("mine.yaml", READ);
    (server, folder)
}

fn retried(server: &Stranger, folder: &Folder, retries: &str, code: i32) -> Value {
    folder
        .rounds(&[
            "run",
            "./mine.yaml",
            "-t",
            &server.url,
            "--rate",
            "500",
            "--retries",
            retries,
        ])
        .exits(code);
    only_case(folder)
}

#[test]
fn a_case_that_fails_now_and_then_is_flaky_and_fails_the_run_all_the_same() {
    let (server, folder) = forgetful(2);
    let case = retried(&server, &folder, "2", 1);
    assert_eq!(case["verdict"], "flaky");
    assert_eq!(case["reason"], "failed 2 of 4 times");
    let reproduced = &case["findings"][0]["reproduced"];
    assert_eq!(
        (&reproduced["times"], &reproduced["of"]),
        (&json!(2), &json!(4))
    );
}

#[test]
fn a_case_that_fails_each_time_stays_failed_and_one_that_passes_is_not_run_again() {
    let (server, folder) = forgetful(usize::MAX);
    let case = retried(&server, &folder, "3", 1);
    assert_eq!(case["verdict"], "fail");
    assert_eq!(case["findings"][0]["reproduced"]["of"], 5);
    let (server, folder) = forgetful(0);
    assert_eq!(retried(&server, &folder, "3", 0)["verdict"], "pass");
    folder
        .rounds(&["run", "-t", &server.url, "--retries", "1000"])
        .exits(2);
}

const MARKED: &str = "Observation?status=entered-in-error&_summary=count";

const OBSERVE: &str = "
kind: conformance
title: One observation
cases:
  - id: lasting/observation
    title: An observation is created
    spec: http://hl7.org/fhir/R4/http.html#create
    sentence: The create interaction creates a new resource
    level: SHALL
    severity: major
    steps:
      - post: Observation
        body: { resourceType: Observation, status: final, code: { text: 'Rounds-${unique}' } }
        expect: { status: 201 }
";

#[test]
fn what_cannot_be_deleted_is_marked_as_entered_in_error_where_the_target_wants_it() {
    let server = Server::with_variant("modest");
    let folder = Folder::new();
    folder.write("mine.yaml", OBSERVE);
    let target = |on_clean: &str| {
        format!(
            "targets:\n  near: {{ url: '{}', writes: true, on-clean: {on_clean} }}\n",
            server.url()
        )
    };
    let run = ["run", "./mine.yaml", "-t", "near", "--population", "1"];
    folder.write("rounds.yaml", &target("delete"));
    folder.rounds(&run).exits(0);
    assert_eq!(server.matches(MARKED), 0);
    folder.write("rounds.yaml", &target("entered-in-error"));
    let said = folder.rounds(&run).exits(0);
    assert!(
        said.out.contains("marked as entered in error"),
        "{}",
        said.out
    );
    assert!(server.matches(MARKED) > 0);
    // What has no word for it, such as a patient, is still named.
    let cleaned = folder.rounds(&["clean"]).exits(1);
    assert!(cleaned.out.contains("entered in error"), "{}", cleaned.out);
    assert!(cleaned.out.contains("Patient/"), "{}", cleaned.out);
    folder.write("rounds.yaml", &target("burn"));
    folder.rounds(&run).exits(2);
}
