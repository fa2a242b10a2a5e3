//! Vital signs: blood pressure, rates, temperature, oxygen saturation, height, weight, body mass index, head.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::calendar::{age, days_between};
use super::super::code::{Code, Unit, loinc, unit};
use super::super::disease::{ASTHMA, HYPERTENSION};
use super::super::draw::Draw;
use super::super::json::{concept, quantity};
use super::super::timeline::{Life, Purpose};
use super::{Measurement, Result};

/// A vital sign with one number. <http://hl7.org/fhir/R4/observation-vitalsigns.html>
pub(super) struct Sign {
    pub(super) code: Code,
    pub(super) unit: Unit,
}

const fn sign(number: &'static str, display: &'static str, unit: Unit) -> Sign {
    Sign {
        code: loinc(number, display),
        unit,
    }
}

const PER_MINUTE: Unit = unit("/min", "/min");
const CENTIMETRE: Unit = unit("cm", "cm");
const MERCURY: Unit = unit("mmHg", "mm[Hg]");

static HEART: Sign = sign("8867-4", "Heart rate", PER_MINUTE);
static BREATH: Sign = sign("9279-1", "Respiratory rate", PER_MINUTE);
static TEMPERATURE: Sign = sign("8310-5", "Body temperature", unit("°C", "Cel"));
static OXYGEN: Sign = sign(
    "2708-6",
    "Oxygen saturation in Arterial blood",
    unit("%", "%"),
);
static HEIGHT: Sign = sign("8302-2", "Body height", CENTIMETRE);
static WEIGHT: Sign = sign("29463-7", "Body weight", unit("kg", "kg"));
static MASS_INDEX: Sign = sign(
    "39156-5",
    "Body mass index (BMI) [Ratio]",
    unit("kg/m2", "kg/m2"),
);
static HEAD: Sign = sign("9843-4", "Head Occipital-frontal circumference", CENTIMETRE);

/// Days in which weight is gained before a delivery.
const PREGNANCY: i32 = 270;

/// Blood pressure, whose numbers stand in components.
pub(super) const PRESSURE: Code =
    loinc("85354-9", "Blood pressure panel with all children optional");

/// The two components of a blood pressure.
pub(super) fn components(systolic: i32, diastolic: i32) -> Value {
    let component = |number, display, value: i32| {
        json!({
            "code": concept(loinc(number, display)),
            "valueQuantity": quantity(value.to_string(), MERCURY),
        })
    };
    json!([
        component("8480-6", "Systolic blood pressure", systolic),
        component("8462-4", "Diastolic blood pressure", diastolic),
    ])
}

/// Measures what is usual at a visit.
pub(super) fn measure(draw: &mut Draw, life: &Life, position: usize, into: &mut Vec<Measurement>) {
    let visit = &life.visits[position];
    let years = age(life.birth, visit.start.day());
    let start = visit.start;
    let mut add = |minute: i32, result| {
        into.push(Measurement {
            visit: position,
            at: start.plus(minute),
            result,
        });
    };
    let wellness = matches!(visit.purpose, Purpose::Wellness);
    let ill = Illness::at(life, position);
    if wellness {
        size(draw, life, start.day(), &mut add);
    } else if visit.is_planned() {
        let weight = weight(life, start.day()) * (1.0 + 0.012 * draw.normal());
        add(3, Result::Vital(&WEIGHT, format!("{weight:.1}")));
    }
    if years >= 3.0 {
        let (systolic, diastolic) = pressure(draw, life, position, years);
        add(5, Result::Pressure(systolic, diastolic));
    }
    let (heart, breath) = life.body.rates(years);
    let heart = heart + 14.0 * ill.fever + 12.0 * ill.grave + 4.0 * draw.normal();
    add(6, Result::Vital(&HEART, format!("{heart:.0}")));
    if wellness || ill.any() {
        let breath = breath + 2.0 * ill.fever + 7.0 * ill.grave + draw.normal();
        add(6, Result::Vital(&BREATH, format!("{breath:.0}")));
        let spread = 0.22 + 0.2 * ill.fever;
        let temperature = 36.7 + 1.5 * ill.fever + spread * draw.normal();
        add(7, Result::Vital(&TEMPERATURE, format!("{temperature:.1}")));
    }
    if ill.any() {
        let asthma = if ill.asthma { 1.0 } else { 0.0 };
        let oxygen = 97.8 - asthma - 8.0 * ill.grave + 0.7 * draw.normal();
        add(
            7,
            Result::Vital(&OXYGEN, format!("{:.0}", oxygen.min(100.0))),
        );
    }
}

