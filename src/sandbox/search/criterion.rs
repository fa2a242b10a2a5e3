//! One criterion against the index: alternatives, `:missing`, `:not`, chains and `_has`. Values are in `value`.

use super::super::defect::Fault;
use super::super::index::{Postings, Rows, supported};
use super::super::outcome::Refusal;
use super::super::term::Term;
use super::super::turn::Turn;
use super::{flaw, value};
use crate::fhir::Key;
use crate::fhir::definitions::{ParameterKind, SearchParameter};
use crate::fhir::query::{Criterion, Modifier, Query, ReferenceValue, Subject, composite_parts};

/// Parameters that the fault `filter-ignored` no longer applies.
const UNFILTERED: [&str; 2] = ["gender", "status"];

/// Rows of a type that meet a criterion.
pub fn evaluate(turn: &Turn<'_>, name: &str, criterion: &Criterion) -> Result<Rows, Refusal> {
    match &criterion.subject {
        Subject::Parameter(parameter) => plain(turn, name, parameter, criterion),
        Subject::Chain {
            reference,
            branches,
            ..
        } => chain(turn, name, reference, branches),
        Subject::Has {
            resource_type,
            reference,
            rest,
        } => has(turn, name, resource_type, reference, rest),
    }
}

fn plain(
    turn: &Turn<'_>,
    name: &str,
    parameter: &SearchParameter,
    criterion: &Criterion,
) -> Result<Rows, Refusal> {
    if turn.server.has(Fault::FilterIgnored) && UNFILTERED.contains(&parameter.code.as_str()) {
        return Ok(turn.index.living(name));
    }
    if parameter.kind == ParameterKind::Composite {
        return composite(turn, name, parameter, criterion);
    }
    let nothing = Postings::default();
    let postings = turn
        .index
        .postings(name, &parameter.code)
        .unwrap_or(&nothing);
    if criterion.modifier == Some(Modifier::Missing) {
        let wants_missing = criterion
            .values
            .first()
            .is_some_and(|value| value == "true");
        return Ok(match wants_missing {
            true => &turn.index.living(name) - postings.present(),
            false => postings.present().clone(),
        });
    }
    let mut found = Rows::new();
    for text in with_stopped(turn, parameter, criterion) {
        found.extend(value::find(
            turn,
            postings,
            parameter,
            criterion.modifier.as_ref(),
            &text,
        )?);
    }
    if criterion.modifier != Some(Modifier::Not) {
        found.extend(compartments(turn, name, parameter, criterion));
        return Ok(found);
    }
    let mut others = &turn.index.living(name) - &found;
    if turn.server.has(Fault::NotFindsDeleted) {
        others.extend(turn.index.deleted(name));
    }
    Ok(match turn.server.has(Fault::NotOmitsMissing) {
        true => &others & postings.present(),
        false => others,
    })
}

/// The alternatives; the planted fault of taking what was stopped for active adds to them.
fn with_stopped(
    turn: &Turn<'_>,
    parameter: &SearchParameter,
    criterion: &Criterion,
) -> Vec<String> {
    let mut values = criterion.values.clone();
    let asks = parameter.code == "status" && values.iter().any(|value| value == "active");
    if asks && turn.server.has(Fault::StoppedAsActive) {
        values.extend(["stopped", "cancelled"].map(str::to_owned));
    }
    values
}

/// The compartments of the patients that `subject` names: only a planted fault adds them.
fn compartments(
    turn: &Turn<'_>,
    name: &str,
    parameter: &SearchParameter,
    criterion: &Criterion,
) -> Rows {
    if parameter.code != "subject" || !turn.server.has(Fault::SubjectByCompartment) {
        return Rows::new();
    }
    let patients = criterion
        .values
        .iter()
        .filter_map(|value| match ReferenceValue::parse(value) {
            Ok(ReferenceValue::Relative {
                resource_type, id, ..
            }) if resource_type == "Patient" => Some(Key::new(resource_type, id)),
            _ => None,
        });
    patients
        .flat_map(|patient| super::in_compartment(turn, name, &patient))
        .collect()
}

