//! A page that `_count` cuts has a link to the next one. Whether the pages together are the whole is `nothing_missing`'s,
//! whether the total is right `total`'s.

use super::super::{Check, CheckSpec, Evidence};
use super::Search;
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "search/next-link",
    title: "A page that does not hold all matches has a next link",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#paging",
    sentence: "Servers SHOULD support paging for the results of a search or history interaction",
    usual_causes: &["_count is taken for a limit, and pages are not implemented"],
    passive: true,
};

/// See the sentence of its specification.
pub struct NextLink;

impl Check for NextLink {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let cohort = evidence.cohort?;
    let search = Search::of(evidence)?;
    let cut = search.cut(evidence)?;
    if cut.is_denied() || cut.matches() <= cut.shown {
        return None;
    }
    // What was known may be gone by now; a total that counts it says that it is there.
    if !cohort.completeness.is_closed() && !cut.is_counted() {
        return None;
    }
    let mut violation = Violation::new(
        SPEC.id,
        "An answer that _count cuts has no next link",
        format!("a link to the rest of {} matches", cut.matches()).as_str(),
        format!("{} matches and no next link", cut.shown).as_str(),
    )
    .at("Bundle.link")
    .seen_in(search.numbers())
    .signed("next");
    violation.oracle = Some(cohort.completeness);
    Some(violation)
}
