//! Observations and Conditions at the edges of date, quantity and token search.

use serde_json::{Value, json};

use super::super::code::{Code, icd, loinc, unit};
use super::super::json::{Members, bare_concept, coding, concept, decimal, quantity};
use super::super::observation::category_concept;
use super::{Role, Scene};

/// A system in which codes are written as in another and mean something else.
const OTHER: &str = "urn:rounds:other-code";
const GLUCOSE: Code = loinc("15074-8", "Glucose [Moles/volume] in Blood");
const DIABETES: Code = icd("E11.9", "Type 2 diabetes mellitus without complications");

pub(super) const DAYS: Role = Role {
    id: "days-and-offsets",
    title: "instants around a day boundary in other offsets, partial dates, open periods",
    play: |scene| {
        // Around the beginning of 15 June 2024 in UTC; the first is inside that day, the second before it.
        for text in [
            "2024-06-14T23:30:00-05:00",
            "2024-06-15T00:30:00+14:00",
            "2024-06-14T23:59:59.999Z",
            "2024-06-15T00:00:00Z",
            "2024-06-15T23:59:59Z",
            "2024-06-15",
            "2024-06",
            "2024",
        ] {
            reading(scene, &[("effectiveDateTime", json!(text))], "5.4");
        }
        let instant = json!("2024-06-15T12:00:00.123+05:45");
        reading(scene, &[("effectiveInstant", instant)], "5.4");
        let over = json!({"start": "2024-06-14T22:00:00Z", "end": "2024-06-15T02:00:00Z"});
        reading(scene, &[("effectivePeriod", over)], "5.4");
        reading(
            scene,
            &[("effectivePeriod", json!({"start": "2024-06-15"}))],
            "5.4",
        );
        reading(
            scene,
            &[("effectivePeriod", json!({"end": "2024-06-15"}))],
            "5.4",
        );
    },
};

pub(super) const QUANTITIES: Role = Role {
    id: "quantities",
    title: "6.3 is 6.25 to 6.35; trailing zeros, other units, no unit code, comparators",
    play: |scene| {
        let date = ("effectiveDateTime", json!("2024-05-02T08:00:00Z"));
        for text in [
            "6.3", "6.30", "6.25", "6.250", "6.2499", "6.349", "6.35", "6.4",
        ] {
            reading(scene, std::slice::from_ref(&date), text);
        }
        for value in [
            quantity("113.5", unit("mg/dL", "mg/dL")),
            json!({"value": decimal("6.3"), "unit": "mmol/L"}),
            json!({"value": decimal("6.3"), "unit": "mmol/L", "system": OTHER, "code": "mmol/L"}),
            json!({
                "value": decimal("6.3"),
                "comparator": "<",
                "unit": "mmol/L",
                "system": "http://unitsofmeasure.org",
                "code": "mmol/L",
            }),
        ] {
            observation(scene, std::slice::from_ref(&date), ("valueQuantity", value));
        }
    },
};

pub(super) const CODES: Role = Role {
    id: "codes",
    title: "one code in two systems, without a system, as text only, repeated, with a longer neighbour",
    play: |scene| {
        let bare = json!({"code": "E11.9", "display": "No system"});
        let foreign = json!({"system": OTHER, "code": "E11.9", "display": "Something else"});
        for code in [
            concept(DIABETES),
            json!({"coding": [foreign]}),
            json!({"coding": [bare]}),
            json!({"text": "E11.9"}),
            json!({"coding": [coding(DIABETES), coding(DIABETES), foreign], "text": "repeated"}),
            concept(icd("E11.65", "Type 2 diabetes mellitus with hyperglycemia")),
        ] {
            condition(scene, code);
        }
    },
};

pub(super) const ABSENT: Role = Role {
    id: "absent-elements",
    title: "Observations without a value, without a date, without a category, with a code in a component",
    play: |scene| {
        let date = [("effectiveDateTime", json!("2024-05-02T08:00:00Z"))];
        let reason = bare_concept(Code {
            system: "http://terminology.hl7.org/CodeSystem/data-absent-reason",
            code: "unknown",
            display: "Unknown",
        });
        observation(scene, &date, ("dataAbsentReason", reason));
        reading(scene, &[], "5.0");
        reading(scene, &date, "5.10");
        if let Some(last) = scene.resources.last_mut().and_then(Value::as_object_mut) {
            last.shift_remove("category");
        }
        let component = json!([{
            "code": concept(GLUCOSE),
            "valueQuantity": quantity("7.0", unit("mmol/L", "mmol/L")),
        }]);
        observation(scene, &date, ("component", component));
        if let Some(last) = scene.resources.last_mut().and_then(Value::as_object_mut) {
            last.insert("code".to_owned(), json!({"text": "Meal test"}));
        }
    },
};

fn reading(scene: &mut Scene, effective: &[(&str, Value)], text: &str) {
    let value = quantity(text, unit("mmol/L", "mmol/L"));
    observation(scene, effective, ("valueQuantity", value));
}

/// One more Observation, of a laboratory but for no encounter.
fn observation(scene: &mut Scene, effective: &[(&str, Value)], value: (&str, Value)) {
    let ordinal = scene.next();
    let identity = scene.chart.identity;
    let mut members = Members::resource(
        "Observation",
        identity.id("Observation", ordinal),
        identity.identifier("Observation", ordinal),
    )
    .with("status", "final")
    .with(
        "category",
        json!([category_concept("laboratory", "Laboratory")]),
    )
    .with("code", concept(GLUCOSE))
    .with("subject", scene.chart.subject());
    for (name, date) in effective {
        members = members.with(name, date.clone());
    }
    scene.resources.push(members.with(value.0, value.1).done());
}

/// One more Condition, confirmed and active, for no encounter.
fn condition(scene: &mut Scene, code: Value) {
    const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
    const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
    let ordinal = scene.next();
    let identity = scene.chart.identity;
    let status = |system, code, display| {
        bare_concept(Code {
            system,
            code,
            display,
        })
    };
    let value = Members::resource(
        "Condition",
        identity.id("Condition", ordinal),
        identity.identifier("Condition", ordinal),
    )
    .with("clinicalStatus", status(CLINICAL, "active", "Active"))
    .with(
        "verificationStatus",
        status(VERIFICATION, "confirmed", "Confirmed"),
    )
    .with(
        "category",
        json!([status(CATEGORY, "problem-list-item", "Problem List Item")]),
    )
    .with("code", code)
    .with("subject", scene.chart.subject())
    .with("recordedDate", "2024-05-02")
    .done();
    scene.resources.push(value);
}
