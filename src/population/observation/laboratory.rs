//! Laboratory results: panels and single tests, correlated with what someone has.

use super::super::calendar::age;
use super::super::code::{Code, Unit, loinc, unit};
use super::super::disease::{CORONARY, DIABETES, HYPERTENSION, KIDNEY, LIPIDS, THYROID};
use super::super::draw::Draw;
use super::super::people::Sex;
use super::super::timeline::{Life, Purpose};
use super::vital::has;
use super::{Measurement, Record, Report, Result};

/// Minutes from drawing blood to the result.
pub(super) const DELAY: i32 = 190;

/// Something that is measured in blood.
pub(super) struct Analyte {
    pub(super) code: Code,
    pub(super) unit: Unit,
    digits: usize,
    /// Reference range of adults as decimal text.
    pub(super) range: (Option<&'static str>, Option<&'static str>),
}

/// Analytes that are reported together.
pub(in crate::population) struct Panel {
    pub(in crate::population) code: Code,
}

const fn analyte(
    code: Code,
    unit: Unit,
    digits: usize,
    range: (Option<&'static str>, Option<&'static str>),
) -> Analyte {
    Analyte {
        code,
        unit,
        digits,
        range,
    }
}

const MG_DL: Unit = unit("mg/dL", "mg/dL");
const MMOL_L: Unit = unit("mmol/L", "mmol/L");
const G_DL: Unit = unit("g/dL", "g/dL");
const PERCENT: Unit = unit("%", "%");

static GLUCOSE: Analyte = analyte(
    loinc("2345-7", "Glucose [Mass/volume] in Serum or Plasma"),
    MG_DL,
    0,
    (Some("70"), Some("99")),
);
static UREA: Analyte = analyte(
    loinc("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma"),
    MG_DL,
    0,
    (Some("7"), Some("20")),
);
static CREATININE: Analyte = analyte(
    loinc("2160-0", "Creatinine [Mass/volume] in Serum or Plasma"),
    MG_DL,
    2,
    (Some("0.50"), Some("1.20")),
);
static SODIUM: Analyte = analyte(
    loinc("2951-2", "Sodium [Moles/volume] in Serum or Plasma"),
    MMOL_L,
    0,
    (Some("135"), Some("145")),
);
static POTASSIUM: Analyte = analyte(
    loinc("2823-3", "Potassium [Moles/volume] in Serum or Plasma"),
    MMOL_L,
    1,
    (Some("3.5"), Some("5.1")),
);
static CHLORIDE: Analyte = analyte(
    loinc("2075-0", "Chloride [Moles/volume] in Serum or Plasma"),
    MMOL_L,
    0,
    (Some("98"), Some("107")),
);
static CHOLESTEROL: Analyte = analyte(
    loinc("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"),
    MG_DL,
    0,
    (None, Some("200")),
);
static TRIGLYCERIDE: Analyte = analyte(
    loinc("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma"),
    MG_DL,
    0,
    (None, Some("150")),
);
static HDL: Analyte = analyte(
    loinc(
        "2085-9",
        "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
    ),
    MG_DL,
    0,
    (Some("40"), None),
);
static LDL: Analyte = analyte(
    loinc(
        "13457-7",
        "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
    ),
    MG_DL,
    0,
    (None, Some("130")),
);
static LEUKOCYTES: Analyte = analyte(
    loinc(
        "6690-2",
        "Leukocytes [#/volume] in Blood by Automated count",
    ),
    unit("10*3/uL", "10*3/uL"),
    1,
    (Some("4.0"), Some("11.0")),
);
static HEMOGLOBIN: Analyte = analyte(
    loinc("718-7", "Hemoglobin [Mass/volume] in Blood"),
    G_DL,
    1,
    (Some("12.0"), Some("17.5")),
);
static HEMATOCRIT: Analyte = analyte(
    loinc(
        "4544-3",
        "Hematocrit [Volume Fraction] of Blood by Automated count",
    ),
    PERCENT,
    1,
    (Some("36.0"), Some("52.0")),
);
static PLATELETS: Analyte = analyte(
    loinc("777-3", "Platelets [#/volume] in Blood by Automated count"),
    unit("10*3/uL", "10*3/uL"),
    0,
    (Some("150"), Some("400")),
);
static A1C: Analyte = analyte(
    loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
    PERCENT,
    1,
    (Some("4.0"), Some("5.6")),
);
static A1C_FINE: Analyte = analyte(
    loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
    PERCENT,
    2,
    (Some("4.00"), Some("5.60")),
);
static TSH: Analyte = analyte(
    loinc("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma"),
    unit("mIU/L", "m[IU]/L"),
    2,
    (Some("0.40"), Some("4.50")),
);

