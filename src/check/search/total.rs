//! `Bundle.total` counts the matches over all pages. Nothing is said where there is no total, or an estimate.

use super::super::{Check, CheckSpec, Evidence};
use super::{Search, answer};
use crate::fhir::bundle;
use crate::record::{Cohort, Completeness, Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "search/total",
    title: "Bundle.total counts the matches over all pages",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total",
    sentence: "If a set of search matches, this is the total number of entries of type 'match' across all pages in the search",
    usual_causes: &[
        "the count query and the page query apply different filters: deleted, inactive or access-restricted resources are counted but not returned",
        "the total counts the entries of the page, or included resources",
    ],
    passive: false,
};

/// See the sentence of its specification.
pub struct Total;

impl Check for Total {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    if search.may_estimate() {
        return None;
    }
    let totals: Vec<(u32, u64)> = search
        .pages
        .iter()
        .filter_map(|page| Some((page.exchange.number, bundle::total(&page.bundle)?)))
        .collect();
    let (number, total) = *totals.first()?;
    let violation = |title: &str, expected: String, actual: String, signature: &str| {
        let mut violation = Violation::new(SPEC.id, title, expected.as_str(), actual.as_str())
            .at("Bundle.total")
            .seen_in(search.numbers())
            .signed(search.asked.resource_type.as_deref().unwrap_or("system"))
            .signed(signature);
        violation.ruled_out = vec!["no estimate was asked for".to_owned()];
        violation
    };
    if let Some((_, other)) = totals.iter().find(|(_, other)| *other != total) {
        if search.may_shift(evidence) {
            return None;
        }
        return Some(violation(
            "Bundle.total changes from page to page",
            format!("Bundle.total = {total} on every page"),
            format!("Bundle.total = {other} on a later page"),
            "changes",
        ));
    }
    let known = known(&search, evidence);
    // A total that is right is not wrong because the pages show less; that is a finding about the pages.
    if known == Some((total, total)) {
        return None;
    }
    let counted = u64::try_from(search.hits().count()).unwrap_or(u64::MAX);
    if !search.is_count_only() {
        // Nor does a page that `_count` cuts say how many match.
        let is_complete = search.is_complete(evidence) && search.cut(evidence).is_none();
        let starts_at_first = !search.starts_later();
        if (is_complete && starts_at_first && counted != total) || counted > total {
            return Some(violation(
                "Bundle.total is not the number of matches",
                format!(
                    "Bundle.total = {counted}, the matches on {} page(s)",
                    search.pages.len()
                ),
                format!("Bundle.total = {total} in exchange {number}"),
                "counted",
            ));
        }
    }
    let Some((least, most)) = known else {
        return short(&search, evidence, total);
    };
    (total < least || total > most).then(|| {
        let expected = if least == most {
            format!("Bundle.total = {least}")
        } else {
            format!("Bundle.total from {least} to {most}")
        };
        let mut violation = violation(
            "Bundle.total is not the number of resources that match",
            expected,
            format!("Bundle.total = {total}"),
            "known",
        );
        violation.oracle = Some(Completeness::Exact);
        violation
    })
}

/// Bounds of the number of matches, where all that could match is known.
fn known(search: &Search<'_>, evidence: &Evidence<'_>) -> Option<(u64, u64)> {
    let cohort = evidence.cohort?;
    let is_closed = cohort.completeness.is_closed() && is_confined(search, cohort);
    if !is_closed || search.may_be_wider(evidence) {
        return None;
    }
    let answer = answer(search, evidence).ok()?;
    Some(bounds(answer.must.len(), answer.may.len()))
}

/// Where more may match than is known, less cannot.
fn short(search: &Search<'_>, evidence: &Evidence<'_>, total: u64) -> Option<Violation> {
    let answer = answer(search, evidence).ok()?;
    let (least, _) = bounds(answer.must.len(), 0);
    if total >= least {
        return None;
    }
    let mut violation = Violation::new(
        SPEC.id,
        "Bundle.total is less than the resources that match",
        format!("Bundle.total of {least}, the known matches, or more").as_str(),
        format!("Bundle.total = {total}").as_str(),
    )
    .at("Bundle.total")
    .seen_in(search.numbers())
    .signed(search.asked.resource_type.as_deref().unwrap_or("system"))
    .signed("short")
    .lacking(answer.must.iter().cloned());
    violation.lacks = !search.looks_elsewhere(evidence);
    violation.oracle = evidence.cohort.map(|cohort| cohort.completeness);
    violation.ruled_out = vec!["no estimate was asked for".to_owned()];
    Some(violation)
}

fn bounds(must: usize, may: usize) -> (u64, u64) {
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    (number(must), number(must + may))
}

/// True if the search carries the tag or the ids of the cohort, so that nothing else can match it.
fn is_confined(search: &Search<'_>, cohort: &Cohort) -> bool {
    let Some(resource_type) = &search.asked.resource_type else {
        return false;
    };
    let confining = cohort.confine(resource_type);
    !confining.is_empty()
        && confining
            .iter()
            .all(|pair| search.asked.pairs.contains(pair))
}
