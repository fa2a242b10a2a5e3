//! Rewriting of references inside a transaction: what named an entry by its `fullUrl` names the resource it became.
//! <http://hl7.org/fhir/R4/http.html#trules>. Conditional references are found by `transaction`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fhir::Key;
use crate::fhir::definitions::child_types;

/// Depth of elements that is followed; a valid resource is far flatter.
const MAX_DEPTH: usize = 64;

/// Primitive types whose values name resources; "Elements of type canonical are not replaced".
const NAMING: [&str; 4] = ["uri", "url", "oid", "uuid"];

/// What the entries became, by what named them.
#[derive(Debug, Default)]
pub struct Renames {
    names: BTreeMap<String, Key>,
    /// Leaves values of uri types as they are (a planted fault).
    pub keeps_urls: bool,
    /// Leaves narratives as they are (a planted fault).
    pub keeps_narratives: bool,
}

impl Renames {
    /// Notes what an entry became.
    pub fn add(&mut self, name: impl Into<String>, key: Key) {
        self.names.insert(name.into(), key);
    }

    /// Rewrites references, values of uri types and links of narratives. `root` is the base of the entry's own
    /// `fullUrl`, against which its relative references are resolved.
    pub fn apply(&self, resource: &mut Value, root: Option<&str>) {
        let name = resource
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        self.element(resource, &name, root, MAX_DEPTH);
    }

    fn element(&self, value: &mut Value, type_name: &str, root: Option<&str>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match value {
            Value::Array(items) => {
                for item in items {
                    self.element(item, type_name, root, depth);
                }
            }
            Value::Object(members) => {
                let own = members.get("resourceType").and_then(Value::as_str);
                let parent = own.unwrap_or(type_name).to_owned();
                for (name, child) in members.iter_mut() {
                    let child_type = member_type(&parent, name);
                    self.element(child, &child_type, root, depth);
                }
            }
            Value::String(text) => {
                if let Some(renamed) = self.renamed(text, type_name, root) {
                    *text = renamed;
                }
            }
            _ => {}
        }
    }

    fn renamed(&self, text: &str, type_name: &str, root: Option<&str>) -> Option<String> {
        match type_name {
            "reference" => {
                let known = self.names.get(text).or_else(|| {
                    let absolute = format!("{}/{text}", root?);
                    self.names.get(&absolute)
                });
                known.map(Key::to_string)
            }
            "xhtml" if !self.keeps_narratives => self.narrative(text),
            name if NAMING.contains(&name) && !self.keeps_urls => {
                self.names.get(text).map(Key::to_string)
            }
            _ => None,
        }
    }

    /// Links and images of a narrative.
    fn narrative(&self, text: &str) -> Option<String> {
        let mut changed = text.to_owned();
        for (name, key) in &self.names {
            for attribute in ["href", "src"] {
                for quote in ['"', '\''] {
                    let before = format!("{attribute}={quote}{name}{quote}");
                    let after = format!("{attribute}={quote}{key}{quote}");
                    changed = changed.replace(&before, &after);
                }
            }
        }
        (changed != text).then_some(changed)
    }
}

/// The type of a member; `reference` for `Reference.reference`, which is a string by definition.
pub(super) fn member_type(parent: &str, member: &str) -> String {
    if member == "reference" && matches!(parent, "Reference" | "") {
        return "reference".to_owned();
    }
    if let [only] = child_types(parent, member) {
        return (*only).to_owned();
    }
    // A choice: the name of the element is followed by the name of the type.
    let choice = member
        .char_indices()
        .filter(|(_, character)| character.is_ascii_uppercase())
        .find_map(|(position, _)| {
            let (stem, suffix) = member.split_at(position);
            child_types(parent, stem)
                .iter()
                .find(|name| name.eq_ignore_ascii_case(suffix))
        });
    choice.map_or_else(String::new, |name| (*name).to_owned())
}

/// References of a resource that hold criteria in place of an id (`Patient?identifier=x`), in order, each once.
pub fn conditional(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(resource, &mut found, MAX_DEPTH);
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found, depth)),
        Value::Object(members) => {
            for (name, child) in members {
                match child {
                    Value::String(text) if name == "reference" && is_conditional(text) => {
                        found.push(text.clone());
                    }
                    child => collect(child, found, depth),
                }
            }
        }
        _ => {}
    }
}

fn is_conditional(text: &str) -> bool {
    text.split_once('?')
        .is_some_and(|(name, criteria)| !criteria.is_empty() && super::router::is_served(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_uris_and_narrative_links_follow_the_entry() {
        let mut renames = Renames::default();
        renames.add("urn:uuid:1", Key::new("Patient", "7"));
        let mut resource = json!({
            "resourceType": "Observation",
            "text": {"status": "generated", "div": "<div><a href=\"urn:uuid:1\">urn:uuid:1</a></div>"},
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}],
            "subject": {"reference": "urn:uuid:1"},
            "valueString": "urn:uuid:1",
            "extension": [{"url": "http://example.org/e", "valueUri": "urn:uuid:1"}],
        });
        renames.apply(&mut resource, None);
        assert_eq!(resource["subject"]["reference"], "Patient/7");
        assert_eq!(resource["extension"][0]["valueUri"], "Patient/7");
        assert_eq!(
            resource["text"]["div"],
            "<div><a href=\"Patient/7\">urn:uuid:1</a></div>"
        );
        assert_eq!(resource["identifier"][0]["value"], "urn:uuid:1");
        assert_eq!(resource["valueString"], "urn:uuid:1");
    }

    #[test]
    fn relative_references_resolve_against_the_full_url_of_their_entry() {
        let mut renames = Renames::default();
        renames.add("http://old/fhir/Patient/1", Key::new("Patient", "new"));
        let mut resource =
            json!({"resourceType": "Observation", "subject": {"reference": "Patient/1"}});
        renames.apply(&mut resource, Some("http://old/fhir"));
        assert_eq!(resource["subject"]["reference"], "Patient/new");
    }

    #[test]
    fn conditional_references_are_found() {
        let resource = json!({
            "resourceType": "Observation",
            "subject": {"reference": "Patient?identifier=a"},
            "performer": [{"reference": "Patient?identifier=a"}, {"reference": "Practitioner/1"}],
        });
        assert_eq!(conditional(&resource), ["Patient?identifier=a"]);
    }
}
