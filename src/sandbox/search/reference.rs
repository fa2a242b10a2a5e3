//! Reference parameters: an id, `Type/id`, a URL of this or another server, a canonical with or without version.
//! <http://hl7.org/fhir/R4/search.html#reference>

use std::collections::BTreeSet;

use super::super::defect::Fault;
use super::super::index::{Postings, Rows};
use super::super::outcome::Refusal;
use super::super::term::{self, Term};
use super::super::turn::Turn;
use super::value::malformed;
use crate::fhir::Key;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::{Modifier, ReferenceValue};

/// Rows that refer to what the value names.
pub fn find(
    turn: &Turn<'_>,
    postings: &Postings,
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    value: &str,
) -> Result<Rows, Refusal> {
    let wanted = match modifier {
        Some(Modifier::Type(name)) => Some(name.as_str()),
        _ => None,
    };
    let fits = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    match ReferenceValue::parse(value).map_err(malformed)? {
        ReferenceValue::Id(id) => by_id(turn, postings, parameter, wanted, &id),
        ReferenceValue::Relative {
            resource_type, id, ..
        } if fits(&resource_type) && turn.server.strikes(Fault::ReferenceByPrefix, &id) => {
            Ok(postings.select(|term| match term {
                Term::Local(key) => key.resource_type == resource_type && key.id.starts_with(&id),
                _ => false,
            }))
        }
        ReferenceValue::Relative {
            resource_type, id, ..
        } if fits(&resource_type) => {
            Ok(postings.exactly(&Term::Local(Key::new(resource_type, id))))
        }
        ReferenceValue::Relative { .. } => Ok(Rows::new()),
        ReferenceValue::Absolute(url) => Ok(match term::reference(&url, turn.server.base()) {
            Term::Local(key) if !fits(&key.resource_type) => Rows::new(),
            Term::Foreign { url, version } if version.is_empty() => by_url(postings, &url),
            exact => postings.exactly(&exact),
        }),
    }
}

/// A bare id may name resources of several types; R4 asks to refuse that rather than to guess.
fn by_id(
    turn: &Turn<'_>,
    postings: &Postings,
    parameter: &SearchParameter,
    wanted: Option<&str>,
    id: &str,
) -> Result<Rows, Refusal> {
    let named = |term: &Term| match term {
        Term::Local(key) => key.id == id && wanted.is_none_or(|wanted| wanted == key.resource_type),
        _ => false,
    };
    let types: BTreeSet<&str> = postings
        .all_terms()
        .filter(|term| named(term))
        .filter_map(|term| match term {
            Term::Local(key) => Some(key.resource_type.as_str()),
            _ => None,
        })
        .collect();
    if types.len() > 1 && turn.server.has(Fault::AmbiguousIdFirstType) {
        let first = types.first().copied().unwrap_or_default();
        return Ok(postings.exactly(&Term::Local(Key::new(first, id))));
    }
    if types.len() > 1 {
        return Err(Refusal::new(
            400,
            "multiple-matches",
            format!(
                "the id given for {} names resources of several types: write Type/id",
                parameter.code
            ),
        ));
    }
    Ok(postings.select(named))
}

fn by_url(postings: &Postings, url: &str) -> Rows {
    let low = Term::Foreign {
        url: url.to_owned(),
        version: String::new(),
    };
    postings.scan(
        &low,
        |term| matches!(term, Term::Foreign { url: known, .. } if known == url),
        |_| true,
    )
}
