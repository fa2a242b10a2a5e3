//! Makes definitions from published FHIR documents: pure functions, JSON in, a pack or a guide out.
//! Not the reading of packages: `cli` does that.

mod codes;
mod correction;
mod guide;
mod profile;
mod rules;
mod search;
mod structure;
mod terminology;

use std::collections::BTreeMap;

use serde_json::Value;

use super::codes::Codes;
use super::guide::About;
use super::pack::{self, PackError};
use super::profile::Profile;
pub(super) use codes::inline as value_set;
pub use guide::guide;

/// The version of FHIR whose definitions are taken.
const FHIR_VERSION: &str = "4.0.1";

/// The conformance resources of a package, by name or canonical; the first of a name wins.
#[derive(Default)]
struct Sources<'a> {
    structures: BTreeMap<&'a str, &'a Value>,
    parameters: BTreeMap<&'a str, &'a Value>,
    value_sets: BTreeMap<&'a str, &'a Value>,
    code_systems: BTreeMap<&'a str, &'a Value>,
    patient_compartment: Option<&'a Value>,
    /// Profiles and extensions by canonical.
    profiles: BTreeMap<&'a str, &'a Value>,
}

/// Distils a pack from the documents of a package, by file name. Documents are resources or Bundles of resources; what is
/// not a definition of R4 by HL7 is passed over. The same documents give the same bytes.
pub fn build(documents: &BTreeMap<String, Value>) -> Result<Vec<u8>, PackError> {
    let mut sources = Sources::default();
    for document in documents.values() {
        collect(document, &mut sources);
    }
    for (what, found) in [
        ("StructureDefinition", !sources.structures.is_empty()),
        ("SearchParameter", !sources.parameters.is_empty()),
        ("ValueSet", !sources.value_sets.is_empty()),
        (
            "CompartmentDefinition",
            sources.patient_compartment.is_some(),
        ),
    ] {
        if !found {
            return Err(PackError(format!(
                "the package holds no {what} of R4 ({FHIR_VERSION}) by HL7"
            )));
        }
    }
    let bound = structure::required_value_sets(&sources);
    let structures = structure::rows(&sources, &bound);
    let search = search::rows(&sources)?;
    let terminology = terminology::rows(&sources, &bound);
    let base = rules::base(&sources);
    let profiles: Vec<Profile> = sources
        .profiles
        .values()
        .filter_map(|resource| profile::from_snapshot(resource, &base))
        .collect();
    pack::write([
        pack::encode(&structures)?,
        pack::encode(&search)?,
        pack::encode(&terminology)?,
        pack::encode(&rules::rows(&sources))?,
        pack::encode(&profiles)?,
        pack::encode(&codes(&sources))?,
        pack::encode(&About {
            name: "hl7.fhir.r4.core".to_owned(),
            version: FHIR_VERSION.to_owned(),
            ..About::default()
        })?,
    ])
}

fn codes(sources: &Sources<'_>) -> Codes {
    Codes {
        systems: sources
            .code_systems
            .values()
            .filter_map(|resource| codes::system(resource))
            .collect(),
        value_sets: sources
            .value_sets
            .values()
            .filter_map(|resource| codes::value_set(resource))
            .collect(),
    }
}

fn collect<'a>(document: &'a Value, sources: &mut Sources<'a>) {
    if text(document, "resourceType") != Some("Bundle") {
        take(document, sources);
        return;
    }
    let entries = list(document, "entry").iter();
    for resource in entries.filter_map(|entry| entry.get("resource")) {
        take(resource, sources);
    }
}

fn take<'a>(resource: &'a Value, sources: &mut Sources<'a>) {
    let (Some(kind), Some(url)) = (text(resource, "resourceType"), text(resource, "url")) else {
        return;
    };
    match kind {
        "StructureDefinition" if structure::is_taken(resource, url) => {
            if let Some(name) = text(resource, "name") {
                sources.structures.entry(name).or_insert(resource);
            }
        }
        "StructureDefinition" if is_published_profile(resource, url) => {
            sources.profiles.entry(url).or_insert(resource);
        }
        "SearchParameter" if search::is_taken(resource, url) => {
            sources.parameters.entry(url).or_insert(resource);
        }
        "ValueSet" if is_published(url) => {
            sources.value_sets.entry(url).or_insert(resource);
        }
        "CodeSystem" if is_published(url) => {
            sources.code_systems.entry(url).or_insert(resource);
        }
        "CompartmentDefinition" if url == search::PATIENT_COMPARTMENT => {
            sources.patient_compartment.get_or_insert(resource);
        }
        _ => {}
    }
}

/// A profile or extension of R4 itself.
fn is_published_profile(resource: &Value, url: &str) -> bool {
    url.starts_with("http://hl7.org/fhir/StructureDefinition/")
        && text(resource, "fhirVersion") == Some(FHIR_VERSION)
        && profile::is_profile(resource)
}

/// The source package adds value sets and code systems of its own.
fn is_published(url: &str) -> bool {
    !url.contains("medplum.com")
}

/// A string member.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// The items of an array member; none if it is absent.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The strings of an array member.
fn texts<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    list(value, name).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
