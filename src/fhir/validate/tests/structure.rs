//! Members, arrays, cardinalities and types, at every depth. Not the values in them.

use serde_json::{Value, json};

use super::{observation, one, passes, patient, with};

#[test]
fn a_resource_needs_a_type_of_r4() {
    for other in [
        json!({}),
        json!({"resourceType": 1}),
        json!({"resourceType": "Nothing"}),
        json!({"resourceType": "DomainResource"}),
        json!({"resourceType": "HumanName"}),
    ] {
        one(&other, "structure/resource-type", "Resource");
    }
    one(&json!([]), "structure/shape", "Resource");
    one(
        &with(patient(), "/contained/0/resourceType", json!(null)),
        "structure/resource-type",
        "Patient.contained[0]",
    );
}

#[test]
fn unknown_elements_are_found_at_every_level() {
    for (pointer, path) in [
        ("/foo", "Patient.foo"),
        ("/name/0/first", "Patient.name[0].first"),
        ("/contact/0/birthDate", "Patient.contact[0].birthDate"),
        ("/contained/0/family", "Patient.contained[0].family"),
        (
            "/extension/0/valueQuantity/foo",
            "Patient.extension[0].value.foo",
        ),
        ("/_birthDate/value", "Patient.birthDate.value"),
        ("/name/0/resourceType", "Patient.name[0].resourceType"),
        ("/_name", "Patient._name"),
        ("/extension/0/_url", "Patient.extension[0]._url"),
        ("/Ada Müller", "Patient.?"),
    ] {
        one(
            &with(patient(), pointer, json!("x")),
            "structure/unknown-element",
            path,
        );
    }
}

#[test]
fn arrays_and_single_values_are_not_interchanged() {
    for (pointer, value, path) in [
        ("/name", json!({"family": "A"}), "Patient.name"),
        ("/name/0/given", json!("B"), "Patient.name[0].given"),
        ("/birthDate", json!(["1974"]), "Patient.birthDate"),
        ("/gender", json!(["male"]), "Patient.gender"),
        (
            "/maritalStatus",
            json!([{"text": "a"}]),
            "Patient.maritalStatus",
        ),
        ("/maritalStatus", json!("a"), "Patient.maritalStatus"),
        ("/name/0", json!("A"), "Patient.name[0]"),
        ("/name/0/family", json!({"a": 1}), "Patient.name[0].family"),
        ("/active", json!("true"), "Patient.active"),
        ("/multipleBirthInteger", json!("2"), "Patient.multipleBirth"),
        ("/birthDate", json!(1974), "Patient.birthDate"),
        (
            "/extension/0/valueQuantity/value",
            json!("1.5"),
            "Patient.extension[0].value.value",
        ),
        ("/_birthDate", json!([{"id": "a"}]), "Patient.birthDate"),
        ("/_birthDate", json!("a"), "Patient.birthDate"),
        (
            "/contained",
            json!({"resourceType": "Organization"}),
            "Patient.contained",
        ),
    ] {
        one(&with(patient(), pointer, value), "structure/shape", path);
    }
}

#[test]
fn nothing_is_empty() {
    for (pointer, value, path) in [
        ("/name", json!([]), "Patient.name"),
        ("/name/0", json!({}), "Patient.name[0]"),
        ("/name/0/given/0", json!(""), "Patient.name[0].given[0]"),
        ("/gender", json!(""), "Patient.gender"),
        (
            "/maritalStatus",
            json!({"id": "a"}),
            "Patient.maritalStatus",
        ),
        ("/_birthDate", json!({}), "Patient.birthDate"),
        ("/_deceasedBoolean", json!({}), "Patient.deceased"),
    ] {
        one(&with(patient(), pointer, value), "structure/empty", path);
    }
    let lone = with(patient(), "/gender", json!(null));
    one(&lone, "structure/empty", "Patient.gender");
}

