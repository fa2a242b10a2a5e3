//! An answer against what was returned: totals, pages put together, what is missing and what is too much.
//! Not paging itself.

use std::collections::BTreeSet;

use super::Answer;
use crate::fhir::Key;

/// Returned keys against an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Keys that must be there and are not, in cohort order.
    pub missing: Vec<Key>,
    /// Keys that must not be there and are, in the order returned.
    pub extra: Vec<Key>,
}

impl Answer {
    /// The number of matches, if nothing is open.
    pub fn total(&self) -> Option<u64> {
        self.may.is_empty().then_some(self.must.len() as u64)
    }

    /// True if a total is possible: between those that must and those that may match.
    pub fn allows_total(&self, total: u64) -> bool {
        let least = self.must.len() as u64;
        (least..=least + self.may.len() as u64).contains(&total)
    }

    /// Compares returned keys with the answer; keys in `may` are in neither list.
    pub fn compare(&self, returned: &[Key]) -> Difference {
        let there: BTreeSet<&Key> = returned.iter().collect();
        let allowed: BTreeSet<&Key> = self.must.iter().chain(&self.may).collect();
        Difference {
            missing: self
                .must
                .iter()
                .filter(|key| !there.contains(key))
                .cloned()
                .collect(),
            extra: returned
                .iter()
                .filter(|key| !allowed.contains(key))
                .cloned()
                .collect(),
        }
    }
}

/// Pages put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Union {
    /// Each key once, in the order of first appearance.
    pub keys: Vec<Key>,
    /// Keys that appeared again, once per repetition.
    pub repeated: Vec<Key>,
}

/// Puts the keys of pages together.
pub fn union<'a>(pages: impl IntoIterator<Item = &'a [Key]>) -> Union {
    let mut seen = BTreeSet::new();
    let mut union = Union {
        keys: Vec::new(),
        repeated: Vec::new(),
    };
    for key in pages.into_iter().flatten() {
        if seen.insert(key) {
            union.keys.push(key.clone());
        } else {
            union.repeated.push(key.clone());
        }
    }
    union
}
