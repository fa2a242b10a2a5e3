//! The resources that an answer may look into, with what was found out about them while answering.
//! Not a cache across answers: it lives as long as one call, and holds only what looking again would find again.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::Match;
use super::extract::nodes;
use super::reference::{Pointer, matches_key, pointer};
use crate::fhir::Key;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::resource::{id, resource_type};

/// Who refers to a key: resource and whether it surely does.
pub(super) type Referring<'a> = BTreeMap<Key, Vec<(&'a Value, Match)>>;

/// All known resources.
pub(super) struct Scope<'a> {
    resources: &'a [&'a Value],
    by_key: OnceCell<BTreeMap<(&'a str, &'a str), &'a Value>>,
    referring: RefCell<BTreeMap<(String, String), Rc<Referring<'a>>>>,
}

impl<'a> Scope<'a> {
    pub fn new(resources: &'a [&'a Value]) -> Self {
        Scope {
            resources,
            by_key: OnceCell::new(),
            referring: RefCell::default(),
        }
    }

    /// The resource with a key; the first, should there be several.
    pub fn find(&self, key: &Key) -> Option<&'a Value> {
        let by_key = self.by_key.get_or_init(|| {
            let known = self.resources.iter().rev();
            known
                .filter_map(|resource| Some(((resource_type(resource)?, id(resource)?), *resource)))
                .collect()
        });
        by_key
            .get(&(key.resource_type.as_str(), key.id.as_str()))
            .copied()
    }

    /// Resources of a type by what they refer to.
    ///
    /// # Errors
    /// Why the reference cannot be read.
    pub fn referring(
        &self,
        referring_type: &str,
        reference: &SearchParameter,
    ) -> Result<Rc<Referring<'a>>, String> {
        let name = (referring_type.to_owned(), reference.code.clone());
        if let Some(known) = self.referring.borrow().get(&name) {
            return Ok(Rc::clone(known));
        }
        let mut found = Referring::new();
        for other in self.resources {
            if resource_type(other) != Some(referring_type) {
                continue;
            }
            for node in &nodes(other, reference)? {
                let Some(pointer) = pointer(node) else {
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
