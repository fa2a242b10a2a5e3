//! A search against the bodies that a search for everything gave: what must be found, what must not, and what R4 leaves
//! open, as the reference evaluator of [`crate::fhir::oracle`] says. Which searches are asked is said by the properties.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::trace::Trace;
use super::{answer, bodies};
use crate::fhir::Key;
use crate::fhir::oracle::{Known, Match};

/// What the bodies say about a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Resources that must be found.
    pub must: BTreeSet<Key>,
    /// Resources that must not be found.
    pub refused: BTreeSet<Key>,
}

/// Evaluates the criteria of a search, with the values that were sent, over the matches of the search `all`. `None` if
/// that search has criteria of its own, or R4 does not know the parameters.
pub fn evaluate(trace: &Trace, label: &str) -> Option<Evaluation> {
    if !answer::criteria(trace, "all").is_empty() {
        return None;
    }
    let query = bodies::asked(trace, label)?;
    let stored: BTreeMap<Key, Value> = bodies::of(trace, "all");
    // What stands behind a shortened body is not known.
    let is_whole = |body: &&Value| !is_subsetted(body);
    let known = Known::new(stored.values().filter(is_whole)).at(&trace.base);
    let mut found = Evaluation::default();
    for (key, body) in stored.iter().filter(|(_, body)| is_whole(body)) {
        match known.judge(body, &query) {
            Match::Yes => found.must.insert(key.clone()),
            Match::No => found.refused.insert(key.clone()),
            Match::Open(_) => false,
        };
    }
    Some(found)
}

fn is_subsetted(body: &Value) -> bool {
    let tags = body.get("meta").and_then(|meta| meta.get("tag"));
    tags.and_then(Value::as_array).is_some_and(|tags| {
        tags.iter()
            .any(|tag| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED"))
    })
}
