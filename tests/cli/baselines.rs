//! Stored runs: baselines by name and by file, comparisons, reports and single findings. The states of findings are
//! tested in `baseline`.

use serde_json::Value;

use super::stage::{Folder, Said};

/// Runs one property on the built-in sandbox.
fn run(folder: &Folder, more: &[&str]) -> Said {
    let mut arguments = vec![
        "run",
        "property/core",
        "-E",
        "property/decimal-text",
        "--population",
        "1",
    ];
    arguments.extend(more);
    folder.rounds(&arguments)
}

const DEFECT: [&str; 2] = ["--defect", "decimal-through-double"];

#[test]
fn a_baseline_is_saved_listed_shown_accepted_and_dropped_by_name() {
    let folder = Folder::new();
    run(&folder, &["--save-baseline", "main"]).exits(0);
    let list = folder.rounds(&["baseline", "list"]).exits(0);
    // The property, and what is judged of all that came back; nothing claims a profile.
    assert!(
        list.out.starts_with("main  ") && list.out.contains("5 cases, 4 passed"),
        "{}",
        list.out
    );
    folder.rounds(&["baseline", "show", "main"]).exits(0);

    let worse = run(&folder, &["--baseline", "main", DEFECT[0], DEFECT[1]]).exits(1);
    assert!(worse.out.contains("new"), "{}", worse.out);
    let accepted = folder.rounds(&["baseline", "accept", "main"]).exits(0);
    assert!(
        accepted.out.contains("+ property/decimal-text#"),
        "{}",
        accepted.out
    );
    let shown = folder.rounds(&["baseline", "show", "main"]).exits(0);
    assert!(shown.out.contains("property/decimal-text"), "{}", shown.out);
    // What is known is unchanged and does not count; what is gone does not count either.
    run(&folder, &["--baseline", "main", DEFECT[0], DEFECT[1]]).exits(0);
    run(&folder, &["--baseline", "main"]).exits(0);

    folder.rounds(&["baseline", "drop", "main"]).exits(0);
    let list = folder.rounds(&["baseline", "list"]).exits(0);
    assert!(list.out.starts_with("no baselines"), "{}", list.out);
    run(&folder, &["--baseline", "main"]).complains(5, &["`main`"]);
}

#[test]
fn a_baseline_may_be_a_file_that_one_commits() {
    let folder = Folder::new();
    run(
        &folder,
        &["--save-baseline", "./known.json", DEFECT[0], DEFECT[1]],
    )
    .exits(0);
    let stored: Value = serde_json::from_str(&folder.read("known.json")).expect("JSON");
    assert_eq!(
        stored["exchanges"],
        Value::Array(Vec::new()),
        "a baseline has no bodies"
    );
    run(
        &folder,
        &["--baseline", "./known.json", DEFECT[0], DEFECT[1]],
    )
    .exits(0);
    folder
        .rounds(&["baseline", "show", "./known.json"])
        .exits(0);
    folder
        .rounds(&["baseline", "save", "./again.json"])
        .exits(0);
    folder
        .rounds(&["baseline", "accept", "./again.json"])
        .exits(0);
    folder
        .rounds(&["baseline", "drop", "./again.json"])
        .exits(0);
    assert!(!folder.path("again.json").exists());
}

#[test]
fn two_stored_runs_are_compared_the_older_first() {
    let folder = Folder::new();
    run(&folder, &["--save-baseline", "good"]).exits(0);
    run(&folder, &["--save-baseline", "bad", DEFECT[0], DEFECT[1]]).exits(0);
    let ids = folder.run_ids();
    let [good, bad] = ids.as_slice() else {
        panic!("two runs: {ids:?}")
    };
    for (a, b) in [("good", "bad"), (good.as_str(), bad.as_str())] {
        let said = folder.rounds(&["compare", a, b]).exits(1);
        assert!(said.out.contains("property/decimal-text"), "{}", said.out);
        folder.rounds(&["compare", b, a]).exits(0);
    }
    folder.rounds(&["compare", "good"]).exits(1);
    folder
        .rounds(&["compare", "good", "no-such-run"])
        .complains(2, &["no-such-run"]);
    folder
        .rounds(&["compare", "http://a/fhir", "http://b/fhir"])
        .complains(2, &["URL"]);
}

