//! Confining a search: to the cohort, where the target proved a way, and to what the target requires of searches.
//! The oracle answers the query as it was really sent, so added criteria never make an expectation wrong. Pure.

use jiff::Timestamp;
use serde_json::Value;

use crate::fhir::Key;
use crate::fhir::definitions;
use crate::record::Cohort;
use crate::suite::pivot::value_of;

use super::context::Requirements;
use super::require;

/// Parameters (decoded) that a search needs besides its own: what confines it to the cohort, and what the target
/// requires, with values of the witnesses.
///
/// # Errors
/// The reason why the target's requirements cannot be met, for `blocked(…)`.
pub fn company(
    resource_type: &str,
    own: &[(String, String)],
    cohort: &Cohort,
    requirements: &Requirements,
    witnesses: &[Key],
    now: Timestamp,
) -> Result<Vec<(String, String)>, String> {
    let names: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    let mut added = cohort.confine(resource_type);
    added.retain(|(name, _)| !names.contains(&name.as_str()));
    let missing = require::missing(requirements, resource_type, &names);
    if !missing.is_empty() {
        let witness = witness(resource_type, cohort, witnesses);
        for name in &missing {
            let value = witness.and_then(|witness| value_of(resource_type, name, witness, now));
            let Some(value) = value else {
                return Err(format!("server requires {}", missing.join(" and ")));
            };
            added.push((name.clone(), value));
        }
    }
    Ok(added)
}

/// The type that a relative path searches: `Patient`, `Patient/_search`.
pub fn searched_type(path: &str) -> Option<&str> {
    let path = path.trim_end_matches("/_search");
    (!path.contains('/') && definitions::is_resource_type(path)).then_some(path)
}

/// The picked witness of that type, else the first resource of that type in the cohort.
fn witness<'a>(resource_type: &'a str, cohort: &'a Cohort, witnesses: &[Key]) -> Option<&'a Value> {
    let picked = witnesses
        .iter()
        .find(|key| key.resource_type == resource_type);
    let picked = picked.and_then(|key| cohort.resources.get(key));
    picked.or_else(|| cohort.of_type(resource_type).map(|(_, value)| value).next())
}
