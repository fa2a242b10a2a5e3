//! Entries say why they are in the answer: match, include or outcome. Not whether the matches are right.

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::Search;
use crate::fhir::{bundle, outcome, resource};
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "search/mode",
    title: "search.mode tells matches, included resources and outcomes apart",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.search.mode",
    sentence: "Why this entry is in the result set - whether it's included as a match or because of an _include requirement, or to convey information or warning information about the search process",
    usual_causes: &["one routine marks all entries as matches"],
    passive: true,
};

/// See the sentence of its specification.
pub struct Mode;

impl Check for Mode {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    // A whole-system search names its types itself; there a match can be anything.
    let wanted = search.asked.resource_type.as_deref()?;
    for page in &search.pages {
        let wrong = bundle::entries(&page.bundle)
            .enumerate()
            .find_map(|(index, entry)| Some((index, wrong_mode(entry, wanted)?)));
        let Some((index, (expected, found))) = wrong else {
            continue;
        };
        return Some(
            Violation::new(
                SPEC.id,
                "An entry has the wrong search.mode",
                format!("search.mode = {expected}").as_str(),
                format!("search.mode {found}").as_str(),
            )
            .at(format!("Bundle.entry[{index}].search.mode"))
            .seen_in([page.exchange.number])
            .signed(expected)
            .signed(found),
        );
    }
    None
}

/// The mode that an entry must have and what it has.
fn wrong_mode(entry: &Value, wanted: &str) -> Option<(&'static str, &'static str)> {
    let resource = bundle::resource(entry)?;
    let found = match bundle::mode(entry) {
        None => "absent",
        Some("match") => "= match",
        Some("include") => "= include",
        Some("outcome") => "= outcome",
        Some(_) => "of another value",
    };
    if outcome::is_outcome(resource) && wanted != "OperationOutcome" {
        return (found == "= match" || found == "= include").then_some(("outcome", found));
    }
    let is_wanted = resource::resource_type(resource) == Some(wanted);
    // An include of the searched type (`partof`) is legal, so only other types tell something; and the element is
    // optional, so its absence tells nothing.
    (!is_wanted && matches!(found, "= match" | "= outcome")).then_some(("include", found))
}
