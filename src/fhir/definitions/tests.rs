//! Facts of R4 that the compiled tables must hold.

use super::*;

#[test]
fn the_resource_types_are_those_of_r4() {
    assert_eq!(resource_types().len(), 146);
    assert!(resource_types().is_sorted());
    assert!(is_resource_type("Patient") && is_resource_type("VisionPrescription"));
    for other in [
        "Resource",
        "DomainResource",
        "HumanName",
        "SubscriptionStatus",
        "patient",
        "",
    ] {
        assert!(!is_resource_type(other), "{other}");
    }
}

#[test]
fn children_have_the_types_that_fhirpath_sees() {
    assert_eq!(child_types("Patient", "name"), ["HumanName"]);
    assert_eq!(child_types("Patient", "id"), ["id"]);
    assert_eq!(child_types("Coding", "id"), ["string"]);
    assert_eq!(child_types("Extension", "url"), ["uri"]);
    assert_eq!(child_types("Patient", "contact"), ["Patient.contact"]);
    assert_eq!(child_types("Patient.contact", "gender"), ["code"]);
    assert_eq!(child_types("Patient", "deceased"), ["boolean", "dateTime"]);
    assert_eq!(child_types("Observation", "value").len(), 11);
    assert_eq!(child_types("Timing", "repeat"), ["Timing.repeat"]);
    assert_eq!(
        child_types("Questionnaire.item", "item"),
        ["Questionnaire.item"]
    );
    assert_eq!(child_types("Bundle.entry", "resource"), ["Resource"]);
    assert_eq!(
        child_types("Bundle.entry.response", "outcome"),
        ["Resource"]
    );
    assert_eq!(
        child_types("Observation.referenceRange", "low"),
        ["Quantity"]
    );
    assert_eq!(child_types("string", "extension"), ["Extension"]);
    for (parent, element) in [
        ("Patient", "valueQuantity"),
        ("Nothing", "id"),
        ("Observation", "valueQuantity"),
    ] {
        assert!(
            child_types(parent, element).is_empty(),
            "{parent}.{element}"
        );
    }
}

#[test]
fn subtypes_follow_the_chain_of_bases() {
    for (name, ancestor) in [
        ("Age", "Quantity"),
        ("SimpleQuantity", "Quantity"),
        ("Patient", "DomainResource"),
        ("Patient", "Resource"),
        ("Bundle", "Resource"),
        ("markdown", "string"),
        ("positiveInt", "integer"),
        ("Patient.contact", "BackboneElement"),
        ("Timing.repeat", "Element"),
        ("HumanName", "HumanName"),
    ] {
        assert!(is_subtype(name, ancestor), "{name} is a {ancestor}");
    }
    assert!(!is_subtype("Bundle", "DomainResource"));
    assert!(!is_subtype("Quantity", "Age"));
    assert!(!is_subtype("Nothing", "Resource"));
}

#[test]
fn search_expressions_hold_one_type_only() {
    let expression = |resource_type, code| {
        search_parameter(resource_type, code)
            .unwrap_or_else(|| panic!("{resource_type}?{code}"))
            .expression
            .as_str()
    };
    assert_eq!(expression("Patient", "family"), "Patient.name.family");
    assert_eq!(expression("Patient", "_id"), "Patient.id");
    assert_eq!(expression("Bundle", "_tag"), "Bundle.meta.tag");
    assert_eq!(
        expression("AllergyIntolerance", "code"),
        "AllergyIntolerance.code | AllergyIntolerance.reaction.substance"
    );
    assert_eq!(
        expression("Observation", "value-quantity"),
        "(Observation.value as Quantity) | (Observation.value as SampledData)"
    );
    assert_eq!(
        expression("MedicationRequest", "code"),
        "(MedicationRequest.medication as CodeableConcept)"
    );
    assert_eq!(
        expression("InsurancePlan", "name"),
        "InsurancePlan.name | InsurancePlan.alias"
    );
    for &name in resource_types() {
        for parameter in search_parameters(name) {
            let is_prose = ["_text", "_content", "_query"].contains(&parameter.code.as_str());
            assert_eq!(
                parameter.expression.is_empty(),
                is_prose,
                "{name} {}",
                parameter.code
            );
            for part in parameter.expression.split(" | ") {
                let part = part.trim_start_matches('(');
                assert!(is_prose || part.starts_with(name), "{name}: {part}");
            }
        }
    }
}

#[test]
fn every_type_has_the_common_parameters() {
    for &name in resource_types() {
        for code in [
            "_id",
            "_lastUpdated",
            "_profile",
            "_security",
            "_source",
            "_tag",
        ] {
            assert!(search_parameter(name, code).is_some(), "{name} {code}");
        }
        assert!(search_parameters(name).is_sorted_by_key(|parameter| &parameter.code));
    }
    assert!(search_parameters("HumanName").is_empty());
    assert!(search_parameter("Bundle", "_text").is_none());
}

