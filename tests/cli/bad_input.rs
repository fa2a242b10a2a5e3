//! Bad input: each gets one message that says what, why and what to do, and its exit code; nothing is sent that need
//! not be. What a right input gives is elsewhere.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use super::stage::{Folder, Server, Stranger};

const JSON: &str = "application/fhir+json";

/// A URL at which nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    format!("http://{address}/fhir")
}

fn capability(version: &str) -> String {
    json!({ "resourceType": "CapabilityStatement", "fhirVersion": version, "rest": [{ "mode": "server",
        "resource": [{ "type": "Patient", "interaction": [{ "code": "read" }, { "code": "search-type" }] }] }] })
    .to_string()
}

#[test]
fn an_unreachable_target_is_worth_a_retry_and_leaves_no_run() {
    let folder = Folder::new();
    let url = nowhere();
    folder
        .rounds(&["run", "-t", &url])
        .complains(3, &[&url, "connection refused"]);
    assert!(folder.run_ids().is_empty());
}

#[test]
fn a_bad_package_is_named_before_anything_is_sent() {
    let folder = Folder::new();
    folder.write("broken.tgz", "no archive");
    let url = nowhere();
    for (package, words) in [
        ("broken.tgz", ["load the package broken.tgz", "gzip"]),
        (
            "absent.tgz",
            ["load the package absent.tgz", "No such file"],
        ),
    ] {
        folder
            .rounds(&["run", "-t", &url, "--ig", package])
            .complains(2, &words);
    }
    assert!(folder.run_ids().is_empty());
}

#[test]
fn a_patient_without_a_target_is_not_passed_over() {
    Folder::new()
        .rounds(&["run", "--patient", "a"])
        .complains(2, &["--patient", "no target"]);
}

#[test]
fn a_wrong_path_says_that_there_is_no_endpoint() {
    let server = Server::empty();
    let wrong = server.url().replace("/fhir", "/wrong");
    Folder::new()
        .rounds(&["run", "-t", &wrong])
        .complains(2, &["404", "base URL"]);
}

#[test]
fn a_web_page_in_place_of_fhir_is_named_as_such() {
    let stranger = Stranger::always(200, "text/html", "<!doctype html><title>Portal</title>");
    Folder::new()
        .rounds(&["run", "-t", &stranger.url])
        .complains(2, &["text/html", "CapabilityStatement"]);
    assert_eq!(stranger.asked(), 1, "one look is enough");
}

#[test]
fn an_empty_capability_statement_has_nothing_to_test() {
    let empty = json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1" });
    let stranger = Stranger::always(200, JSON, empty);
    Folder::new()
        .rounds(&["run", "-t", &stranger.url])
        .complains(2, &["claims no resource type", "capability"]);
}

#[test]
fn other_releases_of_fhir_are_one_sentence() {
    for version in ["3.0.2", "5.0.0"] {
        let stranger = Stranger::always(200, JSON, capability(version));
        let sentence = format!("the endpoint speaks FHIR {version}; rounds tests R4 (4.0.1)");
        Folder::new()
            .rounds(&["run", "-t", &stranger.url])
            .complains(2, &[&sentence]);
    }
}

#[test]
fn an_expired_token_is_told_whether_or_not_the_metadata_are_open() {
    let expired = json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": "expired" }] });
    for open in [false, true] {
        let expired = expired.to_string();
        let stranger = Stranger::start(move |path| {
            if open && path.ends_with("/metadata") {
                (200, JSON, capability("4.0.1"))
            } else {
                (401, JSON, expired.clone())
            }
        });
        let folder = Folder::new();
        let mut command = folder.command(&["run", "-t", &stranger.url, "--token-env", "TOKEN"]);
        let output = command.env("TOKEN", "stale-secret-token").output();
        let said = super::stage::Said::of(output.expect("the binary starts"));
        let said = said.complains(2, &["401", "--token-env", "--token-command"]);
        assert!(!said.err.contains("stale-secret"), "{}", said.err);
        assert!(folder.run_ids().is_empty());
    }
}

#[test]
fn a_token_that_is_not_in_the_environment_is_told_before_anything_is_sent() {
    let stranger = Stranger::always(200, JSON, capability("4.0.1"));
    Folder::new()
        .rounds(&["run", "-t", &stranger.url, "--token-env", "NO_SUCH_TOKEN"])
        .complains(2, &["NO_SUCH_TOKEN", "not set"]);
    assert_eq!(stranger.asked(), 0);
}

#[test]
fn an_unknown_authority_says_how_to_trust_it() {
    let server = Server::with_variant("facade");
    Folder::new()
        .rounds(&["run", "-t", server.url()])
        .complains(3, &["certificate", "--cacert"]);
    assert_eq!(server.running.log.total(), 0);
}

