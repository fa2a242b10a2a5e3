//! Conditions: chronic problems and the diagnoses of single visits.

use serde_json::{Value, json};

use super::calendar::day_text;
use super::code::code;
use super::json::{Members, bare_concept, concept};
use super::timeline::Problem;
use super::{Chart, Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Condition",
    title: "problems and diagnoses with onset and abatement",
    make: Make::Patient(make),
};

fn make(chart: &Chart) -> Vec<Value> {
    let problems = chart.life.problems.iter().enumerate();
    problems
        .map(|(ordinal, problem)| condition(chart, ordinal, problem))
        .collect()
}

fn condition(chart: &Chart, ordinal: usize, problem: &Problem) -> Value {
    let visit = &chart.life.visits[problem.noted];
    let (clinical, display) = match problem.abated {
        Some(_) => ("resolved", "Resolved"),
        None => ("active", "Active"),
    };
    let (category, category_display) = if problem.chronic {
        ("problem-list-item", "Problem List Item")
    } else {
        ("encounter-diagnosis", "Encounter Diagnosis")
    };
    Members::resource(
        "Condition",
        chart.identity.id("Condition", ordinal),
        chart.identity.identifier("Condition", ordinal),
    )
    .with(
        "clinicalStatus",
        bare_concept(code(
            "http://terminology.hl7.org/CodeSystem/condition-clinical",
            clinical,
            display,
        )),
    )
    .with(
        "verificationStatus",
        bare_concept(code(
            "http://terminology.hl7.org/CodeSystem/condition-ver-status",
            "confirmed",
            "Confirmed",
        )),
    )
    .with(
        "category",
        json!([concept(code(
            "http://terminology.hl7.org/CodeSystem/condition-category",
            category,
            category_display,
        ))]),
    )
    .with("code", concept(problem.disease.code))
    .with("subject", chart.subject())
    .with("encounter", chart.encounter(problem.noted))
    .with("onsetDateTime", onset(chart, ordinal, problem))
    .maybe("abatementDateTime", problem.abated.map(day_text))
    .with("recordedDate", visit.start.text())
    .with("recorder", chart.clinician(visit))
    .done()
}

/// People remember the year or the month in which a chronic disease began; the precision never says more
/// than that the onset is not after the visit.
fn onset(chart: &Chart, ordinal: usize, problem: &Problem) -> String {
    let full = day_text(problem.onset);
    let mut draw = chart.draw(&format!("condition/{ordinal}"));
    match (problem.chronic, draw.below(10)) {
        (true, 0..3) => full[..4].to_owned(),
        (true, 3..7) => full[..7].to_owned(),
        _ => full,
    }
}
