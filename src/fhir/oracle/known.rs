//! The resources that an answer may look into, where they live, and what was found out about them while answering.
//! Not a store: it borrows what it looks at; what is to outlive one judgement is kept in a [`Memory`].

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::extract::{self, Node};
use super::memory::Memory;
use super::places::Places;
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
    /// Where there is no memory that has them.
    places: OnceCell<Places>,
    referring: RefCell<BTreeMap<(String, String), Rc<Referring<'a>>>>,
}

impl<'a> Known<'a> {
    /// Resources of which nothing is known but what they say.
    pub fn new(resources: impl IntoIterator<Item = &'a Value>) -> Self {
        Known {
            resources: resources.into_iter().collect(),
            base: None,
            memory: None,
            places: OnceCell::new(),
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
        let searched: Box<dyn Iterator<Item = &Value>> = match &query.resource_type {
            Some(name) => Box::new(self.of_type(name)),
            None => Box::new(self.all()),
        };
        for resource in searched {
            if !super::is_of_searched_type(resource, query) {
                continue;
            }
            let Some(key) = Key::of(resource) else {
                continue;
            };
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

    /// The resources of a type, in their order.
    pub(super) fn of_type(&self, name: &str) -> impl Iterator<Item = &'a Value> {
        let positions = self.places().of_type(name).iter();
        positions.map(move |position| self.resources[*position])
    }

    /// The resource with a key; the first, should there be several.
    pub(super) fn find(&self, key: &Key) -> Option<&'a Value> {
        let position = self.places().find(&key.resource_type, &key.id)?;
        Some(self.resources[position])
    }

    fn places(&self) -> &Places {
        match self.memory {
            Some(memory) => memory.places(&self.resources),
            None => self.places.get_or_init(|| Places::of(&self.resources)),
        }
    }

    /// The position of this very resource, if it is one of the known.
    fn position(&self, resource: &Value) -> Option<usize> {
        let position = self
            .places()
            .find(resource_type(resource)?, id(resource)?)?;
        std::ptr::eq(self.resources[position], resource).then_some(position)
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
        let known = self
            .memory
            .and_then(|memory| Some((memory, self.position(resource)?)));
        match known {
            Some((memory, position)) => memory.nodes(position, resource, parameter),
            None => extract::nodes(resource, parameter).map(Arc::from),
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
