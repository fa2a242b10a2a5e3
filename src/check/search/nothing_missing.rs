//! Every known match is returned over all pages. The recall half of a search; needs a cohort and a complete walk.

use super::super::{Check, CheckSpec, Evidence};
use super::{Search, answer};
use crate::fhir::Key;
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "search/nothing-missing",
    title: "Every resource that matches is returned",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html",
    sentence: "The server determines which of the set of resources it serves meet the specific criteria, and returns the results in the HTTP response as a bundle",
    usual_causes: &[
        "a page boundary loses resources",
        "the value is not in the search index",
        "values are compared with case or accents where R4 ignores them",
    ],
    passive: false,
};

/// See the sentence of its specification.
pub struct NothingMissing;

impl Check for NothingMissing {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    if search.is_count_only() || !search.is_complete(evidence) || search.starts_later() {
        return None;
    }
    // What `_count` cut off of a server that does not page is not lost, as long as the total does not deny it.
    if search.cut(evidence).is_some_and(|cut| !cut.is_denied()) {
        return None;
    }
    let answer = answer(&search, evidence).ok()?;
    let returned: Vec<Key> = search.hits().filter_map(|(_, hit)| Key::of(hit)).collect();
    let missing: Vec<&Key> = answer
        .must
        .iter()
        .filter(|key| !returned.contains(key))
        .collect();
    let first = missing.first()?;
    let names: Vec<&str> = search
        .asked
        .pairs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let mut violation = Violation::new(
        SPEC.id,
        "A search does not return all that matches",
        Phrase::say(format!("{} known matches", answer.must.len())),
        Phrase::say(format!(
            "{} of them are missing over {} page(s), such as ",
            missing.len(),
            search.pages.len()
        ))
        .url(first.to_string()),
    )
    .at("Bundle.entry")
    .seen_in(search.numbers())
    .signed(search.asked.resource_type.as_deref().unwrap_or("system"))
    .signed(names.join(","))
    .lacking(missing.into_iter().cloned());
    violation.lacks = !search.looks_elsewhere(evidence);
    violation.oracle = evidence.cohort.map(|cohort| cohort.completeness);
    violation.ruled_out = vec![
        "all pages were read; the last one has no next link".to_owned(),
        "the expectation rests on the resources as the target itself returned them".to_owned(),
    ];
    Some(violation)
}
