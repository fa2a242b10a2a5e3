//! The cases of `fixtures/defects/cases`, written by hand: for a planted defect the shortest case that shows it, which
//! shows nothing on an honest server. `case` is a case of a property, as it is stored; `conformance` names a case of a
//! suite where no property has a shorter one. `known_minimum` counts steps of the one and requests of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rounds::engine::property::{self, Examined};
use rounds::property::Case;
use rounds::record::case_file::{CaseFile, SCHEMA};
use rounds::sandbox;
use rounds::seed::Seed;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::cli::stage::Folder;
use crate::property::{context, options, summary};

/// Times that a case with lanes is tried: a race is not lost every time, and the engine confirms it by as many.
const RACE_TRIES: u32 = 10;
/// Cases at a time: most of a case waits.
const JOBS: usize = 8;

/// One file of the folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Minimal {
    known_minimum: usize,
    case: Option<Value>,
    conformance: Option<String>,
}

/// All files by the id of their defect.
fn files() -> BTreeMap<String, Minimal> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/defects/cases");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| {
            let path = entry.expect("a file").path();
            let id = path.file_stem().expect("a name").to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("text");
            let file = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{id}: {error}"));
            (id.into_owned(), file)
        })
        .collect()
}

/// Runs a case on a fresh sandbox, again if it fails.
async fn run(defect: Option<&str>, case: &Value) -> Examined {
    let running = sandbox::serve(options(defect, None))
        .await
        .expect("a free port");
    let context = context(&running, 1, None).await;
    let file = CaseFile {
        schema: SCHEMA,
        case: case["property"].as_str().expect("an id").to_owned(),
        seed: Seed::FIXED.to_string(),
        fingerprint: String::new(),
        body: case.clone(),
    };
    property::replay(&context, &file)
        .await
        .expect("a case of this version")
}

/// What is wrong with a case, if anything is.
async fn fault(id: String, case: Value) -> Option<String> {
    let finds = |examined: &Examined| examined.cases.iter().any(|case| !case.findings.is_empty());
    let steps = case["steps"].as_array().into_iter().flatten();
    let is_race = steps
        .clone()
        .any(|step| step.get("lane").is_some() || step.get("together").is_some());
    let mut with = run(Some(&id), &case).await;
    for _ in 1..if is_race { RACE_TRIES } else { 1 } {
        if finds(&with) {
            break;
        }
        with = run(Some(&id), &case).await;
    }
    if !finds(&with) {
        return Some(format!("{id} is not found: {:?}", summary(&with)));
    }
    let without = run(None, &case).await;
    finds(&without).then(|| format!("{id} is found without it: {:?}", summary(&without)))
}

#[test]
fn every_file_is_of_a_defect_and_counts_its_steps() {
    for (id, file) in files() {
        assert!(sandbox::defect(&id).is_some(), "{id} is no defect");
        match (&file.case, &file.conformance) {
            (Some(case), None) => {
                let case: Case = serde_json::from_value(case.clone())
                    .unwrap_or_else(|error| panic!("{id}: {error}"));
                assert_eq!(case.steps.len(), file.known_minimum, "{id}");
            }
            (None, Some(_)) => assert!(file.known_minimum > 0, "{id}"),
            _ => panic!("{id}: needs either a case or the id of one"),
        }
    }
}

#[test]
fn every_row_has_a_defect_or_says_why_it_has_none() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/defects/rows.csv");
    let text = std::fs::read_to_string(path).expect("text");
    for line in text.lines().skip(1) {
        // The last column alone may hold commas.
        let columns: Vec<&str> = line.splitn(5, ',').collect();
        let [_, row, _, defect, why_not] = columns.as_slice() else {
            panic!("not five columns: {line}");
        };
        match (defect.is_empty(), why_not.is_empty()) {
            (false, true) => assert!(sandbox::defect(defect).is_some(), "{row}: {defect}"),
            (true, false) => {}
            _ => panic!("{row}: needs either a defect or the reason why there is none"),
        }
    }
}

#[test]
fn cases_of_suites_are_there() {
    let listed = Folder::new().rounds(&["list", "cases"]).exits(0).out;
    let known: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for (id, file) in files() {
        if let Some(case) = file.conformance {
            assert!(known.contains(case.as_str()), "{id}: no case {case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_case_of_a_property_shows_its_defect_and_nothing_without_it() {
    let mut waiting = files()
        .into_iter()
        .filter_map(|(id, file)| Some((id, file.case?)));
    let mut running = JoinSet::new();
    for (id, case) in waiting.by_ref().take(JOBS) {
        running.spawn(fault(id, case));
    }
    let mut faults = Vec::new();
    while let Some(done) = running.join_next().await {
        faults.extend(done.expect("no panic"));
        if let Some((id, case)) = waiting.next() {
            running.spawn(fault(id, case));
        }
    }
    faults.sort();
    assert!(faults.is_empty(), "{faults:#?}");
}
