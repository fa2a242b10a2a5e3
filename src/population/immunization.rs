//! Immunizations: the childhood schedule, influenza each season, and what older records report.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::calendar::{add_days, age, day_text, days_between};
use super::code::{CVX, Code, UCUM, code};
use super::draw::Draw;
use super::json::{Members, bare_concept, concept, decimal};
use super::timeline::Visit;
use super::{Chart, Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Immunization",
    title: "vaccinations given, refused and reported",
    make: Make::Patient(make),
};

/// A dose of the schedule: vaccine, first day of life, and days within which it is given.
struct Dose {
    vaccine: Code,
    from: i32,
    within: i32,
    number: u32,
}

const fn dose(vaccine: Code, from: i32, within: i32, number: u32) -> Dose {
    Dose {
        vaccine,
        from,
        within,
        number,
    }
}

const fn cvx(number: &'static str, display: &'static str) -> Code {
    code(CVX, number, display)
}

const HEP_B: Code = cvx("08", "Hep B, adolescent or pediatric");
const DTAP: Code = cvx("20", "DTaP");
const POLIO: Code = cvx("10", "IPV");
const MMR: Code = cvx("03", "MMR");
const VARICELLA: Code = cvx("21", "varicella");
const TDAP: Code = cvx("115", "Tdap");
const HPV: Code = cvx("165", "HPV9");
const ZOSTER: Code = cvx("187", "zoster recombinant");
const PNEUMO: Code = cvx("33", "pneumococcal polysaccharide PPV23");
const INFLUENZA: Code = cvx("140", "Influenza, split virus, trivalent, PF");

/// A part of the schedule for children of the CDC
/// (<https://www.cdc.gov/vaccines/hcp/imz-schedules/child-adolescent-age.html>).
static SCHEDULE: &[Dose] = &[
    dose(HEP_B, 0, 25, 1),
    dose(HEP_B, 30, 40, 2),
    dose(DTAP, 55, 50, 1),
    dose(POLIO, 55, 50, 1),
    dose(DTAP, 118, 50, 2),
    dose(POLIO, 118, 50, 2),
    dose(DTAP, 180, 80, 3),
    dose(HEP_B, 180, 80, 3),
    dose(MMR, 365, 80, 1),
    dose(VARICELLA, 365, 80, 1),
    dose(DTAP, 455, 120, 4),
    dose(DTAP, 1461, 800, 5),
    dose(POLIO, 1461, 800, 3),
    dose(MMR, 1461, 800, 2),
    dose(VARICELLA, 1461, 800, 2),
    dose(TDAP, 4018, 700, 1),
    dose(HPV, 4018, 700, 1),
    dose(ZOSTER, 18_263, 1400, 1),
    dose(PNEUMO, 23_742, 1400, 1),
];

/// Vaccines that older records report, with the year in which they were licensed in the United States.
const REPORTED: &[(Code, i16)] = &[
    (MMR, 1971),
    (VARICELLA, 1995),
    (TDAP, 2005),
    (ZOSTER, 2017),
    (PNEUMO, 1983),
];

fn make(chart: &Chart) -> Vec<Value> {
    let mut immunizations = Immunizations {
        chart,
        draw: chart.draw("immunization"),
        values: Vec::new(),
    };
    immunizations.reported();
    for (position, visit) in chart.life.visits.iter().enumerate() {
        if visit.is_planned() {
            immunizations.scheduled(position, visit);
            immunizations.seasonal(position, visit);
        }
    }
    immunizations.values
}

struct Immunizations<'a> {
    chart: &'a Chart,
    draw: Draw,
    values: Vec<Value>,
}

