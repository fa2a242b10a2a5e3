//! One criterion against the index: alternatives, `:missing`, `:not`, chains and `_has`. Values are in `value`.

use super::super::defect::Fault;
use super::super::index::{Postings, Rows, supported};
use super::super::outcome::Refusal;
use super::super::term::Term;
use super::super::turn::Turn;
use super::value;
use crate::fhir::Key;
use crate::fhir::definitions::{ParameterKind, SearchParameter};
use crate::fhir::query::{Criterion, Modifier, Query, Subject, composite_parts};

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
    for text in &criterion.values {
        found.extend(value::find(
            turn,
            postings,
            parameter,
            criterion.modifier.as_ref(),
            text,
        )?);
    }
    if criterion.modifier != Some(Modifier::Not) {
        return Ok(found);
    }
    let others = &turn.index.living(name) - &found;
    Ok(match turn.server.has(Fault::NotOmitsMissing) {
        true => &others & postings.present(),
        false => others,
    })
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
    let mut found = Rows::new();
    for value in &criterion.values {
        let mut elements: Option<Rows> = None;
        for (position, (part, text)) in parts.iter().zip(composite_parts(value)).enumerate() {
            let text = value::plain_if_unescaped(part.parameter.kind, text);
            let matching = match index.part(position) {
                Some(postings) => value::find(turn, postings, part.parameter, None, &text)?,
                None => Rows::new(),
            };
            elements = Some(match elements {
                Some(elements) => &elements & &matching,
                None => matching,
            });
        }
        found.extend(index.rows_of(&elements.unwrap_or_default()));
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
    let Some(postings) = turn.index.postings(name, &reference.code) else {
        return Ok(Rows::new());
    };
    let mut found = Rows::new();
    for (target, rest) in branches {
        for row in evaluate(turn, target, rest)? {
            if let Some(version) = turn.index.version(target, row) {
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
    let Some(postings) = turn.index.postings(resource_type, &reference.code) else {
        return Ok(Rows::new());
    };
    let referring = evaluate(turn, resource_type, rest)?;
    Ok(referring
        .into_iter()
        .flat_map(|row| postings.terms_of(row))
        .filter_map(|term| local(term, name))
        .filter_map(|key| turn.index.row(key))
        .collect())
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
