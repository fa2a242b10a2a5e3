//! References inside resources: listing, rewriting and taking out. Pure; knows `reference` members only.

use indexmap::IndexMap;
use serde_json::Value;

use crate::fhir::Key;

/// Members without which a resource makes no sense; a resource that would lose one is left out.
const ESSENTIAL: &[&str] = &["subject", "patient"];

/// Every `reference` string in a resource, in order.
pub fn references(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    visit(resource, &mut |reference| found.push(reference.to_owned()));
    found
}

fn visit(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "reference" => see(text),
                    other => visit(other, see),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        _ => {}
    }
}

/// Rewrites every reference for which `target` has an answer.
pub fn rewrite(resource: &mut Value, target: &impl Fn(&str) -> Option<String>) {
    match resource {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(text) if name == "reference" => {
                        if let Some(new) = target(text) {
                            *text = new;
                        }
                    }
                    other => rewrite(other, target),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, target)),
        _ => {}
    }
}

/// Rewrites relative references by a map of keys.
pub fn remap(resource: &mut Value, keys: &IndexMap<Key, Key>) {
    rewrite(resource, &|reference| {
        Key::from_reference(reference)
            .and_then(|key| keys.get(&key))
            .map(ToString::to_string)
    });
}

/// Takes out top-level members that refer to something that is not there; `None` if an essential one would go.
pub fn without(mut resource: Value, is_there: &impl Fn(&str) -> bool) -> Option<Value> {
    let members = resource.as_object_mut()?;
    let broken: Vec<String> = members
        .iter()
        .filter(|(_, member)| {
            references(member)
                .iter()
                .any(|reference| !is_there(reference))
        })
        .map(|(name, _)| name.clone())
        .collect();
    if broken.iter().any(|name| ESSENTIAL.contains(&name.as_str())) {
        return None;
    }
    members.retain(|name, _| !broken.contains(name));
    Some(resource)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_remapped_at_any_depth() {
        let mut resource = json!({ "subject": { "reference": "Patient/a" }, "performer": [{ "actor": { "reference": "Practitioner/x" } }] });
        let keys = IndexMap::from([(Key::new("Patient", "a"), Key::new("Patient", "1"))]);
        remap(&mut resource, &keys);
        assert_eq!(references(&resource), ["Patient/1", "Practitioner/x"]);
    }

    #[test]
    fn a_dangling_member_goes_and_a_dangling_subject_takes_the_resource_with_it() {
        let is_there = |reference: &str| reference.starts_with("Patient/");
        let resource = json!({ "subject": { "reference": "Patient/a" }, "encounter": { "reference": "Encounter/e" } });
        assert_eq!(
            without(resource, &is_there),
            Some(json!({ "subject": { "reference": "Patient/a" } }))
        );
        assert_eq!(
            without(json!({ "patient": { "reference": "Group/g" } }), &is_there),
            None
        );
    }
}
