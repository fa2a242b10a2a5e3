//! Observations: vital signs, laboratory results and smoking status. What is measured is drawn once as plain
//! data, because diagnostic reports refer to it.

mod laboratory;
mod smoking;
mod vital;

use serde_json::{Value, json};

use super::calendar::Moment;
use super::code::{Code, code};
use super::draw::Draw;
use super::json::{Members, concept, decimal, quantity};
use super::timeline::Life;
use super::{Chart, Generator, Make};

pub(super) use laboratory::Panel;

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Observation",
    title: "vital signs, laboratory results and smoking status",
    make: Make::Patient(make),
};

/// All that was measured in a life, in the order of the visits.
pub(super) struct Record {
    pub(super) measurements: Vec<Measurement>,
    pub(super) panels: Vec<Report>,
}

/// One measurement; its position in the record is the ordinal of its Observation.
pub(super) struct Measurement {
    visit: usize,
    at: Moment,
    result: Result,
}

/// What was found.
enum Result {
    Vital(&'static vital::Sign, String),
    Pressure(i32, i32),
    Laboratory(&'static laboratory::Analyte, String),
    Smoking(Code),
}

/// Laboratory results that were ordered and reported together.
pub(super) struct Report {
    pub(super) panel: &'static Panel,
    pub(super) visit: usize,
    pub(super) at: Moment,
    pub(super) issued: Moment,
    /// Positions of the measurements.
    pub(super) results: Vec<usize>,
}

impl Record {
    /// Everything that is measured at the visits of a life.
    pub(super) fn draw(draw: &mut Draw, life: &Life) -> Self {
        let mut record = Record {
            measurements: Vec::new(),
            panels: Vec::new(),
        };
        let habit = smoking::Habit::draw(draw, life);
        let chemistry = laboratory::Chemistry::draw(draw, life);
        for position in 0..life.visits.len() {
            vital::measure(draw, life, position, &mut record.measurements);
            habit.ask(draw, life, position, &mut record.measurements);
            chemistry.order(draw, life, position, &mut record);
        }
        record
    }
}

fn make(chart: &Chart) -> Vec<Value> {
    let measurements = chart.record.measurements.iter().enumerate();
    measurements
        .map(|(ordinal, measurement)| observation(chart, ordinal, measurement))
        .collect()
}

fn observation(chart: &Chart, ordinal: usize, measurement: &Measurement) -> Value {
    let visit = &chart.life.visits[measurement.visit];
    let (category, display, code) = match &measurement.result {
        Result::Vital(sign, _) => ("vital-signs", "Vital Signs", sign.code),
        Result::Pressure(..) => ("vital-signs", "Vital Signs", vital::PRESSURE),
        Result::Laboratory(analyte, _) => ("laboratory", "Laboratory", analyte.code),
        Result::Smoking(_) => ("social-history", "Social History", smoking::STATUS),
    };
    let performer = match &measurement.result {
        Result::Laboratory(..) => chart.organization(visit),
        _ => chart.clinician(visit),
    };
    let members = Members::resource(
        "Observation",
        chart.identity.id("Observation", ordinal),
        chart.identity.identifier("Observation", ordinal),
    )
    .with("status", "final")
    .with("category", json!([category_concept(category, display)]))
    .with("code", concept(code))
    .with("subject", chart.subject())
    .with("encounter", chart.encounter(measurement.visit))
    .with("effectiveDateTime", measurement.at.text());
    finish(members, measurement, performer)
}

/// A concept of the observation categories.
pub(super) fn category_concept(category: &'static str, display: &'static str) -> Value {
    concept(code(
        "http://terminology.hl7.org/CodeSystem/observation-category",
        category,
        display,
    ))
}

fn finish(members: Members, measurement: &Measurement, performer: Value) -> Value {
    let performer = json!([performer]);
    match &measurement.result {
        Result::Vital(sign, text) => members
            .with("performer", performer)
            .with("valueQuantity", quantity(text.as_str(), sign.unit)),
        Result::Pressure(systolic, diastolic) => members
            .with("performer", performer)
            .with("component", vital::components(*systolic, *diastolic)),
        Result::Smoking(status) => members
            .with("performer", performer)
            .with("valueCodeableConcept", concept(*status)),
        Result::Laboratory(analyte, text) => members
            .with("issued", measurement.at.plus(laboratory::DELAY).text())
            .with("performer", performer)
            .with("valueQuantity", quantity(text.as_str(), analyte.unit))
            .maybe("interpretation", interpretation(analyte, text))
            .with("referenceRange", json!([range(analyte)])),
    }
    .done()
}

fn interpretation(analyte: &laboratory::Analyte, text: &str) -> Option<Value> {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
    let value: f64 = text.parse().ok()?;
    let (low, high) = analyte.range;
    let below = low
        .and_then(|low| low.parse().ok())
        .is_some_and(|low: f64| value < low);
    let above = high
        .and_then(|high| high.parse().ok())
        .is_some_and(|high: f64| value > high);
    let code = match (below, above) {
        (true, _) => code(SYSTEM, "L", "Low"),
        (_, true) => code(SYSTEM, "H", "High"),
        _ => code(SYSTEM, "N", "Normal"),
    };
    Some(json!([concept(code)]))
}

fn range(analyte: &laboratory::Analyte) -> Value {
    let bound = |text: &str| {
        json!({
            "value": decimal(text),
            "unit": analyte.unit.text,
            "system": super::code::UCUM,
            "code": analyte.unit.ucum,
        })
    };
    let (low, high) = analyte.range;
    Members::object()
        .maybe("low", low.map(bound))
        .maybe("high", high.map(bound))
        .done()
}
