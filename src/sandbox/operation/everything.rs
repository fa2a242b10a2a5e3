//! `$everything` of a patient: the compartment and what it refers to, in pages like a search.
//! <http://hl7.org/fhir/R4/patient-operation-everything.html>

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::super::defect::Fault;
use super::super::index::is_supported;
use super::super::outcome::Refusal;
use super::super::page::{self, CURSOR, Content, Snapshot};
use super::super::router::Place;
use super::super::search;
use super::super::store::Version;
use super::super::turn::{Call, Reply, Turn};
use super::input::Input;
use crate::fhir::Key;
use crate::fhir::datatype::interval;
use crate::fhir::definitions::{is_resource_type, patient_compartment};

/// Depth of elements in which references are looked for; a valid resource is far flatter.
const MAX_DEPTH: usize = 64;

/// Patients of which the fault `everything-capped` leaves the record.
const CAP: usize = 2;

/// Answers with the record of one patient, or of all of them at the type.
pub fn everything(turn: &mut Turn<'_>, call: &Call, place: &Place) -> Result<Reply, Refusal> {
    if let Some((_, cursor)) = call.pairs.iter().find(|(name, _)| name == CURSOR) {
        return page::resume(turn, cursor);
    }
    let wanted = Wanted::read(&Input::of(call))?;
    let now = turn.server.clock().elapsed();
    turn.index.catch_up(now);
    let mut patients = match place {
        Place::Instance(key) => patients_of(turn, key)?,
        _ => search::record(turn, "Patient", None, &[])?,
    };
    if turn.server.has(Fault::EverythingCapped) {
        patients.truncate(CAP);
    }
    let mut found: Vec<Arc<Version>> = Vec::new();
    for patient in &patients {
        found.extend(record(turn, patient, &wanted)?);
    }
    let mut matches = with_referenced(turn, found);
    matches.retain(|version| wanted.has(version));
    if turn.server.has(Fault::EverythingMisses) && matches.len() > 1 {
        matches.pop();
    }
    let snapshot = Snapshot {
        path: format!("{}/$everything", place.path()),
        used: wanted.used,
        total: Some(matches.len() as u64),
        count: page::size(turn.server, wanted.count),
        matches,
        content: Content::Search(Box::default()),
    };
    page::first(turn, snapshot)
}

/// The patient that is asked for; with a fault, a neighbour as well.
fn patients_of(turn: &mut Turn<'_>, key: &Key) -> Result<Vec<Arc<Version>>, Refusal> {
    let mut patients = match turn.living(key) {
        Ok(patient) => vec![patient],
        Err(_) if turn.server.has(Fault::EverythingOfNobodyEmpty) => Vec::new(),
        Err(_) if turn.server.has(Fault::EverythingOfNobodyOther) => {
            let mut others = search::record(turn, "Patient", None, &[])?;
            others.truncate(1);
            others
        }
        Err(refusal) => return Err(refusal),
    };
    if turn.server.has(Fault::EverythingLeaks) {
        let others = search::record(turn, "Patient", None, &[])?;
        patients.extend(others.into_iter().find(|other| other.key != *key));
    }
    Ok(patients)
}

/// The in-parameters.
struct Wanted {
    types: Vec<String>,
    since: i128,
    count: Option<u64>,
    /// Criteria on the date of care.
    dates: Vec<(String, String)>,
    used: Vec<(String, String)>,
}

impl Wanted {
    fn read(input: &Input) -> Result<Wanted, Refusal> {
        let refuse =
            |name: &str| Refusal::new(400, "value", format!("the value of {name} is not valid"));
        let mut wanted = Wanted {
            types: Vec::new(),
            since: i128::MIN,
            count: None,
            dates: Vec::new(),
            used: Vec::new(),
        };
        for name in ["_type", "_since", "_count", "start", "end"] {
            let Some(value) = input.text(name) else {
                continue;
            };
            match name {
                "_type" => wanted.types.extend(value.split(',').map(str::to_owned)),
                "_since" => wanted.since = interval(&value, 0).ok_or_else(|| refuse(name))?.start,
                "_count" => wanted.count = Some(value.parse().map_err(|_| refuse(name))?),
                _ => {
                    interval(&value, 0).ok_or_else(|| refuse(name))?;
                    let prefix = if name == "start" { "ge" } else { "le" };
                    wanted
                        .dates
                        .push(("date".to_owned(), format!("{prefix}{value}")));
                }
            }
            wanted.used.push((name.to_owned(), value));
        }
        match wanted.types.iter().find(|name| !is_resource_type(name)) {
            Some(_) => Err(refuse("_type")),
            None => Ok(wanted),
        }
    }

    fn has(&self, version: &Version) -> bool {
        let of_type = self.types.is_empty() || self.types.contains(&version.key.resource_type);
        of_type && version.instant.as_nanosecond() >= self.since
    }
}

/// A patient and the resources of the compartment. Dates bound those whose type has a date of care; the others have
/// none and always belong to the record.
fn record(
    turn: &mut Turn<'_>,
    patient: &Arc<Version>,
    wanted: &Wanted,
) -> Result<Vec<Arc<Version>>, Refusal> {
    let names: Vec<String> = turn.index.types().map(str::to_owned).collect();
    let mut found = vec![Arc::clone(patient)];
    for name in names.iter().filter(|name| name.as_str() != "Patient") {
        if patient_compartment(name).is_empty() {
            continue;
        }
        let dates = match is_supported(name, "date") {
            true => wanted.dates.as_slice(),
            false => &[],
        };
        found.extend(search::record(turn, name, Some(&patient.key), dates)?);
    }
    Ok(found)
}

/// Each resource once, then those that they refer to. Other patients are no part of anybody's record.
fn with_referenced(turn: &Turn<'_>, found: Vec<Arc<Version>>) -> Vec<Arc<Version>> {
    let mut known = BTreeSet::new();
    let mut all: Vec<Arc<Version>> = found
        .into_iter()
        .filter(|version| known.insert(version.key.clone()))
        .collect();
    let mut keys = Vec::new();
    for resource in all.iter().filter_map(|version| version.resource.as_ref()) {
        references(resource, turn.server.base(), MAX_DEPTH, &mut keys);
    }
    for key in keys
        .into_iter()
        .filter(|key| key.resource_type != "Patient")
    {
        let repeats = turn.server.has(Fault::EverythingDuplicates);
        if let Some(version) = turn.store.living(&key).cloned()
            && (known.insert(key) || repeats)
        {
            all.push(version);
        }
    }
    all
}

/// Literal references of a resource to this server.
pub fn references(value: &Value, base: &str, depth: usize, keys: &mut Vec<Key>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::Array(items) => {
            for item in items {
                references(item, base, depth, keys);
            }
        }
        Value::Object(members) => {
            let literal = members.get("reference").and_then(Value::as_str);
            let local = literal.filter(|text| !text.contains("://") || text.starts_with(base));
            keys.extend(local.and_then(Key::from_reference));
            for member in members.values() {
                references(member, base, depth, keys);
            }
        }
        _ => {}
    }
}
