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
        let enough = |name: &&'static str| self.parameters(name).len() >= parameters;
        let own: Vec<&'static str> = self
            .claimed(&["search-type"])
            .into_iter()
            .filter(enough)
            .collect();
        if self.writes && !own.is_empty() {
            return Ok(self.search_ground(Origin::Created, own));
        }
        let claimed: Vec<&'static str> = parameter::types()
            .into_iter()
            .filter(|name| self.capability.supports(name, "search-type"))
            .filter(enough)
            .collect();
        if claimed.is_empty() {
            return Err(Verdict::Skip(
                "not claimed: search by parameters that this property uses".to_owned(),
            ));
        }
        let held: Vec<&'static str> = claimed
            .into_iter()
            .filter(|name| self.cohort.of_type(name).count() >= MIN_RESOURCES)
            .collect();
        if held.is_empty() {
            return Err(Verdict::Blocked(if self.writes {
                "no resources to search".to_owned()
            } else {
                WRITES_NOT_ALLOWED.to_owned()
            }));
        }
        Ok(self.search_ground(Origin::Cohort, held))
    }

    fn search_ground(&self, origin: Origin, types: Vec<&'static str>) -> SearchGround {
        SearchGround {
            origin,
            types: types
                .into_iter()
                .map(|name| (name, self.telling(name, origin)))
                .collect(),
        }
    }

    /// Claimed parameters for which there will be values: over a cohort only those that some resource has.
    fn telling(&self, resource_type: &str, origin: Origin) -> Vec<&'static Parameter> {
        let mut parameters = self.parameters(resource_type);
        let held = |parameter: &&'static Parameter| {
            let resources = self.cohort.resources.iter();
            resources
                .filter(|(key, _)| key.resource_type == resource_type)
                .any(|(_, resource)| !parameter.values(resource).is_empty())
        };
        if origin == Origin::Cohort && parameters.iter().any(held) {
            parameters.retain(held);
        }
        parameters
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
