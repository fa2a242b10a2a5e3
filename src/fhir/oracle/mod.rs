//! The oracle: which resources match a query, by brute force: each criterion on each resource itself.
//! Not a search engine (slow is fine) and not the sandbox's judgement: the two share the grammar and the paths only.
//!
//! R4 leaves much open: units may be converted, zones assumed, punctuation ignored. Where two servers may rightly
//! disagree about a resource, the answer is [`Match::Open`] with the reason, so that nobody is accused of a choice that
//! was theirs. Rules: <http://hl7.org/fhir/R4/search.html>.

mod composite;
mod criterion;
mod date;
mod extract;
mod include;
mod known;
mod label;
mod link;
mod logic;
mod memory;
mod number;
mod pages;
mod places;
mod quantity;
mod reference;
mod sort;
mod string;
mod subsume;
mod text;
mod token;
mod uri;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use super::Key;
use super::query::Query;
use super::resource::resource_type;

pub use include::Included;
pub use known::Known;
pub use memory::Memory;
pub use pages::{Difference, Union, union};
pub use sort::is_sorted;

/// Whether one resource matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It must be returned.
    Yes,
    /// It must not be returned.
    No,
    /// R4 leaves it open or the oracle cannot decide; the reason.
    Open(String),
}

/// The exact answer to a search over known resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Keys that must be returned, in cohort order.
    pub must: Vec<Key>,
    /// Keys that may or may not be returned: R4 leaves them open.
    pub may: Vec<Key>,
    /// Reasons for `may`, one line each, in the order of `may`.
    pub open: Vec<String>,
    /// Number of known resources of the searched type that must not be returned.
    pub refused: usize,
}

/// Answers a query over resources (of `Query::shape` only `_type` counts; see [`is_sorted`] for order). Resources
/// without type or id cannot be returned by a search and are passed over.
///
/// # Errors
/// A sentence when the query as a whole cannot be decided; the case is then vacuous.
pub fn answer(resources: &[&Value], query: &Query) -> Result<Answer, String> {
    let answer = Known::new(resources.iter().copied()).answer(query)?;
    Ok(Arc::unwrap_or_clone(answer))
}

/// Judges one resource against a query; chains and `_has` look into `resources`.
pub fn judge(resource: &Value, resources: &[&Value], query: &Query) -> Match {
    Known::new(resources.iter().copied()).judge(resource, query)
}

fn judge_criteria(resource: &Value, known: &Known<'_>, query: &Query) -> Match {
    Match::all(
        query
            .criteria
            .iter()
            .map(|criterion| criterion::judge(resource, known, criterion)),
    )
}

fn is_of_searched_type(resource: &Value, query: &Query) -> bool {
    let Some(name) = resource_type(resource) else {
        return false;
    };
    match &query.resource_type {
        Some(searched) => searched == name,
        None => query.shape.types.is_empty() || query.shape.types.iter().any(|one| one == name),
    }
}