/// Rows with an element on which all parts of an alternative hold.
fn composite(
    turn: &Turn<'_>,
    name: &str,
    parameter: &SearchParameter,
    criterion: &Criterion,
) -> Result<Rows, Refusal> {
    let Some(index) = turn.index.composite(name, &parameter.code) else {
        return Ok(Rows::new());
    };
    let parts = supported(name)
        .iter()
        .find(|indexed| indexed.parameter.code == parameter.code)
        .map_or(&[][..], |indexed| indexed.parts.as_slice());
    let reads = |kind| parts.iter().all(|part| part.parameter.kind != kind);
    if turn.server.has(Fault::CompositeReferenceUnread) && !reads(ParameterKind::Reference)
        || turn.server.has(Fault::CompositeDateUnread) && !reads(ParameterKind::Date)
    {
        return Ok(Rows::new());
    }
    let mut found = Rows::new();
    for value in &criterion.values {
        let crosses = turn.server.strikes(Fault::CompositeAcrossElements, value);
        let mut elements: Option<Rows> = None;
        for (position, (part, text)) in parts.iter().zip(composite_parts(value)).enumerate() {
            let text = value::plain_if_unescaped(part.parameter.kind, text);
            let matching = match index.part(position) {
                Some(postings) => value::find(turn, postings, part.parameter, None, &text)?,
                None => Rows::new(),
            };
            let matching = match crosses {
                true => index.rows_of(&matching),
                false => matching,
            };
            elements = Some(match elements {
                Some(elements) => &elements & &matching,
                None => matching,
            });
        }
        let elements = elements.unwrap_or_default();
        found.extend(match crosses {
            true => elements,
            false => index.rows_of(&elements),
        });
    }
    Ok(found)
}

/// Rows whose reference points to a resource that meets the criterion of its type.
fn chain(
    turn: &Turn<'_>,
    name: &str,
    reference: &SearchParameter,
    branches: &[(String, Criterion)],
) -> Result<Rows, Refusal> {
    let is_missing = |(_, rest): &(String, Criterion)| rest.modifier == Some(Modifier::Missing);
    if branches.iter().any(is_missing) && turn.server.has(Fault::ChainMissingCrashes) {
        return Err(flaw::crash());
    }
    let Some(postings) = turn.index.postings(name, &reference.code) else {
        return Ok(Rows::new());
    };
    let mut found = Rows::new();
    for (target, rest) in branches {
        let mut rest = rest.clone();
        match &rest.modifier {
            Some(
                Modifier::Not
                | Modifier::Exact
                | Modifier::Contains
                | Modifier::Above
                | Modifier::Below,
            ) if turn.server.has(Fault::ChainModifierDropped) => rest.modifier = None,
            _ => {}
        }
        for row in evaluate(turn, target, &rest)? {
            if let Some(version) = turn.index.version(target, row)
                && !version.is_deletion()
            {
                found.extend(postings.exactly(&Term::Local(version.key.clone())));
            }
        }
    }
    Ok(found)
}

/// Rows to which a resource of another type refers that meets the criterion.
fn has(
    turn: &Turn<'_>,
    name: &str,
    resource_type: &str,
    reference: &SearchParameter,
    rest: &Criterion,
) -> Result<Rows, Refusal> {
    let nothing = Postings::default();
    let postings = turn
        .index
        .postings(resource_type, &reference.code)
        .unwrap_or(&nothing);
    let is_id = matches!(rest.subject, Subject::Parameter(parameter) if parameter.code == "_id");
    let referring = match is_id && turn.server.has(Fault::HasIdIgnored) {
        true => turn.index.living(resource_type),
        false => evaluate(turn, resource_type, rest)?,
    };
    let is_there = |row: &u32| {
        let version = turn.index.version(resource_type, *row);
        version.is_some_and(|version| !version.is_deletion())
    };
    let found: Rows = referring
        .into_iter()
        .filter(is_there)
        .flat_map(|row| postings.terms_of(row))
        .filter_map(|term| local(term, name))
        .filter_map(|key| turn.index.row(key))
        .collect();
    if found.is_empty() && turn.server.has(Fault::HasNothingCrashes) {
        return Err(flaw::crash());
    }
    Ok(found)
}

fn local<'a>(term: &'a Term, name: &str) -> Option<&'a Key> {
    match term {
        Term::Local(key) if key.resource_type == name => Some(key),
        _ => None,
    }
}

/// The planted fault of returning a row once for each alternative that it matches.
pub fn with_duplicates(
    turn: &Turn<'_>,
    name: &str,
    query: &Query,
    ordered: Vec<u32>,
) -> Result<Vec<u32>, Refusal> {
    let mut repeated = Vec::new();
    let several = query.criteria.iter().filter(|criterion| {
        criterion.values.len() > 1 && criterion.modifier != Some(Modifier::Not)
    });
    for criterion in several {
        let mut seen = Rows::new();
        for text in &criterion.values {
            let mut alone = criterion.clone();
            alone.values = vec![text.clone()];
            let rows = evaluate(turn, name, &alone)?;
            repeated.extend(rows.iter().filter(|row| seen.contains(row)));
            seen.extend(rows);
        }
    }
    let mut result = Vec::with_capacity(ordered.len());
    for row in ordered {
        result.push(row);
        result.extend(repeated.iter().filter(|again| **again == row));
    }
    Ok(result)
}
