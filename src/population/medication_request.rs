//! Medication requests: long-term prescriptions renewed at follow-up visits, and short courses.

use serde_json::{Value, json};

use super::calendar::add_days;
use super::code::code;
use super::disease::Drug;
use super::json::{Members, concept, decimal, quantity};
use super::timeline::{Problem, Visit};
use super::{Chart, Generator, Make, TODAY};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "MedicationRequest",
    title: "prescriptions",
    make: Make::Patient(make),
};

/// Prescriptions of a long-term drug that are kept: the latest.
const RENEWALS: usize = 3;

fn make(chart: &Chart) -> Vec<Value> {
    let mut requests = Vec::new();
    for (number, problem) in chart.life.problems.iter().enumerate() {
        let Some(drug) = problem.disease.drug.as_ref() else {
            continue;
        };
        let avoided = chart
            .allergies
            .iter()
            .any(|allergen| allergen.forbids(drug.code));
        if avoided {
            continue;
        }
        let visits = prescribed_at(chart, problem);
        for (round, visit) in visits.iter().enumerate() {
            let ordinal = requests.len();
            let last = round + 1 == visits.len();
            requests.push(request(chart, ordinal, number, drug, *visit, last));
        }
    }
    requests
}

/// Positions of the visits at which a drug is prescribed.
fn prescribed_at(chart: &Chart, problem: &Problem) -> Vec<usize> {
    if !problem.chronic {
        return vec![problem.noted];
    }
    let visits = chart.life.visits.iter().enumerate();
    let mut positions: Vec<usize> = visits
        .filter(|(position, visit)| *position >= problem.noted && visit.is_planned())
        .map(|(position, _)| position)
        .collect();
    let surplus = positions.len().saturating_sub(RENEWALS);
    positions.split_off(surplus)
}

fn request(
    chart: &Chart,
    ordinal: usize,
    problem: usize,
    drug: &Drug,
    position: usize,
    last: bool,
) -> Value {
    let visit = &chart.life.visits[position];
    let chronic = chart.life.problems[problem].chronic;
    let inpatient = visit.is_stay();
    let (category, display) = if inpatient {
        ("inpatient", "Inpatient")
    } else {
        ("outpatient", "Outpatient")
    };
    let text = if drug.as_needed {
        json!({"asNeededBoolean": true})
    } else {
        json!({})
    };
    let mut dosage = json!({
        "text": drug.text,
        "timing": {
            "repeat": {"frequency": drug.per_day, "period": decimal("1"), "periodUnit": "d"},
        },
    });
    merge(&mut dosage, text);
    merge(
        &mut dosage,
        json!({"doseAndRate": [{"doseQuantity": quantity(drug.dose, drug.unit)}]}),
    );
    Members::resource(
        "MedicationRequest",
        chart.identity.id("MedicationRequest", ordinal),
        chart.identity.identifier("MedicationRequest", ordinal),
    )
    .with("status", status(chart, visit, drug, chronic, last))
    .with("intent", "order")
    .with(
        "category",
        json!([concept(code(
            "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
            category,
            display,
        ))]),
    )
    .with("medicationCodeableConcept", concept(drug.code))
    .with("subject", chart.subject())
    .with("encounter", chart.encounter(position))
    .with("authoredOn", visit.start.plus(10).text())
    .with("requester", chart.clinician(visit))
    .with(
        "reasonReference",
        json!([chart.identity.reference("Condition", problem)]),
    )
    .with("dosageInstruction", json!([dosage]))
    .with("dispenseRequest", dispense(drug, chronic))
    .done()
}

fn merge(target: &mut Value, more: Value) {
    if let (Some(target), Value::Object(more)) = (target.as_object_mut(), more) {
        target.extend(more);
    }
}

/// The last long-term prescription runs, unless the patient died; courses end by themselves.
fn status(chart: &Chart, visit: &Visit, drug: &Drug, chronic: bool, last: bool) -> &'static str {
    let days = i32::try_from(drug.days).unwrap_or(i32::MAX);
    let over = add_days(visit.start.day(), days) < TODAY;
    match (chronic, last, chart.life.death) {
        (true, true, None) => "active",
        (true, true, Some(_)) => "stopped",
        (false, _, None) if !over => "active",
        _ => "completed",
    }
}

fn dispense(drug: &Drug, chronic: bool) -> Value {
    let dose: f64 = drug.dose.parse().unwrap_or(1.0);
    let amount = dose * f64::from(drug.per_day) * f64::from(drug.days);
    let supply = super::code::unit("days", "d");
    // Inhalers are dispensed by the piece, everything else by the dose.
    let amount = if drug.unit.ucum == "{puff}" {
        quantity("1", super::code::unit("inhaler", "{inhaler}"))
    } else {
        quantity(format!("{amount:.0}"), drug.unit)
    };
    json!({
        "numberOfRepeatsAllowed": if chronic { 1 } else { 0 },
        "quantity": amount,
        "expectedSupplyDuration": quantity(drug.days.to_string(), supply),
    })
}
