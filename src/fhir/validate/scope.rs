//! What a full validation carries along: the library, the resources that enclose the current place, what is open.
//! Not the rules.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::{NotChecked, Validator};
use crate::fhir::definitions::{Library, NodeRules, rules};

/// Profiles that demand profiles that demand profiles: deeper is not checked.
pub(super) const MAX_NESTING: usize = 8;

/// Different things that are kept as not checked; more are counted with the last.
const MAX_NOT_CHECKED: usize = 500;

/// The state of a full validation.
pub(super) struct Full<'v> {
    pub validator: &'v Validator,
    pub rules: &'static [NodeRules],
    /// Enclosing resources, the innermost last.
    pub resources: Vec<Scope<'v>>,
    /// Enclosing elements, the innermost last.
    pub frames: Vec<Frame<'v>>,
    pub not_checked: Vec<NotChecked>,
    /// The profile that is being applied.
    pub profile: Option<&'v str>,
    /// Profiles inside of profiles.
    pub nesting: usize,
    /// One instant for the whole validation.
    pub now: jiff::Timestamp,
    /// Profiles that were asked for at the root.
    pub asked: &'v [&'v str],
}

/// A resource that encloses the current place.
pub(super) struct Scope<'v> {
    pub resource: &'v Value,
    pub type_name: &'static str,
    /// The resource that contains this one, or itself.
    pub root: &'v Value,
    /// Depth of its location.
    pub depth: usize,
    /// Ids of elements.
    pub ids: HashSet<&'v str>,
}

/// An element that encloses the current place.
#[derive(Clone, Copy)]
pub(super) struct Frame<'v> {
    pub element: &'static str,
    /// Its type.
    pub code: &'static str,
    pub value: Option<&'v Value>,
}

impl<'v> Full<'v> {
    pub fn new(validator: &'v Validator, asked: &'v [&'v str]) -> Self {
        Full {
            validator,
            rules: rules(),
            resources: Vec::new(),
            frames: Vec::new(),
            not_checked: Vec::new(),
            profile: None,
            nesting: 0,
            now: jiff::Timestamp::now(),
            asked,
        }
    }

    /// A fresh state at the same place, one nesting deeper; `None` beyond the limit.
    pub fn apart(&self) -> Option<Self> {
        let resources = self.resources.iter().map(|scope| Scope {
            ids: HashSet::new(),
            ..*scope
        });
        (self.nesting < MAX_NESTING).then(|| Full {
            resources: resources.collect(),
            frames: self.frames.clone(),
            nesting: self.nesting + 1,
            now: self.now,
            ..Full::new(self.validator, &[])
        })
    }

    pub fn library(&self) -> &'v Library {
        &self.validator.library
    }

    pub fn has_invariants(&self) -> bool {
        self.validator.invariants
    }

    /// Notes a rule that has no answer.
    pub fn open(&mut self, rule: &'static str, what: impl Into<Cow<'static, str>>) {
        let what = what.into();
        let is_it = |known: &NotChecked| known.rule == rule && known.what == what;
        match self.not_checked.iter().position(is_it) {
            Some(at) => self.not_checked[at].count += 1,
            None if self.not_checked.len() < MAX_NOT_CHECKED => self.not_checked.push(NotChecked {
                rule,
                what,
                count: 1,
            }),
            None => {
                if let Some(last) = self.not_checked.last_mut() {
                    last.count += 1;
                }
            }
        }
    }

    /// The Bundle around the current resource.
    pub fn bundle(&self) -> Option<&'v Value> {
        let outer = self.resources.iter().rev().skip(1);
        outer
            .map(|scope| scope.resource)
            .find(|resource| resource.get("resourceType").and_then(Value::as_str) == Some("Bundle"))
    }
}