impl Immunizations<'_> {
    fn start(&self, status: &str) -> Members {
        let ordinal = self.values.len();
        Members::resource(
            "Immunization",
            self.chart.identity.id("Immunization", ordinal),
            self.chart.identity.identifier("Immunization", ordinal),
        )
        .with("status", status)
    }

    /// What was given before the first recorded visit, from an older record, with the month only.
    fn reported(&mut self) {
        let life = &self.chart.life;
        let Some(first) = life.visits.first() else {
            return;
        };
        for dose in SCHEDULE {
            let due = add_days(life.birth, dose.from + dose.within / 2);
            let reported = REPORTED
                .iter()
                .any(|(vaccine, licensed)| *vaccine == dose.vaccine && *licensed < due.year());
            let over = days_between(due, first.start.day()) > dose.within;
            if !reported || !over || !self.draw.chance(600) {
                continue;
            }
            let origin = code(
                "http://terminology.hl7.org/CodeSystem/immunization-origin",
                "record",
                "Other Record",
            );
            let value = self
                .start("completed")
                .with("vaccineCode", concept(dose.vaccine))
                .with("patient", self.chart.subject())
                .with("occurrenceDateTime", &day_text(due)[..7])
                .with("recorded", first.start.text())
                .with("primarySource", false)
                .with("reportOrigin", concept(origin))
                .done();
            self.values.push(value);
        }
    }

    /// The doses that are due at a visit, each at the first visit that falls into its time.
    fn scheduled(&mut self, position: usize, visit: &Visit) {
        let birth = self.chart.life.birth;
        let lived = days_between(birth, visit.start.day());
        let mut before = self.chart.life.visits[..position]
            .iter()
            .filter(|visit| visit.is_planned())
            .map(|visit| days_between(birth, visit.start.day()));
        let previous = before.next_back().unwrap_or(-1);
        for dose in SCHEDULE {
            let time = dose.from..=dose.from + dose.within;
            if time.contains(&lived) && !time.contains(&previous) && self.draw.chance(930) {
                self.given(dose.vaccine, position, visit, Some(dose.number));
            }
        }
    }

    /// Influenza, from September to January.
    fn seasonal(&mut self, position: usize, visit: &Visit) {
        let life = &self.chart.life;
        let day = visit.start.day();
        let season = matches!(day.month(), 9..=12 | 1);
        if !season || age(life.birth, day) < 0.5 || self.earlier_this_season(position, day) {
            return;
        }
        match self.draw.below(100) {
            0..55 => self.given(INFLUENZA, position, visit, None),
            55..62 => self.refused(position, visit),
            _ => {}
        }
    }

    fn earlier_this_season(&self, position: usize, day: Date) -> bool {
        self.chart.life.visits[..position].iter().any(|visit| {
            let before = visit.start.day();
            visit.is_planned()
                && days_between(before, day) < 150
                && matches!(before.month(), 9..=12 | 1)
        })
    }

    fn given(&mut self, vaccine: Code, position: usize, visit: &Visit, number: Option<u32>) {
        let small = age(self.chart.life.birth, visit.start.day()) < 3.0;
        let (site, place) = if small {
            ("LT", "left thigh")
        } else {
            ("LA", "left arm")
        };
        let lot = format!(
            "{}{:04}",
            self.draw.pick(&["A", "FX", "U", "KR"]),
            self.draw.below(10_000)
        );
        let site = code(
            "http://terminology.hl7.org/CodeSystem/v3-ActSite",
            site,
            place,
        );
        let (route, way) = if [MMR, VARICELLA].contains(&vaccine) {
            ("SQ", "Injection, subcutaneous")
        } else {
            ("IM", "Injection, intramuscular")
        };
        let route = code(
            "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration",
            route,
            way,
        );
        let value = self
            .start("completed")
            .with("vaccineCode", concept(vaccine))
            .with("patient", self.chart.subject())
            .with("encounter", self.chart.encounter(position))
            .with("occurrenceDateTime", visit.start.plus(14).text())
            .with("recorded", visit.start.plus(14).text())
            .with("primarySource", true)
            .with("lotNumber", lot)
            .with("site", concept(site))
            .with("route", concept(route))
            .with(
                "doseQuantity",
                json!({"value": decimal("0.50"), "unit": "mL", "system": UCUM, "code": "mL"}),
            )
            .with("performer", json!([{"actor": self.chart.clinician(visit)}]))
            .maybe(
                "protocolApplied",
                number.map(|number| json!([{"doseNumberPositiveInt": number}])),
            )
            .done();
        self.values.push(value);
    }

    fn refused(&mut self, position: usize, visit: &Visit) {
        let reason = code(
            "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "PATOBJ",
            "patient objection",
        );
        let value = self
            .start("not-done")
            .with("statusReason", bare_concept(reason))
            .with("vaccineCode", concept(INFLUENZA))
            .with("patient", self.chart.subject())
            .with("encounter", self.chart.encounter(position))
            .with("occurrenceDateTime", visit.start.plus(14).text())
            .with("primarySource", true)
            .done();
        self.values.push(value);
    }
}