#[test]
fn every_mistake_of_a_suite_file_is_told_with_its_line_and_column() {
    let folder = Folder::new();
    folder.write(
        "mine.yaml",
        "kind: conformance\n\
         title: Three mistakes\n\
         cases:\n\
         \x20 - id: mine/one\n\
         \x20   titel: A key with a typing mistake\n\
         \x20   title: The first\n\
         \x20   spec: http://hl7.org/fhir/R4/http.html#read\n\
         \x20   sentence: The read interaction accesses the current contents of a resource\n\
         \x20   level: SHAL\n\
         \x20   severity: minor\n\
         \x20   steps:\n\
         \x20     - get: Patient/1\n\
         \x20       expect:\n\
         \x20         checks: [http/content-typ]\n",
    );
    for arguments in [&["suite", "check", "mine.yaml"][..], &["run", "mine.yaml"]] {
        let said = folder.rounds(arguments).exits(2);
        for place in ["mine.yaml:5:5", "mine.yaml:9:12", "mine.yaml:14:"] {
            assert!(said.err.contains(place), "{place}:\n{}", said.err);
        }
        for hint in ["`title`", "SHALL", "http/content-type"] {
            assert!(said.err.contains(hint), "{hint}:\n{}", said.err);
        }
        assert_eq!(said.err.matches("error: could not ").count(), 1);
        assert!(said.out.is_empty());
    }
}

#[test]
fn a_suite_that_there_is_not_is_answered_with_the_nearest() {
    Folder::new()
        .rounds(&["run", "core/serach"])
        .complains(2, &["core/serach", "did you mean `core/search`?"]);
}

#[test]
fn an_unwritable_report_path_is_told_before_any_request() {
    let stranger = Stranger::always(200, JSON, capability("4.0.1"));
    let folder = Folder::new();
    folder
        .rounds(&[
            "run",
            "-t",
            &stranger.url,
            "--report",
            "junit=no/such/folder/r.xml",
        ])
        .complains(2, &["no/such/folder/r.xml"]);
    folder
        .rounds(&["run", "-t", &stranger.url, "--report", "junitt"])
        .complains(2, &["junitt", "junit"]);
    assert_eq!(stranger.asked(), 0);
}

#[test]
fn a_store_that_cannot_be_written_is_told_before_any_request() {
    let stranger = Stranger::always(200, JSON, capability("4.0.1"));
    let folder = Folder::new();
    folder.write("store", "a file where a folder is wanted");
    let said = folder
        .rounds(&["run", "-t", &stranger.url, "--store", "store"])
        .exits(2);
    assert!(said.err.contains("store"), "{}", said.err);
    assert_eq!(stranger.asked(), 0);
}

#[test]
fn a_missing_baseline_names_those_that_there_are() {
    let stranger = Stranger::always(200, JSON, capability("4.0.1"));
    let folder = Folder::new();
    folder
        .rounds(&["run", "-t", &stranger.url, "--baseline", "main"])
        .complains(5, &["`main`", "--save-baseline main"]);
    assert_eq!(stranger.asked(), 0);
    for arguments in [["baseline", "show", "main"], ["baseline", "drop", "main"]] {
        let said = folder.rounds(&arguments).exits(5);
        assert!(
            said.err.contains("there is no baseline `main`"),
            "{}",
            said.err
        );
    }
}

#[test]
fn a_filter_that_selects_nothing_has_an_exit_code_of_its_own() {
    Folder::new()
        .rounds(&[
            "run",
            "core/metadata",
            "--population",
            "1",
            "-E",
            "nothing/*",
        ])
        .exits(4);
}

#[test]
fn unknown_defects_variants_and_targets_are_answered_with_what_there_is() {
    let folder = Folder::new();
    folder
        .rounds(&["run", "--defect", "etag-difers"])
        .complains(2, &["did you mean `etag-differs`?"]);
    folder
        .rounds(&["sandbox", "--variant", "facde", "--port", "0"])
        .complains(2, &["did you mean `facade`?"]);
    folder
        .rounds(&["run", "-t", "staging"])
        .complains(2, &["staging", "URL"]);
}

#[test]
fn a_token_without_a_target_is_not_a_run_on_the_sandbox() {
    let folder = Folder::new();
    let output = folder
        .command(&["run", "--token-env", "TOKEN"])
        .env("TOKEN", "x")
        .output();
    super::stage::Said::of(output.expect("the binary starts"))
        .complains(2, &["no target is named"]);
}

#[test]
fn who_closes_the_pipe_has_seen_enough() {
    let folder = Folder::new();
    for arguments in [
        &["list", "cases"][..],
        &["list", "checks", "--json"],
        &["explain", "facade"],
        &["completions", "bash"],
        &["--help"],
        &["run", "core/metadata", "--population", "1"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = folder.command(arguments).stdout(writer).output();
        let said = super::stage::Said::of(output.expect("the binary starts"));
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        assert!(
            !said.err.contains("panicked"),
            "{arguments:?}: {}",
            said.err
        );
    }
}

#[test]
fn a_server_that_hangs_up_in_mid_answer_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let url = format!("http://{}/fhir", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut some = [0; 64];
            let _ = stream.read(&mut some);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"resourceType\":");
        }
    });
    Folder::new()
        .rounds(&["run", "-t", &url])
        .complains(3, &[&url]);
}
