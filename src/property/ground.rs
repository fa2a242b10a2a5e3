//! What a case may stand on: what the target claims, what the run may do, and which resources there are. It decides
//! between resources of the case's own and the cohort; it asks nobody.

use super::case::Origin;
use super::parameter::{self, Parameter};
use super::values::Values;
use crate::fhir::capability::Capability;
use crate::record::verdict::{LOAD_NOT_ALLOWED, WRITES_NOT_ALLOWED};
use crate::record::{Cohort, Verdict};

/// Types that properties write, in the order of preference: both can stand alone, without references.
pub const WRITTEN_TYPES: &[&str] = &["Patient", "Observation"];

/// Resources of a type that a cohort must hold for its relations to say something.
const MIN_RESOURCES: usize = 2;

/// The ground of a property.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// What the target claims.
    pub capability: &'a Capability,
    /// The data of the run.
    pub cohort: &'a Cohort,
    /// Writing is permitted.
    pub writes: bool,
    /// Sending several writes at the same moment is permitted.
    pub concurrency: bool,
    /// A request may be cut, doubled or delayed on its way.
    pub faults: bool,
    /// The target may be killed: it is ours, and comes back.
    pub restart: bool,
}

/// Where search cases stand: whose resources, and the types with their parameters.
pub struct SearchGround {
    /// Own resources or the cohort.
    pub origin: Origin,
    /// Types with at least the number of parameters asked for.
    pub types: Vec<(&'static str, Vec<&'static Parameter>)>,
}

/// An empty ground, which no property is admitted to.
impl Default for SearchGround {
    fn default() -> Self {
        SearchGround {
            origin: Origin::Cohort,
            types: vec![("Patient", Vec::new())],
        }
    }
}

impl Ground<'_> {
    /// Types that may be created and that claim all of `interactions` as well.
    ///
    /// # Errors
    /// `Skip` if no type claims them, `Blocked` if writing is not permitted.
    pub fn written(&self, interactions: &[&str]) -> Result<Vec<&'static str>, Verdict> {
        let types = self.claimed(interactions);
        if types.is_empty() {
            return Err(Verdict::Skip(format!(
                "not claimed: create, {} of {}",
                interactions.join(", "),
                WRITTEN_TYPES.join(" or ")
            )));
        }
        if !self.writes {
            return Err(Verdict::Blocked(WRITES_NOT_ALLOWED.to_owned()));
        }
        Ok(types)
    }

    /// Concurrency, lost answers and wrong input are permitted.
    ///
    /// # Errors
    /// `Blocked` if not.
    pub fn concurrent(&self) -> Result<(), Verdict> {
        if self.concurrency {
            return Ok(());
        }
        Err(Verdict::Blocked(if self.writes {
            LOAD_NOT_ALLOWED.to_owned()
        } else {
            WRITES_NOT_ALLOWED.to_owned()
        }))
    }

    /// One of the types of [`Ground::written`].
    pub fn one_written(&self, interactions: &[&str], values: &mut Values) -> &'static str {
        match self.written(interactions) {
            Ok(types) => values.pick::<&'static str>(&types),
            Err(_) => WRITTEN_TYPES[0],
        }
    }

    fn claimed(&self, interactions: &[&str]) -> Vec<&'static str> {
        WRITTEN_TYPES
            .iter()
            .copied()
            .filter(|name| {
                ["create"]
                    .iter()
                    .chain(interactions)
                    .all(|interaction| self.capability.supports(name, interaction))
            })
            .collect()
    }

    /// Where search cases with at least `parameters` parameters stand: on resources of their own where writing is
    /// permitted, else on the cohort.
    ///
    /// # Errors
    /// `Skip` if no type claims search, `Blocked` if there is nothing to search without writing.
    pub fn searched(&self, parameters: usize) -> Result<SearchGround, Verdict> {
        self.searched_on(|entry| entry.kind.is_common(), parameters, false)
    }

    /// As [`Ground::searched`], for properties of one kind of parameter: it has only those that suit, and over a
    /// cohort only those that some resource holds a value for.
    ///
    /// # Errors
    /// As there.
    pub fn searched_by(
        &self,
        suits: impl Fn(&Parameter) -> bool,
        parameters: usize,
    ) -> Result<SearchGround, Verdict> {
        self.searched_on(suits, parameters, true)
    }

    fn searched_on(
        &self,
        suits: impl Fn(&Parameter) -> bool,
        least: usize,
        held: bool,
    ) -> Result<SearchGround, Verdict> {
        let suitable = |name: &'static str| -> (&'static str, Vec<&'static Parameter>) {
            let mut all = self.parameters(name);
            all.retain(|entry| suits(entry));
            (name, all)
        };
        let own: Vec<_> = self
            .claimed(&["search-type"])
            .into_iter()
            .map(suitable)
            .filter(|(_, parameters)| parameters.len() >= least)
            .collect();
        if self.writes && !own.is_empty() {
            return Ok(SearchGround {
                origin: Origin::Created,
                types: own,
            });
        }
        let mut types: Vec<_> = parameter::types()
            .into_iter()
            .filter(|name| self.capability.supports(name, "search-type"))
            .map(suitable)
            .filter(|(_, parameters)| parameters.len() >= least)
            .collect();
        if types.is_empty() {
            return Err(Verdict::Skip(
                "not claimed: search by parameters that this property uses".to_owned(),
            ));
        }
        types.retain(|(name, _)| self.cohort.of_type(name).count() >= MIN_RESOURCES);
        for (name, parameters) in &mut types {
            self.keep_telling(name, parameters, held);
        }
        types.retain(|(_, parameters)| parameters.len() >= least || !held);
        if types.is_empty() {
            return Err(Verdict::Blocked(if self.writes {
                "no resources to search".to_owned()
            } else {
                WRITES_NOT_ALLOWED.to_owned()
            }));
        }
        Ok(SearchGround {
            origin: Origin::Cohort,
            types,
        })
    }

    /// As [`Ground::searched`], on types that claim a certain parameter as well.
    ///
    /// # Errors
    /// As there.
    pub fn searched_with(&self, code: &str) -> Result<SearchGround, Verdict> {
        let mut found = self.searched(1)?;
        found
            .types
            .retain(|(name, _)| self.capability.supports_parameter(name, code));
        match found.types.is_empty() {
            true => Err(Verdict::Skip(format!("not claimed: search by {code}"))),
            false => Ok(found),
        }
    }

    /// Keeps the parameters that some resource of the cohort has a value for; if there is none, all unless `strictly`.
    fn keep_telling(
        &self,
        resource_type: &str,
        parameters: &mut Vec<&'static Parameter>,
        strictly: bool,
    ) {
        let held = |parameter: &&'static Parameter| {
            let resources = self.cohort.resources.iter();
            resources
                .filter(|(key, _)| key.resource_type == resource_type)
                .any(|(_, resource)| !parameter.values(resource).is_empty())
        };
        if strictly || parameters.iter().any(held) {
            parameters.retain(held);
        }
    }

    /// Parameters of a type that the target claims.
    pub fn parameters(&self, resource_type: &str) -> Vec<&'static Parameter> {
        parameter::PARAMETERS
            .iter()
            .filter(|entry| entry.resource_type == resource_type)
            .filter(|entry| {
                self.capability
                    .supports_parameter(resource_type, entry.code)
            })
            .collect()
    }
}
