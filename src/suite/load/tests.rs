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

#[test]
fn the_example_of_the_guide_loads_and_the_guide_names_every_key() {
    let guide = include_str!("../../../suites/README.md");
    let (_, rest) = guide.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let suites = load_text("README.md", example).unwrap();
    assert_eq!(suites[0].cases().len(), 3);
    assert_eq!(suites[0].cases()[0].steps.len(), 2);
    for shape in keys::SHAPES {
        let head = format!("| {} |", shape.what);
        let row = guide.lines().find(|line| line.starts_with(&head));
        let row = row.unwrap_or_else(|| panic!("no row for {}", shape.what));
        for key in shape.keys {
            let named = row.contains(&format!("`{}`", key.name));
            assert!(named, "{} of {}", key.name, shape.what);
        }
    }
}

#[test]
fn rows_are_read_from_a_file_and_its_mistakes_have_their_line() {
    let text = include_str!("../../../fixtures/suites/good.yaml");
    let (head, rest) = text.split_once("    each:\n").unwrap();
    let (_, tail) = rest.split_once("    steps:\n").unwrap();
    let text = format!("{head}    each: ids.csv\n    steps:\n{tail}");
    let source = Source {
        id: "mine/suite",
        file: "mine.yaml",
        text: &text,
    };
    let rows = |_: &str, _: &str| Ok("row,id\na,none\nb,none.2\n".to_owned());
    let suites = load_with(&[source], &rows).unwrap();
    assert_eq!(suites[0].cases()[1].full_id(), "read/unknown-id[b]");
    let short = |_: &str, _: &str| Ok("row,id\na\n".to_owned());
    let problems = load_with(&[source], &short).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "ids.csv:2:1: 1 fields, but 2 columns"
    );
    let problems = load(&[source]).unwrap_err();
    assert!(problems[0].to_string().contains("`ids.csv` cannot be read"));
}

#[test]
fn an_identity_is_named_by_its_case() {
    let text = include_str!("../../../fixtures/suites/good.yaml");
    let used = text.replace(
        "      - get: Patient/${patient.id}\n",
        "      - get: Patient/${patient.id}\n        identity: limited\n",
    );
    let problems = load_text("good.yaml", &used).unwrap_err();
    assert!(
        problems[0].contains("not one of the case's `identities`"),
        "{problems:?}"
    );
    let named = used.replace("    pick:\n", "    identities: [limited]\n    pick:\n");
    let suites = load_text("good.yaml", &named).unwrap();
    let case = &suites[0].cases()[2];
    assert_eq!(case.identities, ["limited"]);
    assert_eq!(case.steps[0].identity.as_deref(), Some("limited"));
}
