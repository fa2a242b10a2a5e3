//! The validator against the cases of the reference validator (`validator/cases.json` of FHIR/fhir-test-cases), read
//! from the folder that `ROUNDS_SHARED` names; without it skipped. The verdict counts: is there an error or not. Where
//! we differ, `fixtures/definitions/validator-differences.json` says why, case by case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::Validator;
use crate::fhir::definitions::{Library, build};

/// Modules that are not counted with the others: forms, measures and signatures have rules of their own.
const APART: [&str; 3] = ["dsig", "measure", FORMS];

/// The module of forms and the answers to them.
const FORMS: &str = "questionnaire";

/// Cases of forms whose verdict is that of the reference, in percent.
const FORMS_FLOOR: usize = 90;

/// Cases of the other modules without external terminology whose verdict is that of the reference, in percent.
const FLOOR: usize = 95;

#[derive(Default)]
struct Tally {
    agree: usize,
    missed: usize,
    false_alarms: usize,
}

fn documents(folder: &Path, case: &Value) -> BTreeMap<String, Value> {
    let names = case["supporting"].as_array().unwrap().iter();
    names
        .filter_map(|name| {
            let name = name.as_str().unwrap();
            let bytes = fs::read(folder.join(name)).ok()?;
            Some((name.to_owned(), serde_json::from_slice(&bytes).ok()?))
        })
        .collect()
}

/// Whether we find an error, and the lines that say which.
fn judge(folder: &Path, case: &Value) -> (bool, Vec<String>) {
    let bytes = fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
    let Ok(resource) = serde_json::from_slice::<Value>(&bytes) else {
        return (true, vec!["is no JSON".to_owned()]);
    };
    let (guide, _) = build::guide(&documents(folder, case), Library::built_in());
    let library = Library::built_in().with(vec![Arc::new(guide)]);
    let profiles: Vec<&str> = case["profile"].as_str().into_iter().collect();
    let validator = Validator::new(Arc::new(library)).with_vital_signs();
    let outcome = validator.validate(&resource, &profiles);
    let lines = outcome
        .errors()
        .map(|issue| format!("{} {} {}", issue.rule, issue.path, issue.message))
        .collect();
    (outcome.is_broken(), lines)
}

/// Cases whose expected errors need the texts and codes of external terminologies.
fn needs_terminology(case: &Value) -> bool {
    let expected = case["expect"].as_array().unwrap();
    let is_external = |issue: &Value| {
        let text = issue["text"].as_str().unwrap_or_default();
        text.starts_with("Wrong Display Name") || text.starts_with("Unknown code")
    };
    !expected.is_empty() && expected.iter().all(is_external)
}

#[test]
fn verdicts_are_those_of_the_reference_validator() {
    let Some(shared) = std::env::var_os("ROUNDS_SHARED") else {
        println!(
            "skipped: the validator cases need ROUNDS_SHARED, the folder of the outside test data"
        );
        return;
    };
    let folder = Path::new(&shared).join("fhir-test-cases/validator");
    let cases: Vec<Value> =
        serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let reasons = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/definitions/validator-differences.json");
    let known: BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(reasons).unwrap()).unwrap();
    let mut table: BTreeMap<String, Tally> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let mut explained = 0;
    let (mut agree, mut counted) = (0, 0);
    for case in &cases {
        let module = case["module"].as_str().unwrap_or("none").to_owned();
        let name = case["name"].as_str().unwrap();
        let is_apart = needs_terminology(case);
        let module = if is_apart {
            format!("{module} (terminology)")
        } else {
            module
        };
        let expects = !case["expect"].as_array().unwrap().is_empty();
        let (finds, lines) = judge(&folder, case);
        let tally = table.entry(module.clone()).or_default();
        match (expects, finds) {
            (true, false) => tally.missed += 1,
            (false, true) => tally.false_alarms += 1,
            _ => tally.agree += 1,
        }
        let is_counted = !is_apart && !APART.contains(&module.as_str());
        if is_counted {
            counted += 1;
            agree += usize::from(expects == finds);
        }
        let is_explained = is_counted || module == FORMS || !expects;
        let differs = expects != finds && is_explained;
        explained += usize::from(differs && known.contains_key(name));
        if differs && !known.contains_key(name) {
            let first = case["expect"]
                .get(0)
                .map(Value::to_string)
                .unwrap_or_default();
            unexplained.push(format!(
                "{module} {name}: expected {first}; found {lines:?}"
            ));
        }
    }
    println!(
        "{:<28} {:>6} {:>6} {:>6}",
        "module", "agree", "missed", "false"
    );
    for (module, tally) in &table {
        println!(
            "{module:<28} {:>6} {:>6} {:>6}",
            tally.agree, tally.missed, tally.false_alarms
        );
    }
    println!("{agree} of {counted} counted cases agree");
    for line in &unexplained {
        println!("{line}");
    }
    assert!(agree * 100 >= counted * FLOOR, "{agree} of {counted}");
    let forms = &table[FORMS];
    let all = forms.agree + forms.missed + forms.false_alarms;
    assert!(
        forms.agree * 100 >= all * FORMS_FLOOR,
        "{} of {all} forms",
        forms.agree
    );
    assert!(
        unexplained.is_empty(),
        "{} without a reason",
        unexplained.len()
    );
    assert_eq!(explained, known.len(), "reasons for no difference");
}
