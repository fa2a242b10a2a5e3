//! What people fall ill with: codes, ages, frequencies, and what is prescribed and done. Not when; `timeline`
//! decides that.
//!
//! Frequencies are round numbers near those that the CDC publishes for adults of the United States; they
//! make a plausible ward round, not an epidemiology.

use super::code::{Code, Unit, icd, pcs, rxnorm, unit};
use super::people::Sex;

/// How a drug is taken.
#[derive(Debug)]
pub(super) struct Drug {
    pub(super) code: Code,
    /// The instruction that people read.
    pub(super) text: &'static str,
    /// The amount of one dose.
    pub(super) dose: &'static str,
    pub(super) unit: Unit,
    /// Doses a day.
    pub(super) per_day: u32,
    pub(super) as_needed: bool,
    /// Days that one dispensing lasts.
    pub(super) days: u32,
}

/// Something done to a patient.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) code: Code,
    /// Minutes that it takes.
    pub(super) minutes: i32,
}

/// Where an episode is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Clinic,
    Emergency,
    /// A stay of this many days, one more or less.
    Hospital(i32),
}

/// A disease that stays.
#[derive(Debug)]
pub(super) struct Chronic {
    pub(super) disease: Disease,
    /// Of 1,000 women and of 1,000 men at ages below 18, 18 to 39, 40 to 59 and from 60.
    pub(super) women: [u32; 4],
    pub(super) men: [u32; 4],
}

/// A disease that passes.
#[derive(Debug)]
pub(super) struct Episode {
    pub(super) disease: Disease,
    pub(super) setting: Setting,
    /// How often, against the others that are possible at that age and sex.
    pub(super) weight: u32,
    pub(super) sex: Option<Sex>,
    pub(super) fever: bool,
    /// Blood is drawn.
    pub(super) blood_count: bool,
    /// Days until it is over.
    pub(super) days: (i32, i32),
    pub(super) act: Option<Act>,
}

/// What both kinds have.
#[derive(Debug)]
pub(super) struct Disease {
    pub(super) code: Code,
    /// Ages in years at which it begins, both included.
    pub(super) ages: (i32, i32),
    pub(super) drug: Option<Drug>,
}

const TABLET: Unit = unit("tablet", "{tbl}");
const CAPSULE: Unit = unit("capsule", "{capsule}");
const PUFF: Unit = unit("puff", "{puff}");
const MILLILITRE: Unit = unit("mL", "mL");

const fn daily(code: Code, text: &'static str, unit: Unit) -> Option<Drug> {
    Some(Drug {
        code,
        text,
        dose: "1",
        unit,
        per_day: 1,
        as_needed: false,
        days: 90,
    })
}

const fn course(
    code: Code,
    text: &'static str,
    unit: Unit,
    dose: &'static str,
    per_day: u32,
    days: u32,
) -> Option<Drug> {
    Some(Drug {
        code,
        text,
        dose,
        unit,
        per_day,
        as_needed: false,
        days,
    })
}

const fn as_needed(drug: Option<Drug>) -> Option<Drug> {
    match drug {
        Some(drug) => Some(Drug {
            as_needed: true,
            ..drug
        }),
        None => None,
    }
}

const fn ibuprofen() -> Option<Drug> {
    as_needed(course(
        rxnorm("310965", "ibuprofen 200 MG Oral Tablet"),
        "Take 2 tablets by mouth up to three times a day with food as needed for pain",
        TABLET,
        "2",
        3,
        10,
    ))
}

const fn acetaminophen() -> Option<Drug> {
    as_needed(course(
        rxnorm("313782", "acetaminophen 325 MG Oral Tablet"),
        "Take 2 tablets by mouth up to four times a day as needed for pain",
        TABLET,
        "2",
        4,
        30,
    ))
}

const fn chronic(
    code: Code,
    ages: (i32, i32),
    women: [u32; 4],
    men: [u32; 4],
    drug: Option<Drug>,
) -> Chronic {
    Chronic {
        disease: Disease { code, ages, drug },
        women,
        men,
    }
}

pub(super) const HYPERTENSION: &str = "I10";
pub(super) const DIABETES: &str = "E11.9";
pub(super) const LIPIDS: &str = "E78.5";
pub(super) const THYROID: &str = "E03.9";
pub(super) const KIDNEY: &str = "N18.30";
pub(super) const OBESITY: &str = "E66.9";
pub(super) const ASTHMA: &str = "J45.909";
pub(super) const CORONARY: &str = "I25.10";
pub(super) const DELIVERY: &str = "O80";

