//! Which versions of implementation guides a target says that it supports.
//! Not whether it does. <http://hl7.org/fhir/R4/capabilitystatement.html>

use serde_json::Value;

use crate::fhir::capability::Capability;

/// Kinds of definitions whose canonicals name a guide's home.
const KINDS: &[&str] = &[
    "/StructureDefinition/",
    "/ImplementationGuide/",
    "/CapabilityStatement/",
];

/// Canonicals that are read at most.
const MAX_CANONICALS: usize = 10_000;

/// Homes of definitions (`http://hl7.org/fhir/us/core`) with versions.
#[derive(Debug, Default)]
pub(super) struct Declared {
    versions: Vec<(String, String)>,
}

impl Declared {
    /// What the CapabilityStatement names with a version: guides, statements that it instantiates, profiles.
    pub fn of(capability: &Capability) -> Self {
        let statement = capability.value();
        let mut canonicals = Vec::new();
        for name in ["implementationGuide", "instantiates", "imports"] {
            collect(statement.get(name), &mut canonicals);
        }
        for rest in items(statement.get("rest")) {
            for resource in items(rest.get("resource")) {
                collect(resource.get("supportedProfile"), &mut canonicals);
                collect(resource.get("profile"), &mut canonicals);
            }
        }
        let mut versions: Vec<(String, String)> = canonicals
            .into_iter()
            .take(MAX_CANONICALS)
            .filter_map(|canonical| canonical.split_once('|'))
            .filter_map(|(url, version)| Some((home(url)?.to_owned(), version.to_owned())))
            .collect();
        versions.sort();
        versions.dedup();
        Declared { versions }
    }

    /// Whether this version is among those that are named of the home of a profile; `None` if none is named.
    pub fn supports(&self, profile: &str, version: &str) -> Option<bool> {
        let home = home(profile)?;
        let mut named = self
            .versions
            .iter()
            .filter(|(known, _)| known == home)
            .map(|(_, version)| version.as_str())
            .peekable();
        named.peek()?;
        Some(named.any(|known| known == version))
    }
}

fn home(canonical: &str) -> Option<&str> {
    let mut kinds = KINDS.iter();
    kinds.find_map(|kind| canonical.split_once(kind).map(|(home, _)| home))
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn collect<'v>(value: Option<&'v Value>, canonicals: &mut Vec<&'v str>) {
    canonicals.extend(value.and_then(Value::as_str));
    canonicals.extend(items(value).filter_map(Value::as_str));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROFILE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

    fn declared(statement: Value) -> Declared {
        Declared::of(&Capability::new(statement))
    }

    #[test]
    fn the_version_of_a_guide_is_that_of_its_profiles() {
        let guide = "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0";
        let declared = declared(json!({"implementationGuide": [guide]}));
        assert_eq!(declared.supports(PROFILE, "6.1.0"), Some(true));
        assert_eq!(declared.supports(PROFILE, "3.1.1"), Some(false));
        assert_eq!(
            declared.supports("http://a/StructureDefinition/b", "1"),
            None
        );
    }

    #[test]
    fn a_canonical_without_version_says_nothing() {
        let declared = declared(json!({"rest": [{"resource": [{"supportedProfile": [PROFILE]}]}]}));
        assert_eq!(declared.supports(PROFILE, "6.1.0"), None);
    }
}
