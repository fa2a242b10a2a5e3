//! What profiles and guides of our own demand: limits with units, more bindings, slices by type, profiles for all
//! resources of a type. Not the profiles of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{Validator, rule};
use crate::fhir::definitions::{Library, build};

const PROFILE: &str = "http://example.org/StructureDefinition/tested";

fn profile(type_name: &str, elements: Value) -> Value {
    json!({"resourceType": "StructureDefinition", "url": PROFILE, "name": "Tested", "status": "draft", "kind": "resource",
        "abstract": false, "fhirVersion": "4.0.1", "type": type_name, "derivation": "constraint",
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{type_name}"), "differential": {"element": elements}})
}

fn validator(documents: &[Value]) -> Validator {
    let named = documents.iter().enumerate();
    let named: BTreeMap<String, Value> = named
        .map(|(index, document)| (format!("{index}.json"), document.clone()))
        .collect();
    let (guide, problems) = build::guide(&named, Library::built_in());
    assert!(problems.is_empty(), "{problems:?}");
    Validator::new(Arc::new(Library::built_in().with(vec![Arc::new(guide)])))
}

/// Rules of the errors against a profile that is asked for.
fn errors(documents: &[Value], resource: &Value) -> Vec<&'static str> {
    let outcome = validator(documents).validate(resource, &[PROFILE]);
    outcome.errors().map(|issue| issue.rule).collect()
}

#[test]
fn a_limit_in_another_unit_is_a_limit() {
    let limit = json!({"value": 10, "system": "http://unitsofmeasure.org", "code": "kg"});
    let element = json!([{"path": "Observation.valueQuantity", "maxValueQuantity": limit}]);
    let documents = [profile("Observation", element)];
    let weight = |value: u32| {
        json!({"resourceType": "Observation", "status": "final", "code": {"text": "a"},
            "valueQuantity": {"value": value, "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}})
    };
    assert_eq!(errors(&documents, &weight(9_999)), [] as [&str; 0]);
    assert_eq!(errors(&documents, &weight(10_001)), [rule::PROFILE_RANGE]);
}

#[test]
fn a_binding_in_addition_binds() {
    let value_set = json!({"resourceType": "ValueSet", "url": "http://example.org/ValueSet/a", "status": "draft",
        "compose": {"include": [{"system": "http://example.org/a", "concept": [{"code": "1"}]}]}});
    let binding = |extension: Value| json!({"strength": "example", "extension": [extension]});
    let additional = json!({"url": "http://hl7.org/fhir/tools/StructureDefinition/additional-binding", "extension": [
        {"url": "purpose", "valueCode": "required"}, {"url": "valueSet", "valueCanonical": "http://example.org/ValueSet/a"}]});
    let greatest = json!({"url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
        "valueCanonical": "http://example.org/ValueSet/a"});
    let mut limited = additional.clone();
    limited["extension"]
        .as_array_mut()
        .unwrap()
        .push(json!({"url": "usage", "valueUsageContext": {}}));
    let judge = |extension: Value, code: &str| {
        let element = json!([{"path": "Patient.maritalStatus", "binding": binding(extension)}]);
        let coding = json!({"system": "http://example.org/a", "code": code});
        let patient = json!({"resourceType": "Patient", "maritalStatus": {"coding": [coding]}});
        errors(&[value_set.clone(), profile("Patient", element)], &patient)
    };
    for extension in [additional, greatest] {
        assert_eq!(judge(extension.clone(), "1"), [] as [&str; 0]);
        assert_eq!(judge(extension, "2"), [rule::BINDING]);
    }
    assert_eq!(judge(limited, "2"), [] as [&str; 0]);
}

#[test]
fn a_slice_of_several_types_of_resources_is_counted() {
    let slicing = json!({"discriminator": [{"type": "type", "path": "resource"}], "rules": "open"});
    let types = json!([{"code": "Practitioner"}, {"code": "PractitionerRole"}]);
    let documents = [profile(
        "Bundle",
        json!([
            {"id": "Bundle.entry", "path": "Bundle.entry", "slicing": slicing},
            {"id": "Bundle.entry:who", "path": "Bundle.entry", "sliceName": "who", "max": "1"},
            {"id": "Bundle.entry:who.resource", "path": "Bundle.entry.resource", "type": types},
        ]),
    )];
    let bundle = |types: &[&str]| {
        let entries = types.iter().enumerate().map(|(index, name)| {
            json!({"fullUrl": format!("http://example.org/{name}/{index}"),
                "resource": {"resourceType": name, "id": index.to_string(), "active": true}})
        });
        json!({"resourceType": "Bundle", "type": "collection", "entry": entries.collect::<Vec<_>>()})
    };
    let judge = |types: &[&str]| errors(&documents, &bundle(types));
    assert_eq!(
        judge(&["Patient", "PractitionerRole", "Patient"]),
        [] as [&str; 0]
    );
    assert_eq!(
        judge(&["Practitioner", "PractitionerRole"]),
        [rule::SLICE_MAX]
    );
}

#[test]
fn a_slice_is_told_by_the_slice_that_it_requires_within() {
    let component = |code: &str| {
        json!({"code": {"coding": [{"system": "http://example.org", "code": "local"}, {"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": 1, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}})
    };
    let pressure = |codes: [&str; 2]| {
        json!({"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/1"},
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}, "effectiveDateTime": "2024-02-29",
            "component": codes.map(component)})
    };
    let profile = "http://hl7.org/fhir/StructureDefinition/bp";
    let judge = |codes: [&str; 2]| Validator::built_in().validate(&pressure(codes), &[profile]);
    let sound = judge(["8480-6", "8462-4"]);
    assert!(
        !sound.is_broken() && sound.not_checked.is_empty(),
        "{sound:?}"
    );
    let broken = judge(["8480-6", "8867-4"]);
    let rules: Vec<&str> = broken.errors().map(|issue| issue.rule).collect();
    assert_eq!(rules, [rule::SLICE_MIN]);
}

#[test]
fn a_guide_can_demand_a_profile_of_all_resources_of_a_type() {
    let guide = json!({"resourceType": "ImplementationGuide", "global": [{"type": "Patient", "profile": PROFILE}]});
    let named = profile("Patient", json!([{"path": "Patient.name", "min": 1}]));
    let validator = validator(&[guide, named]);
    let judge = |resource: &Value| -> Vec<String> {
        let outcome = validator.validate(resource, &[]);
        outcome.errors().map(|issue| issue.path.clone()).collect()
    };
    let patient = json!({"resourceType": "Patient", "id": "1", "active": true});
    assert_eq!(judge(&patient), ["Patient"]);
    let bundle = json!({"resourceType": "Bundle", "type": "collection",
        "entry": [{"fullUrl": "http://example.org/Patient/1", "resource": patient}]});
    assert_eq!(judge(&bundle), ["Bundle.entry[0].resource"]);
    let observation = json!({"resourceType": "Observation", "status": "final", "code": {"text": "a"},
        "contained": [patient], "subject": {"reference": "#1"}});
    assert_eq!(judge(&observation), [] as [&str; 0]);
}

#[test]
fn a_definition_of_the_type_of_its_base_is_a_profile_whatever_it_says() {
    let mut named = profile("Patient", json!([{"path": "Patient.name", "min": 1}]));
    named["derivation"] = json!("specialization");
    let patient = json!({"resourceType": "Patient", "active": true});
    assert_eq!(errors(&[named], &patient), [rule::PROFILE_MIN]);
}

#[test]
fn a_second_link_of_one_relation_is_a_warning() {
    let link = |relation: &str| json!({"relation": relation, "url": "http://example.org/Patient"});
    let bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": [link("self"), link("next"), link("a"), link("a"), link("self")]});
    let outcome = Validator::built_in().validate(&bundle, &[]);
    assert!(!outcome.is_broken());
    let found: Vec<(&str, &str)> = outcome
        .issues
        .iter()
        .map(|issue| (issue.rule, issue.path.as_str()))
        .collect();
    assert_eq!(found, [(rule::LINK, "Bundle.link[4]")]);
}
