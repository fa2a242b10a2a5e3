//! What planted faults make of the terms of a resource. An honest server's index goes through here unchanged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::defect::{Fault, Faults, change};
use super::super::term::{self, Term};
use super::{TypeIndex, is_nested};
use crate::fhir::datatype::interval;
use crate::fhir::definitions::{ParameterKind, SearchParameter};
use crate::fhir::path::Item;

/// Terms by the code of their parameter.
pub type Superseded = BTreeMap<&'static str, Vec<Term>>;

/// The terms of the version before, where they are to stay.
pub fn superseded(faults: &Faults, index: &TypeIndex, row: u32, id: &str) -> Superseded {
    if !faults.strikes(Fault::SupersededValueFound, id) {
        return Superseded::new();
    }
    let terms = index
        .postings
        .iter()
        .map(|(code, postings)| (*code, postings.terms_of(row).to_vec()));
    terms.collect()
}

/// Those of one parameter; the instant of a version is never kept.
pub fn of_parameter<'a>(
    superseded: &'a Superseded,
    code: &str,
) -> impl Iterator<Item = Term> + 'a + use<'a> {
    let kept = superseded.get(code).filter(|_| code != "_lastUpdated");
    kept.into_iter().flatten().cloned()
}

/// The terms of another element than the parameter names, where it is that one that is looked at.
pub fn of_other_element(
    faults: &Faults,
    parameter: &SearchParameter,
    resource: &Value,
) -> Option<Vec<Term>> {
    let is_date = parameter.code == "date" && resource.get("resourceType")? == "Observation";
    if !is_date || !faults.has(Fault::DateOfIssued) {
        return None;
    }
    let issued = resource.get("issued").and_then(Value::as_str);
    let found = issued.and_then(|text| interval(text, 0));
    let found = found.map(|found| Term::Span {
        start: found.start,
        end: found.end,
    });
    Some(found.into_iter().collect())
}

/// The terms of one item.
pub fn terms(
    faults: &Faults,
    parameter: &SearchParameter,
    item: &Item<'_>,
    base: &str,
) -> Vec<Term> {
    if faults.is_empty() {
        return term::terms(parameter.kind, item, base);
    }
    let Some((value, type_name)) = term::source(item) else {
        return Vec::new();
    };
    let value = misread(faults, parameter.kind, value);
    let found = term::terms_of(parameter.kind, &value, type_name, base);
    found
        .into_iter()
        .filter_map(|term| kept(faults, parameter, type_name, term))
        .collect()
}

fn misread(faults: &Faults, kind: ParameterKind, mut value: Value) -> Value {
    let strikes = |fault, value: &Value| faults.strikes(fault, &value.to_string());
    if kind == ParameterKind::Date && strikes(Fault::DateZoneDropped, &value) {
        value = change::without_zones(value);
    }
    if kind == ParameterKind::Quantity
        && strikes(Fault::ComparatorIgnored, &value)
        && let Some(members) = value.as_object_mut()
    {
        members.shift_remove("comparator");
    }
    value
}

/// What becomes of one term; `None` if it is not indexed.
fn kept(
    faults: &Faults,
    parameter: &SearchParameter,
    type_name: &str,
    mut term: Term,
) -> Option<Term> {
    match &mut term {
        Term::Token {
            folded,
            code,
            strict,
            ..
        } => {
            if parameter.code == "gender" && faults.has(Fault::GenderUpperCase) {
                *folded = code.to_uppercase();
                *code = code.to_uppercase();
            }
            let fault = match type_name {
                "ContactPoint" => Some(Fault::ContactCaseSensitive),
                "CodeableConcept" | "Coding" => Some(Fault::CodingCaseSensitive),
                _ => None,
            };
            *strict |= fault.is_some_and(|fault| faults.strikes(fault, code));
        }
        Term::Span { start, end }
            if *start == i128::MIN
                && *end != i128::MAX
                && faults.strikes(Fault::EndOnlyPeriodLost, &end.to_string()) =>
        {
            (*start, *end) = (i128::MAX, i128::MAX);
        }
        Term::Uri(uri) if faults.strikes(Fault::UriIndexedNormalised, uri) => {
            *uri = uri.trim_end_matches('/').to_lowercase();
        }
        Term::Logical { .. }
            if is_nested(parameter) && faults.has(Fault::NestedLogicalUnindexed) =>
        {
            return None;
        }
        _ => {}
    }
    Some(term)
}

/// Takes the systems of tokens out where there are several, tags and the like aside.
pub fn lose_systems(faults: &Faults, parameter: &SearchParameter, found: &mut [Term]) {
    if parameter.code.starts_with('_') {
        return;
    }
    let systems = found.iter().filter_map(|term| match term {
        Term::Token { system, .. } if !system.is_empty() => Some(system.clone()),
        _ => None,
    });
    let systems: BTreeSet<String> = systems.collect();
    if systems.len() < 2 {
        return;
    }
    for term in found {
        if let Term::Token { system, code, .. } = term
            && faults.strikes(Fault::SystemLostAmongSeveral, code)
        {
            system.clear();
        }
    }
}
