//! The self link says what the server searched for. Only the first page is judged: later URLs are the server's own.

use super::super::{Check, CheckSpec, Evidence};
use super::{Search, base_code, is_result_parameter};
use crate::fhir::{bundle, definitions};
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "search/self-link",
    title: "The self link lists the parameters that were used",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#conformance",
    sentence: "the server SHALL return the parameters that were actually used to process the search",
    usual_causes: &[
        "a proxy or gateway drops the query string",
        "the parameter is declared but not implemented",
        "the form of a POST search is not read",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct SelfLink;

impl Check for SelfLink {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    let first = search.pages.first()?;
    // The URL of a later page is the server's own, and so is what its self link must list.
    if search.starts_later() || search.has_own_parameters() {
        return None;
    }
    let violation = |expected: String, actual: &str, signature: &str| {
        Violation::new(
            SPEC.id,
            "The self link does not say what was searched for",
            expected.as_str(),
            actual,
        )
        .at("Bundle.link[self]")
        .seen_in([first.exchange.number])
        .signed(search.asked.resource_type.as_deref().unwrap_or("system"))
        .signed(signature)
    };
    if bundle::link(&first.bundle, "self").is_none() {
        return Some(violation(
            "a self link".to_owned(),
            "no self link",
            "absent",
        ));
    }
    let resource_type = search.asked.resource_type.as_deref()?;
    let capability = evidence.capability?;
    // A value without meaning may be ignored, if the self link says so.
    search.query(evidence)?;
    let demanded: Vec<&str> = search
        .asked
        .pairs
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| {
            let code = base_code(name);
            !is_result_parameter(code)
                && definitions::search_parameter(resource_type, code).is_some()
                && capability.supports_parameter(resource_type, code)
        })
        .collect();
    let listed = search.self_pairs()?;
    let selecting = listed
        .iter()
        .filter(|(name, _)| !is_result_parameter(base_code(name)))
        .count();
    // A server may list an equivalent (`subject` for `patient`): only fewer criteria than were sent is a loss.
    if selecting >= demanded.len() {
        return None;
    }
    let lost: Vec<&str> = demanded
        .into_iter()
        .filter(|name| !listed.iter().any(|(found, _)| found == name))
        .collect();
    if lost.is_empty() {
        return None;
    }
    let names = lost.join(", ");
    Some(violation(
        format!("the self link lists {names}, which the target declares"),
        &format!("the self link lacks {names}"),
        &names,
    ))
}
