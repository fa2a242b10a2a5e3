//! Commands that ask nobody, or only for claims: lists, explanations, settings, completions, suite checks.

use serde_json::Value;

use super::stage::{Folder, Server};

const LISTS: &[&str] = &[
    "cases",
    "checks",
    "defects",
    "formats",
    "generators",
    "probes",
    "properties",
    "suites",
    "variants",
];

#[test]
fn every_list_has_the_id_first_and_as_json_the_same_ids() {
    let folder = Folder::new();
    for what in LISTS {
        let text = folder.rounds(&["list", what]).exits(0).out;
        let json = folder.rounds(&["list", what, "--json"]).exits(0).out;
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let ids: Vec<&str> = json
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|row| row["id"].as_str())
            .collect();
        assert!(!ids.is_empty(), "{what}");
        for (line, id) in text.lines().zip(&ids) {
            assert!(line.starts_with(&format!("{id}  ")), "{what}: {line}");
        }
        assert_eq!(text.lines().count(), ids.len(), "{what}");
    }
}

#[test]
fn cases_are_listed_with_their_fate_on_a_target_and_what_it_comes_to() {
    let folder = Folder::new();
    let said = folder.rounds(&["list", "cases"]).exits(0);
    for word in ["core/pairwise", "expansion", "us-core", "-t URL"] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
    let server = Server::with_variant("modest");
    let said = folder
        .rounds(&["list", "cases", "-t", server.url(), "--json"])
        .exits(0);
    assert!(said.err.contains("would run") && said.err.contains("--allow-writes"));
    let rows: Vec<Value> =
        serde_json::from_str(&said.out).expect("nothing but JSON on standard output");
    let of = |id: &str| {
        let row = rows.iter().find(|row| row["id"] == id);
        let row = row.unwrap_or_else(|| panic!("{id} is missing"));
        (
            row["fate"].as_str().unwrap(),
            row["reason"].as_str().unwrap(),
        )
    };
    assert_eq!(of("read/by-id[Patient]"), ("run", ""));
    assert_eq!(
        of("patch/new-version"),
        ("skip", "not claimed: interaction patch of Patient")
    );
    assert_eq!(of("create/is-read-back"), ("blocked", "writes not allowed"));
    let (fate, reason) = of("read/no-version-where-none-is-claimed");
    assert!(
        fate == "skip" && reason.starts_with("only where the CapabilityStatement says: "),
        "{reason}"
    );
    let (_, reason) = of("validate/mode-update");
    assert!(!reason.is_empty());
    assert!(of("expand/Patient/read").0 == "run");
    assert_eq!(server.running.log.mutating(), 0);
}

#[test]
fn runs_are_listed_once_there_are_some() {
    let folder = Folder::new();
    assert_eq!(folder.rounds(&["list", "runs"]).exits(0).out, "none\n");
    folder
        .rounds(&["run", "core/metadata", "--population", "1"])
        .exits(0);
    let id = folder.run_ids().pop().expect("a run");
    let list = folder.rounds(&["list", "runs"]).exits(0).out;
    assert!(
        list.starts_with(&id) && list.contains("0 findings"),
        "{list}"
    );
}

#[test]
fn one_id_of_each_kind_is_explained() {
    let folder = Folder::new();
    for (id, words) in [
        (
            "search/total",
            &[
                "(check)",
                "SHALL",
                "http://hl7.org/fhir/R4/",
                "usual causes",
            ][..],
        ),
        (
            "property/decimal-text",
            &["(property)", "rounds replay property/decimal-text"],
        ),
        ("paging", &["(probe)", "--probe paging"]),
        ("gateway-drops-query", &["(cause)", "refuted by"]),
        (
            "etag-differs",
            &["(defect)", "rounds run --defect etag-differs"],
        ),
        ("facade", &["(variant)", "read-only"]),
        (
            "search/token-code",
            &[
                "(case)",
                "suites/core/search-token.yaml:",
                "core/search-token",
            ],
        ),
    ] {
        let said = folder.rounds(&["explain", id]).exits(0);
        for word in words {
            assert!(said.out.contains(word), "{id}: `{word}`\n{}", said.out);
        }
    }
    folder
        .rounds(&["explain", "search/totl"])
        .complains(2, &["did you mean `search/total`?"]);
}

#[test]
fn config_prints_every_setting_with_its_source() {
    let folder = Folder::new();
    folder.write(
        "rounds.yaml",
        "target: staging\njobs: 3\nprofiles: { ci: { fail-on: should } }\n\
         targets: { staging: { url: 'https://fhir.example.org/r4', rate: 2 } }\n",
    );
    let said = folder
        .rounds(&["config", "-P", "ci", "--seed", "2a"])
        .exits(0);
    let value = |name: &str| {
        let line = said
            .out
            .lines()
            .find(|line| line.split("  ").next() == Some(name));
        line.unwrap_or_else(|| panic!("{name} is missing:\n{}", said.out))
    };
    for name in ["suites", "filter", "baseline", "reports", "cohort", "ig"] {
        assert!(value(name).ends_with("default"), "{}", value(name));
    }
    assert!(value("population").contains("26"));
    for (name, expected) in [
        ("target", "staging"),
        ("jobs", "3"),
        ("fail-on", "should"),
        ("target.rate", "2"),
    ] {
        assert!(
            value(name).contains(expected) && value(name).ends_with("rounds.yaml"),
            "{}",
            value(name)
        );
    }
    assert!(
        value("seed").ends_with("flag or environment"),
        "{}",
        value("seed")
    );
    folder
        .rounds(&["config", "-P", "cj"])
        .complains(2, &["cj", "ci"]);
}

#[test]
fn a_configuration_with_mistakes_names_them_all() {
    let folder = Folder::new();
    folder.write("rounds.yaml", "jbos: 3\ntargets: { a: { ulr: x } }\n");
    let said = folder.rounds(&["config"]).exits(2);
    for word in ["rounds.yaml:1:1", "`jobs`", "rounds.yaml:2:", "`url`"] {
        assert!(said.err.contains(word), "{word}:\n{}", said.err);
    }
}

#[test]
fn completions_name_the_commands_for_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = folder.rounds(&["completions", shell]).exits(0);
        assert!(said.out.contains("diagnose"), "{shell}");
    }
}

#[test]
fn a_suite_file_without_mistakes_is_said_to_be_right() {
    let folder = Folder::new();
    folder.write(
        "mine.yaml",
        "kind: property\ntitle: Mine\nproperties:\n  - property/decimal-text\n",
    );
    let said = folder.rounds(&["suite", "check", "mine.yaml"]).exits(0);
    assert_eq!(said.out, "mine.yaml  1 properties, no mistakes\n");
    folder.rounds(&["suite", "check", "absent.yaml"]).exits(2);
}