#[test]
fn composites_name_components_that_exist() {
    let urls: std::collections::BTreeSet<&str> = resource_types()
        .iter()
        .flat_map(|name| search_parameters(name))
        .map(|parameter| parameter.url.as_str())
        .collect();
    assert_eq!(urls.len(), 1377);
    for &name in resource_types() {
        for parameter in search_parameters(name) {
            let is_composite = parameter.kind == ParameterKind::Composite;
            assert_eq!(
                is_composite,
                !parameter.components.is_empty(),
                "{}",
                parameter.url
            );
            for (definition, _) in &parameter.components {
                assert!(urls.contains(definition.as_str()), "{definition}");
            }
        }
    }
    let dates = search_parameter("Observation", "code-value-date").unwrap();
    assert_eq!(
        dates.components[1].1,
        "value.as(dateTime) | value.as(Period)"
    );
}

#[test]
fn references_name_their_targets() {
    let subject = search_parameter("Observation", "subject").unwrap();
    assert_eq!(subject.kind, ParameterKind::Reference);
    assert_eq!(subject.targets, ["Device", "Group", "Location", "Patient"]);
}

#[test]
fn the_patient_compartment_names_search_parameters() {
    assert_eq!(patient_compartment("Observation"), ["subject", "performer"]);
    assert_eq!(patient_compartment("Patient"), ["link"]);
    assert!(patient_compartment("Medication").is_empty());
    for &name in resource_types() {
        for code in patient_compartment(name) {
            assert!(search_parameter(name, code).is_some(), "{name} {code}");
        }
    }
}

#[test]
fn value_sets_know_their_codes_or_say_that_they_do_not() {
    let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
    assert_eq!(value_set_contains(gender, None, "female"), Some(true));
    assert_eq!(
        value_set_contains(&format!("{gender}|4.0.1"), None, "female"),
        Some(true)
    );
    assert_eq!(value_set_contains(gender, None, "Female"), Some(false));
    assert_eq!(
        value_set_contains(
            gender,
            Some("http://hl7.org/fhir/administrative-gender"),
            "male"
        ),
        Some(true)
    );
    assert_eq!(
        value_set_contains(gender, Some("http://example.org"), "male"),
        Some(false)
    );
    for not_enumerable in ["mimetypes", "currencies", "ucum-units"] {
        let canonical = format!("http://hl7.org/fhir/ValueSet/{not_enumerable}");
        assert_eq!(
            value_set_contains(&canonical, None, "x"),
            None,
            "{canonical}"
        );
    }
    assert_eq!(
        value_set_contains("http://example.org/unknown", None, "x"),
        None
    );
    let unknown: Vec<&str> = terminology::value_sets()
        .iter()
        .filter(|row| row.systems.is_none())
        .map(|row| row.url)
        .collect();
    assert_eq!(
        unknown,
        [
            "http://hl7.org/fhir/ValueSet/currencies",
            "http://hl7.org/fhir/ValueSet/mimetypes",
            "http://hl7.org/fhir/ValueSet/ucum-units",
            "http://loinc.org/vs/LL379-9",
        ]
    );
}

#[test]
fn elements_that_the_source_package_adds_to_r4_are_gone() {
    for (parent, element) in [
        ("Meta", "project"),
        ("Meta", "compartment"),
        ("ResearchStudy", "result"),
        ("Binary", "url"),
        ("EvidenceVariable.characteristic", "definitionReference"),
    ] {
        assert!(
            child_types(parent, element).is_empty(),
            "{parent}.{element}"
        );
    }
    assert_eq!(
        child_types("EvidenceVariable.characteristic", "definition").len(),
        6
    );
}

#[test]
fn the_pack_stays_small() {
    let pack = include_bytes!("../../../fixtures/definitions/r4.pack");
    assert!(pack.len() <= 600_000, "{} bytes", pack.len());
    assert_eq!(sizes(pack).unwrap().len(), 7);
    for damaged in [&pack[..7], &pack[..100], b"something else"] {
        assert!(sizes(damaged).is_err());
    }
}

#[test]
fn the_provenance_names_this_very_pack() {
    let pack = include_bytes!("../../../fixtures/definitions/r4.pack");
    let provenance = include_str!("../../../fixtures/definitions/README.md");
    let digest: String = ring::digest::digest(&ring::digest::SHA256, pack)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(provenance.contains(&digest), "the pack has sha256 {digest}");
}

#[test]
fn a_required_binding_says_which_codes_it_has() {
    assert_eq!(allows_code("Observation", "status", "final"), Some(true));
    assert_eq!(allows_code("Location", "status", "final"), Some(false));
    assert_eq!(allows_code("Patient", "status", "final"), None);
    assert_eq!(allows_code("Observation", "code", "final"), None);
}