#[test]
fn a_comparison_of_stored_runs_knows_what_is_waived_and_for_how_long() {
    let folder = Folder::new();
    run(&folder, &["--save-baseline", "good"]).exits(0);
    run(&folder, &["--save-baseline", "bad", DEFECT[0], DEFECT[1]]).exits(0);
    let waive = |rest: &str| {
        folder.write(
            "rounds.yaml",
            &format!("waivers:\n  - {{ finding: property/decimal-text, reason: known{rest} }}\n"),
        );
    };
    folder.rounds(&["compare", "good", "bad"]).exits(1);
    waive(", expires: 2999-12-31");
    let said = folder.rounds(&["compare", "good", "bad"]).exits(0);
    assert!(said.out.contains("aived"), "{}", said.out);
    // One that is past its day covers nothing, and says so.
    waive(", expires: 2020-01-01");
    let said = folder.rounds(&["compare", "good", "bad"]).exits(1);
    assert!(said.out.contains("expired on 2020-01-01"), "{}", said.out);
    // One that nothing needs any more is stale.
    waive("");
    let said = folder.rounds(&["compare", "bad", "good"]).exits(6);
    assert!(
        said.out.contains("matches nothing any more"),
        "{}",
        said.out
    );
}

#[test]
fn a_stored_run_is_rendered_again_in_every_format() {
    let folder = Folder::new();
    let first = run(&folder, &DEFECT).exits(1);
    let terminal = folder.rounds(&["report", "--format", "terminal"]).exits(0);
    assert_eq!(terminal.out, first.out, "the same run, the same report");

    let json = folder.rounds(&["report", "--format", "json"]).exits(0);
    let value: Value =
        serde_json::from_str(&json.out).expect("nothing but JSON on standard output");
    assert!(value.to_string().contains("property/decimal-text"));

    folder
        .rounds(&["report", "--format", "junit=r.xml"])
        .exits(0);
    let junit = folder.read("r.xml");
    assert!(
        junit.starts_with("<?xml") && junit.contains("<failure"),
        "{junit}"
    );
    assert!(junit.contains("property/decimal-text"), "{junit}");
}

#[test]
fn a_report_goes_to_standard_output_and_to_files_at_once() {
    let folder = Folder::new();
    let said = run(
        &folder,
        &["--report", "junit=r.xml", "--report", "json=r.json"],
    )
    .exits(0);
    assert!(
        said.out.contains("PASSED"),
        "the terminal keeps its report: {}",
        said.out
    );
    assert!(folder.read("r.xml").contains("<testcase"));
    assert!(serde_json::from_str::<Value>(&folder.read("r.json")).is_ok());
}

#[test]
fn a_finding_is_shown_with_its_exchanges_its_sentence_and_a_curl_line() {
    let folder = Folder::new();
    run(&folder, &DEFECT).exits(1);
    let said = folder.rounds(&["show", "property/decimal-text"]).exits(0);
    for word in [
        "http://hl7.org/fhir/R4/",
        "curl -sS",
        "rounds replay property/decimal-text",
        "POST",
        "200",
    ] {
        assert!(said.out.contains(word), "{word}:\n{}", said.out);
    }
    folder
        .rounds(&["show", "property/nothing"])
        .complains(2, &["property/decimal-text"]);
}

#[test]
fn quiet_prints_the_last_line_alone() {
    let folder = Folder::new();
    let said = run(&folder, &["-q"]).exits(0);
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    assert!(said.err.is_empty(), "{}", said.err);
}
