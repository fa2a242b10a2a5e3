//! Systematic damage to the examples of US Core 6.1.0: what was changed on purpose must be found. Data from the folder
//! that `ROUNDS_SHARED` names; without it skipped.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::outside::{resources, shared};
use super::{Outcome, Validator};
use crate::fhir::definitions::{Library, required_elements};

/// Kind, pointer and what becomes of the value; `None` removes it.
type Mutation = (&'static str, String, Option<Value>);

/// JSON pointers of all values below the root, contained resources and texts left out.
fn collect(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let mut visit = |name: String, child: &Value| {
        let pointer = format!("{pointer}/{name}");
        collect(child, &pointer, found);
        found.push(pointer);
    };
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| {
                !matches!(key.as_str(), "text" | "contained" | "resourceType" | "meta")
            })
            .for_each(|(key, child)| visit(key.clone(), child)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter(|(_, child)| !child.is_null())
            .for_each(|(index, child)| visit(index.to_string(), child)),
        _ => {}
    }
}

/// Members at the top that R4 or a profile that the resource claims requires.
fn demanded(resource: &Value) -> Vec<String> {
    let resource_type = resource["resourceType"].as_str().unwrap();
    let mut names: Vec<String> = required_elements(resource_type)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let claimed = resource["meta"]["profile"].as_array();
    for canonical in claimed.into_iter().flatten().filter_map(Value::as_str) {
        if let Some(profile) = Library::built_in().profile(canonical) {
            let children = profile.root.children.iter();
            let required = children.filter(|child| child.min.is_some_and(|min| min > 0));
            names.extend(required.map(|child| child.name.clone()));
        }
    }
    names.sort();
    names.dedup();
    names.retain(|name| resource.get(name).is_some());
    names
}

fn mutations(resource: &Value) -> Vec<Mutation> {
    let mut pointers = Vec::new();
    collect(resource, "", &mut pointers);
    let mut mutations: Vec<Mutation> = vec![("id", "/id".to_owned(), Some(json!("not_an_id")))];
    for name in demanded(resource) {
        mutations.push(("cardinality", format!("/{name}"), None));
    }
    for pointer in pointers {
        let value = resource.pointer(&pointer).unwrap();
        let name = pointer.rsplit('/').next().unwrap();
        let mut add = |kind, value| mutations.push((kind, pointer.clone(), value));
        match value {
            Value::Object(object) => {
                let mut grown = object.clone();
                grown.insert("unknownElement".to_owned(), json!("x"));
                add("structure", Some(Value::Object(grown)));
                add("structure", Some(json!("x")));
            }
            Value::Array(_) => add("structure", Some(json!([]))),
            Value::String(text) => {
                add("structure", Some(json!("")));
                let bytes = text.as_bytes();
                if bytes.len() >= 10
                    && bytes[4] == b'-'
                    && bytes[7] == b'-'
                    && bytes[0].is_ascii_digit()
                {
                    add("date", Some(json!(format!("{}-02-30", &text[..4]))));
                }
                if pointer == "/status" || pointer == "/gender" {
                    add("binding", Some(json!("no-such-code")));
                }
                let is_typed = matches!(
                    pointer.as_str(),
                    "/subject/reference" | "/patient/reference" | "/encounter/reference"
                );
                if name == "reference" && is_typed {
                    add("reference", Some(json!("ValueSet/a")));
                }
            }
            _ => add("structure", Some(json!([value]))),
        }
    }
    mutations
}

fn errors(outcome: &Outcome) -> usize {
    outcome.errors().count()
}

#[test]
fn damaged_examples_of_us_core_are_all_found() {
    let Some(shared) = shared("US Core mutations") else {
        return;
    };
    let validator = Validator::built_in().without_invariants();
    let (mut counts, mut missed) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let package = shared.join("packages/hl7.fhir.us.core-6.1.0.tgz");
    for (name, resource) in resources(&package) {
        let is_example = name.contains("/example/") && resource["resourceType"] != "Bundle";
        let before = errors(&validator.validate(&resource, &[]));
        if !is_example || before > 0 {
            continue;
        }
        for (kind, pointer, value) in mutations(&resource) {
            let mut copy = resource.clone();
            match value {
                Some(value) => match copy.pointer_mut(&pointer) {
                    Some(place) => *place = value,
                    None => continue,
                },
                None => {
                    // An extension beside a primitive would say in its place why it has no value.
                    let members = copy.as_object_mut().unwrap();
                    members.shift_remove(&pointer[1..]);
                    members.shift_remove(&format!("_{}", &pointer[1..]));
                }
            }
            *counts.entry(kind).or_default() += 1;
            if errors(&validator.validate(&copy, &[])) == 0 {
                missed.push(format!("{name} {kind} {pointer}"));
            }
        }
    }
    println!("{counts:?}, {} missed", missed.len());
    assert_eq!(counts.len(), 6, "{counts:?}");
    missed.truncate(40);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
