//! What an implementation guide asks of a server's searches and records, distilled from its package: combinations of
//! search parameters with their strength, and the must-support elements of its profiles. Not its profiles themselves.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

const EXPECTATION: &str = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation";
const COMBINATION: &str =
    "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination";

/// The distilled guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guide {
    /// Package name and version (`hl7.fhir.us.core#6.1.0`).
    pub package: String,
    /// Types with profiles, in the order of the guide's CapabilityStatement.
    pub resources: Vec<GuideResource>,
}

/// One type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideResource {
    /// Resource type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Its searches that servers SHALL or SHOULD support.
    pub searches: Vec<GuideSearch>,
    /// Its profiles.
    pub profiles: Vec<GuideProfile>,
}

/// A search: one parameter, or several together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideSearch {
    /// Parameter codes.
    pub codes: Vec<String>,
    /// `SHALL` or `SHOULD`.
    pub expectation: String,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideProfile {
    /// Canonical URL.
    pub url: String,
    /// Must-support elements as FHIRPath on the resource (`name.family`), those of slices left out.
    pub must_support: Vec<String>,
}

impl Guide {
    /// US Core 6.1.0.
    pub fn us_core() -> &'static Guide {
        static GUIDE: OnceLock<Guide> = OnceLock::new();
        const TEXT: &str = include_str!("../../../fixtures/definitions/us-core-6.1.0-search.json");
        GUIDE.get_or_init(|| serde_json::from_str(TEXT).expect("the embedded guide is one of ours"))
    }

    /// Distils the documents of a package (by file name): its `CapabilityStatement` for servers and its profiles.
    ///
    /// # Errors
    /// What the package lacks.
    pub fn distil(documents: &BTreeMap<String, Value>) -> Result<Guide, String> {
        let named = |end: &str| {
            let found = documents.iter().find(|(name, _)| name.ends_with(end));
            found.map(|(_, document)| document)
        };
        let package = named("package.json").ok_or("the package has no package.json")?;
        let server = documents
            .values()
            .find(|document| {
                document["resourceType"] == "CapabilityStatement"
                    && document["rest"][0]["mode"] == "server"
            })
            .ok_or("the package has no CapabilityStatement for servers")?;
        let profiles: BTreeMap<&str, &Value> = documents
            .values()
            .filter(|document| document["resourceType"] == "StructureDefinition")
            .filter_map(|document| Some((document["url"].as_str()?, document)))
            .collect();
        let resources = list(&server["rest"][0], "resource")
            .filter_map(|resource| of_type(resource, &profiles))
            .collect();
        Ok(Guide {
            package: format!("{}#{}", text(package, "name"), text(package, "version")),
            resources,
        })
    }
}

/// `None` for a type without a profile or a search that is asked for.
fn of_type(resource: &Value, profiles: &BTreeMap<&str, &Value>) -> Option<GuideResource> {
    let singles = list(resource, "searchParam").map(|parameter| {
        let codes = vec![text(parameter, "name")];
        (codes, parameter)
    });
    let combinations = list(resource, "extension")
        .filter(|extension| extension["url"] == COMBINATION)
        .map(|combination| {
            let parts = list(combination, "extension")
                .filter(|part| part["url"] == "required" || part["url"] == "optional")
                .map(|part| text(part, "valueString"));
            (parts.collect(), combination)
        });
    let searches: Vec<GuideSearch> = singles
        .chain(combinations)
        .filter_map(|(codes, holder)| {
            let expectation = expectation(holder)?;
            matches!(expectation, "SHALL" | "SHOULD").then(|| GuideSearch {
                codes,
                expectation: expectation.to_owned(),
            })
        })
        .collect();
    let profiles: Vec<GuideProfile> = list(resource, "supportedProfile")
        .filter_map(Value::as_str)
        .map(|url| GuideProfile {
            url: url.to_owned(),
            must_support: profiles
                .get(url)
                .map(|profile| must_support(profile))
                .unwrap_or_default(),
        })
        .collect();
    (!profiles.is_empty()).then(|| GuideResource {
        resource_type: text(resource, "type"),
        searches,
        profiles,
    })
}

/// Elements of the snapshot that are marked, as paths below the resource. A slice is told by the `:` of its id.
fn must_support(profile: &Value) -> Vec<String> {
    let mut paths: Vec<String> = list(&profile["snapshot"], "element")
        .filter(|element| element["mustSupport"] == true)
        .filter_map(|element| element["id"].as_str())
        .filter(|id| !id.contains(':'))
        .filter_map(|id| id.split_once('.'))
        .map(|(_, path)| path.replace("[x]", ""))
        .collect();
    paths.dedup();
    paths
}

fn expectation(holder: &Value) -> Option<&str> {
    list(holder, "extension")
        .find(|extension| extension["url"] == EXPECTATION)?
        .get("valueCode")?
        .as_str()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_guide_has_the_searches_of_us_core() {
        let guide = Guide::us_core();
        assert_eq!(guide.package, "hl7.fhir.us.core#6.1.0");
        let patient = guide
            .resources
            .iter()
            .find(|resource| resource.resource_type == "Patient")
            .unwrap();
        let searches: Vec<String> = patient
            .searches
            .iter()
            .map(|search| format!("{} {}", search.codes.join("+"), search.expectation))
            .collect();
        assert_eq!(
            searches,
            [
                "_id SHALL",
                "identifier SHALL",
                "name SHALL",
                "birthdate+family SHOULD",
                "family+gender SHOULD",
                "birthdate+name SHALL",
                "gender+name SHALL",
                "death-date+family SHOULD",
            ]
        );
        let of_profiles: usize = guide
            .resources
            .iter()
            .map(|resource| resource.searches.len() * resource.profiles.len())
            .sum();
        assert_eq!(of_profiles, 227);
        let marked = &patient.profiles[0].must_support;
        assert!(marked.contains(&"name.family".to_owned()), "{marked:?}");
    }

    #[test]
    fn a_package_without_a_server_statement_is_refused() {
        let documents = BTreeMap::from([(
            "package/package.json".to_owned(),
            serde_json::json!({"name": "x", "version": "1"}),
        )]);
        assert!(
            Guide::distil(&documents)
                .unwrap_err()
                .contains("CapabilityStatement")
        );
    }
}
