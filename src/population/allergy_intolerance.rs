//! Allergies, and the statement that none is known.

use serde_json::{Value, json};

use super::calendar::{age, day_text};
use super::code::{Code, code, icd, rxnorm};
use super::draw::Draw;
use super::json::{Members, bare_concept, concept};
use super::{Chart, Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "AllergyIntolerance",
    title: "allergies with reactions, and none known",
    make: Make::Patient(make),
};

/// Something that people are allergic to, or the absence of such.
pub(super) struct Allergen {
    code: Code,
    category: &'static str,
    reaction: Option<(Code, &'static str)>,
    criticality: &'static str,
    /// RxNorm codes of what is not prescribed then.
    avoided: &'static [&'static str],
}

const HIVES: Code = icd("L50.0", "Allergic urticaria");
const RASH: Code = icd("R21", "Rash and other nonspecific skin eruption");
const SHOCK: Code = icd(
    "T78.2XXA",
    "Anaphylactic shock, unspecified, initial encounter",
);
const WHEEZING: Code = icd("R06.2", "Wheezing");
const NAUSEA: Code = icd("R11.0", "Nausea");

static NONE_KNOWN: Allergen = Allergen {
    code: code(
        "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips",
        "no-known-allergies",
        "No known allergies",
    ),
    category: "",
    reaction: None,
    criticality: "",
    avoided: &[],
};

const fn allergen(
    code: Code,
    category: &'static str,
    reaction: (Code, &'static str),
    criticality: &'static str,
    avoided: &'static [&'static str],
) -> Allergen {
    Allergen {
        code,
        category,
        reaction: Some(reaction),
        criticality,
        avoided,
    }
}

static ALLERGENS: [Allergen; 8] = [
    allergen(
        rxnorm("7980", "penicillin G"),
        "medication",
        (HIVES, "moderate"),
        "high",
        &["308191", "313850"],
    ),
    allergen(
        rxnorm("723", "amoxicillin"),
        "medication",
        (RASH, "mild"),
        "low",
        &["308191", "313850"],
    ),
    allergen(
        rxnorm("10180", "sulfamethoxazole"),
        "medication",
        (RASH, "moderate"),
        "low",
        &["198335"],
    ),
    allergen(
        rxnorm("2670", "codeine"),
        "medication",
        (NAUSEA, "mild"),
        "low",
        &[],
    ),
    allergen(
        rxnorm("1191", "aspirin"),
        "medication",
        (WHEEZING, "moderate"),
        "high",
        &["243670", "310965"],
    ),
    allergen(
        icd("Z91.010", "Allergy to peanuts"),
        "food",
        (SHOCK, "severe"),
        "high",
        &[],
    ),
    allergen(
        icd("Z91.013", "Allergy to seafood"),
        "food",
        (HIVES, "moderate"),
        "high",
        &[],
    ),
    allergen(
        icd("Z91.030", "Bee allergy status"),
        "environment",
        (SHOCK, "severe"),
        "high",
        &[],
    ),
];

impl Allergen {
    /// True if a drug must not be prescribed.
    pub(super) fn forbids(&self, drug: Code) -> bool {
        self.avoided.contains(&drug.code)
    }
}

/// What someone is allergic to; none known for half of the people, nothing recorded for some.
pub(super) fn draw(draw: &mut Draw) -> Vec<&'static Allergen> {
    match draw.below(100) {
        0..20 => vec![draw.pick(&ALLERGENS)],
        20..25 => {
            let first = draw.below(4) as usize;
            vec![&ALLERGENS[first], &ALLERGENS[5 + first % 3]]
        }
        25..75 => vec![&NONE_KNOWN],
        _ => Vec::new(),
    }
}

fn make(chart: &Chart) -> Vec<Value> {
    // What is known is written down at the first visit.
    let Some(visit) = chart.life.visits.first() else {
        return Vec::new();
    };
    let mut draw = chart.draw("allergy/record");
    let allergies = chart.allergies.iter().enumerate();
    allergies
        .map(|(ordinal, allergen)| {
            let recorded = visit.start;
            let known = allergen.reaction.is_some();
            let years = age(chart.life.birth, recorded.day());
            // Some remember the year; it lies between birth and the visit.
            let onset = (known && years > 3.0 && draw.chance(400)).then(|| {
                let back = draw.between(1, (years as i32 - 1).min(30));
                (recorded.day().year() - i16::try_from(back).unwrap_or(1)).to_string()
            });
            Members::resource(
                "AllergyIntolerance",
                chart.identity.id("AllergyIntolerance", ordinal),
                chart.identity.identifier("AllergyIntolerance", ordinal),
            )
            .with("clinicalStatus", status("clinical", "active", "Active"))
            .with(
                "verificationStatus",
                status("verification", "confirmed", "Confirmed"),
            )
            .maybe("type", known.then_some("allergy"))
            .maybe("category", known.then(|| vec![allergen.category]))
            .maybe("criticality", known.then_some(allergen.criticality))
            .with("code", concept(allergen.code))
            .with("patient", chart.subject())
            .with("encounter", chart.encounter(0))
            .maybe("onsetDateTime", onset)
            .with("recordedDate", day_text(recorded.day()))
            .with("recorder", chart.clinician(visit))
            .maybe(
                "reaction",
                allergen.reaction.map(|(manifestation, severity)| {
                    json!([{
                        "manifestation": [concept(manifestation)],
                        "severity": severity,
                    }])
                }),
            )
            .done()
        })
        .collect()
}

fn status(kind: &str, value: &'static str, display: &'static str) -> Value {
    let system = match kind {
        "clinical" => "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
        _ => "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    };
    bare_concept(code(system, value, display))
}
