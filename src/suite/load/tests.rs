//! Tests of the reader of suite files: each mistake at its place, and all of them at once.

use super::*;

fn load_text(file: &str, text: &str) -> Result<Vec<Suite>, Vec<String>> {
    let source = Source {
        id: "mine/suite",
        file,
        text,
    };
    load(&[source]).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_small_good_file_loads() {
    let text = include_str!("../../../fixtures/suites/good.yaml");
    let suites = load_text("good.yaml", text).unwrap();
    let cases = suites[0].cases();
    let ids: Vec<String> = cases.iter().map(|case| case.full_id()).collect();
    assert_eq!(
        ids,
        [
            "read/unknown-id[none]",
            "read/unknown-id[other]",
            "read/known-id"
        ]
    );
    assert_eq!(cases[0].steps.len(), 1);
    assert_eq!(cases[2].picks[0].name, "patient");
    assert_eq!(
        (cases[2].span.file.as_str(), cases[2].span.column),
        ("good.yaml", 5)
    );
}

#[test]
fn three_mistakes_are_reported_at_once_with_place_and_suggestion() {
    let text = include_str!("../../../fixtures/suites/three-mistakes.yaml");
    let expected = include_str!("../../../fixtures/suites/three-mistakes.txt");
    let problems = load_text("three-mistakes.yaml", text).unwrap_err();
    assert_eq!(problems.join("\n") + "\n", expected);
}

#[test]
fn mistakes_of_two_files_are_reported_together() {
    let bad = |id, file| Source {
        id,
        file,
        text: "kind: conformence\n",
    };
    let problems = load(&[bad("a", "a.yaml"), bad("b", "b.yaml")]).unwrap_err();
    let found: Vec<String> = problems
        .iter()
        .filter(|problem| problem.message.contains("is not a kind"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            "a.yaml:1:7: `conformence` is not a kind; did you mean `conformance`?",
            "b.yaml:1:7: `conformence` is not a kind; did you mean `conformance`?",
        ]
    );
}

#[test]
fn an_id_that_is_taken_names_the_other_case() {
    let text = include_str!("../../../fixtures/suites/good.yaml");
    let source = |id, file| Source { id, file, text };
    let problems = load(&[source("a", "a.yaml"), source("b", "b.yaml")]).unwrap_err();
    assert_eq!(problems.len(), 3);
    assert!(
        problems[0]
            .to_string()
            .starts_with("b.yaml:4:5: the id `read/unknown-id[none]` is taken by a.yaml:4")
    );
}

#[test]
fn a_file_that_is_no_map_is_refused_in_one_sentence() {
    let problems = load_text("f.yaml", "- a\n").unwrap_err();
    assert_eq!(
        problems,
        ["f.yaml:1:1: a suite file must be a map, found a list"]
    );
}
