//! What was found out about one set of resources, kept between judgements: where each stands, answers by query,
//! extracted nodes by resource and parameter. Not the resources: it is worth as much as they stay the same and in their
//! order, so whoever makes a set makes a memory beside it and never lends it to another.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use serde_json::Value;

use super::Answer;
use super::extract::{self, Node};
use super::places::Places;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::{Criterion, Query, Subject};

/// Answers that are kept at most; a run asks a few thousand questions, a hostile suite may ask more.
const MAX_ANSWERS: usize = 10_000;
/// Nodes that are kept at most; each is the copy of one element.
const MAX_NODES: usize = 400_000;

/// What decides an answer: type, types of a whole-system search, and criteria with their values.
type Question = (Option<String>, Vec<String>, Vec<(String, Vec<String>)>);
type Extracted = Result<Arc<[Node<'static>]>, String>;

/// Answers and nodes of one set of resources, shared by threads. What does not fit is found out again each time.
#[derive(Default)]
pub struct Memory {
    places: OnceLock<Places>,
    answers: Mutex<HashMap<Question, Arc<Answer>>>,
    nodes: Mutex<Nodes>,
}

#[derive(Default)]
struct Nodes {
    /// By the address of the parameter, which is one of the definitions and never moves, then by position.
    extracted: HashMap<usize, HashMap<usize, Extracted>>,
    count: usize,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// The answer to a query, found by `find` the first time.
    pub(super) fn answer(&self, query: &Query, find: impl FnOnce() -> Arc<Answer>) -> Arc<Answer> {
        let question = question(query);
        if let Some(known) = lock(&self.answers).get(&question) {
            return Arc::clone(known);
        }
        // Not under the lock: two threads may find the same answer, which is the same.
        let found = find();
        let mut answers = lock(&self.answers);
        if answers.len() < MAX_ANSWERS {
            answers.insert(question, Arc::clone(&found));
        }
        found
    }

    /// Where the resources of the set stand in it.
    pub(super) fn places(&self, resources: &[&Value]) -> &Places {
        self.places.get_or_init(|| Places::of(resources))
    }

    /// The nodes of a parameter in a resource of the set, which stands at a position in it.
    pub(super) fn nodes(
        &self,
        position: usize,
        resource: &Value,
        parameter: &'static SearchParameter,
    ) -> Result<Arc<[Node<'static>]>, String> {
        let name = std::ptr::from_ref(parameter) as usize;
        let kept = lock(&self.nodes);
        if let Some(known) = kept
            .extracted
            .get(&name)
            .and_then(|by_position| by_position.get(&position))
        {
            return known.clone();
        }
        drop(kept);
        let found: Extracted =
            extract::nodes(resource, parameter).map(|nodes| nodes.into_iter().map(owned).collect());
        let mut kept = lock(&self.nodes);
        if kept.count < MAX_NODES {
            // An empty list is worth keeping too: finding nothing costs as much as finding something.
            kept.count += found.as_ref().map_or(1, |nodes| nodes.len().max(1));
            kept.extracted
                .entry(name)
                .or_default()
                .insert(position, found.clone());
        }
        found
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that died while it held the lock cannot have left a map half-written.
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

fn owned(node: Node<'_>) -> Node<'static> {
    Node {
        value: node.value.map(|value| Cow::Owned(value.into_owned())),
        type_name: node.type_name,
        computed: node.computed,
    }
}

fn question(query: &Query) -> Question {
    let asked = |criterion: &Criterion| (criterion.name.clone(), values(criterion));
    (
        query.resource_type.clone(),
        query.shape.types.clone(),
        query.criteria.iter().map(asked).collect(),
    )
}

/// The values of a criterion; of a chain those of every branch, for kinds read one text each in their own way.
fn values(criterion: &Criterion) -> Vec<String> {
    match &criterion.subject {
        Subject::Parameter(_) => criterion.values.clone(),
        Subject::Has { rest, .. } => values(rest),
        Subject::Chain { branches, .. } => branches
            .iter()
            .flat_map(|(_, criterion)| values(criterion))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::oracle::Known;

    #[test]
    fn a_memory_gives_the_same_answers_and_finds_each_once() {
        let cohort = [
            json!({"resourceType": "Patient", "id": "a", "birthDate": "1980-01-01"}),
            json!({"resourceType": "Patient", "id": "b", "birthDate": "1990-01-01"}),
        ];
        let memory = Memory::default();
        let query = Query::parse_url("Patient?birthdate=lt1985").unwrap();
        let first = Known::new(&cohort)
            .remembering(Some(&memory))
            .answer(&query);
        let again = Known::new(&cohort)
            .remembering(Some(&memory))
            .answer(&query);
        let (first, again) = (first.unwrap(), again.unwrap());
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*first, *Known::new(&cohort).answer(&query).unwrap());
        assert_eq!(lock(&memory.nodes).count, 2);
    }

    #[test]
    fn what_is_judged_but_not_known_leaves_no_trace() {
        let known = [json!({"resourceType": "Patient", "id": "a", "birthDate": "1980-01-01"})];
        let returned = json!({"resourceType": "Patient", "id": "a", "birthDate": "1990-01-01"});
        let memory = Memory::default();
        let query = Query::parse_url("Patient?birthdate=1990-01-01").unwrap();
        let known = Known::new(&known).remembering(Some(&memory));
        assert_eq!(known.judge(&returned, &query), super::super::Match::Yes);
        assert_eq!(lock(&memory.nodes).count, 0);
        assert!(known.answer(&query).unwrap().must.is_empty());
    }
}
