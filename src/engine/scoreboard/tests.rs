//! Trials with a laboratory that makes records in place of servers.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use super::*;
use crate::record::Verdict;
use crate::record::event::{Event, Observer};
use crate::record::run::{CaseKind, sample};

/// Finds the defects whose name begins with `loud`, in the second stage; blames the variant `odd`.
struct Scripted(AtomicU32);

impl Laboratory for Scripted {
    fn run(&self, order: &Order<'_>, watch: &Arc<Watch>) -> Result<Run, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if order.defect == Some("dead") {
            return Err("no answer".to_owned());
        }
        let mut run = sample();
        run.requests = 10;
        let is_second = order.suites == ["second"];
        let is_loud = order.defect.is_some_and(|name| name.starts_with("loud"));
        let is_blamed = order.variants.iter().any(|name| name == "odd");
        let mut found = run.cases.remove(1);
        run.cases.retain(|case| case.verdict == Verdict::Pass);
        if (is_loud && is_second) || is_blamed {
            found.kind = CaseKind::Conformance;
            watch.observe(Event::Confirmed {
                case: found.id.clone(),
                rule: found.findings[0].rule.clone(),
                requests: 4,
                elapsed: Duration::from_millis(1_500),
            });
            run.cases.push(found);
        }
        Ok(run)
    }
}

fn suspect(name: &str, families: &[&str]) -> Suspect {
    Suspect {
        id: name.to_owned(),
        strength: "always".to_owned(),
        name: name.to_owned(),
        class: "search".to_owned(),
        provenance: String::new(),
        known_minimum: Some(1),
        families: families.iter().map(|family| (*family).to_owned()).collect(),
    }
}

fn plan() -> Plan {
    let stages = vec![vec!["first".to_owned()], vec!["second".to_owned()]];
    Plan {
        stages: stages.clone(),
        clean_stages: stages,
        whole: false,
        read_only: true,
        jobs: 2,
    }
}

fn rows(trials: &[Trial]) -> Vec<Row> {
    let told = AtomicUsize::new(0);
    let done = |_: &Trial, _: &Row| {
        told.fetch_add(1, Ordering::Relaxed);
    };
    let laboratory = Scripted(AtomicU32::new(0));
    let rows = run(&laboratory, &plan(), trials, &Arc::default(), &done).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), rows.len());
    rows
}

#[test]
fn what_a_finding_cost_includes_the_stages_before_it() {
    let trials = [Trial::Defect(suspect("loud", &["search"]), Seed(1))];
    let [Row::Defect(row)] = &rows(&trials)[..] else {
        panic!("one row");
    };
    assert!(row.detected && row.attributed && row.reason.is_none());
    assert_eq!(
        (row.requests, row.seconds, row.steps),
        (Some(14), Some(1.5), Some(1))
    );
    assert_eq!(row.by.as_deref(), Some("search/total-matches-entries"));
    assert_eq!(row.read_only, Some(true));
}

#[test]
fn a_survivor_and_a_finding_beside_the_point_say_why() {
    let trials = [
        Trial::Defect(suspect("quiet", &["search"]), Seed(1)),
        Trial::Defect(suspect("loud", &["paging"]), Seed(1)),
        Trial::Defect(suspect("dead", &["paging"]), Seed(1)),
        Trial::Defect(suspect("quiet", &["paging"]), Seed(1)),
    ];
    let reasons: Vec<String> = rows(&trials)
        .into_iter()
        .map(|row| match row {
            Row::Defect(row) => row.reason.clone().unwrap_or_default(),
            Row::Clean(_) => panic!("not a clean run"),
        })
        .collect();
    assert_eq!(reasons[0], "2 of 2 cases of search passed");
    assert!(reasons[1].starts_with("first found by search/total-matches-entries, which is not"));
    assert_eq!(reasons[2], "the run failed: no answer");
    assert_eq!(reasons[3], "no case is about paging");
}

#[test]
fn clean_runs_of_one_arrangement_are_one_line_and_blame_is_counted() {
    let odd = || vec!["odd".to_owned()];
    let trials = [
        Trial::Clean(odd(), Seed(1)),
        Trial::Clean(Vec::new(), Seed(2)),
        Trial::Clean(odd(), Seed(3)),
    ];
    let (defects, clean) = fold(rows(&trials));
    assert!(defects.is_empty());
    assert_eq!(clean.len(), 2);
    assert_eq!(
        (clean[0].runs, clean[0].findings, clean[0].requests),
        (1, 0, 20)
    );
    assert_eq!(
        (clean[1].runs, clean[1].findings, clean[1].blamed),
        (2, 4, 2)
    );
    assert!(clean[1].notes[0].ends_with("search/total-matches-entries#search/total"));
}

#[test]
fn a_stopped_board_begins_nothing() {
    let stop = Arc::new(AtomicBool::new(true));
    let laboratory = Scripted(AtomicU32::new(0));
    let trials = [Trial::Clean(Vec::new(), Seed(2))];
    let rows = run(&laboratory, &plan(), &trials, &stop, &|_, _| {}).unwrap();
    assert!(rows.is_empty());
    assert_eq!(laboratory.0.into_inner(), 0);
}

#[test]
fn each_trial_has_a_key_of_its_own() {
    let keys = [
        Trial::Defect(suspect("a", &[]), Seed(1)).key(),
        Trial::Defect(suspect("a@1ms", &[]), Seed(1)).key(),
        Trial::Defect(suspect("a", &[]), Seed(2)).key(),
        Trial::Clean(Vec::new(), Seed(1)).key(),
        Trial::Clean(vec!["a".to_owned()], Seed(1)).key(),
    ];
    let distinct: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}
