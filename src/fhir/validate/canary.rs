//! Canaries: for each family of rules a resource that must raise it, and one that must not. A validator that finds
//! nothing would look like a server without faults. Not a test of the rules: one known fault each.

use serde_json::{Value, json};

use super::{Validator, rule};

/// Rules with a resource that breaks it, and no other rule of that name in the sound ones.
fn broken() -> Vec<(&'static str, Value)> {
    let patient = |name: &str, value: Value| {
        let mut patient = json!({"resourceType": "Patient"});
        patient[name] = value;
        patient
    };
    let us_core = |mut resource: Value, profile: &str| {
        resource["meta"] = json!({"profile": [format!("http://hl7.org/fhir/us/core/StructureDefinition/{profile}")]});
        resource
    };
    let profile = |element: Value| {
        json!({"resourceType": "StructureDefinition", "url": "http://a", "name": "A", "status": "draft", "kind": "resource",
            "abstract": false, "type": "Patient", "derivation": "constraint",
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "differential": {"element": [element]}})
    };
    let response = |items: Value| {
        json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "#f", "item": items,
            "contained": [{"resourceType": "Questionnaire", "id": "f", "status": "active",
                "item": [{"linkId": "a", "type": "integer", "required": true}]}]})
    };
    let race = json!([{"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [{"url": "text", "valueInteger": 1}]}]);
    let pressure = json!({"resourceType": "Observation", "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "subject": {"reference": "Patient/1"}, "effectiveDateTime": "2024-01-01"});
    let mut other_code = pressure.clone();
    other_code["code"] = json!({"coding": [{"system": "http://loinc.org", "code": "8867-4"}]});
    vec![
        (rule::RESOURCE_TYPE, json!({"resourceType": "Nothing"})),
        (rule::UNKNOWN_ELEMENT, patient("nothing", json!(1))),
        (rule::SHAPE, patient("name", json!("a"))),
        (rule::EMPTY, patient("name", json!([]))),
        (
            rule::MIN,
            json!({"resourceType": "Observation", "status": "final"}),
        ),
        (rule::FORMAT, patient("birthDate", json!("1974-02-30"))),
        (rule::BINDING, patient("gender", json!("Female"))),
        (
            rule::EXTENSIBLE,
            patient(
                "maritalStatus",
                json!({"coding": [{"system": "http://a", "code": "b"}]}),
            ),
        ),
        (
            rule::REFERENCE,
            patient("managingOrganization", json!({"reference": "1"})),
        ),
        (
            rule::TARGET,
            patient("managingOrganization", json!({"reference": "Patient/1"})),
        ),
        (
            rule::UNRESOLVED,
            patient("managingOrganization", json!({"reference": "#a"})),
        ),
        (
            rule::UNREFERENCED,
            patient(
                "contained",
                json!([{"resourceType": "Organization", "id": "a", "name": "b"}]),
            ),
        ),
        (
            rule::EXTENSION,
            patient("extension", json!([{"url": "http://a"}])),
        ),
        (
            rule::EXTENSION_CONTEXT,
            patient(
                "name",
                json!([{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "2024"}]}]),
            ),
        ),
        (
            rule::XHTML,
            patient(
                "text",
                json!({"status": "generated", "div": "<div><script>a</script></div>"}),
            ),
        ),
        (
            rule::INVARIANT,
            patient("contact", json!([{"gender": "male"}])),
        ),
        (
            rule::FULL_URL,
            json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "a", "resource": {"resourceType": "Patient"}}]}),
        ),
        (
            rule::SEARCH_ENTRY,
            json!({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {"resourceType": "Patient"}, "search": {"mode": "match"}}]}),
        ),
        (
            rule::CODE_SYSTEM,
            patient(
                "maritalStatus",
                json!({"coding": [{"system": "http://hl7.org/fhir/ValueSet/marital-status", "code": "M"}]}),
            ),
        ),
        (
            rule::DEFINITION_PATH,
            profile(json!({"path": "Patient.nothing"})),
        ),
        (
            rule::DISCRIMINATOR,
            profile(json!({"path": "Patient.name",
                "slicing": {"discriminator": [{"type": "value", "path": "nothing"}], "rules": "open"}})),
        ),
        (
            rule::ATTACHMENT_SIZE,
            patient(
                "photo",
                json!([{"contentType": "image/png", "data": "YWJj", "size": 4}]),
            ),
        ),
        (
            rule::LINK_ID,
            response(json!([{"linkId": "b", "answer": [{"valueInteger": 1}]}])),
        ),
        (rule::ITEM_REQUIRED, response(json!([]))),
        (
            rule::ANSWER_TYPE,
            response(json!([{"linkId": "a", "answer": [{"valueString": "b"}]}])),
        ),
        (
            rule::PROFILE_MIN,
            us_core(patient("active", json!(true)), "us-core-patient"),
        ),
        (rule::PROFILE_TYPE, patient("extension", race)),
        (rule::SLICE_MIN, us_core(pressure, "us-core-blood-pressure")),
        (
            rule::PROFILE_PATTERN,
            us_core(other_code, "us-core-blood-pressure"),
        ),
    ]
}

/// Resources without an error.
fn sound() -> Vec<Value> {
    vec![
        json!({"resourceType": "Patient", "id": "a", "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]},
            "identifier": [{"system": "http://a", "value": "1"}], "name": [{"family": "A"}], "gender": "female",
            "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a</p></div>"}}),
        json!({"resourceType": "Observation", "status": "final", "code": {"text": "a"}, "valueString": "b"}),
        json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "#f",
            "item": [{"linkId": "a", "answer": [{"valueInteger": 1}]}],
            "contained": [{"resourceType": "Questionnaire", "id": "f", "status": "active",
                "item": [{"linkId": "a", "type": "integer", "required": true},
                    {"linkId": "b", "type": "string", "required": true,
                        "enableWhen": [{"question": "a", "operator": "=", "answerInteger": 2}]}]}]}),
    ]
}

/// The rules whose canary is silent, and `validation/sound` if a sound resource raises an error. Empty is what a run
/// may start with.
pub fn canaries() -> Vec<&'static str> {
    let validator = Validator::built_in();
    let mut failed: Vec<&'static str> = broken()
        .into_iter()
        .filter(|(rule, resource)| {
            let outcome = validator.validate(resource, &[]);
            !outcome.issues.iter().any(|issue| issue.rule == *rule)
        })
        .map(|(rule, _)| rule)
        .collect();
    let is_sound = |resource: &Value| !validator.validate(resource, &[]).is_broken();
    if !sound().iter().all(is_sound) {
        failed.push("validation/sound");
    }
    failed
}