static METABOLIC: Panel = Panel {
    code: loinc("24321-2", "Basic metabolic 2000 panel - Serum or Plasma"),
};
static LIPID: Panel = Panel {
    code: loinc("24331-1", "Lipid 1996 panel - Serum or Plasma"),
};
static COUNT: Panel = Panel {
    code: loinc("58410-2", "CBC panel - Blood by Automated count"),
};

type Values = Vec<(&'static Analyte, f64)>;

/// What is usual for one person.
pub(super) struct Chemistry {
    glucose: f64,
    creatinine: f64,
    cholesterol: f64,
    triglyceride: f64,
    hdl: f64,
    hemoglobin: f64,
    /// A laboratory that reports hemoglobin A1c with two digits.
    fine: bool,
}

impl Chemistry {
    /// The chemistry of a life.
    pub(super) fn draw(draw: &mut Draw, life: &Life) -> Self {
        let male = life.sex == Sex::Male;
        Chemistry {
            glucose: 92.0 + 6.0 * draw.normal().clamp(-2.0, 2.0),
            creatinine: if male { 0.95 } else { 0.76 } + 0.09 * draw.normal().clamp(-2.0, 2.0),
            cholesterol: 184.0 + 24.0 * draw.normal().clamp(-2.0, 2.5),
            triglyceride: 112.0 + 32.0 * draw.normal().clamp(-1.8, 2.5),
            hdl: if male { 46.0 } else { 56.0 } + 9.0 * draw.normal().clamp(-2.0, 2.5),
            hemoglobin: if male { 15.0 } else { 13.4 } + 0.7 * draw.normal().clamp(-2.0, 2.0),
            fine: draw.chance(250),
        }
    }

    /// Orders what is usual at a visit: lipids at checks, metabolism with chronic diseases, blood counts in
    /// hospital.
    pub(super) fn order(&self, draw: &mut Draw, life: &Life, position: usize, record: &mut Record) {
        let visit = &life.visits[position];
        let adult = age(life.birth, visit.start.day()) >= 20.0;
        let fever = match visit.purpose {
            Purpose::Episode(episode) if episode.blood_count => episode.fever,
            Purpose::LastStay => true,
            Purpose::Wellness if adult => {
                if draw.chance(if has(life, LIPIDS, position) {
                    900
                } else {
                    450
                }) {
                    let values = self.lipids(draw, life, position);
                    record.report(&LIPID, life, position, values);
                }
                return;
            }
            Purpose::ChronicCare if adult => {
                let needed = [HYPERTENSION, DIABETES, LIPIDS, KIDNEY, CORONARY];
                if needed.iter().any(|code| has(life, code, position)) {
                    let values = self.metabolism(draw, life, position);
                    record.report(&METABOLIC, life, position, values);
                }
                self.single(draw, life, position, record);
                return;
            }
            _ => return,
        };
        let values = self.count(draw, fever);
        record.report(&COUNT, life, position, values);
    }

    fn sugar(&self, life: &Life, position: usize) -> f64 {
        let raised = if has(life, DIABETES, position) {
            48.0
        } else {
            0.0
        };
        self.glucose + raised
    }

    fn metabolism(&self, draw: &mut Draw, life: &Life, position: usize) -> Values {
        let kidney = has(life, KIDNEY, position);
        let diabetes = has(life, DIABETES, position);
        let spread = if diabetes { 22.0 } else { 5.0 };
        let glucose = (self.sugar(life, position) + spread * draw.normal()).max(64.0);
        let creatinine = self.creatinine + if kidney { 0.75 } else { 0.0 } + 0.04 * draw.normal();
        let urea = 9.0 * creatinine + 5.0 + 1.8 * draw.normal();
        vec![
            (&GLUCOSE, glucose),
            (&UREA, urea),
            (&CREATININE, creatinine),
            (&SODIUM, 140.0 + 1.8 * draw.normal()),
            (&POTASSIUM, 4.2 + 0.3 * draw.normal()),
            (&CHLORIDE, 102.5 + 1.9 * draw.normal()),
        ]
    }

    /// LDL by the formula of Friedewald, from the numbers as reported.
    fn lipids(&self, draw: &mut Draw, life: &Life, position: usize) -> Values {
        let day = life.visits[position].start.day();
        let untreated = life
            .problems
            .iter()
            .any(|problem| problem.is_new(LIPIDS, position, day));
        let raised = if untreated { 48.0 } else { 0.0 };
        let total = (self.cholesterol + raised + 8.0 * draw.normal()).round();
        let triglyceride = (self.triglyceride + raised + 9.0 * draw.normal()).round();
        let hdl = (self.hdl + 2.0 * draw.normal()).max(28.0).round();
        vec![
            (&CHOLESTEROL, total),
            (&TRIGLYCERIDE, triglyceride),
            (&HDL, hdl),
            (&LDL, total - hdl - triglyceride / 5.0),
        ]
    }

    fn count(&self, draw: &mut Draw, fever: bool) -> Values {
        let hemoglobin = self.hemoglobin + 0.3 * draw.normal();
        let leukocytes = if fever { 14.2 } else { 7.1 } + 1.3 * draw.normal();
        vec![
            (&LEUKOCYTES, leukocytes),
            (&HEMOGLOBIN, hemoglobin),
            (&HEMATOCRIT, 2.95 * hemoglobin + 0.5 * draw.normal()),
            (&PLATELETS, 252.0 + 40.0 * draw.normal().clamp(-2.2, 2.2)),
        ]
    }

    /// Tests without a panel: hemoglobin A1c (from the mean glucose, Nathan et al. 2008,
    /// <https://doi.org/10.2337/dc08-0545>) and thyrotropin.
    fn single(&self, draw: &mut Draw, life: &Life, position: usize, record: &mut Record) {
        if has(life, DIABETES, position) {
            let mean = self.sugar(life, position) + 18.0 + 9.0 * draw.normal();
            let a1c = (mean + 46.7) / 28.7;
            let analyte = if self.fine { &A1C_FINE } else { &A1C };
            record.single(analyte, life, position, a1c);
        }
        if has(life, THYROID, position) {
            let tsh = (2.3 + 1.1 * draw.normal()).max(0.3);
            record.single(&TSH, life, position, tsh);
        }
    }
}

impl Record {
    fn single(
        &mut self,
        analyte: &'static Analyte,
        life: &Life,
        position: usize,
        value: f64,
    ) -> usize {
        let digits = analyte.digits;
        self.measurements.push(Measurement {
            visit: position,
            at: life.visits[position].start.plus(12),
            result: Result::Laboratory(analyte, format!("{value:.digits$}")),
        });
        self.measurements.len() - 1
    }

    fn report(&mut self, panel: &'static Panel, life: &Life, position: usize, values: Values) {
        let at = life.visits[position].start.plus(12);
        let results = values
            .into_iter()
            .map(|(analyte, value)| self.single(analyte, life, position, value))
            .collect();
        self.panels.push(Report {
            panel,
            visit: position,
            at,
            issued: at.plus(DELAY),
            results,
        });
    }
}
