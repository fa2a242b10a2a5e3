//! One criterion on one resource: modifiers that go with every kind, alternatives, and the way to the kinds.
//! Not the rules of the kinds.

use serde_json::Value;

use super::Match;
use super::extract::{Node, readable};
use super::known::Known;
use super::{
    composite, date, label, link, number, quantity, reference, string, subsume, token, uri,
};
use crate::fhir::definitions::{ParameterKind, SearchParameter};
use crate::fhir::query::{
    Criterion, DateValue, Modifier, NumberValue, OfTypeValue, Prefix, QuantityValue, Query,
    Subject, TokenValue,
};

/// Whether the oracle can decide a query at all.
///
/// # Errors
/// A sentence that says why not.
pub(super) fn decidable(query: &Query) -> Result<(), String> {
    if let Some((name, _)) = query.unknown.first() {
        return Err(format!(
            "{name} is no parameter that R4 defines here, and a server may ignore or refuse it"
        ));
    }
    if query
        .shape
        .contained
        .as_deref()
        .is_some_and(|contained| contained != "false")
    {
        return Err("_contained asks for what stands inside other resources".to_owned());
    }
    query.criteria.iter().try_for_each(decidable_criterion)
}

fn decidable_criterion(criterion: &Criterion) -> Result<(), String> {
    let parameter = match &criterion.subject {
        Subject::Chain {
            reference,
            branches,
            ..
        } => {
            readable(reference)?;
            return branches
                .iter()
                .try_for_each(|(_, rest)| decidable_criterion(rest));
        }
        Subject::Has {
            reference, rest, ..
        } => {
            readable(reference)?;
            return decidable_criterion(rest);
        }
        Subject::Parameter(parameter) => *parameter,
    };
    let name = &criterion.name;
    if parameter.kind == ParameterKind::Special {
        return Err(format!("{name} is searched by rules of its own"));
    }
    if parameter.code == "phonetic" {
        return Err(format!("{name} sounds as the server hears it"));
    }
    match &criterion.modifier {
        Some(Modifier::In | Modifier::NotIn) => {
            subsume::enumerable(&criterion.values)?;
        }
        Some(Modifier::Below | Modifier::Above)
            if parameter.kind == ParameterKind::Reference
                && !criterion.values.iter().all(|value| value.contains("://")) =>
        {
            return Err(format!("{name} needs a hierarchy of resources"));
        }
        _ => {}
    }
    match parameter.kind {
        ParameterKind::Composite => composite::readable(parameter),
        _ => readable(parameter),
    }
}

/// Judges one resource; chains and `_has` look into `known`.
pub(super) fn judge(resource: &Value, known: &Known<'_>, criterion: &Criterion) -> Match {
    match &criterion.subject {
        Subject::Parameter(parameter) => judge_parameter(resource, known, parameter, criterion),
        Subject::Chain {
            reference,
            branches,
            ..
        } => link::chain(resource, known, reference, branches),
        Subject::Has {
            resource_type,
            reference,
            rest,
        } => link::has(resource, known, resource_type, reference, rest),
    }
}

fn judge_parameter(
    resource: &Value,
    known: &Known<'_>,
    parameter: &'static SearchParameter,
    criterion: &Criterion,
) -> Match {
    if parameter.kind == ParameterKind::Composite {
        let values = criterion.values.iter();
        return Match::any(values.map(|value| composite::judge(resource, known, parameter, value)));
    }
    let nodes = match known.nodes(resource, parameter) {
        Ok(nodes) => nodes,
        Err(message) => return Match::open(format!("{}: {message}", parameter.code)),
    };
    let alternative =
        |value: &String| judge_value(&nodes, parameter, criterion.modifier.as_ref(), value, known);
    match criterion.modifier {
        Some(Modifier::Missing) => missing(&nodes, parameter.kind, &criterion.values),
        Some(Modifier::Not) => not(criterion.values.iter().map(alternative)),
        Some(Modifier::NotIn) => subsume::judge_outside(&nodes, &criterion.values),
        _ => Match::any(criterion.values.iter().map(alternative)),
    }
}

/// Resources without a matching value, those without any value included. Of several alternatives R4 does not say
/// whether one or all must not match.
fn not(alternatives: impl Iterator<Item = Match>) -> Match {
    let negated: Vec<Match> = alternatives.map(Match::negated).collect();
    let all = Match::all(negated.iter().cloned());
    let any = Match::any(negated);
    match (all, any) {
        (Match::Yes, _) => Match::Yes,
        (_, Match::No) => Match::No,
        (Match::Open(reason), _) | (_, Match::Open(reason)) => Match::Open(reason),
        (Match::No, Match::Yes) => Match::open("several alternatives of :not"),
    }
}

