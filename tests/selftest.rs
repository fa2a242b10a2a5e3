//! The harness against known truth, as far as a test has the time: every planted defect is found by the case that is
//! known to find it, nothing legal is blamed, and every property and check is provoked by some defect. Takes the path of
//! `rounds run`; `rounds scoreboard` tries all cases over more seeds, and makes the hints that this reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use rounds::cli::scoreboard::{Bench, Choice, clean_trials, defect_trials, hints};
use rounds::engine::conformance::RESPONSES;
use rounds::engine::property::Budget;
use rounds::engine::scoreboard::{self as engine, Laboratory, Order, Plan, Row, Trial, Watch};
use rounds::record::Run;

/// Runs at a time: most of a run waits.
const JOBS: usize = 3;

/// Checks and properties that no planted defect provokes yet, each with the reason.
const UNPROVOKED: &[(&str, &str)] = &[
    (
        "property/and-is-intersection",
        "a filter that is ignored is ignored on both sides; no defect treats two criteria otherwise than one",
    ),
    ("property/missing-partition", "no defect concerns :missing"),
];

/// Clean runs: the plain sandbox and each variant alone.
fn clean_runs() -> u64 {
    rounds::sandbox::VARIANTS.len() as u64 + 1
}

/// Looks with one case only: that of the hint, or the property or check itself.
struct Aimed {
    cases: BTreeMap<String, String>,
}

impl Laboratory for Aimed {
    fn run(&self, order: &Order<'_>, watch: &Arc<Watch>) -> Result<Run, String> {
        let case = order.defect.and_then(|id| self.cases.get(id));
        let case = case.ok_or("no hint says which case finds it")?;
        let is_property = case.starts_with("property/");
        let suites = [if is_property { "property/core" } else { "core" }.to_owned()];
        let bench = Bench {
            filter: Some(pattern(case)),
            ..Bench::default()
        };
        let order = Order {
            suites: &suites,
            ..*order
        };
        bench.run(&order, watch)
    }
}

/// What is judged over all responses has no case of its own: these show most kinds of them.
const MANY_RESPONSES: &str = "create/* or read/* or history/* or paging/*";

/// A filter that selects a case by its id, all its rows included.
fn pattern(case: &str) -> String {
    if case.starts_with(RESPONSES) {
        return MANY_RESPONSES.to_owned();
    }
    case.split('[').next().unwrap_or(case).to_owned()
}

fn plan() -> Plan {
    Plan {
        // The laboratory chooses.
        stages: vec![Vec::new()],
        clean_stages: vec![
            vec!["property/core".to_owned()],
            vec!["core".to_owned(), "expansion".to_owned()],
        ],
        whole: false,
        read_only: false,
        jobs: JOBS,
    }
}

fn rows(laboratory: &dyn Laboratory, trials: &[Trial]) -> Vec<Row> {
    let rows = engine::run(laboratory, &plan(), trials, &Arc::default(), &|_, _| {});
    rows.expect("the sandbox starts")
}

#[test]
fn every_defect_has_a_hint_and_every_hint_a_defect() {
    let hints = hints::stored();
    let known: Vec<&str> = rounds::sandbox::DEFECTS
        .iter()
        .map(|defect| defect.id)
        .collect();
    let without: Vec<&&str> = known
        .iter()
        .filter(|id| !hints.found_by.contains_key(**id))
        .collect();
    assert!(
        without.is_empty(),
        "missing in fixtures/defects/found-by.json: {without:?}; `rounds scoreboard --defect ID --runs 0 --seeds 1 \
         --write-hints fixtures/defects` adds them"
    );
    let stray: Vec<&String> = hints
        .found_by
        .keys()
        .chain(hints.provoked_by.values())
        .filter(|id| !known.contains(&id.as_str()))
        .collect();
    assert!(
        stray.is_empty(),
        "hints of defects that there are not: {stray:?}"
    );
}

#[test]
fn every_defect_is_found() {
    let laboratory = Aimed {
        cases: hints::stored().found_by,
    };
    let trials = defect_trials(&Choice::default(), 1).expect("the catalogue");
    let missed: Vec<String> = rows(&laboratory, &trials)
        .into_iter()
        .filter_map(|row| match row {
            Row::Defect(row) if !row.detected => {
                Some(format!("{}: {}", row.id, row.reason.unwrap_or_default()))
            }
            Row::Defect(_) | Row::Clean(_) => None,
        })
        .collect();
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

/// Ids that ought to be provoked, and are not according to the hints.
fn idle<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let provoked = hints::stored().provoked_by;
    ids.filter(|id| !provoked.contains_key(*id))
        .filter(|id| !UNPROVOKED.iter().any(|(known, _)| known == id))
        .collect()
}

#[test]
fn every_property_is_falsified_by_some_defect() {
    let properties = rounds::property::PROPERTIES.iter();
    let idle = idle(properties.map(|property| property.spec().id));
    assert!(idle.is_empty(), "no defect falsifies: {idle:?}");
}

#[test]
fn every_check_is_provoked_by_some_defect() {
    let idle = idle(rounds::check::all().map(|check| check.spec().id));
    assert!(idle.is_empty(), "no defect provokes: {idle:?}");
}

/// Parts into which the cases are cut for the variants: each variant runs one of them here, and all on the scoreboard.
const PARTS: usize = 3;

/// Patients of the clean runs: quick, and enough for nearly all cases.
const PATIENTS: u64 = 8;

/// All cases on the plain sandbox, a part of them on each variant.
struct Sampled;

impl Laboratory for Sampled {
    fn run(&self, order: &Order<'_>, watch: &Arc<Watch>) -> Result<Run, String> {
        let mut variants = rounds::sandbox::VARIANTS.iter();
        let place = order
            .variants
            .first()
            .and_then(|id| variants.position(|variant| variant.id == id));
        let bench = Bench {
            budget: Budget::QUICK,
            population: PATIENTS,
            shard: place.map(|place| (place % PARTS + 1, PARTS)),
            ..Bench::default()
        };
        bench.run(order, watch)
    }
}

#[test]
fn the_clean_sandbox_and_every_legal_variant_are_silent() {
    let trials = clean_trials(&[], clean_runs()).expect("the variants");
    for row in rows(&Sampled, &trials) {
        let Row::Clean(run) = row else { continue };
        assert!(
            run.findings.is_empty(),
            "{:?} with seed {}: {:?}",
            run.variants,
            run.seed,
            run.findings
        );
        assert!(
            run.decided >= 10,
            "{:?}: only {} cases were decided",
            run.variants,
            run.decided
        );
    }
}
