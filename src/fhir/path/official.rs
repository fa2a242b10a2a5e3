//! The official FHIRPath suite for R4 (`fhirpath/tests-fhir-r4.xml` of FHIR/fhir-test-cases), read from the folder
//! that `ROUNDS_SHARED` names. Inputs are the JSON files beside the XML ones. Without the folder it is skipped.

use std::collections::BTreeMap;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Value, json};

use super::{Computed, Environment, Focus, Item, Plan};
use crate::fhir::validate;

/// Cases that pass with their values and types, of 935. A case that must fail passes only with an error.
///
/// The rest: `children().skip(1)` is no error here though children have no order; 0.1 's' added to a dateTime counts,
/// as the specification says; boundaries of decimals go outwards in every case, and the boundary of an hour has the
/// last minute of it; quantities of other units are not multiplied.
const FLOOR: usize = 926;

/// Knows the base definitions of R4 as profiles.
struct BaseDefinitions;

impl Environment for BaseDefinitions {
    fn conforms_to(&self, item: &Item<'_>, profile: &str) -> Option<bool> {
        let name = profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/")?;
        if !crate::fhir::definitions::is_resource_type(name) {
            return None;
        }
        let resource = item.to_json();
        Some(resource["resourceType"] == name && validate::validate(&resource).is_empty())
    }

    fn now(&self) -> Option<jiff::Timestamp> {
        "2026-11-20T10:11:12.345Z".parse().ok()
    }
}

#[derive(Debug, Default, Clone)]
struct Case {
    name: String,
    input: String,
    predicate: bool,
    invalid: bool,
    expression: String,
    /// Type, if written, and text.
    outputs: Vec<(Option<String>, String)>,
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).unwrap()?;
    let raw = std::str::from_utf8(&found.value).unwrap().to_owned();
    Some(
        raw.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

fn cases(xml: &str) -> Vec<Case> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut cases, mut case, mut text) = (Vec::new(), Case::default(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                text.clear();
                match element.name().as_ref() {
                    b"test" => {
                        case = Case {
                            name: attribute(&element, "name").unwrap(),
                            input: attribute(&element, "inputfile").unwrap_or_default(),
                            predicate: attribute(&element, "predicate").as_deref() == Some("true"),
                            ..Case::default()
                        }
                    }
                    b"expression" => case.invalid = attribute(&element, "invalid").is_some(),
                    b"output" => case
                        .outputs
                        .push((attribute(&element, "type"), String::new())),
                    _ => {}
                }
            }
            Event::End(element) => match element.name().as_ref() {
                b"test" => cases.push(std::mem::take(&mut case)),
                b"expression" => case.expression = std::mem::take(&mut text),
                b"output" => case.outputs.last_mut().unwrap().1 = std::mem::take(&mut text),
                _ => {}
            },
            Event::Text(piece) => text.push_str(std::str::from_utf8(&piece).unwrap()),
            Event::GeneralRef(name) => text.push_str(match &*name {
                b"lt" => "<",
                b"gt" => ">",
                b"amp" => "&",
                b"quot" => "\"",
                b"apos" => "'",
                other => panic!("entity {other:?}"),
            }),
            Event::Eof => return cases,
            _ => {}
        }
    }
}

/// Type and text of an item as the suite writes them.
fn written(item: &Item<'_>) -> (String, String) {
    let computed = match item {
        Item::Node { type_name, .. } => {
            let text = match item.to_json() {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return ((*type_name).to_owned(), text);
        }
        Item::Computed(computed) => computed,
    };
    let (name, text) = match computed {
        Computed::Boolean(boolean) => ("boolean", boolean.to_string()),
        Computed::Integer(integer) => ("integer", integer.to_string()),
        Computed::Decimal(decimal) => ("decimal", decimal.text().to_owned()),
        Computed::String(text) => ("string", text.clone()),
        Computed::Date(text) => ("date", text.clone()),
        Computed::DateTime(text) => ("dateTime", text.clone()),
        Computed::Time(text) => ("time", format!("T{text}")),
        Computed::Quantity { value, unit } => ("Quantity", format!("{} '{unit}'", value.text())),
    };
    (name.to_owned(), text)
}

/// `None` if the case passes, else what happened.
fn failure(case: &Case, input: &Value) -> Option<String> {
    let focus = Focus::resource(input);
    let resource_type = input["resourceType"].as_str().unwrap();
    let outcome = Plan::compile_for(resource_type, &case.expression).and_then(|plan| {
        if case.predicate {
            let truth = plan.truth(&focus, &BaseDefinitions)?.unwrap_or(false);
            return Ok(vec![("boolean".to_owned(), truth.to_string())]);
        }
        let items = plan.evaluate(&focus, &BaseDefinitions)?;
        Ok(items.iter().map(written).collect())
    });
    let found = match outcome {
        Err(_) if case.invalid => return None,
        Err(error) => return Some(error.to_string()),
        Ok(found) if case.invalid => return Some(format!("no error but {found:?}")),
        Ok(found) => found,
    };
    let same = found.len() == case.outputs.len()
        && found
            .iter()
            .zip(&case.outputs)
            .all(|((name, text), (expected_name, expected))| {
                let expected = expected.strip_prefix('@').unwrap_or(expected);
                text == expected
                    && expected_name
                        .as_ref()
                        .is_none_or(|expected| expected == name)
            });
    (!same).then(|| format!("found {found:?}"))
}

#[test]
fn the_official_suite_passes_as_far_as_it_ever_did() {
    let Some(shared) = std::env::var_os("ROUNDS_SHARED") else {
        println!("skipped: ROUNDS_SHARED does not name the folder with the official suite");
        return;
    };
    let folder = Path::new(&shared).join("fhir-test-cases/fhirpath");
    let cases = cases(&std::fs::read_to_string(folder.join("tests-fhir-r4.xml")).unwrap());
    let mut inputs: BTreeMap<String, Value> = BTreeMap::new();
    inputs.insert(String::new(), json!({"resourceType": "Basic"}));
    let mut passed = 0;
    for case in &cases {
        let input = inputs.entry(case.input.clone()).or_insert_with(|| {
            let path = folder
                .join("input")
                .join(&case.input)
                .with_extension("json");
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        });
        match failure(case, input) {
            None => passed += 1,
            Some(reason) => println!(
                "{}: {} -> {reason}; expected {:?}",
                case.name,
                case.expression.trim(),
                case.outputs
            ),
        }
    }
    println!(
        "official FHIRPath suite: {passed} of {} passed",
        cases.len()
    );
    assert!(passed >= FLOOR, "{passed} of {}", cases.len());
}
