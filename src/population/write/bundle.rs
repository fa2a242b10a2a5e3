//! Transaction Bundles: `shared.json`, to be sent first, and one file per patient.

use std::path::Path;

use serde_json::{Value, json};

use super::{Draft, Summary, in_order, prepare};
use crate::fhir::Key;
use crate::population::{Plan, patient, shared};

const SHARED: &str = "shared.json";

/// Writes `shared.json`, `patient-000000.json` and so on into a folder, which is made if it is not there.
///
/// Each is a transaction of `PUT Type/id` entries in the order of dependence, with relative references.
/// Errors name the file; a file is whole or absent.
pub fn bundles(dir: &Path, plan: &Plan, jobs: usize) -> Result<Summary, String> {
    prepare(dir, |found| {
        found == SHARED || position(found).is_some_and(|index| index < plan.patients)
    })?;
    let mut summary = Summary {
        files: 1 + plan.patients,
        resources: write(dir, SHARED, &shared(plan))?,
    };
    in_order(
        plan.patients,
        jobs,
        |range| {
            let mut resources = 0;
            for index in range {
                resources += write(dir, &name(index), &patient(plan, index))?;
            }
            Ok(resources)
        },
        |resources| {
            summary.resources += resources;
            Ok(())
        },
    )?;
    Ok(summary)
}

fn name(index: u64) -> String {
    format!("patient-{index:06}.json")
}

/// The index in the name of a patient's file.
fn position(found: &str) -> Option<u64> {
    let digits = found.strip_prefix("patient-")?.strip_suffix(".json")?;
    let index = digits.parse().ok()?;
    (name(index) == found).then_some(index)
}

fn write(dir: &Path, name: &str, resources: &[Value]) -> Result<u64, String> {
    let mut draft = Draft::create(dir, name)?;
    let mut bytes = serde_json::to_vec_pretty(&transaction(resources))
        .map_err(|error| format!("cannot write {name} as JSON: {error}"))?;
    bytes.push(b'\n');
    draft.write(&bytes)?;
    draft.keep()?;
    Ok(resources.len() as u64)
}

/// A transaction that puts every resource at its id. <http://hl7.org/fhir/R4/http.html#transaction>
fn transaction(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources
        .iter()
        .filter_map(|resource| {
            let url = Key::of(resource)?.to_string();
            Some(json!({"resource": resource, "request": {"method": "PUT", "url": url}}))
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}
