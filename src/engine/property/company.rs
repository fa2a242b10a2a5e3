//! The company of a search over a cohort: what confines it to a few resources and what the target requires of it,
//! together with the known resources that match. Pure; it never invents an id.

use serde_json::Value;

use crate::engine::context::Requirements;
use crate::engine::require;
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::property::parameter;
use crate::record::{Cohort, Isolation};
use crate::suite::pivot::value_of;

/// Ids in one `_id` list at most: enough to relate, short enough for a URL.
const MAX_IDS: usize = 12;

/// Resources of one patient that make a search small enough to read whole and large enough to divide.
const GOOD_SIZE: std::ops::RangeInclusive<usize> = 3..=12;

/// Criteria that go with every search of a type, and the cohort's resources that meet them.
pub struct Company<'a> {
    /// Name and value, not percent-encoded.
    pub pairs: Vec<(String, String)>,
    /// Known matches of the criteria.
    pub pool: Vec<&'a Value>,
}

/// The company for a type; `salt` chooses among equals.
///
/// # Errors
/// The parameters that the target requires and that the cohort has no value for.
pub fn company<'a>(
    cohort: &'a Cohort,
    capability: &Capability,
    requirements: &Requirements,
    resource_type: &str,
    salt: u32,
) -> Result<Company<'a>, String> {
    let mut company = Company {
        pairs: match &cohort.isolation {
            // One of them at a time, below.
            Isolation::Named { .. } => Vec::new(),
            _ => cohort.confine(resource_type),
        },
        pool: cohort
            .resources
            .iter()
            .filter(|(key, _)| key.resource_type == resource_type)
            .map(|(_, value)| value)
            .collect(),
    };
    let required = requirements.of(resource_type);
    let wants = |name: &str| required.iter().any(|code| code == name);
    let reference = ["patient", "subject"]
        .into_iter()
        .find(|name| wants(name))
        .or_else(|| {
            ["patient", "subject"]
                .into_iter()
                .find(|name| capability.supports_parameter(resource_type, name))
        });
    let is_open = matches!(cohort.isolation, Isolation::None | Isolation::Named { .. });
    if is_open || wants("patient") || wants("subject") {
        match reference {
            Some(name) => company.keep_to_one_patient(name, salt),
            None if resource_type == "Patient" => company.keep_to_ids(capability),
            None => {}
        }
    }
    company.meet(resource_type, requirements, salt)?;
    Ok(company)
}

impl Company<'_> {
    fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    fn keep_to_one_patient(&mut self, name: &str, salt: u32) {
        let mut sizes: indexmap::IndexMap<String, usize> = indexmap::IndexMap::new();
        for id in self.pool.iter().filter_map(|resource| patient_of(resource)) {
            *sizes.entry(id).or_default() += 1;
        }
        let good: Vec<&String> = sizes
            .iter()
            .filter(|(_, size)| GOOD_SIZE.contains(*size))
            .map(|(id, _)| id)
            .collect();
        let candidates = if good.is_empty() {
            sizes.keys().collect()
        } else {
            good
        };
        let Some(chosen) = chosen(&candidates, salt).map(|id| id.to_string()) else {
            return;
        };
        self.pool
            .retain(|resource| patient_of(resource).as_ref() == Some(&chosen));
        let value = if name == "patient" {
            chosen
        } else {
            format!("Patient/{chosen}")
        };
        self.pairs.push((name.to_owned(), value));
    }

    fn keep_to_ids(&mut self, capability: &Capability) {
        if !capability.supports_parameter("Patient", "_id") {
            return;
        }
        self.pool.truncate(MAX_IDS);
        let ids: Vec<&str> = self
            .pool
            .iter()
            .filter_map(|resource| crate::fhir::resource::id(resource))
            .collect();
        if !ids.is_empty() {
            self.pairs.push(("_id".to_owned(), ids.join(",")));
        }
    }

    /// Adds what else the target requires, with a value that some resource of the pool has.
    fn meet(
        &mut self,
        resource_type: &str,
        requirements: &Requirements,
        salt: u32,
    ) -> Result<(), String> {
        let names: Vec<&str> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        let missing = require::missing(requirements, resource_type, &names);
        for name in missing {
            if self.has(&name) {
                continue;
            }
            let value_in = |witness: &Value| {
                let known = parameter::find(resource_type, &name)
                    .and_then(|parameter| parameter.values(witness).into_iter().next());
                known.or_else(|| {
                    value_of(resource_type, &name, witness, jiff::Timestamp::UNIX_EPOCH)
                })
            };
            // Some resources may lack what the server requires: those that have it are asked for.
            let values: Vec<String> = self
                .pool
                .iter()
                .filter_map(|witness| value_in(witness))
                .collect();
            let positions: Vec<usize> = (0..values.len()).collect();
            let Some(value) = chosen(&positions, salt).map(|at| values[at].clone()) else {
                return Err(format!("server requires {name}"));
            };
            if let Some(parameter) = parameter::find(resource_type, &name) {
                self.pool
                    .retain(|resource| parameter.values(resource).contains(&value));
            }
            self.pairs.push((name, value));
        }
        Ok(())
    }
}

fn chosen<T: Copy>(things: &[T], salt: u32) -> Option<T> {
    (!things.is_empty()).then(|| things[salt as usize % things.len()])
}

/// Id of the patient that a resource is about.
fn patient_of(resource: &Value) -> Option<String> {
    let reference = resource
        .get("subject")
        .or_else(|| resource.get("patient"))?;
    let key = Key::from_reference(reference.get("reference")?.as_str()?)?;
    (key.resource_type == "Patient").then_some(key.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cohort() -> Cohort {
        let mut cohort = Cohort::empty();
        for (patient, number) in [("a", 1), ("b", 4)] {
            for index in 0..number {
                let id = format!("{patient}{index}");
                let category = if index % 2 == 0 {
                    "laboratory"
                } else {
                    "vital-signs"
                };
                cohort.resources.insert(
                    Key::new("Observation", id.as_str()),
                    json!({"resourceType": "Observation", "id": id, "status": "final",
                        "subject": {"reference": format!("Patient/{patient}")},
                        "category": [{"coding": [{"code": category}]}]}),
                );
            }
        }
        cohort
    }

    fn capability() -> Capability {
        Capability::new(json!({"rest": [{"mode": "server", "resource": [
            {"type": "Observation", "searchParam": [{"name": "patient"}]}]}]}))
    }

    #[test]
    fn a_search_keeps_to_a_patient_with_enough_resources() {
        let cohort = cohort();
        let requirements = Requirements::default();
        let company = company(&cohort, &capability(), &requirements, "Observation", 7).unwrap();
        assert_eq!(company.pairs, [("patient".to_owned(), "b".to_owned())]);
        assert_eq!(company.pool.len(), 4);
    }

    #[test]
    fn what_is_required_is_added_with_a_value_that_is_there() {
        let cohort = cohort();
        let requirements = Requirements::default();
        requirements.learn("Observation", "patient");
        requirements.learn("Observation", "category");
        let company = company(&cohort, &capability(), &requirements, "Observation", 0).unwrap();
        assert_eq!(
            company.pairs[1],
            ("category".to_owned(), "laboratory".to_owned())
        );
        assert_eq!(company.pool.len(), 2);
    }
}
