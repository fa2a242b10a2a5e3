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

/// Checks and properties for which the hints name no defect yet: either none of the catalogue breaks what they ask for, or
/// another case is the first to find it. `rounds scoreboard --whole --write-hints` tells which; the list may only shrink.
const UNPROVOKED: &[&str] = &[
    "property/compartment-is-inclusion",
    "property/concurrent-updates-are-kept",
    "property/conditional-create-by-matches",
    "property/conditional-delete-by-matches",
    "property/conditional-read-tells-change",
    "property/conditional-update-by-matches",
    "property/conditional-update-once",
    "property/conditions-hold-in-bundles",
    "property/contained-kept",
    "property/count-zero-counts-only",
    "property/counts-agree",
    "property/create-says-where",
    "property/criteria-in-any-order",
    "property/cut-transaction-is-whole",
    "property/cut-write-is-before-or-after",
    "property/date-bounds-cover",
    "property/date-bounds-grow",
    "property/date-bounds-partition",
    "property/date-precision",
    "property/date-prefixes-nest",
    "property/delete-of-referenced-is-clean",
    "property/delete-takes-one-away",
    "property/errors-have-outcomes",
    "property/errors-hide-the-inside",
    "property/extensions-in-order",
    "property/form-keeps-content",
    "property/guarded-updates-are-counted",
    "property/history-across-delete",
    "property/history-at-once",
    "property/history-filters",
    "property/history-tells-of-delete",
    "property/id-list-is-these",
    "property/identical-put-is-consistent",
    "property/index-lag-is-measured",
    "property/interleaved-walks-are-whole",
    "property/json-escapes-kept",
    "property/key-order-ignored",
    "property/large-value-kept",
    "property/life-follows-model",
    "property/long-list-kept",
    "property/mismatched-id-refused",
    "property/missing-partition",
    "property/narrative-kept",
    "property/nested-transaction-is-whole",
    "property/no-read-is-torn",
    "property/not-is-complement",
    "property/nothing-leaks",
    "property/null-padding-kept",
    "property/number-precision",
    "property/odd-headers-are-no-server-error",
    "property/odd-methods-change-nothing",
    "property/one-order-explains-all",
    "property/or-is-union",
    "property/overlapping-transaction-refused",
    "property/own-write-is-read",
    "property/page-links-agree",
    "property/page-size-changes-nothing",
    "property/patch-is-applied",
    "property/pinned-id-keeps-predicate",
    "property/pivot-is-found",
    "property/primitive-extension-kept",
    "property/put-of-read-changes-nothing",
    "property/quantity-bounds-partition",
    "property/quantity-unit-narrows",
    "property/reads-never-go-back",
    "property/reference-kept",
    "property/refused-transaction-leaves-nothing",
    "property/refused-write-leaves-nothing",
    "property/repeated-delete-is-stable",
    "property/repeated-update-is-stable",
    "property/representation-is-read",
    "property/revinclude-is-reverse-search",
    "property/same-fault-same-answer",
    "property/same-in-xml",
    "property/search-agrees-with-bodies",
    "property/search-shows-what-existed",
    "property/sessions-are-kept",
    "property/shape-keeps-matches",
    "property/sort-is-permutation",
    "property/spelling-is-irrelevant",
    "property/string-modifiers-nest",
    "property/tampered-link-is-harmless",
    "property/time-text",
    "property/total-leaves-out-includes",
    "property/transaction-order-is-immaterial",
    "property/type-history-contains",
    "property/types-are-apart",
    "property/unicode-kept",
    "property/unrelated-changes-nothing",
    "property/update-as-create-once",
    "property/update-creates-as-claimed",
    "property/update-moves-membership",
    "property/update-revives-deleted",
    "property/value-not-and-missing",
    "property/version-is-stable",
    "property/vread-of-nothing",
    "property/white-space-kept",
];

/// Planted defects that no case alone is known to find yet: gaps of the suites, faults that show only on data that they do
/// not make, and those whose hint names a case of a whole run. The scoreboard tells them apart; the list may only shrink.
const SURVIVORS: &[&str] = &[
    "ambiguous-id-first-type",
    "chain-include-page-repeats",
    "chain-missing-crashes",
    "chain-modifier-dropped",
    "coding-case-sensitive",
    "comparator-ignored",
    "composite-date-unread",
    "composite-reference-unread",
    "contact-case-sensitive",
    "count-drops-iterated",
    "count-without-total",
    "count-zero-crashes",
    "count-zero-refused",
    "dangling-reference-ends-pages",
    "descending-sort-empty",
    "empty-include-crashes",
    "empty-include-total-crashes",
    "empty-interactions",
    "everything-capped",
    "everything-duplicates",
    "everything-of-nobody-empty",
    "expand-filters-page",
    "expand-ignores-exclude",
    "expand-post-ignores-paging",
    "expand-top-level-only",
    "exponent-refused",
    "forbidden-character-in-xml",
    "ge-excludes-day",
    "has-id-ignored",
    "has-nothing-crashes",
    "huge-count-crashes",
    "id-page-repeats",
    "include-iterates-once",
    "include-loses-match",
    "include-loses-sort",
    "includes-fill-page",
    "includes-overflow-crashes",
    "invalid-include-dropped",
    "last-updated-duplicates",
    "long-query-page-lost",
    "lookup-designation-crashes",
    "nested-logical-unindexed",
    "next-link-to-nothing",
    "no-store-unfiltered",
    "not-finds-deleted",
    "not-forgets-others",
    "or-duplicates",
    "outcome-without-issue",
    "quantity-eq-one-percent",
    "quantity-without-value-crashes",
    "read-cached-after-delete",
    "revinclude-any-type",
    "revinclude-not-iterated",
    "search-cache-race",
    "second-date-wins",
    "self-link-of-first-page",
    "stopped-as-active",
    "subject-by-compartment",
    "token-accents-folded",
    "total-of-now",
    "total-shifts-page",
    "two-composites-crash",
    "two-includes-page-repeats",
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
        .filter(|id| !hints.found_by.contains_key(**id) && !SURVIVORS.contains(*id))
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

fn is_survivor(trial: &Trial) -> bool {
    matches!(trial, Trial::Defect(suspect, _) if SURVIVORS.contains(&suspect.id.as_str()))
}

#[test]
fn every_defect_is_found() {
    let laboratory = Aimed {
        cases: hints::stored().found_by,
    };
    let mut trials = defect_trials(&Choice::default(), 1).expect("the catalogue");
    trials.retain(|trial| !is_survivor(trial));
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
        .filter(|id| !UNPROVOKED.contains(id))
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
