//! The sentinel test: one planted value of each of the 18 Safe Harbor classes in every place where a server can echo,
//! searched for in every byte that any reading command writes. Whether the commands find anything is tested elsewhere;
//! here is only what they must not say.

/// A server that echoes sentinels wherever HTTP and FHIR have a place for a text.
mod hostile;
/// All that a command wrote, and the search in it.
mod listen;
/// The values and the records that carry them.
mod planted;

use rounds::sandbox::{self, Options};
use serde_json::Value;

use self::hostile::{Hostile, MOODS, Mood};
use self::listen::Ear;
use self::planted::{PATIENT, records};
use crate::cli::stage::{Server, names};

/// Faults that reading shows, so that findings, evidence and cases are written.
const DEFECTS: &[&str] = &[
    "etag-differs",
    "filter-ignored",
    "ge-excludes-day",
    "or-duplicates",
    "page-overlap",
    "sort-ignored",
];

/// Findings of a run that are shown one by one; all of them stand in the record.
const SHOWN: usize = 3;

/// Few cases of every kind: reads, searches by each type of parameter, paging, links, errors.
const CASES: &str = "read/by-id or read/etag-is-the-version or read/if-none-match-current or read/vread-current \
                     or errors/bad-date or search/string or search/token-code or search/birthdate or search/and \
                     or paging/walk or modifiers/missing or property/page-union-is-whole";

/// Cases against the hostile server, whose answers differ by its mood and not by the question.
const FEW: &str = "read/by-id or read/if-none-match-current or errors/bad-date or search/string or search/birthdate \
                   or paging/walk or property/page-union-is-whole";

/// One case against the tricks that cost time: texts that are huge, and requests that are put off.
const ONE: &str = "search/string";

#[test]
fn nothing_of_a_patient_on_an_honest_record_is_stored_or_printed_and_nothing_is_written() {
    let server = sandbox(&[]);
    let mut ear = Ear::new();
    everything(&mut ear, server.url(), CASES);
    ear.found_nothing();
    assert_eq!(server.running.log.mutating(), 0, "a reading command wrote");
    assert!(server.running.log.total() > 100, "hardly anything was read");
}

#[test]
fn nothing_of_a_patient_is_stored_or_printed_where_there_are_findings() {
    let server = sandbox(DEFECTS);
    let mut ear = Ear::new();
    let findings = everything(&mut ear, server.url(), CASES);
    assert!(findings > 3, "only {findings} findings to be silent about");
    ear.found_nothing();
    assert_eq!(server.running.log.mutating(), 0, "a reading command wrote");
}

#[test]
fn nothing_that_a_hostile_server_echoes_is_stored_or_printed() {
    let mut ear = Ear::new();
    let server = Hostile::start(None);
    let findings = everything(&mut ear, &server.url, FEW);
    assert!(findings > 3, "only {findings} findings to be silent about");
    ear.found_nothing();
}

#[test]
fn nothing_is_stored_or_printed_whatever_single_trick_a_server_plays() {
    let mut ear = Ear::new();
    for mood in MOODS {
        one_mood(&mut ear, *mood);
    }
    ear.found_nothing();
}

/// A run with its findings shown, and a diagnosis.
fn one_mood(ear: &mut Ear, mood: Mood) {
    let server = Hostile::start(Some(mood));
    let url = server.url.as_str();
    let patient = ["--patient", PATIENT];
    ear.about(&format!("{mood:?}"));
    let cases = match mood {
        Mood::Huge | Mood::Throttled => ONE,
        _ => FEW,
    };
    let mut run = vec!["run", "core", "property/core", "-t", url, "-E", cases, "-v"];
    run.extend(["--cohort", "crawl", "--rate", "5000", "--timeout", "5"]);
    ear.hear(&[&run[..], &patient].concat());
    show_each(ear);
    ear.hear(&["diagnose", url, "--rate", "5000", "--timeout", "5"]);
    ear.forget();
}

