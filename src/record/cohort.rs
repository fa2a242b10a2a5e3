//! A cohort: resources as read back from the target, where they came from, and how complete they are.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fhir::Key;

/// Where the resources came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Made and loaded by this run.
    Generated,
    /// Made by us, loaded by others.
    Provisioned,
    /// What was there.
    Crawled,
}

/// How far the oracle may go.
///
/// | a check may conclude from | exact | snapshot | sample |
/// |---|---|---|---|
/// | a hit that contradicts the query by its own content | yes | yes | yes |
/// | a hit that contradicts it by what other resources say or lack | yes | no | no |
/// | a known match that is not returned | yes | yes | yes |
/// | the same where the match rests on what other resources lack | yes | yes | no |
/// | a total that is not the number of matches | yes | no | no |
/// | a total that is less than the known matches | yes | yes | yes |
///
/// What rests on a snapshot or a sample is looked at again before it is reported, for data may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// Everything that a restricted search can match is known: answers are exact sets.
    Exact,
    /// Everything was known at one moment; data may have changed.
    Snapshot,
    /// A part is known: every hit must satisfy the query and every known match must be returned.
    Sample,
}

impl Completeness {
    /// Nothing can match that is not known: other hits, other totals and other referring resources are wrong.
    pub fn is_closed(self) -> bool {
        self == Completeness::Exact
    }

    /// What known resources lacked when they were read is known too.
    pub fn knows_absence(self) -> bool {
        self != Completeness::Sample
    }

    /// Somebody else may have changed the data since.
    pub fn may_have_changed(self) -> bool {
        self != Completeness::Exact
    }
}

/// How searches are confined to the cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// `_tag=system|code` on every search.
    Tag {
        /// Tag system.
        system: String,
        /// Tag code, run-unique.
        code: String,
    },
    /// `_id=a,b,c` on every search.
    Ids,
    /// To the patients that the operator named, by the parameters that the target declares for it. What else belongs to
    /// them may match; others are not asked for.
    Named {
        /// Parameter and value by type; a type that is not there cannot be confined.
        by_type: BTreeMap<String, (String, String)>,
    },
    /// Not confined: other resources may match.
    None,
}

/// Resources by type and id, in the order of loading.
#[derive(Debug, Clone)]
pub struct Cohort {
    /// As read back: what the server holds, not what was sent.
    pub resources: IndexMap<Key, Value>,
    /// As sent, for generated and provisioned cohorts, keyed by the server's id.
    pub sent: IndexMap<Key, Value>,
    /// Where they came from.
    pub provenance: Provenance,
    /// How complete they are.
    pub completeness: Completeness,
    /// How searches are confined.
    pub isolation: Isolation,
    /// Ids of the patients in the cohort, in order.
    pub patients: Vec<String>,
}

impl Cohort {
    /// No data: what engines start with.
    pub fn empty() -> Self {
        Cohort {
            resources: IndexMap::new(),
            sent: IndexMap::new(),
            provenance: Provenance::Crawled,
            completeness: Completeness::Sample,
            isolation: Isolation::None,
            patients: Vec::new(),
        }
    }

    /// Resources of one type, in order.
    pub fn of_type<'a>(
        &'a self,
        resource_type: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> + 'a {
        self.resources
            .iter()
            .filter(move |(key, _)| key.resource_type == resource_type)
    }

    /// Query parameters (not yet percent-encoded) that confine a search of a type to this cohort; empty where
    /// nothing confines it.
    pub fn confine(&self, resource_type: &str) -> Vec<(String, String)> {
        match &self.isolation {
            Isolation::Tag { system, code } => {
                vec![("_tag".to_owned(), format!("{system}|{code}"))]
            }
            Isolation::Ids => {
                let ids: Vec<&str> = self
                    .of_type(resource_type)
                    .map(|(key, _)| key.id.as_str())
                    .collect();
                if ids.is_empty() {
                    return Vec::new();
                }
                vec![("_id".to_owned(), ids.join(","))]
            }
            Isolation::Named { by_type } => {
                by_type.get(resource_type).cloned().into_iter().collect()
            }
            Isolation::None => Vec::new(),
        }
    }
}
