//! NDJSON: one file per type, one resource per line, in the order of the patients.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Draft, Summary, in_order, prepare};
use crate::fhir::resource::resource_type;
use crate::population::{Plan, patient, shared, types};

/// Writes `Patient.ndjson` and so on into a folder, which is made if it is not there.
///
/// A type of which there is nothing has an empty file. Errors name the file; nothing is left half written.
pub fn ndjson(dir: &Path, plan: &Plan, jobs: usize) -> Result<Summary, String> {
    let name = |resource_type: &str| format!("{resource_type}.ndjson");
    prepare(dir, |found| {
        types().any(|resource_type| name(resource_type) == found)
    })?;
    let mut drafts = BTreeMap::new();
    for resource_type in types() {
        drafts.insert(resource_type, Draft::create(dir, &name(resource_type))?);
    }
    let mut summary = Summary {
        files: drafts.len() as u64,
        resources: 0,
    };
    let mut take = |lines: Lines| {
        summary.resources += lines.resources;
        for (resource_type, bytes) in &lines.bytes {
            if let Some(draft) = drafts.get_mut(resource_type) {
                draft.write(bytes)?;
            }
        }
        Ok(())
    };
    let mut common = Lines::default();
    common.add(&shared(plan))?;
    take(common)?;
    in_order(
        plan.patients,
        jobs,
        |range| {
            let mut lines = Lines::default();
            for index in range {
                lines.add(&patient(plan, index))?;
            }
            Ok(lines)
        },
        take,
    )?;
    for draft in drafts.into_values() {
        draft.keep()?;
    }
    Ok(summary)
}

/// Lines of some patients by type.
#[derive(Default)]
struct Lines {
    bytes: BTreeMap<&'static str, Vec<u8>>,
    resources: u64,
}

impl Lines {
    fn add(&mut self, resources: &[Value]) -> Result<(), String> {
        for resource in resources {
            let found = types()
                .find(|known| resource_type(resource) == Some(known))
                .ok_or("a resource of a type that no population holds")?;
            let bytes = self.bytes.entry(found).or_default();
            serde_json::to_writer(&mut *bytes, resource)
                .map_err(|error| format!("cannot write a resource as JSON: {error}"))?;
            bytes.push(b'\n');
            self.resources += 1;
        }
        Ok(())
    }
}