/// Diseases that stay, in the order in which they are drawn.
pub(super) static CHRONIC: &[Chronic] = &[
    chronic(
        icd(HYPERTENSION, "Essential (primary) hypertension"),
        (25, 80),
        [0, 60, 300, 600],
        [0, 110, 370, 600],
        daily(
            rxnorm("314076", "lisinopril 10 MG Oral Tablet"),
            "Take 1 tablet by mouth once daily",
            TABLET,
        ),
    ),
    chronic(
        icd(DIABETES, "Type 2 diabetes mellitus without complications"),
        (30, 75),
        [0, 15, 100, 190],
        [0, 20, 130, 220],
        course(
            rxnorm("861007", "metformin hydrochloride 500 MG Oral Tablet"),
            "Take 1 tablet by mouth twice daily with meals",
            TABLET,
            "1",
            2,
            90,
        ),
    ),
    chronic(
        icd(LIPIDS, "Hyperlipidemia, unspecified"),
        (30, 80),
        [0, 40, 230, 450],
        [0, 70, 290, 430],
        daily(
            rxnorm("617310", "atorvastatin 20 MG Oral Tablet"),
            "Take 1 tablet by mouth once daily at bedtime",
            TABLET,
        ),
    ),
    chronic(
        icd(ASTHMA, "Unspecified asthma, uncomplicated"),
        (4, 40),
        [70, 90, 95, 80],
        [85, 60, 55, 50],
        as_needed(course(
            rxnorm(
                "745679",
                "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler",
            ),
            "Inhale 2 puffs every 4 to 6 hours as needed for wheezing",
            PUFF,
            "2",
            4,
            25,
        )),
    ),
    chronic(
        icd(THYROID, "Hypothyroidism, unspecified"),
        (20, 75),
        [0, 25, 70, 120],
        [0, 5, 15, 40],
        daily(
            rxnorm("966222", "levothyroxine sodium 0.075 MG Oral Tablet"),
            "Take 1 tablet by mouth every morning on an empty stomach",
            TABLET,
        ),
    ),
    chronic(
        icd("F32.A", "Depression, unspecified"),
        (14, 70),
        [20, 110, 110, 90],
        [10, 60, 60, 45],
        daily(
            rxnorm("312941", "sertraline 50 MG Oral Tablet"),
            "Take 1 tablet by mouth once daily",
            TABLET,
        ),
    ),
    chronic(
        icd(
            "K21.9",
            "Gastro-esophageal reflux disease without esophagitis",
        ),
        (20, 75),
        [0, 50, 120, 180],
        [0, 50, 120, 170],
        daily(
            rxnorm("198051", "omeprazole 20 MG Delayed Release Oral Capsule"),
            "Take 1 capsule by mouth once daily before breakfast",
            CAPSULE,
        ),
    ),
    chronic(
        icd("M17.0", "Bilateral primary osteoarthritis of knee"),
        (45, 80),
        [0, 0, 60, 260],
        [0, 0, 45, 180],
        acetaminophen(),
    ),
    chronic(
        icd(
            CORONARY,
            "Atherosclerotic heart disease of native coronary artery without angina pectoris",
        ),
        (45, 85),
        [0, 0, 25, 110],
        [0, 0, 50, 190],
        daily(
            rxnorm("243670", "aspirin 81 MG Oral Tablet"),
            "Take 1 tablet by mouth once daily",
            TABLET,
        ),
    ),
    chronic(
        icd(KIDNEY, "Chronic kidney disease, stage 3 unspecified"),
        (50, 85),
        [0, 0, 30, 130],
        [0, 0, 30, 110],
        None,
    ),
    chronic(
        icd(
            "G43.909",
            "Migraine, unspecified, not intractable, without status migrainosus",
        ),
        (12, 45),
        [30, 170, 120, 50],
        [20, 60, 50, 20],
        ibuprofen(),
    ),
    chronic(
        icd("J30.9", "Allergic rhinitis, unspecified"),
        (4, 40),
        [110, 130, 110, 70],
        [130, 120, 100, 60],
        None,
    ),
    // Drawn from the body mass index, not from these frequencies.
    chronic(
        icd(OBESITY, "Obesity, unspecified"),
        (18, 70),
        [0; 4],
        [0; 4],
        None,
    ),
];

const fn episode(
    code: Code,
    ages: (i32, i32),
    weight: u32,
    setting: Setting,
    days: (i32, i32),
    drug: Option<Drug>,
) -> Episode {
    Episode {
        disease: Disease { code, ages, drug },
        setting,
        weight,
        sex: None,
        fever: false,
        blood_count: false,
        days,
        act: None,
    }
}

impl Episode {
    const fn feverish(self) -> Self {
        Episode {
            fever: true,
            ..self
        }
    }

    const fn bled(self) -> Self {
        Episode {
            blood_count: true,
            ..self
        }
    }

    const fn of(self, sex: Sex) -> Self {
        Episode {
            sex: Some(sex),
            ..self
        }
    }

    const fn with(self, code: Code, minutes: i32) -> Self {
        Episode {
            act: Some(Act { code, minutes }),
            ..self
        }
    }
}