#[test]
fn null_stands_only_for_half_of_a_primitive_in_an_array() {
    passes(&json!({"resourceType": "Patient", "name": [{
        "given": [null, "B"], "_given": [{"extension": [{"url": "http://a", "valueCode": "b"}]}, null]
    }]}));
    passes(
        &json!({"resourceType": "Patient", "name": [{"_given": [{"extension": [{"url": "http://a", "valueCode": "b"}]}]}]}),
    );
    for (name, path) in [
        (json!([{"given": [null]}]), "Patient.name[0].given[0]"),
        (
            json!([{"given": ["A", null], "_given": [{"id": "a"}]}]),
            "Patient.name[0].given[1]",
        ),
        (json!([null]), "Patient.name[0]"),
        (json!([{"family": null}]), "Patient.name[0].family"),
    ] {
        one(
            &json!({"resourceType": "Patient", "name": name}),
            "structure/null",
            path,
        );
    }
}

#[test]
fn a_choice_has_one_type_that_is_allowed() {
    one(
        &with(observation(), "/valueString", json!("a")),
        "structure/choice",
        "Observation.value",
    );
    one(
        &with(
            observation(),
            "/_valueString",
            json!({"extension": [{"url": "http://a", "valueCode": "b"}]}),
        ),
        "structure/choice",
        "Observation.value",
    );
    one(
        &with(observation(), "/valueDecimal", json!(1)),
        "structure/choice",
        "Observation.valueDecimal",
    );
    one(
        &with(observation(), "/value", json!("a")),
        "structure/choice",
        "Observation.value",
    );
    passes(&with(
        observation(),
        "/_effectiveDateTime",
        json!({"id": "a"}),
    ));
}

#[test]
fn required_elements_are_missed() {
    for (pointer, path) in [
        ("/status", "Observation"),
        ("/code", "Observation"),
        ("/component/0/code", "Observation.component[0]"),
    ] {
        one(
            &with(observation(), pointer, json!(null)),
            "cardinality/min",
            path,
        );
    }
    one(
        &with(patient(), "/extension/0/url", json!(null)),
        "cardinality/min",
        "Patient.extension[0]",
    );
    one(
        &with(patient(), "/text/div", json!(null)),
        "cardinality/min",
        "Patient.text",
    );
    let absent = json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]});
    passes(&with(
        with(observation(), "/status", json!(null)),
        "/_status",
        absent,
    ));
    one(
        &json!({"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "a"}}),
        "cardinality/min",
        "MedicationRequest",
    );
}

#[test]
fn a_simple_quantity_has_no_comparator() {
    passes(&with(
        observation(),
        "/valueQuantity/comparator",
        json!("<"),
    ));
    one(
        &with(
            observation(),
            "/referenceRange/0/low/comparator",
            json!("<"),
        ),
        "cardinality/max",
        "Observation.referenceRange[0].low.comparator",
    );
}

#[test]
fn resources_in_bundles_and_parameters_are_validated() {
    let bundle = |resource: Value| {
        json!({"resourceType": "Bundle", "type": "searchset", "total": 1, "link": [{"relation": "self", "url": "http://a"}],
            "entry": [{"fullUrl": "http://a/Patient/1", "link": [{"relation": "a", "url": "http://b"}], "resource": resource, "search": {"mode": "match"}}]})
    };
    passes(&bundle(patient()));
    one(
        &bundle(with(patient(), "/gender", json!("x"))),
        "binding/required",
        "Bundle.entry[0].resource.gender",
    );
    one(
        &bundle(json!("a")),
        "structure/shape",
        "Bundle.entry[0].resource",
    );
    let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "a", "part": [{"name": "b", "resource": with(observation(), "/code", json!(null))}]}]});
    one(
        &parameters,
        "cardinality/min",
        "Parameters.parameter[0].part[0].resource",
    );
}

#[test]
fn definitions_by_reference_reach_to_any_depth() {
    let mut item = json!({"linkId": "9", "type": "string", "foo": 1});
    let mut path = ".foo".to_owned();
    for _ in 0..9 {
        item = json!({"linkId": "1", "type": "group", "item": [item]});
        path = format!(".item[0]{path}");
    }
    let questionnaire = json!({"resourceType": "Questionnaire", "status": "draft", "item": [item]});
    one(
        &questionnaire,
        "structure/unknown-element",
        &format!("Questionnaire.item[0]{path}"),
    );
}
