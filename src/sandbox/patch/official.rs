//! The official cases for FHIRPath Patch and JSON Patch (`patch/` of FHIR/fhir-test-cases), read from the folder that
//! `ROUNDS_SHARED` names. Without the folder they are skipped. What the sandbox refuses because the result would be
//! no valid resource is not the point of these cases: they are applied without that last step.

use std::path::PathBuf;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::super::tests::server;
use super::{Patch, fhirpath};
use crate::fhir::xml;

/// FHIRPath Patch cases of 33 that pass.
const FHIRPATH_FLOOR: usize = 33;

fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("ROUNDS_SHARED");
    if shared.is_none() {
        println!("skipped: ROUNDS_SHARED does not name the folder with the official cases");
    }
    Some(PathBuf::from(shared?).join("fhir-test-cases/patch"))
}

#[derive(Default)]
struct Case {
    name: String,
    input: String,
    diff: String,
    /// Absent if the patch must fail.
    output: Option<String>,
}

/// The cases, with the XML of each of their resources.
fn cases(text: &str) -> Vec<Case> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut cases, mut case) = (Vec::new(), Case::default());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => match tag.name().as_ref() {
                b"case" => {
                    let name = tag.try_get_attribute("name").unwrap().unwrap();
                    case.name = String::from_utf8(name.value.into_owned()).unwrap();
                }
                name @ (b"input" | b"diff" | b"output") => {
                    let span = reader.read_to_end(tag.name()).unwrap();
                    let span =
                        usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap();
                    let inner = text[span].trim().to_owned();
                    match name {
                        b"input" => case.input = inner,
                        b"diff" => case.diff = inner,
                        _ => case.output = Some(inner),
                    }
                }
                _ => {}
            },
            Event::End(tag) if tag.name().as_ref() == b"case" => {
                cases.push(std::mem::take(&mut case));
            }
            Event::Eof => return cases,
            _ => {}
        }
    }
}

/// `None` if the case passes, else what happened.
fn failure(case: &Case) -> Option<String> {
    let read = |text: &str| xml::read(text.as_bytes()).map_err(|error| error.to_string());
    let outcome = || -> Result<Value, String> {
        let mut resource = read(&case.input)?;
        let refused = |refusal: super::Refusal| format!("{:?}", refusal.issues);
        let Patch::FhirPath(operations) =
            Patch::of_parameters(&read(&case.diff)?).map_err(refused)?
        else {
            return Err("not a FHIRPath Patch".to_owned());
        };
        let server = server();
        for operation in &operations {
            fhirpath::apply(&server, &mut resource, operation).map_err(refused)?;
        }
        Ok(resource)
    };
    match (outcome(), &case.output) {
        (Err(_), None) => None,
        (Err(error), Some(_)) => Some(error),
        (Ok(found), None) => Some(format!("no error but {found}")),
        (Ok(found), Some(expected)) => {
            let expected = xml::read(expected.as_bytes()).unwrap();
            (in_words(&found) != in_words(&expected))
                .then(|| format!("{found} in place of {expected}"))
        }
    }
}

/// A resource with the words of its narrative: quotes and entities may be spelled in several ways.
fn in_words(resource: &Value) -> Value {
    let mut copy = resource.clone();
    if let Some(div) = copy.pointer_mut("/text/div") {
        *div = xml::narrative_text(div.as_str().unwrap()).into();
    }
    copy
}

#[test]
fn the_official_fhirpath_patch_cases_pass_as_far_as_they_ever_did() {
    let Some(folder) = folder() else { return };
    let cases = cases(&std::fs::read_to_string(folder.join("fhir-patch-tests.xml")).unwrap());
    let mut passed = 0;
    for case in &cases {
        match failure(case) {
            None => passed += 1,
            Some(reason) => println!("{}: {reason}", case.name),
        }
    }
    println!(
        "official FHIRPath Patch cases: {passed} of {} passed",
        cases.len()
    );
    assert!(passed >= FHIRPATH_FLOOR, "{passed} of {}", cases.len());
}

#[test]
fn the_official_json_patch_cases_pass() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read(folder.join("json-patch-tests.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let mut failed = Vec::new();
    for case in &cases {
        let mut document = case["doc"].clone();
        let applied = Patch::of_json(case["patch"].clone()).is_ok_and(|patch| match patch {
            Patch::Json(patch) => json_patch::patch(&mut document, &patch.0).is_ok(),
            Patch::FhirPath(_) => false,
        });
        let passed = match case.get("expected") {
            Some(expected) => applied && document == *expected,
            None => !applied,
        };
        if !passed {
            failed.push(case["comment"].to_string());
        }
    }
    println!(
        "official JSON Patch cases: {} of {} passed",
        cases.len() - failed.len(),
        cases.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