/// `:missing=true` and `:missing=false`. Of a primitive without a value R4 says that it is missing, extensions or not.
fn missing(nodes: &[Node<'_>], kind: ParameterKind, values: &[String]) -> Match {
    let missing = if nodes.iter().all(|node| node.value.is_none()) {
        Match::Yes
    } else if nodes.iter().any(|node| is_searchable(node, kind)) {
        Match::No
    } else {
        Match::open("the element is there, but has nothing to search for")
    };
    match values.first().map(String::as_str) {
        Some("true") => missing,
        _ => missing.negated(),
    }
}

fn is_searchable(node: &Node<'_>, kind: ParameterKind) -> bool {
    if node.value.is_none() || node.computed {
        return false;
    }
    match kind {
        ParameterKind::String => string::texts(node).is_some_and(|texts| !texts.is_empty()),
        ParameterKind::Token => token::facets(node)
            .is_some_and(|facets| facets.iter().any(|facet| facet.code.is_some())),
        ParameterKind::Reference => reference::Pointer::of(node, None).is_some(),
        ParameterKind::Date => matches!(date::stretch(node), Ok(Some(_))),
        ParameterKind::Quantity => quantity::has_value(node),
        ParameterKind::Number => node.value.as_deref().is_some_and(Value::is_number),
        _ => true,
    }
}

/// One alternative over all nodes of a parameter.
pub(super) fn judge_value(
    nodes: &[Node<'_>],
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    value: &str,
    known: &Known<'_>,
) -> Match {
    let matches: Vec<Match> = nodes
        .iter()
        .map(|node| judge_node(node, parameter, modifier, value, known))
        .collect();
    let has_prefix = matches!(
        parameter.kind,
        ParameterKind::Number | ParameterKind::Date | ParameterKind::Quantity
    );
    if has_prefix && Prefix::split(value).0 == Prefix::Ne {
        // A primitive that has extensions only is no value.
        let is_value = |(node, _): &(&Node<'_>, Match)| node.value.is_some();
        let valued = nodes.iter().zip(matches).filter(is_value);
        return unequal(valued.map(|(_, matched)| matched).collect());
    }
    Match::any(matches)
}

/// Whether `ne` means one value that differs or none that is equal, R4 does not say; for a single value both agree.
fn unequal(matches: Vec<Match>) -> Match {
    if matches.is_empty() {
        return Match::open("ne where there is no value");
    }
    let all = Match::all(matches.iter().cloned());
    match (all, Match::any(matches)) {
        (Match::Yes, _) => Match::Yes,
        (_, Match::No) => Match::No,
        _ => Match::open("ne on several values"),
    }
}

fn judge_node(
    node: &Node<'_>,
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    value: &str,
    known: &Known<'_>,
) -> Match {
    if node.value.is_none() {
        return Match::No;
    }
    let judged = match parameter.kind {
        ParameterKind::String => Ok(string::judge(node, modifier, value)),
        ParameterKind::Uri => Ok(uri::judge(node, modifier, value)),
        ParameterKind::Reference => Ok(reference::judge(node, parameter, modifier, value, known)),
        ParameterKind::Token if modifier == Some(&Modifier::OfType) => {
            OfTypeValue::parse(value).map(|asked| token::judge_of_type(node, &asked))
        }
        ParameterKind::Token => match modifier {
            Some(Modifier::Text) => Ok(label::judge(node, value)),
            Some(Modifier::In) => Ok(subsume::judge_inside(node, value)),
            Some(Modifier::Below | Modifier::Above) => TokenValue::parse(value)
                .map(|asked| subsume::judge(node, &asked, modifier == Some(&Modifier::Below))),
            _ => TokenValue::parse(value).map(|asked| token::judge(node, &asked)),
        },
        ParameterKind::Date => DateValue::parse(value).map(|asked| date::judge(node, &asked)),
        ParameterKind::Number => NumberValue::parse(value).map(|asked| number::judge(node, &asked)),
        ParameterKind::Quantity => {
            QuantityValue::parse(value).map(|asked| quantity::judge(node, &asked))
        }
        ParameterKind::Composite | ParameterKind::Special => {
            Ok(Match::open("searched by rules of its own"))
        }
    };
    judged.unwrap_or_else(Match::Open)
}