/// Diseases that pass.
pub(super) static EPISODES: &[Episode] = &[
    episode(
        icd("J06.9", "Acute upper respiratory infection, unspecified"),
        (0, 95),
        300,
        Setting::Clinic,
        (6, 12),
        None,
    )
    .feverish(),
    episode(
        icd("H66.90", "Otitis media, unspecified, unspecified ear"),
        (0, 6),
        350,
        Setting::Clinic,
        (7, 14),
        course(
            rxnorm("313850", "amoxicillin 40 MG/ML Oral Suspension"),
            "Give 10 mL by mouth twice daily for 10 days",
            MILLILITRE,
            "10.0",
            2,
            10,
        ),
    )
    .feverish(),
    episode(
        icd("J02.0", "Streptococcal pharyngitis"),
        (7, 30),
        150,
        Setting::Clinic,
        (6, 11),
        course(
            rxnorm("308191", "amoxicillin 500 MG Oral Capsule"),
            "Take 1 capsule by mouth twice daily for 10 days",
            CAPSULE,
            "1",
            2,
            10,
        ),
    )
    .feverish(),
    episode(
        icd("N39.0", "Urinary tract infection, site not specified"),
        (16, 95),
        130,
        Setting::Clinic,
        (5, 10),
        course(
            rxnorm(
                "198335",
                "sulfamethoxazole 800 MG / trimethoprim 160 MG Oral Tablet",
            ),
            "Take 1 tablet by mouth twice daily for 3 days",
            TABLET,
            "1",
            2,
            3,
        ),
    )
    .of(Sex::Female),
    episode(
        icd("J20.9", "Acute bronchitis, unspecified"),
        (18, 95),
        110,
        Setting::Clinic,
        (12, 21),
        None,
    ),
    episode(
        icd("A09", "Infectious gastroenteritis and colitis, unspecified"),
        (1, 95),
        90,
        Setting::Clinic,
        (3, 7),
        None,
    ),
    episode(
        icd("M54.50", "Low back pain, unspecified"),
        (18, 85),
        150,
        Setting::Clinic,
        (14, 45),
        ibuprofen(),
    ),
    episode(
        icd(
            "S93.401A",
            "Sprain of unspecified ligament of right ankle, initial encounter",
        ),
        (10, 65),
        90,
        Setting::Emergency,
        (14, 35),
        ibuprofen(),
    )
    .with(
        pcs("2W3QX1Z", "Immobilization of Right Lower Leg using Splint"),
        15,
    ),
    episode(
        icd(
            "S61.411A",
            "Laceration without foreign body of right hand, initial encounter",
        ),
        (4, 85),
        60,
        Setting::Emergency,
        (10, 16),
        None,
    )
    .with(
        pcs("0HQFXZZ", "Repair Right Hand Skin, External Approach"),
        25,
    ),
    episode(
        icd("R07.9", "Chest pain, unspecified"),
        (35, 95),
        60,
        Setting::Emergency,
        (1, 4),
        None,
    )
    .bled()
    .with(
        pcs(
            "4A02X4Z",
            "Measurement of Cardiac Electrical Activity, External Approach",
        ),
        10,
    ),
    episode(
        icd("K35.80", "Unspecified acute appendicitis"),
        (7, 50),
        22,
        Setting::Hospital(2),
        (14, 28),
        None,
    )
    .feverish()
    .bled()
    .with(
        pcs(
            "0DTJ4ZZ",
            "Resection of Appendix, Percutaneous Endoscopic Approach",
        ),
        55,
    ),
    episode(
        icd(
            "K80.20",
            "Calculus of gallbladder without cholecystitis without obstruction",
        ),
        (30, 80),
        25,
        Setting::Hospital(1),
        (14, 28),
        None,
    )
    .bled()
    .with(
        pcs(
            "0FT44ZZ",
            "Resection of Gallbladder, Percutaneous Endoscopic Approach",
        ),
        70,
    ),
    episode(
        icd("H25.13", "Age-related nuclear cataract, bilateral"),
        (65, 90),
        60,
        Setting::Clinic,
        (30, 60),
        None,
    )
    .with(
        pcs(
            "08RJ3JZ",
            "Replacement of Right Lens with Synthetic Substitute, Percutaneous Approach",
        ),
        35,
    ),
    episode(
        icd(DELIVERY, "Encounter for full-term uncomplicated delivery"),
        (20, 40),
        90,
        Setting::Hospital(2),
        (1, 2),
        None,
    )
    .of(Sex::Female)
    .bled()
    .with(
        pcs(
            "10E0XZZ",
            "Delivery of Products of Conception, External Approach",
        ),
        40,
    ),
];

/// Screening of the colon, done at ages 45 to 75.
pub(super) static COLONOSCOPY: Act = Act {
    code: pcs(
        "0DJD8ZZ",
        "Inspection of Lower Intestinal Tract, Via Natural or Artificial Opening Endoscopic",
    ),
    minutes: 30,
};

/// The reason of that screening.
pub(super) const COLON_SCREENING: Code = icd(
    "Z12.11",
    "Encounter for screening for malignant neoplasm of colon",
);
