//! From element to element: choices, types, siblings of primitives, references, the elements that can exist.

use serde_json::json;

use super::super::{Computed, Expression, Item};
use super::{context, eval, observation, on, parse_error};
use crate::fhir::definitions;

#[test]
fn choice_elements_go_by_their_name() {
    assert_eq!(eval("Observation.value.code"), json!(["mmol/L"]));
    assert_eq!(eval("component.value.ofType(string)"), json!(["text"]));
    assert_eq!(eval("component.value.ofType(integer) + 1"), json!([8]));
    assert_eq!(
        eval("(Observation.component.value as Quantity).unit"),
        json!(["x"])
    );
    assert_eq!(
        eval("component.where(value is Quantity).code.text"),
        json!(["a"])
    );
    assert_eq!(
        eval("Observation.value is Quantity and Observation.value is Element"),
        json!([true])
    );
}

#[test]
fn items_know_their_types() {
    let resource = observation();
    let types = |text: &str| -> Vec<&'static str> {
        let expression = Expression::parse(text).unwrap();
        let items = expression.evaluate(&context(&resource)).unwrap();
        let type_name = |item: &Item<'_>| match item {
            Item::Node { type_name, .. } => *type_name,
            Item::Computed(_) => "computed",
        };
        items.iter().map(type_name).collect()
    };
    assert_eq!(
        types("Observation | status | subject | component.first()"),
        ["Observation", "code", "Reference", "Observation.component"]
    );
    assert_eq!(
        types("contained | contained.status"),
        ["QuestionnaireResponse", "code"]
    );
    assert_eq!(types("component.value"), ["Quantity", "string", "integer"]);
    assert_eq!(
        types("children().where($this is Quantity).value"),
        ["decimal"]
    );
    assert_eq!(types("status.extension.value"), ["code"]);
}

#[test]
fn primitives_have_extensions_and_may_have_nothing_else() {
    assert_eq!(
        eval("status.extension('http://example.org/why').value"),
        json!(["x"])
    );
    let resource = json!({
        "resourceType": "Patient",
        "name": [{"given": [null, "B"], "_given": [{"extension": [{"url": "u", "valueString": "v"}]}]}],
        "_birthDate": {"extension": [{"url": "u", "valueString": "w"}]}
    });
    assert_eq!(on(&resource, "Patient.name.given.count()"), json!([2]));
    assert_eq!(
        on(&resource, "Patient.name.given.hasValue()"),
        json!([false])
    );
    assert_eq!(
        on(&resource, "Patient.name.given.where(hasValue())"),
        json!(["B"])
    );
    assert_eq!(
        on(
            &resource,
            "birthDate.exists() and birthDate.hasValue().not()"
        ),
        json!([true])
    );
    assert_eq!(on(&resource, "birthDate.extension.value"), json!(["w"]));
    assert_eq!(on(&resource, "birthDate < today()"), json!([]));
    // Level by level: FHIRPath says that the one is short for the other, and leaves the order open.
    for all in ["descendants()", "repeat(children())"] {
        assert_eq!(
            on(&resource, &format!("{all}.ofType(string)")),
            json!([null, "B", "w", "v"])
        );
    }
}

#[test]
fn references_resolve_as_far_as_search_needs() {
    assert_eq!(
        eval("Observation.subject.where(resolve() is Patient).reference"),
        json!(["Patient/1"])
    );
    assert_eq!(
        eval("Observation.subject.where(resolve() is Group)"),
        json!([])
    );
    assert_eq!(eval("hasMember.resolve().count()"), json!([3]));
    assert_eq!(eval("hasMember.resolve().status"), json!(["completed"]));
    assert_eq!(
        eval("hasMember.where(resolve() is Observation).count()"),
        json!([1])
    );
    assert_eq!(
        eval("hasMember.where(resolve() is MolecularSequence).identifier.value"),
        json!(["s"])
    );
}

#[test]
fn components_are_evaluated_from_their_parent() {
    let resource = observation();
    let context = context(&resource);
    let components = Expression::parse("Observation.component")
        .unwrap()
        .evaluate(&context)
        .unwrap();
    let value = Expression::parse("value.as(Quantity) | %resource.status").unwrap();
    let items = value.evaluate_from(&context, &components[0]).unwrap();
    assert_eq!(items.len(), 2);
    assert!(matches!(
        items[0],
        Item::Node {
            type_name: "Quantity",
            ..
        }
    ));
    let number = Item::Computed(Computed::Integer(2));
    let doubled = Expression::parse("$this * 2")
        .unwrap()
        .evaluate_from(&context, &number)
        .unwrap();
    assert_eq!(doubled[0].to_json(), json!(4));
}

#[test]
fn elements_that_cannot_exist_are_found_when_parsing() {
    let message = |text: &str| parse_error(text).message;
    assert_eq!(
        message("Observation.valueQuantity.unit"),
        "Observation has no element `valueQuantity`; choice elements go by `value`"
    );
    assert_eq!(message("Patient.nmae"), "Patient has no element `nmae`");
    assert_eq!(parse_error("Patient.name.where(famly = 'x')").position, 19);
    assert_eq!(
        message("(Observation.value as Quantity).start"),
        "Quantity has no element `start`"
    );
    assert!(Expression::parse_for("Patient", "name.given1").is_err());
    assert!(Expression::parse_for("Patient", "Encounter.status").is_err());
    for fine in [
        "Bundle.entry.resource.name",
        "Patient.contained.anything",
        "Resource.id",
        "Observation.value.unit",
        "Patient.birthDate.extension.value.unit",
        "Patient.name.given.id",
        "Questionnaire.item.item.item.linkId",
        "Patient.name.select(given | family)",
        "(Patient.name | Patient.contact.name).family",
        "Patient.descendants().code",
        "Patient.name.iif(use = 'x', family, text)",
    ] {
        assert!(
            Expression::parse(fine).is_ok(),
            "{fine}: {:?}",
            Expression::parse(fine)
        );
    }
    assert!(
        Expression::parse_for("Patient", "Resource.id | DomainResource.text | name.family").is_ok()
    );
}

#[test]
fn every_search_parameter_of_r4_parses_for_its_type() {
    let mut count = 0;
    for name in definitions::resource_types() {
        for parameter in definitions::search_parameters(name) {
            if parameter.expression.is_empty() {
                continue;
            }
            count += 1;
            let parsed = Expression::parse_for(name, &parameter.expression);
            assert!(
                parsed.is_ok(),
                "{name} {}: {} {parsed:?}",
                parameter.code,
                parameter.expression
            );
            for (_, component) in &parameter.components {
                assert!(
                    Expression::parse(component).is_ok(),
                    "{name} {}: {component}",
                    parameter.code
                );
            }
        }
    }
    assert!(count > 1400, "{count}");
}
