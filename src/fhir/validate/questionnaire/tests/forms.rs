//! Which form a response is held against, and what is said of the form itself.
//! Not the items.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::Validator;
use super::{issues, nothing, open};
use crate::fhir::definitions::{Library, build};

/// A library with forms.
fn with_forms(forms: &[Value]) -> Validator {
    let documents: BTreeMap<String, Value> = forms
        .iter()
        .enumerate()
        .map(|(at, form)| (at.to_string(), form.clone()))
        .collect();
    let (guide, problems) = build::guide(&documents, Library::built_in());
    assert!(problems.is_empty(), "{problems:?}");
    Validator::new(Library::built_in().with(vec![guide.into()]).into())
}

fn published(version: &str, kind: &str) -> Value {
    json!({"resourceType": "Questionnaire", "url": "http://example.org/f", "version": version, "status": "active",
        "item": [{"linkId": "a", "type": kind}]})
}

fn naming(canonical: &str) -> Value {
    json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": canonical,
        "item": [{"linkId": "a", "answer": [{"valueInteger": 1}]}]})
}

#[test]
fn a_canonical_finds_the_form_of_its_version_and_no_other() {
    let validator = with_forms(&[published("1", "integer"), published("2", "string")]);
    let of = |canonical: &str| validator.validate(&naming(canonical), &[]);
    assert_eq!(issues(&of("http://example.org/f|1")), nothing());
    assert_eq!(
        issues(&of("http://example.org/f|2")),
        ["answer-type item[0].answer[0].value"]
    );
    for canonical in [
        "http://example.org/f|3",
        "http://example.org/f",
        "http://example.org/g",
    ] {
        let outcome = of(canonical);
        assert_eq!(
            (issues(&outcome), open(&outcome)),
            (nothing(), vec![format!("definition {canonical}")])
        );
    }
    let one = with_forms(&[published("1", "integer")]);
    assert_eq!(
        open(&one.validate(&naming("http://example.org/f"), &[])),
        nothing()
    );
}

#[test]
fn a_form_in_the_same_bundle_is_used() {
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "resource": naming("http://example.org/f")},
        {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239521", "resource": published("1", "string")}]});
    let outcome = Validator::built_in().validate(&bundle, &[]);
    let errors: Vec<&str> = outcome.errors().map(|issue| issue.path.as_str()).collect();
    assert_eq!(errors, ["Bundle.entry[0].resource.item[0].answer[0].value"]);
}

#[test]
fn a_local_form_must_be_contained_and_a_response_without_a_form_is_free() {
    let outcome = Validator::built_in().validate(&naming("#f"), &[]);
    let errors: Vec<&str> = outcome.errors().map(|issue| issue.rule).collect();
    assert_eq!(errors, ["reference/contained"]);
    let mut free = naming("#f");
    free.as_object_mut().unwrap().shift_remove("questionnaire");
    let outcome = Validator::built_in().validate(&free, &[]);
    assert_eq!((outcome.errors().count(), open(&outcome)), (0, nothing()));
}

#[test]
fn a_form_without_all_of_its_items_is_not_held_against_a_response() {
    let sdc = |name: &str, key: &str, value: Value| json!({"url": format!("http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-{name}"), key: value});
    let canonical = "http://example.org/f";
    let open = |form: Value| open(&with_forms(&[form]).validate(&naming(canonical), &[]));
    let mut subset = published("1", "string");
    subset["meta"] = json!({"tag": [{"code": "SUBSETTED"}]});
    let mut adaptive = published("1", "string");
    adaptive["extension"] = json!([sdc("questionnaireAdaptive", "valueBoolean", json!(true))]);
    let mut modular = published("1", "display");
    modular["item"][0]["extension"] = json!([sdc(
        "subQuestionnaire",
        "valueCanonical",
        json!("http://example.org/g")
    )]);
    for form in [subset, adaptive, modular] {
        assert_eq!(open(form), [format!("definition {canonical}")]);
    }
    let mut response = naming(canonical);
    response["meta"] = json!({"tag": [{"code": "SUBSETTED"}]});
    let outcome = with_forms(&[published("1", "string")]).validate(&response, &[]);
    assert_eq!(issues(&outcome), nothing());
}

#[test]
fn responses_and_forms_of_any_shape_are_judged_without_a_panic() {
    let odd = [
        json!(null),
        json!(1),
        json!("x"),
        json!([]),
        json!({}),
        json!([1]),
        json!([{"linkId": 1}]),
        json!([{"item": {}}]),
    ];
    for form in &odd {
        for items in &odd {
            let response = json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "#f",
                "contained": [{"resourceType": "Questionnaire", "id": "f", "item": form}], "item": items});
            Validator::built_in().validate(&response, &[]);
        }
    }
}

#[test]
fn the_invariants_of_questionnaires_are_judged() {
    let broken = [
        ("que-1", json!([{"linkId": "a", "type": "group"}])),
        (
            "que-1",
            json!([{"linkId": "a", "type": "display", "item": [{"linkId": "b", "type": "string"}]}]),
        ),
        (
            "que-2",
            json!([{"linkId": "a", "type": "string"}, {"linkId": "a", "type": "string"}]),
        ),
        (
            "que-3",
            json!([{"linkId": "a", "type": "display", "code": [{"code": "x"}]}]),
        ),
        (
            "que-4",
            json!([{"linkId": "a", "type": "choice", "answerValueSet": "http://a", "answerOption": [{"valueString": "x"}]}]),
        ),
        (
            "que-5",
            json!([{"linkId": "a", "type": "boolean", "answerValueSet": "http://a"}]),
        ),
        (
            "que-6",
            json!([{"linkId": "a", "type": "display", "required": true}]),
        ),
        (
            "que-7",
            json!([{"linkId": "a", "type": "string"}, {"linkId": "b", "type": "string",
            "enableWhen": [{"question": "a", "operator": "exists", "answerString": "x"}]}]),
        ),
        (
            "que-8",
            json!([{"linkId": "a", "type": "group", "initial": [{"valueString": "x"}], "item": [{"linkId": "b", "type": "string"}]}]),
        ),
        (
            "que-9",
            json!([{"linkId": "a", "type": "display", "readOnly": true}]),
        ),
        (
            "que-10",
            json!([{"linkId": "a", "type": "date", "maxLength": 3}]),
        ),
        (
            "que-11",
            json!([{"linkId": "a", "type": "choice", "answerOption": [{"valueString": "x"}], "initial": [{"valueString": "x"}]}]),
        ),
        (
            "que-12",
            json!([{"linkId": "a", "type": "string"}, {"linkId": "b", "type": "string", "enableWhen": [
            {"question": "a", "operator": "=", "answerString": "x"}, {"question": "a", "operator": "=", "answerString": "y"}]}]),
        ),
        (
            "que-13",
            json!([{"linkId": "a", "type": "string", "repeats": false, "initial": [{"valueString": "x"}, {"valueString": "y"}]}]),
        ),
    ];
    for (key, items) in broken {
        let form = json!({"resourceType": "Questionnaire", "status": "active", "name": "A", "item": items});
        let outcome = Validator::built_in().validate(&form, &[]);
        let keys: Vec<&str> = outcome
            .errors()
            .filter_map(|issue| issue.key.as_deref())
            .collect();
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
}
