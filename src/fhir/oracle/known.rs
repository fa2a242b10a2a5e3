//! The resources that an answer may look into, where they live, and what was found out about them while answering.
//! Not a store: it borrows what it looks at; what is to outlive one judgement is kept in a [`Memory`].

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::extract::{self, Node};
use super::memory::Memory;
use super::reference::{Pointer, matches_key};
use super::{Answer, Match, criterion};
use crate::fhir::Key;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::Query;
use crate::fhir::resource::{id, resource_type};

/// Who refers to a key: resource and whether it surely does.
pub(super) type Referring<'a> = BTreeMap<Key, Vec<(&'a Value, Match)>>;

/// All known resources.
pub struct Known<'a> {
    resources: Vec<&'a Value>,
    base: Option<&'a str>,
    memory: Option<&'a Memory>,
    by_key: OnceCell<BTreeMap<(&'a str, &'a str), &'a Value>>,
    referring: RefCell<BTreeMap<(String, String), Rc<Referring<'a>>>>,
}

impl<'a> Known<'a> {
    /// Resources of which nothing is known but what they say.
    pub fn new(resources: impl IntoIterator<Item = &'a Value>) -> Self {
        Known {
            resources: resources.into_iter().collect(),
            base: None,
            memory: None,
            by_key: OnceCell::new(),
            referring: RefCell::default(),
        }
    }

    /// Says under which URL (no slash at its end) they live, so that absolute references to it can be read.
    #[must_use]
    pub fn at(mut self, base: &'a str) -> Self {
        self.base = Some(base);
        self
    }

    /// Keeps what is found out, for later questions about the same resources at the same place and no others.
    #[must_use]
    pub fn remembering(mut self, memory: Option<&'a Memory>) -> Self {
        self.memory = memory;
        self
    }

    /// Answers a query; see [`super::answer`].
    ///
    /// # Errors
    /// A sentence when the query as a whole cannot be decided; the case is then vacuous.
    pub fn answer(&self, query: &Query) -> Result<Arc<Answer>, String> {
        criterion::decidable(query)?;
        let answer = || Arc::new(self.find_answer(query));
        Ok(match self.memory {
            Some(memory) => memory.answer(query, answer),
            None => answer(),
        })
    }

    fn find_answer(&self, query: &Query) -> Answer {
        let mut answer = Answer::default();
        for resource in &self.resources {
            let Some(key) = Key::of(resource) else {
                continue;
            };
            if !super::is_of_searched_type(resource, query) {
                continue;
            }
            match super::judge_criteria(resource, self, query) {
                Match::Yes => answer.must.push(key),
                Match::No => answer.refused += 1,
                Match::Open(reason) => {
                    answer.may.push(key);
                    answer.open.push(reason);
                }
            }
        }
        answer
    }

    /// Judges one resource, known or not, against a query; chains and `_has` look into the known ones.
    pub fn judge(&self, resource: &Value, query: &Query) -> Match {
        if let Err(reason) = criterion::decidable(query) {
            return Match::Open(reason);
        }
        if !super::is_of_searched_type(resource, query) {
            return Match::No;
        }
        super::judge_criteria(resource, self, query)
    }

    pub(super) fn base(&self) -> Option<&'a str> {
        self.base
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().copied()
    }

    pub(super) fn of_type(&self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.resources
            .iter()
            .copied()
            .filter(move |resource| resource_type(resource) == Some(name))
    }

    /// The resource with a key; the first, should there be several.
    pub(super) fn find(&self, key: &Key) -> Option<&'a Value> {
        self.find_by(&key.resource_type, &key.id)
    }

    fn find_by(&self, name: &str, id_of: &str) -> Option<&'a Value> {
        let by_key = self.by_key.get_or_init(|| {
            let known = self.resources.iter().rev();
            known
                .filter_map(|resource| Some(((resource_type(resource)?, id(resource)?), *resource)))
                .collect()
        });
        by_key.get(&(name, id_of)).copied()
    }

    /// The nodes of a parameter in a resource; those of a known resource are extracted once, as far as there is a
    /// memory for them.
    ///
    /// # Errors
    /// Why they cannot be extracted.
    pub(super) fn nodes<'r>(
        &self,
        resource: &'r Value,
        parameter: &'static SearchParameter,
    ) -> Result<Arc<[Node<'r>]>, String> {
        let extract = || extract::nodes(resource, parameter).map(Arc::from);
        let Some(memory) = self.memory else {
            return extract();
        };
        let is_known = resource_type(resource)
            .zip(id(resource))
            .and_then(|(name, id)| self.find_by(name, id))
            .is_some_and(|known| std::ptr::eq(known, resource));
        if is_known {
            memory.nodes(resource, parameter)
        } else {
            extract()
        }
    }

    /// Resources of a type by what they refer to.
    ///
    /// # Errors
    /// Why the reference cannot be read.
    pub(super) fn referring(
        &self,
        referring_type: &str,
        reference: &'static SearchParameter,
    ) -> Result<Rc<Referring<'a>>, String> {
        let name = (referring_type.to_owned(), reference.code.clone());
        if let Some(known) = self.referring.borrow().get(&name) {
            return Ok(Rc::clone(known));
        }
        let mut found = Referring::new();
        for other in self.of_type(referring_type) {
            for node in self.nodes(other, reference)?.iter() {
                let Some(pointer) = Pointer::of(node, self.base) else {
                    continue;
                };
                if let Pointer::Literal { key, .. } = &pointer {
                    let refers = matches_key(&pointer, key, None);
                    found.entry(key.clone()).or_default().push((other, refers));
                }
            }
        }
        let found = Rc::new(found);
        self.referring.borrow_mut().insert(name, Rc::clone(&found));
        Ok(found)
    }
}
