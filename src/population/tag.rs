//! Marks a generated resource as belonging to one run. Never changes ids or clinical content.

use std::fmt::Display;

use serde_json::{Map, Value, json};

/// Identifiers of systems that begin with this are ours and get the token.
const OWN_SYSTEMS: &str = "urn:rounds:";

/// Canonical URLs that begin with this are ours and get the token: servers may refuse one URL twice.
const OWN_URLS: &str = "http://rounds.example/";

/// Adds the tag `tag_system|tag_code` to `meta.tag`, and puts `token-` before the value of every identifier
/// of a system of ours or of none, and into a canonical URL of ours, so that the resource can be found again and is unlike that of any other run.
///
/// Stamping twice with the same token changes nothing. What is not an object stays as it is.
pub fn stamp(resource: &mut Value, tag_system: &str, tag_code: &str, token: impl Display) {
    let Some(members) = resource.as_object_mut() else {
        return;
    };
    add_tag(members, tag_system, tag_code);
    let prefix = format!("{token}-");
    match members.get_mut("identifier") {
        Some(Value::Array(identifiers)) => {
            for identifier in identifiers {
                stamp_identifier(identifier, &prefix);
            }
        }
        Some(identifier) => stamp_identifier(identifier, &prefix),
        None => {}
    }
    if let Some(Value::String(url)) = members.get_mut("url")
        && let Some(rest) = url.strip_prefix(OWN_URLS)
        && !rest.starts_with(&format!("{token}/"))
    {
        *url = format!("{OWN_URLS}{token}/{rest}");
    }
}

fn stamp_identifier(identifier: &mut Value, prefix: &str) {
    let ours = identifier
        .get("system")
        .and_then(Value::as_str)
        .is_none_or(|system| system.starts_with(OWN_SYSTEMS));
    if let (true, Some(Value::String(value))) = (ours, identifier.get_mut("value"))
        && !value.starts_with(prefix)
    {
        value.insert_str(0, prefix);
    }
}

fn add_tag(members: &mut Map<String, Value>, system: &str, code: &str) {
    if !members.get("meta").is_some_and(Value::is_object) {
        // `meta` stands after `id` in the specification's order of members.
        let position = members.keys().take_while(|name| is_head(name)).count();
        members.shift_insert(position, "meta".to_owned(), json!({}));
    }
    let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) else {
        return;
    };
    let tags = meta
        .entry("tag")
        .or_insert_with(|| Value::Array(Vec::new()));
    let tag = json!({"system": system, "code": code});
    if let Some(tags) = tags.as_array_mut()
        && !tags.contains(&tag)
    {
        tags.push(tag);
    }
}

fn is_head(name: &str) -> bool {
    matches!(name, "resourceType" | "id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_resource_has_the_tag_and_run_unique_identifiers() {
        let mut patient = json!({
            "resourceType": "Patient",
            "id": "1",
            "identifier": [
                {"system": "urn:rounds:id", "value": "a"},
                {"system": "http://example.org/other", "value": "b"},
                {"value": "c"},
            ],
        });
        stamp(&mut patient, "urn:rounds:run", "t0", "t0");
        let once = patient.clone();
        stamp(&mut patient, "urn:rounds:run", "t0", "t0");
        assert_eq!(patient, once);
        assert_eq!(
            patient.to_string(),
            concat!(
                r#"{"resourceType":"Patient","id":"1","#,
                r#""meta":{"tag":[{"system":"urn:rounds:run","code":"t0"}]},"#,
                r#""identifier":[{"system":"urn:rounds:id","value":"t0-a"},"#,
                r#"{"system":"http://example.org/other","value":"b"},{"value":"t0-c"}]}"#
            )
        );
    }

    #[test]
    fn a_canonical_url_of_ours_is_unlike_that_of_any_other_run() {
        let mut value = json!({"resourceType": "ValueSet", "url": "http://rounds.example/1/a"});
        stamp(&mut value, "s", "c", "t");
        stamp(&mut value, "s", "c", "t");
        assert_eq!(value["url"], "http://rounds.example/t/1/a");
        let mut other = json!({"resourceType": "ValueSet", "url": "http://example.org/a"});
        stamp(&mut other, "s", "c", "t");
        assert_eq!(other["url"], "http://example.org/a");
    }

    #[test]
    fn tags_that_are_there_stay() {
        let mut value = json!({"resourceType": "Patient", "meta": {"tag": [{"code": "x"}]}});
        stamp(&mut value, "s", "c", "t");
        assert_eq!(value["meta"]["tag"].as_array().unwrap().len(), 2);
        let mut text = json!("x");
        stamp(&mut text, "s", "c", "t");
        assert_eq!(text, json!("x"));
    }
}
