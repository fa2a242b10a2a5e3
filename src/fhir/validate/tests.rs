//! What the validator finds and what it lets pass, on small resources of our own.

use serde_json::{Value, json};

use super::rule::RULES;
use super::validate;

/// Rule and path of each issue; also holds every test to the list of rules.
fn issues(resource: &Value) -> Vec<(&'static str, String)> {
    validate(resource)
        .into_iter()
        .map(|issue| {
            assert!(
                RULES.iter().any(|(rule, _)| *rule == issue.rule),
                "{}",
                issue.rule
            );
            (issue.rule, issue.path)
        })
        .collect()
}

/// Asserts that there is exactly this one issue.
fn one(resource: &Value, rule: &str, path: &str) {
    assert_eq!(issues(resource), [(rule, path.to_owned())], "{resource}");
}

fn passes(resource: &Value) {
    assert_eq!(issues(resource), [], "{resource}");
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"versionId": "1", "lastUpdated": "2024-02-29T12:00:00.000Z", "tag": [{"system": "http://a", "code": "b"}]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"},
        "contained": [{"resourceType": "Organization", "id": "o1", "name": "A"}],
        "extension": [{"url": "http://example.org/e", "valueQuantity": {"value": 1.50, "unit": "m"}}],
        "identifier": [{"use": "official", "system": "urn:oid:1.2.3", "value": "1"}],
        "active": true,
        "name": [{"family": "A", "given": ["B", "C"], "_given": [null, {"id": "g"}]}],
        "telecom": [{"system": "phone", "value": "1", "rank": 1}],
        "gender": "female",
        "_gender": {"id": "x"},
        "birthDate": "1974-12-25",
        "_birthDate": {"extension": [{"url": "http://example.org/t", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
        "deceasedBoolean": false,
        "maritalStatus": {"coding": [{"system": "http://a", "code": "M"}], "text": "a"},
        "multipleBirthInteger": 2,
        "contact": [{"relationship": [{"text": "a"}], "name": {"family": "D"}, "gender": "male"}],
        "communication": [{"language": {"text": "de"}, "preferred": true}],
        "generalPractitioner": [{"reference": "Practitioner/1"}],
        "managingOrganization": {"reference": "#o1"},
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}]
    })
}

fn observation() -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "http://example.org/fhir/Patient/1"},
        "effectiveDateTime": "2024-01",
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        "referenceRange": [{"low": {"value": 60.0}}],
        "component": [{"code": {"text": "a"}, "valueString": "b", "referenceRange": [{"text": "c"}]}]
    })
}

/// A copy with the value at a JSON pointer replaced or added; `null` removes the member.
fn with(mut resource: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match resource.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.shift_remove(name)),
        Value::Object(object) => drop(object.insert(name.to_owned(), value)),
        Value::Array(array) => array[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    resource
}

#[test]
fn whole_resources_pass() {
    passes(&patient());
    passes(&observation());
    passes(&json!({"resourceType": "Patient"}));
    passes(&json!({"resourceType": "Patient", "id": "a"}));
}

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

#[test]
fn hostile_depth_and_number_have_limits() {
    let mut item = json!({"linkId": "1", "type": "group"});
    for _ in 0..200 {
        item = json!({"linkId": "1", "type": "group", "item": [item]});
    }
    let questionnaire = json!({"resourceType": "Questionnaire", "status": "draft", "item": [item]});
    let found = issues(&questionnaire);
    assert_eq!((found.len(), found[0].0), (1, "structure/depth"));

    let many: Vec<Value> = (0..5000).map(|_| json!({})).collect();
    let found = issues(&json!({"resourceType": "Patient", "name": many}));
    assert_eq!(found.len(), 1000);
    assert_eq!(found.last().unwrap().0, "validation/limit");
}

#[test]
fn messages_hold_no_values() {
    let secret = "Mustermann 1974";
    let patient = json!({"resourceType": "Patient", "gender": secret, "birthDate": secret, "id": secret,
        "name": secret, "active": secret, secret: secret, "telecom": [secret], "text": {"status": secret, "div": secret},
        "managingOrganization": {"reference": secret}});
    let found = validate(&patient);
    assert!(found.len() >= 9, "{found:?}");
    for issue in found {
        assert!(
            !issue.message.contains("Muster") && !issue.path.contains("Muster"),
            "{issue:?}"
        );
    }
}

/// Every place of the sample resources, damaged in every way that its shape allows, is found.
#[test]
fn systematic_mutations_are_all_found() {
    for resource in [patient(), observation()] {
        let mut pointers = Vec::new();
        collect(&resource, String::new(), &mut pointers);
        let mut count = 0;
        for pointer in pointers {
            let original = resource.pointer(&pointer).unwrap();
            for mutated in mutations(original) {
                let mut copy = resource.clone();
                *copy.pointer_mut(&pointer).unwrap() = mutated.clone();
                assert_ne!(issues(&copy), [], "{pointer}: {original} became {mutated}");
                count += 1;
            }
        }
        assert!(count > 60, "{count} mutations");
    }
}

/// JSON pointers of all values below the root.
fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    let mut visit = |name: String, child: &Value| {
        let pointer = format!("{pointer}/{name}");
        pointers.push(pointer.clone());
        collect(child, pointer, pointers);
    };
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(key, child)| visit(key.clone(), child)),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .filter(|(_, child)| !child.is_null())
            .for_each(|(index, child)| visit(index.to_string(), child)),
        _ => {}
    }
}

fn mutations(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(object) => {
            let mut grown = object.clone();
            grown.insert("unknownElement".to_owned(), json!("x"));
            vec![json!({}), json!([value]), json!("x"), Value::Object(grown)]
        }
        Value::Array(array) => vec![json!([]), array[0].clone(), json!([[array[0]]])],
        Value::String(_) => vec![
            json!(""),
            json!([value]),
            json!({"a": value}),
            json!(1),
            json!("\u{1}"),
        ],
        Value::Number(_) => vec![json!(value.to_string()), json!([value]), json!(true)],
        _ => vec![json!("true"), json!([value]), json!(1)],
    }
}
