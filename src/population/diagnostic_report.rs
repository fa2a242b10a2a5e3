//! Diagnostic reports: the laboratory panels.

use serde_json::{Value, json};

use super::code::code;
use super::json::{Members, concept};
use super::{Chart, Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "DiagnosticReport",
    title: "laboratory panels",
    make: Make::Patient(make),
};

fn make(chart: &Chart) -> Vec<Value> {
    let reports = chart.record.panels.iter().enumerate();
    reports
        .map(|(ordinal, report)| {
            let visit = &chart.life.visits[report.visit];
            let results: Vec<Value> = report
                .results
                .iter()
                .map(|result| chart.identity.reference("Observation", *result))
                .collect();
            Members::resource(
                "DiagnosticReport",
                chart.identity.id("DiagnosticReport", ordinal),
                chart.identity.identifier("DiagnosticReport", ordinal),
            )
            .with("status", "final")
            .with(
                "category",
                json!([concept(code(
                    "http://terminology.hl7.org/CodeSystem/v2-0074",
                    "LAB",
                    "Laboratory",
                ))]),
            )
            .with("code", concept(report.panel.code))
            .with("subject", chart.subject())
            .with("encounter", chart.encounter(report.visit))
            .with("effectiveDateTime", report.at.text())
            .with("issued", report.issued.text())
            .with("performer", json!([chart.organization(visit)]))
            .with("result", results)
            .done()
        })
        .collect()
}
