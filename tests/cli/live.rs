//! Commands that talk to an endpoint outside a run of suites: `diagnose`, `init`, `replay`.

use serde_json::{Value, json};

use super::stage::{Folder, Server, Stranger};

#[test]
fn an_honest_endpoint_is_diagnosed_by_reading_and_nothing_is_stored() {
    let (folder, server) = (Folder::new(), Server::filled());
    let said = folder
        .rounds(&["diagnose", server.url(), "--rate", "500"])
        .exits(0);
    assert!(
        said.out.contains("✓ metadata") && said.out.contains("exit 0"),
        "{}",
        said.out
    );
    assert_eq!(server.running.log.mutating(), 0);
    assert!(!folder.path(".rounds").exists());

    let said = folder
        .rounds(&[
            "diagnose",
            "-t",
            server.url(),
            "--rate",
            "500",
            "--json",
            "--probe",
            "metadata",
        ])
        .exits(0);
    let value: Value =
        serde_json::from_str(&said.out).expect("nothing but JSON on standard output");
    let probes: Vec<&str> = value["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|line| line["probe"].as_str())
        .collect();
    assert_eq!(probes, ["metadata"]);
}

#[test]
fn a_target_of_the_configuration_is_diagnosed_by_name() {
    let (folder, server) = (Folder::new(), Server::filled());
    folder.write(
        "rounds.yaml",
        &format!(
            "targets:\n  near: {{ url: '{}', writes: true }}\n",
            server.url()
        ),
    );
    folder
        .rounds(&[
            "diagnose", "-t", "near", "--rate", "500", "--probe", "metadata",
        ])
        .exits(0);
    folder
        .rounds(&["diagnose"])
        .complains(2, &["-t NAME", "rounds diagnose https://"]);
    folder
        .rounds(&["diagnose", "-t", "near", "--probe", "metdata"])
        .complains(2, &["did you mean `metadata`?"]);
}

#[test]
fn a_dead_host_is_one_message_and_the_line_that_says_so() {
    let said = Folder::new()
        .rounds(&["diagnose", "http://no-such-host.invalid/fhir"])
        .complains(3, &["no-such-host.invalid"]);
    assert!(said.out.contains("✗ reachability"), "{}", said.out);
}

#[test]
fn a_problem_is_an_exit_code_and_a_cause() {
    let planted = rounds::sandbox::defect("filter-ignored").expect("a known defect");
    let plan = rounds::population::Plan::new(rounds::seed::Seed(5), 4);
    let mut preload = rounds::population::shared(&plan);
    preload.extend(rounds::population::generate(&plan).flatten());
    let server = Server::start(rounds::sandbox::Options {
        defects: vec![planted],
        preload,
        ..Default::default()
    });
    let said = Folder::new()
        .rounds(&["diagnose", server.url(), "--rate", "500"])
        .exits(1);
    assert!(
        said.out.contains("✗ search-filter") && said.out.contains("Likely causes"),
        "{}",
        said.out
    );
}

#[test]
fn init_writes_what_it_learned_and_never_over_a_file() {
    let folder = Folder::new();
    let claims = json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": { "name": "Strange" },
        "rest": [{ "mode": "server", "resource": [
            { "type": "Patient", "interaction": [{ "code": "read" }, { "code": "search-type" }] },
            { "type": "Observation", "interaction": [{ "code": "read" }, { "code": "search-type" }] }] }] });
    let server = Stranger::start(move |path| {
        let refusal = json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": "required",
            "diagnostics": "a search of this type requires patient" }] });
        if path.ends_with("/metadata") {
            (200, "application/fhir+json", claims.to_string())
        } else if path.contains("/Observation?") && !path.contains("patient=") {
            (400, "application/fhir+json", refusal.to_string())
        } else {
            (
                200,
                "application/fhir+json",
                json!({ "resourceType": "Bundle", "type": "searchset" }).to_string(),
            )
        }
    });
    let said = folder
        .rounds(&["init", &server.url, "--name", "strange"])
        .exits(0);
    assert!(said.out.contains("strange (Strange"), "{}", said.out);
    let text = folder.read("rounds.yaml");
    assert!(text.contains("Observation: [patient]"), "{text}");

    // The file is one that the program reads.
    let config = folder.rounds(&["config"]).exits(0);
    assert!(config.out.contains(&server.url), "{}", config.out);
    let asked = server.asked();
    folder
        .rounds(&["init", &server.url])
        .complains(2, &["rounds.yaml", "--output"]);
    assert_eq!(server.asked(), asked, "an existing file is seen first");
    assert_eq!(folder.read("rounds.yaml"), text);
}

#[test]
fn init_of_something_else_writes_no_file() {
    let folder = Folder::new();
    let page = Stranger::always(200, "text/html", "<html></html>");
    folder
        .rounds(&["init", &page.url])
        .complains(2, &["text/html"]);
    assert!(!folder.path("rounds.yaml").exists());
}

#[test]
fn a_case_is_replayed_alone_and_a_typing_mistake_is_answered() {
    let (folder, server) = (Folder::new(), Server::empty());
    let arguments = [
        "replay",
        "search/token-code",
        "-t",
        server.url(),
        "--allow-writes",
        "--population",
        "2",
    ];
    folder.rounds(&arguments).exits(0);
    let id = folder.run_ids().pop().expect("a run");
    let cases = folder.record(&id)["cases"].clone();
    let of_suites: Vec<&Value> = cases
        .as_array()
        .expect("cases")
        .iter()
        .filter(|case| case["suite"] == "core/search-token")
        .collect();
    assert!(!of_suites.is_empty());
    for case in of_suites {
        assert!(
            case["id"]
                .as_str()
                .is_some_and(|id| id.starts_with("search/token-code")),
            "{case}"
        );
    }
    folder
        .rounds(&["replay", "search/token-cod"])
        .complains(2, &["did you mean `search/token-code`?"]);
    folder
        .rounds(&["replay", "http/content-type"])
        .complains(2, &["check"]);
}

#[test]
fn a_property_is_replayed_from_the_case_that_failed() {
    let folder = Folder::new();
    let defect = ["--defect", "decimal-through-double"];
    let mut arguments = vec![
        "run",
        "property/core",
        "-E",
        "property/decimal-text",
        "--population",
        "1",
    ];
    arguments.extend(defect);
    folder.rounds(&arguments).exits(1);
    let files = super::stage::names(&folder.path(".rounds/cases"));
    let file = format!(
        ".rounds/cases/{}",
        files.first().expect("the case is stored")
    );

    for case in ["property/decimal-text", &file] {
        let failed = folder
            .rounds(&["replay", case, defect[0], defect[1]])
            .exits(1);
        assert!(
            failed.out.contains("property/decimal-text"),
            "{}",
            failed.out
        );
        folder.rounds(&["replay", case]).exits(0);
    }
    // With a seed it is generated anew; the shrunk case is not looked at.
    let anew = folder
        .rounds(&[
            "replay",
            "property/decimal-text",
            "--seed",
            "7",
            "--population",
            "1",
        ])
        .exits(0);
    assert!(anew.out.contains("property/core"), "{}", anew.out);

    folder.write("broken.json", "{}");
    folder.rounds(&["replay", "broken.json"]).exits(2);
}
