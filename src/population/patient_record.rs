//! The Patient resource.

use serde_json::{Value, json};

use super::calendar::{TODAY, age, day_text};
use super::code::code;
use super::draw::Draw;
use super::identity::RECORD_NUMBER;
use super::json::{Members, bare_concept, concept};
use super::people::{Name, Sex, address, phone};
use super::{Chart, Generator, Make, organization, practitioner};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Patient",
    title: "people with names, addresses and telephone numbers",
    make: Make::Patient(make),
};

fn make(chart: &Chart) -> Vec<Value> {
    let mut draw = chart.draw("patient");
    let life = &chart.life;
    let years = age(life.birth, life.death.map_or(TODAY, |death| death.day()));
    let name = Name::draw(&mut draw, life.sex);
    let gender = gender(&mut draw, life.sex);
    let home = address(&mut draw, chart.town(), Some("home"));
    let telecom = telecom(&mut draw, chart, &name, years);
    let clinic = organization::ordinal(chart.town, true);
    let physician = practitioner::ordinal(chart.town, practitioner::FAMILY);
    let patient = Members::resource(
        "Patient",
        chart.identity.id("Patient", 0),
        chart.identity.identifier("Patient", 0),
    )
    .with(
        "identifier",
        json!([
            chart.identity.identifier("Patient", 0),
            {
                "use": "usual",
                "type": bare_concept(code(
                    "http://terminology.hl7.org/CodeSystem/v2-0203",
                    "MR",
                    "Medical record number",
                )),
                "system": RECORD_NUMBER,
                "value": chart.identity.record_number(),
                "assigner": chart.shared.reference("Organization", clinic),
            },
        ]),
    )
    .with("active", true)
    .with("name", json!(names(&mut draw, &name, life.sex, years)))
    .with("telecom", telecom)
    .with("gender", gender)
    .with("birthDate", birth_date(&mut draw, chart, years))
    .maybe("deceasedDateTime", life.death.map(|death| death.text()))
    .with("address", json!([home]))
    .maybe("maritalStatus", marital_status(&mut draw, years))
    .with("communication", json!([communication(&mut draw)]))
    .with(
        "generalPractitioner",
        json!([chart.shared.reference("Practitioner", physician)]),
    )
    .with(
        "managingOrganization",
        chart.shared.reference("Organization", clinic),
    )
    .done();
    vec![patient]
}

/// A few have a maiden name.
fn names(draw: &mut Draw, name: &Name, sex: Sex, years: f64) -> Vec<Value> {
    let mut names = vec![name.official(None)];
    if sex == Sex::Female && years > 28.0 && draw.chance(220) {
        let maiden = Name::draw(draw, sex);
        names.push(json!({
            "use": "maiden",
            "family": maiden.family,
            "given": [name.given[0]],
        }));
    }
    names
}

fn gender(draw: &mut Draw, sex: Sex) -> &'static str {
    match (draw.below(1000), sex) {
        (0..8, _) => "other",
        (8..12, _) => "unknown",
        (_, Sex::Female) => "female",
        (_, Sex::Male) => "male",
    }
}

fn telecom(draw: &mut Draw, chart: &Chart, name: &Name, years: f64) -> Value {
    let mut telecom = vec![phone(draw, chart.town(), "home")];
    if years >= 14.0 && draw.chance(700) {
        telecom.push(phone(draw, chart.town(), "mobile"));
    }
    if (16.0..88.0).contains(&years) && draw.chance(600) {
        telecom.push(json!({"system": "email", "value": name.mail()}));
    }
    Value::Array(telecom)
}

/// One old person in thirty knows only the year or the month of birth.
fn birth_date(draw: &mut Draw, chart: &Chart, years: f64) -> String {
    let full = day_text(chart.life.birth);
    match (years > 65.0).then(|| draw.below(60)) {
        Some(0) => full[..4].to_owned(),
        Some(1) => full[..7].to_owned(),
        _ => full,
    }
}

fn marital_status(draw: &mut Draw, years: f64) -> Option<Value> {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
    if years < 18.0 {
        return None;
    }
    let widowed = if years > 70.0 { 35 } else { 2 };
    let single = if years < 30.0 { 75 } else { 22 };
    let (status, display) = draw.weighted(&[
        (("S", "Never Married"), single),
        (("M", "Married"), 48),
        (("D", "Divorced"), 14),
        (("W", "Widowed"), widowed),
    ]);
    Some(concept(code(SYSTEM, status, display)))
}

fn communication(draw: &mut Draw) -> Value {
    let (tag, display) = draw.weighted(&[
        (("en-US", "English (United States)"), 88),
        (("en", "English"), 6),
        (("pt", "Portuguese"), 3),
        (("de", "German"), 3),
    ]);
    json!({"language": bare_concept(code("urn:ietf:bcp:47", tag, display)), "preferred": true})
}
