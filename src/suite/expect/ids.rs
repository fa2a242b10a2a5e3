//! Expectations on which resources a search returns and how it counts them.

use std::collections::BTreeSet;

use crate::check::search::undecidable;
use crate::fhir::bundle;
use crate::record::Violation;
use crate::secret::Phrase;

use super::super::ir::{Ids, Total};
use super::super::template::Template;
use super::{Judgement, StepOutcome, run_check};

/// What `ids: oracle` stands for.
pub(super) const CHECKS: &[&str] = &[
    "search/every-hit-matches",
    "search/nothing-missing",
    "search/no-duplicates",
];

pub(super) fn evaluate(ids: &Ids, outcome: &StepOutcome<'_>) -> Judgement {
    match ids {
        Ids::Oracle => oracle(outcome),
        Ids::Exactly(templates) => exactly(templates, outcome),
        Ids::Holding { include, exclude } => holding(include, exclude, outcome),
        Ids::SameAs(name) => same_as(name, outcome),
    }
}

fn oracle(outcome: &StepOutcome<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    for id in CHECKS {
        judgement.add(run_check(id, outcome));
    }
    if judgement.violations.is_empty() {
        judgement.undecided.extend(undecidable(&outcome.evidence));
    }
    judgement
}

/// Logical ids of the matches over all pages.
fn returned(outcome: &StepOutcome<'_>) -> BTreeSet<String> {
    outcome
        .evidence
        .exchanges
        .iter()
        .filter_map(|exchange| exchange.parsed())
        .flat_map(|page| bundle::match_keys(&page))
        .map(|key| key.id)
        .collect()
}

fn fill(templates: &[Template], outcome: &StepOutcome<'_>) -> Result<BTreeSet<String>, String> {
    templates
        .iter()
        .map(|template| template.fill(outcome.bindings))
        .collect()
}

fn exactly(templates: &[Template], outcome: &StepOutcome<'_>) -> Judgement {
    match fill(templates, outcome) {
        Ok(wanted) => compare(&wanted, outcome, "the resources that the case names"),
        Err(reason) => Judgement::undecided(reason),
    }
}

fn same_as(name: &str, outcome: &StepOutcome<'_>) -> Judgement {
    let Some(other) = outcome.bindings.get(name) else {
        return Judgement::undecided(format!("the step `{name}` had no JSON answer"));
    };
    let wanted = bundle::match_keys(other)
        .into_iter()
        .map(|key| key.id)
        .collect();
    compare(&wanted, outcome, &format!("the same matches as {name}"))
}

fn compare(wanted: &BTreeSet<String>, outcome: &StepOutcome<'_>, what: &str) -> Judgement {
    let found = returned(outcome);
    let missing: Vec<&String> = wanted.difference(&found).collect();
    let extra: Vec<&String> = found.difference(wanted).collect();
    let Some(first) = missing.first().or(extra.first()) else {
        return Judgement::default();
    };
    Judgement::broken(violation(
        outcome,
        Phrase::say(format!("{what}: {} match(es)", wanted.len())),
        Phrase::say(format!(
            "{} missing and {} too many, such as ",
            missing.len(),
            extra.len()
        ))
        .data((*first).clone()),
        if missing.is_empty() {
            "extra"
        } else {
            "missing"
        },
    ))
}

fn holding(include: &[Template], exclude: &[Template], outcome: &StepOutcome<'_>) -> Judgement {
    let (include, exclude) = match (fill(include, outcome), fill(exclude, outcome)) {
        (Ok(include), Ok(exclude)) => (include, exclude),
        (Err(reason), _) | (_, Err(reason)) => return Judgement::undecided(reason),
    };
    let found = returned(outcome);
    let mut judgement = Judgement::default();
    if let Some(missing) = include.iter().find(|id| !found.contains(*id)) {
        judgement.add(Judgement::broken(violation(
            outcome,
            Phrase::say("a match with the id ").data(missing.clone()),
            Phrase::say(format!("{} other match(es)", found.len())),
            "missing",
        )));
    }
    if let Some(extra) = exclude.iter().find(|id| found.contains(*id)) {
        judgement.add(Judgement::broken(violation(
            outcome,
            Phrase::say("no match with the id ").data(extra.clone()),
            "it is among the matches",
            "extra",
        )));
    }
    judgement
}

fn violation(
    outcome: &StepOutcome<'_>,
    expected: Phrase,
    actual: impl Into<Phrase>,
    signature: &str,
) -> Violation {
    let exchanges = outcome.evidence.exchanges.iter();
    Violation::new(
        "expect/ids",
        "A search does not return the resources that match",
        expected,
        actual,
    )
    .at("Bundle.entry")
    .seen_in(exchanges.map(|exchange| exchange.number))
    .signed(signature)
}

/// `Bundle.total` where it is given.
pub(super) fn total(total: Total, outcome: &StepOutcome<'_>) -> Judgement {
    let wanted = match total {
        Total::Oracle => return run_check("search/total", outcome),
        Total::Exactly(wanted) => wanted,
    };
    let wrong = outcome.evidence.exchanges.iter().find_map(|exchange| {
        let page = exchange.parsed()?;
        let found = bundle::total(&page)?;
        (found != wanted).then_some((exchange.number, found))
    });
    let Some((number, found)) = wrong else {
        return Judgement::default();
    };
    Judgement::broken(
        Violation::new(
            "expect/total",
            "Bundle.total is not the number of matches",
            format!("Bundle.total = {wanted}").as_str(),
            format!("Bundle.total = {found}").as_str(),
        )
        .at("Bundle.total")
        .seen_in([number])
        .signed("total"),
    )
}
