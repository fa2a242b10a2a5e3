//! The JSON Schema of suite files for editors (draft 2020-12), made from the tables that the loader checks against.
//! An editor's help, not a judge: `load` knows more than a schema can say.

use serde_json::{Map, Value, json};

use super::keys::{
    DATA, FROM, Form, LOAD_SUITE, OPERATION, PROPERTY_SUITE, SHAPES, SUITE, Shape, VALUES,
};
use crate::fhir::definitions::resource_types;

/// Text with a column of a row in it, which may come to say anything.
const TEMPLATE: &str = "\\$\\{";
/// Maps that no row is filled into; every other one stands in a case, or is made part of one.
const PLAIN: &[&Shape] = &[
    &SUITE,
    &PROPERTY_SUITE,
    &LOAD_SUITE,
    &OPERATION,
    &VALUES,
    &DATA,
];

/// The schema; the same for the same tables.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for shape in SHAPES {
        definitions.insert(shape.name.to_owned(), map(shape));
    }
    definitions.insert(
        "resource-type".to_owned(),
        json!({ "enum": resource_types() }),
    );
    definitions.insert(
        "template".to_owned(),
        json!({ "type": "string", "pattern": TEMPLATE }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A suite of rounds",
        "oneOf": [reference(&SUITE), reference(&PROPERTY_SUITE), reference(&LOAD_SUITE)],
        "$defs": definitions,
    })
}

/// The schema as it is committed: `suites/suite.schema.json`.
pub fn text() -> String {
    let mut text =
        serde_json::to_string_pretty(&schema()).expect("a JSON value is written without error");
    text.push('\n');
    text
}

fn reference(shape: &Shape) -> Value {
    json!({ "$ref": format!("#/$defs/{}", shape.name) })
}

fn map(shape: &Shape) -> Value {
    let is_filled = PLAIN.iter().all(|plain| plain.name != shape.name);
    let mut properties = Map::new();
    for key in shape.keys {
        let mut value = form(&key.form, is_filled);
        if key.name == "body" && shape.name == "step" {
            value = json!({ "anyOf": [reference(&FROM), value] });
        }
        value["description"] = key.about.into();
        properties.insert(key.name.to_owned(), value);
    }
    let needed: Vec<&str> = shape
        .keys
        .iter()
        .filter(|key| key.needed)
        .map(|key| key.name)
        .collect();
    let mut map = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    // A column may hold the key as well, such as the method of a step.
    if is_filled {
        map["patternProperties"] = json!({ TEMPLATE: true });
    }
    if !needed.is_empty() {
        map["required"] = needed.into();
    }
    map
}

/// What a key takes; `is_filled` where a word may be a template.
fn form(form_of: &Form, is_filled: bool) -> Value {
    let inner = |of: &Form| form(of, is_filled);
    match form_of {
        // YAML reads `200` and `true` as they look; the loader takes them as text.
        Form::Text => json!({ "type": ["string", "number", "boolean", "null"] }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::Number => json!({ "type": "integer", "minimum": 0 }),
        Form::Decimal => json!({ "type": "number", "minimum": 0 }),
        Form::Word(words) => or_template(json!({ "enum": words }), is_filled),
        Form::ResourceType => or_template(json!({ "$ref": "#/$defs/resource-type" }), is_filled),
        Form::Json => json!({ "type": ["object", "array", "string"] }),
        Form::MapOf(of) => json!({ "type": "object", "additionalProperties": inner(of) }),
        Form::ListOf(of) => json!({ "type": "array", "items": inner(of) }),
        Form::OneOrMore(of) => {
            json!({ "anyOf": [inner(of), { "type": "array", "items": inner(of) }] })
        }
        Form::Either(forms) => {
            let forms: Vec<Value> = forms.iter().map(inner).collect();
            json!({ "anyOf": forms })
        }
        Form::Map(shape) => reference(shape),
    }
}

fn or_template(words: Value, is_filled: bool) -> Value {
    match is_filled {
        true => json!({ "anyOf": [words, { "$ref": "#/$defs/template" }] }),
        false => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::builtin::SUITES;
    use crate::suite::yaml;

    #[test]
    fn the_committed_schema_is_the_one_of_the_tables() {
        let committed = include_str!("../../suites/suite.schema.json");
        assert!(
            committed == text(),
            "write it anew: rounds suite schema > suites/suite.schema.json"
        );
    }

    #[test]
    fn every_built_in_suite_is_legal_by_the_schema() {
        let schema = schema();
        for source in SUITES {
            let value = yaml::parse(source.file, source.text).unwrap().to_json();
            let root = match value["kind"].as_str() {
                Some("conformance") => "suite",
                Some("property") => "property-suite",
                _ => "load-suite",
            };
            let found = fits(&schema, &schema["$defs"][root], &value);
            assert!(found, "{}", source.file);
        }
        let wrong = json!({ "kind": "property", "title": "x", "propertys": [] });
        assert!(!fits(&schema, &schema["$defs"]["property-suite"], &wrong));
    }

    #[test]
    fn a_word_of_a_case_may_come_from_a_row_and_one_of_a_suite_may_not() {
        let schema = schema();
        let accepts = |name: &str, value: Value| fits(&schema, &schema["$defs"][name], &value);
        assert!(accepts("pick", json!({ "type": "${type}" })));
        assert!(accepts("step", json!({ "${method}": "Patient/1" })));
        assert!(accepts("expect", json!({ "body": "${kind}" })));
        assert!(!accepts("pick", json!({ "type": "Patent" })));
        assert!(!accepts("expect", json!({ "boddy": "empty" })));
        let property = json!({ "kind": "${kind}", "title": "x", "properties": [] });
        assert!(!accepts("property-suite", property));
    }

    /// As much of JSON Schema as the schema uses.
    fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return fits(root, &root["$defs"][name], value);
        }
        let each = |key: &str| schema[key].as_array().cloned().unwrap_or_default();
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        };
        let is_template = |text: &str| text.contains("${");
        let matches = schema["pattern"].is_null() || value.as_str().is_some_and(is_template);
        let has_type = types.is_empty()
            || types
                .iter()
                .any(|name| is_of(name.as_str().unwrap(), value));
        let alternatives = each("anyOf");
        let holds =
            alternatives.is_empty() || alternatives.iter().any(|inner| fits(root, inner, value));
        let words = each("enum");
        let is_word = words.is_empty() || words.contains(value);
        let members = value
            .as_object()
            .into_iter()
            .flatten()
            .all(|(name, member)| {
                match (
                    schema["properties"].get(name),
                    &schema["additionalProperties"],
                ) {
                    (Some(inner), _) => fits(root, inner, member),
                    _ if is_template(name) && !schema["patternProperties"].is_null() => true,
                    (None, Value::Bool(allowed)) => *allowed,
                    (None, Value::Null) => true,
                    (None, inner) => fits(root, inner, member),
                }
            });
        let items = value.as_array().into_iter().flatten();
        let items = items
            .into_iter()
            .all(|item| schema["items"].is_null() || fits(root, &schema["items"], item));
        let needed = each("required")
            .iter()
            .all(|name| value.get(name.as_str().unwrap()).is_some());
        has_type
            && matches
            && holds
            && is_word
            && members
            && items
            && (needed || !value.is_object())
    }

    fn is_of(name: &str, value: &Value) -> bool {
        match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.is_u64(),
            _ => value.is_number(),
        }
    }
}