/// Every reading command against a target; gives the number of findings that were shown.
fn everything(ear: &mut Ear, url: &str, cases: &str) -> usize {
    let pace = ["--rate", "5000", "--timeout", "5"];
    let reports = ["json=r.json", "junit=r.xml", "terminal=r.txt"];
    let reports = reports.map(|report| ["--report", report]).concat();
    let suites = ["core", "property/core", "-t", url, "-E", cases];
    let run = [&["run"][..], &suites, &pace].concat();
    let patient = ["--patient", PATIENT];
    let crawl = ["--cohort", "crawl", "-v"];

    ear.hear(
        &[
            &run[..],
            &crawl,
            &patient,
            &reports,
            &["--save-baseline", "base.json"],
        ]
        .concat(),
    );
    let mut findings = show_each(ear);
    ear.hear(&[&run[..], &crawl, &patient, &["--baseline", "base.json"]].concat());
    ear.hear(&[&run[..], &["--report", "terminal=plain.txt"]].concat());
    findings += show_each(ear);
    ear.hear(&[&run[..], &["--dry-run"]].concat());
    for format in ["json", "junit", "terminal"] {
        ear.hear(&["report", "--format", format, "-v"]);
    }
    ear.hear(&["list", "runs"]);
    ear.hear(&["list", "cases"]);
    for baseline in [
        &["baseline", "show", "base.json"][..],
        &["baseline", "save", "kept"],
    ] {
        ear.hear(baseline);
    }
    ear.hear(&["baseline", "list"]);
    let runs = names(&ear.folder.path(".rounds/runs"));
    for id in runs.iter().take(1) {
        ear.hear(&["compare", id]);
        ear.hear(&["compare", "base.json", id]);
    }
    for case in failing(ear).iter().take(2) {
        ear.hear(
            &[
                &["replay", case, "-t", url, "--cohort", "crawl", "-v"][..],
                &pace,
                &patient,
            ]
            .concat(),
        );
        ear.hear(&[&["replay", case, "-t", url][..], &pace].concat());
    }
    for name in names(&ear.folder.path(".rounds/cases")).iter().take(1) {
        let file = format!(".rounds/cases/{name}");
        ear.hear(&[&["replay", &file, "-t", url][..], &pace].concat());
    }
    ear.hear(&[&["diagnose", url][..], &pace].concat());
    ear.hear(&[&["diagnose", url, "--json"][..], &pace].concat());
    ear.hear(&[&["diagnose", "-t", url, "-v"][..], &pace, &patient].concat());
    ear.hear(&[&["diagnose", "-t", url, "--json"][..], &pace, &patient].concat());
    ear.hear(&[&["init", url][..], &pace].concat());
    ear.hear(&["config"]);
    findings
}

/// Shows each finding of the last run.
fn show_each(ear: &mut Ear) -> usize {
    let record = last_record(ear);
    let cases = record["cases"].as_array().cloned().unwrap_or_default();
    let findings: Vec<&Value> = cases
        .iter()
        .filter_map(|case| case["findings"].as_array())
        .flatten()
        .collect();
    let fingerprints: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["fingerprint"].as_str())
        .collect();
    for fingerprint in fingerprints.iter().take(SHOWN) {
        ear.hear(&["show", fingerprint]);
    }
    fingerprints.len()
}

/// Cases of the last run that have a finding.
fn failing(ear: &Ear) -> Vec<String> {
    let record = last_record(ear);
    let cases = record["cases"].as_array().cloned().unwrap_or_default();
    cases
        .iter()
        .filter(|case| {
            case["findings"]
                .as_array()
                .is_some_and(|found| !found.is_empty())
        })
        .filter_map(|case| case["id"].as_str().map(str::to_owned))
        .collect()
}

fn last_record(ear: &Ear) -> Value {
    match ear.folder.run_ids().last() {
        Some(id)
            if ear
                .folder
                .path(&format!(".rounds/runs/{id}/run.json"))
                .exists() =>
        {
            ear.folder.record(id)
        }
        _ => Value::Null,
    }
}

fn sandbox(defects: &[&str]) -> Server {
    let known = |id: &&str| sandbox::defect(id).expect("a known defect");
    Server::start(Options {
        defects: defects.iter().map(known).collect(),
        preload: records(),
        ..Options::default()
    })
}
