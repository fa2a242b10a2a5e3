//! Data made in one place and tested in another: `generate`, and runs that write nothing. What is generated is tested
//! in `population`.

use std::fs;

use serde_json::Value;

use super::stage::{Folder, Server, bytes, names};

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let folder = Folder::new();
    for form in ["--ndjson", "--bundles"] {
        for jobs in ["1", "4"] {
            let to = format!("{form}-{jobs}").replace("--", "");
            folder
                .rounds(&[
                    "generate", "-n", "12", "--seed", "42", "-j", jobs, form, &to,
                ])
                .exits(0);
        }
        let of = |jobs: &str| bytes(&folder.path(&format!("{form}-{jobs}").replace("--", "")));
        assert!(!of("1").is_empty());
        assert!(of("1") == of("4"), "{form}: the bytes differ");
    }
    folder
        .rounds(&["generate", "-n", "12", "--seed", "43", "--ndjson", "other"])
        .exits(0);
    assert!(bytes(&folder.path("other")) != bytes(&folder.path("ndjson-1")));
}

#[test]
fn data_that_others_loaded_is_tested_without_a_write() {
    let (folder, server) = (Folder::new(), Server::empty());
    folder
        .rounds(&["generate", "-n", "3", "--seed", "42", "--bundles", "data"])
        .exits(0);
    for name in names(&folder.path("data")) {
        let bundle = fs::read_to_string(folder.path("data").join(&name)).expect("just written");
        let answer = server.post(&bundle);
        assert_eq!(answer["type"], "transaction-response", "{name}: {answer}");
    }
    let written = server.running.log.mutating();
    assert!(written > 0);

    let said = folder
        .rounds(&[
            "run",
            "-t",
            server.url(),
            "--cohort",
            "data",
            "--rate",
            "1000",
            "core/search",
            "--report",
            "json",
        ])
        .exits(0);
    assert_eq!(server.running.log.mutating(), written, "nothing is written");
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    let run = report.get("run").unwrap_or(&report);
    assert_eq!(
        run["cohort"]["provenance"], "provisioned",
        "{}",
        run["cohort"]
    );
    assert_eq!(run["cohort"]["patients"], 3);
    let passed = run["cases"].as_array().expect("cases").iter();
    assert!(
        passed.filter(|case| case["verdict"] == "pass").count() > 0,
        "something was decided"
    );

    folder
        .rounds(&["run", "-t", server.url(), "--cohort", "nowhere"])
        .complains(2, &["nowhere", "rounds generate"]);
}

#[test]
fn patients_are_counted_and_none_is_no_number() {
    let folder = Folder::new();
    folder
        .rounds(&["generate", "-n", "0", "--ndjson", "data"])
        .complains(2, &["-n 1"]);
    let said = folder
        .rounds(&["generate", "-n", "2", "--ndjson", "data"])
        .exits(0);
    assert!(said.out.contains("2 patients"), "{}", said.out);
    let patients = folder.read("data/Patient.ndjson");
    assert_eq!(patients.lines().count(), 2);
}
