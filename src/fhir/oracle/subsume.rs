//! Tokens by what codes mean: `:in`, `:not-in`, `:below`, `:above`, as far as R4's own enumerable value sets and plain
//! equality decide. Not a terminology server: hierarchies and concept maps are the server's.

use super::Match;
use super::extract::Node;
use super::token::{self, Facet, System, facets};
use crate::fhir::definitions::value_set_contains;
use crate::fhir::query::TokenValue;

/// Whether every value set of a criterion can be enumerated.
///
/// # Errors
/// A sentence that says why not.
pub(super) fn enumerable(value_sets: &[String]) -> Result<(), String> {
    let is_enumerable = |canonical: &String| value_set_contains(canonical, None, "").is_some();
    match value_sets.iter().all(is_enumerable) {
        true => Ok(()),
        false => Err("the value set is not one that can be enumerated here".to_owned()),
    }
}

/// `:in`: some code of the node is in the value set.
pub(super) fn judge_inside(node: &Node<'_>, value_set: &str) -> Match {
    match facets(node) {
        Some(facets) => Match::any(facets.iter().map(|facet| inside(facet, value_set))),
        None => Match::open(format!(":in on {} is not defined", node.type_name)),
    }
}

/// `:not-in`, over all nodes of a parameter: sure if no code is in any of the value sets, or all are in each.
pub(super) fn judge_outside(nodes: &[Node<'_>], value_sets: &[String]) -> Match {
    let mut judged = Vec::new();
    for node in nodes {
        let Some(facets) = facets(node) else {
            return Match::open(format!(":not-in on {} is not defined", node.type_name));
        };
        for value_set in value_sets {
            judged.extend(facets.iter().map(|facet| inside(facet, value_set)));
        }
    }
    if judged.is_empty() {
        return Match::open(":not-in where there is no code");
    }
    let all = Match::all(judged.iter().cloned());
    match (all, Match::any(judged)) {
        (Match::Yes, _) => Match::No,
        (_, Match::No) => Match::Yes,
        _ => Match::open("some codes are in a value set and others are not"),
    }
}

fn inside(facet: &Facet<'_>, value_set: &str) -> Match {
    let Some(code) = facet.code else {
        return Match::No;
    };
    let contains = |system, code: &str| value_set_contains(value_set, system, code) == Some(true);
    let is_inside = match facet.system {
        System::Is(system) => contains(Some(system), code),
        System::Implied => contains(None, code),
        System::Absent => {
            return match contains(None, code) {
                true => Match::open("a code without a system"),
                false => Match::No,
            };
        }
    };
    if !is_inside && contains(None, &code.to_lowercase()) && code != code.to_lowercase() {
        return Match::open("equal but for the case");
    }
    Match::from(is_inside)
}

/// `:below` (`:above`, if not `below`): the code itself in any case; of media types what only adds parameters, which is
/// all that a server must know of them. "Servers may elect to consider concept mappings", so that other codes, those of
/// other systems included, are open.
pub(super) fn judge(node: &Node<'_>, asked: &TokenValue, below: bool) -> Match {
    if token::judge(node, asked) == Match::Yes {
        return Match::Yes;
    }
    let Some(facets) = facets(node) else {
        return Match::open(format!("subsumption on {} is not defined", node.type_name));
    };
    let codes: Vec<&str> = facets.iter().filter_map(|facet| facet.code).collect();
    if codes.is_empty() {
        return Match::No;
    }
    let media_type = asked
        .code
        .as_deref()
        .filter(|code| asked.system.is_none() && code.contains('/') && node.type_name == "code");
    let Some(media_type) = media_type else {
        return Match::open("a hierarchy of codes or a concept map may relate the codes");
    };
    Match::any(codes.into_iter().map(|code| {
        let (lower, upper) = match below {
            true => (code, media_type),
            false => (media_type, code),
        };
        parameters_added(lower, upper)
    }))
}

fn parameters_added(lower: &str, upper: &str) -> Match {
    let base = |text: &str| {
        let base = text.split(';').next().unwrap_or_default();
        base.trim().to_ascii_lowercase()
    };
    match (base(lower) == base(upper), upper.contains(';')) {
        (false, _) => Match::No,
        (true, false) => Match::Yes,
        (true, true) => Match::open("parameters of media types may be compared or not"),
    }
}
