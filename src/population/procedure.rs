//! Procedures: operations, wound care, screening.

use serde_json::{Value, json};

use super::disease::COLON_SCREENING;
use super::json::{Members, concept};
use super::timeline::{Purpose, Visit};
use super::{Chart, Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Procedure",
    title: "operations, wound care and screening",
    make: Make::Patient(make),
};

fn make(chart: &Chart) -> Vec<Value> {
    let mut procedures = Vec::new();
    for (position, visit) in chart.life.visits.iter().enumerate() {
        if let Some(procedure) = procedure(chart, procedures.len(), position, visit) {
            procedures.push(procedure);
        }
    }
    procedures
}

fn procedure(chart: &Chart, ordinal: usize, position: usize, visit: &Visit) -> Option<Value> {
    let act = visit.act()?;
    // All visits last longer than this and what is done at them.
    let start = visit.start.plus(20);
    let members = Members::resource(
        "Procedure",
        chart.identity.id("Procedure", ordinal),
        chart.identity.identifier("Procedure", ordinal),
    )
    .with("status", "completed")
    .with("code", concept(act.code))
    .with("subject", chart.subject())
    .with("encounter", chart.encounter(position))
    .with(
        "performedPeriod",
        json!({"start": start.text(), "end": start.plus(act.minutes).text()}),
    )
    .with("performer", json!([{"actor": chart.clinician(visit)}]));
    let members = match visit.purpose {
        Purpose::Screening(_) => members.with("reasonCode", json!([concept(COLON_SCREENING)])),
        _ => {
            let reasons: Vec<Value> = visit
                .about
                .iter()
                .map(|problem| chart.identity.reference("Condition", *problem))
                .collect();
            members.with("reasonReference", reasons)
        }
    };
    Some(members.done())
}
