//! Encounters: one for each visit.

use serde_json::{Value, json};

use super::code::{Code, OWN, code, icd};
use super::disease::COLON_SCREENING;
use super::json::{Members, bare_concept, coding, concept};
use super::timeline::{Purpose, Visit};
use super::{Chart, Generator, Make, location};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Encounter",
    title: "visits to clinic, emergency department and hospital",
    make: Make::Patient(make),
};

fn make(chart: &Chart) -> Vec<Value> {
    let visits = chart.life.visits.iter().enumerate();
    visits
        .map(|(position, visit)| encounter(chart, position, visit))
        .collect()
}

fn encounter(chart: &Chart, position: usize, visit: &Visit) -> Value {
    let period = json!({"start": visit.start.text(), "end": visit.end.text()});
    let place = if visit.is_stay() {
        location::WARD
    } else if visit.is_emergency() {
        location::EMERGENCY
    } else if visit.act().is_some() {
        location::WARD
    } else {
        location::OFFICE
    };
    let place = location::ordinal(chart.town, place);
    let attender = code(
        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "ATND",
        "attender",
    );
    Members::resource(
        "Encounter",
        chart.identity.id("Encounter", position),
        chart.identity.identifier("Encounter", position),
    )
    .with("status", "finished")
    .with("class", coding(class(visit)))
    .with("type", json!([concept(kind(visit))]))
    .with("subject", chart.subject())
    .with(
        "participant",
        json!([{
            "type": [bare_concept(attender)],
            "individual": chart.clinician(visit),
        }]),
    )
    .with("period", period)
    .maybe("reasonCode", reasons(chart, visit))
    .maybe("hospitalization", disposition(visit))
    .with(
        "location",
        json!([{"location": chart.shared.reference("Location", place)}]),
    )
    .with("serviceProvider", chart.organization(visit))
    .done()
}

fn class(visit: &Visit) -> Code {
    const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    if visit.is_stay() {
        code(ACT, "IMP", "inpatient encounter")
    } else if visit.is_emergency() {
        code(ACT, "EMER", "emergency")
    } else {
        code(ACT, "AMB", "ambulatory")
    }
}

fn kind(visit: &Visit) -> Code {
    match visit.purpose {
        Purpose::Wellness => code(OWN, "wellness-visit", "Wellness visit"),
        Purpose::ChronicCare => code(OWN, "follow-up-visit", "Follow-up visit"),
        _ if visit.is_stay() => code(OWN, "hospital-stay", "Hospital stay"),
        _ if visit.is_emergency() => code(OWN, "emergency-visit", "Emergency visit"),
        _ if visit.act().is_some() => code(OWN, "day-procedure", "Day procedure"),
        _ => code(OWN, "office-visit", "Office visit"),
    }
}

fn reasons(chart: &Chart, visit: &Visit) -> Option<Value> {
    let life = &chart.life;
    let years = super::calendar::age(life.birth, visit.start.day());
    let codes = match visit.purpose {
        Purpose::Wellness if years < 8.0 / 365.0 => vec![icd(
            "Z00.110",
            "Health examination for newborn under 8 days old",
        )],
        Purpose::Wellness if years < 18.0 => vec![icd(
            "Z00.129",
            "Encounter for routine child health examination without abnormal findings",
        )],
        Purpose::Wellness => vec![icd(
            "Z00.00",
            "Encounter for general adult medical examination without abnormal findings",
        )],
        Purpose::Screening(_) => vec![COLON_SCREENING],
        Purpose::LastStay => vec![icd("J18.9", "Pneumonia, unspecified organism")],
        _ => {
            let problems = visit.about.iter();
            problems
                .map(|problem| life.problems[*problem].disease.code)
                .collect()
        }
    };
    let concepts: Vec<Value> = codes.into_iter().map(concept).collect();
    (!concepts.is_empty()).then(|| Value::Array(concepts))
}

fn disposition(visit: &Visit) -> Option<Value> {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/discharge-disposition";
    let code = match visit.purpose {
        Purpose::LastStay => code(SYSTEM, "exp", "Expired"),
        _ if visit.is_stay() => code(SYSTEM, "home", "Home"),
        _ => return None,
    };
    Some(json!({"dischargeDisposition": concept(code)}))
}
