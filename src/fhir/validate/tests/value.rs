//! Primitive formats, required bindings and the form of references. Not structure.

use serde_json::{Value, json};

use super::{observation, one, passes, patient, with};

#[test]
fn primitive_formats_are_judged() {
    for (pointer, value, path) in [
        ("/birthDate", json!("1974-02-30"), "Patient.birthDate"),
        ("/birthDate", json!("25.12.1974"), "Patient.birthDate"),
        ("/id", json!("a_b"), "Patient.id"),
        ("/contained/0/id", json!("a b"), "Patient.contained[0].id"),
        (
            "/meta/lastUpdated",
            json!("2024-02-29"),
            "Patient.meta.lastUpdated",
        ),
        (
            "/identifier/0/system",
            json!("a b"),
            "Patient.identifier[0].system",
        ),
        ("/telecom/0/rank", json!(0), "Patient.telecom[0].rank"),
        (
            "/name/0/given/1",
            json!("a\u{1}"),
            "Patient.name[0].given[1]",
        ),
        (
            "/extension/0/valueQuantity/code",
            json!(" m"),
            "Patient.extension[0].value.code",
        ),
    ] {
        one(&with(patient(), pointer, value), "primitive/format", path);
    }
    one(
        &with(patient(), "/text/div", json!("a")),
        "narrative/div",
        "Patient.text.div",
    );
    one(
        &with(
            observation(),
            "/effectiveDateTime",
            json!("2024-01-01T10:00:00"),
        ),
        "primitive/format",
        "Observation.effective",
    );
}

#[test]
fn required_bindings_are_judged_and_others_are_not() {
    one(
        &with(patient(), "/gender", json!("Female")),
        "binding/required",
        "Patient.gender",
    );
    one(
        &with(observation(), "/status", json!("done")),
        "binding/required",
        "Observation.status",
    );
    passes(&with(
        patient(),
        "/maritalStatus/coding/0/code",
        json!("other"),
    ));
    let allergy = |status: Value| json!({"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}, "clinicalStatus": status});
    let system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    passes(&allergy(
        json!({"coding": [{"system": system, "code": "active"}]}),
    ));
    passes(&allergy(
        json!({"coding": [{"system": "http://local", "code": "1"}, {"system": system, "code": "active"}]}),
    ));
    passes(&allergy(
        json!({"extension": [{"url": "http://a", "valueCode": "unknown"}]}),
    ));
    for wrong in [
        json!({"coding": [{"system": system, "code": "Active"}]}),
        json!({"coding": [{"system": "http://local", "code": "active"}]}),
        json!({"text": "active"}),
    ] {
        one(
            &allergy(wrong),
            "binding/required",
            "AllergyIntolerance.clinicalStatus",
        );
    }
    // Media types cannot be enumerated.
    passes(&json!({"resourceType": "Binary", "contentType": "application/x-anything"}));
}

#[test]
fn references_have_a_form_of_r4() {
    passes(&with(
        patient(),
        "/generalPractitioner/0/reference",
        json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
    ));
    for wrong in ["1", "practitioner/1", "/Practitioner/1"] {
        one(
            &with(patient(), "/generalPractitioner/0/reference", json!(wrong)),
            "reference/shape",
            "Patient.generalPractitioner[0].reference",
        );
    }
}