/// How ill someone is at a visit.
struct Illness {
    fever: f64,
    grave: f64,
    asthma: bool,
    episode: bool,
}

impl Illness {
    fn at(life: &Life, position: usize) -> Self {
        let visit = &life.visits[position];
        let (fever, grave, episode) = match visit.purpose {
            Purpose::Episode(episode) if episode.fever => (1.0, 0.0, true),
            Purpose::Episode(_) => (0.0, 0.0, true),
            Purpose::LastStay => (0.8, 1.0, true),
            _ => (0.0, 0.0, false),
        };
        Illness {
            fever,
            grave,
            asthma: has(life, ASTHMA, position),
            episode,
        }
    }

    fn any(&self) -> bool {
        self.episode
    }
}

/// True if a problem is known at a visit.
pub(super) fn has(life: &Life, code: &str, position: usize) -> bool {
    life.problems
        .iter()
        .any(|problem| problem.disease.code.code == code && problem.noted <= position)
}

/// Weight in kg, with up to 12 kg more in the nine months before a delivery.
fn weight(life: &Life, day: Date) -> f64 {
    let carried = life
        .visits
        .iter()
        .filter(|visit| visit.is_delivery())
        .map(|visit| days_between(day, visit.start.day()))
        .find(|left| (0..PREGNANCY).contains(left))
        .map_or(0.0, |left| {
            12.0 * (1.0 - f64::from(left) / f64::from(PREGNANCY))
        });
    life.body.weight(age(life.birth, day)) + carried
}

fn size(draw: &mut Draw, life: &Life, day: Date, add: &mut impl FnMut(i32, Result)) {
    let years = age(life.birth, day);
    let height = life.body.height(years);
    let weight = weight(life, day) * (1.0 + 0.01 * draw.normal());
    let height_text = format!("{height:.1}");
    let weight_text = if years < 1.0 {
        format!("{weight:.2}")
    } else {
        format!("{weight:.1}")
    };
    // The index follows from what was written down, not from what was true.
    let written = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    let metres = written(&height_text) / 100.0;
    let index = written(&weight_text) / (metres * metres);
    add(2, Result::Vital(&HEIGHT, height_text));
    add(3, Result::Vital(&WEIGHT, weight_text));
    if years >= 2.0 {
        add(4, Result::Vital(&MASS_INDEX, format!("{index:.1}")));
    } else {
        let head = life.body.head(years) + 0.2 * draw.normal();
        add(4, Result::Vital(&HEAD, format!("{head:.1}")));
    }
}

fn pressure(draw: &mut Draw, life: &Life, position: usize, years: f64) -> (i32, i32) {
    let (systolic, diastolic) = life.body.pressure(years);
    // Treated hypertension is lower than at its discovery, and still above the rest.
    let raised = if has(life, HYPERTENSION, position) {
        let day = life.visits[position].start.day();
        let new = life
            .problems
            .iter()
            .any(|problem| problem.is_new(HYPERTENSION, position, day));
        if new { 22.0 } else { 9.0 }
    } else {
        0.0
    };
    let last = if matches!(life.visits[position].purpose, Purpose::LastStay) {
        -22.0
    } else {
        0.0
    };
    let upper = systolic + raised + last + 5.0 * draw.normal();
    let lower = diastolic + 0.45 * (raised + last) + 3.0 * draw.normal();
    let upper = upper.clamp(72.0, 205.0);
    let lower = lower.clamp(40.0, upper - 22.0);
    ((upper + 0.5) as i32, (lower + 0.5) as i32)
}
