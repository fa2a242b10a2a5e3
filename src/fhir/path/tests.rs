//! Tests of the engine as a whole; each asks for what the specification says. Here is what they share.

mod limit;
mod navigate;
mod surroundings;
mod value;

use serde_json::Value;

use super::{Context, Environment, Expression, Item, PathError};

fn context(resource: &Value) -> Context<'_> {
    Context {
        resource,
        variables: &[],
        now: "2026-11-20T10:11:12.345Z".parse().unwrap(),
    }
}

fn observation() -> Value {
    serde_json::from_str(
        r##"{
            "resourceType": "Observation",
            "status": "final",
            "subject": {"reference": "Patient/1"},
            "hasMember": [
                {"reference": "#c"},
                {"reference": "http://example.org/fhir/Observation/2/_history/3"},
                {"type": "MolecularSequence", "identifier": {"value": "s"}},
                {"display": "unknown"}
            ],
            "contained": [{"resourceType": "QuestionnaireResponse", "id": "c", "status": "completed"}],
            "effectiveDateTime": "2015-02-07T13:28:17-05:00",
            "_status": {"extension": [{"url": "http://example.org/why", "valueCode": "x"}]},
            "valueQuantity": {"value": 6.30, "unit": "mmol/l", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
            "component": [
                {"code": {"text": "a"}, "valueQuantity": {"value": 1.2E+2, "unit": "x"}},
                {"code": {"text": "b"}, "valueString": "text"},
                {"code": {"text": "c"}, "valueInteger": 7}
            ]
        }"##,
    )
    .unwrap()
}

/// The result as JSON.
fn on(resource: &Value, expression: &str) -> Value {
    let expression = Expression::parse(expression).unwrap();
    let items = expression.evaluate(&context(resource)).unwrap();
    items.iter().map(Item::to_json).collect()
}

fn eval(expression: &str) -> Value {
    on(&observation(), expression)
}

fn parse_error(expression: &str) -> PathError {
    Expression::parse(expression).unwrap_err()
}

fn run_error(expression: &str) -> PathError {
    let resource = observation();
    Expression::parse(expression)
        .unwrap()
        .evaluate(&context(&resource))
        .unwrap_err()
}

fn text(value: &Value) -> String {
    value.to_string()
}

/// Answers one of each question.
struct Known(Value);

impl Environment for Known {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        (reference == "Patient/1").then_some(&self.0)
    }

    fn member_of(&self, item: &Item<'_>, value_set: &str) -> Option<bool> {
        (value_set == "v").then(|| item.to_json() == "final")
    }

    fn conforms_to(&self, item: &Item<'_>, profile: &str) -> Option<bool> {
        (profile == "p").then(|| item.to_json()["resourceType"] == "Patient")
    }

    fn html_checks(&self, div: &str) -> Option<bool> {
        Some(div == "final")
    }

    fn step_limit(&self) -> usize {
        1000
    }
}
