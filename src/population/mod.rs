//! Synthetic patients: a thin but consistent population of valid FHIR R4, the same for the same seed.
//! Not a disease model, and not the truth about a target: the oracle answers from what was read back.
//!
//! Patient *i* depends on the seed and *i* alone, never on how many there are or on how many threads write
//! them. `timeline` draws a life as plain data; one file per resource type projects it to FHIR
//! ([`GENERATORS`]); [`witness`] adds what search tests need; [`stamp`] makes a resource belong to one run;
//! [`write`](mod@write) puts a population into files and reads it back.
//!
//! Codes come from systems that may be given away only (see `code`). No `meta.profile` is claimed.

mod allergy_intolerance;
mod calendar;
mod code;
mod condition;
mod diagnostic_report;
mod disease;
mod draw;
mod encounter;
mod growth;
mod identity;
mod immunization;
mod json;
mod location;
mod medication_request;
mod observation;
mod organization;
mod patient_record;
mod people;
mod practitioner;
mod procedure;
mod tag;
mod timeline;
pub mod witness;
pub mod write;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::seed::Seed;

pub use calendar::TODAY;
pub use identity::{RECORD_NUMBER, SYSTEM};
pub use tag::stamp;

use draw::Draw;
use identity::Identity;
use people::{TOWNS, Town};
use timeline::{Casting, Life, Visit};

/// Which population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The seed; all else follows from it.
    pub seed: Seed,
    /// Number of patients.
    pub patients: u64,
    /// What is added for tests.
    pub features: Features,
}

impl Plan {
    /// A plain population without features.
    pub fn new(seed: Seed, patients: u64) -> Self {
        Plan {
            seed,
            patients,
            features: Features::default(),
        }
    }

    /// The same population with the cast of [`witness::CAST`] in its first patients.
    pub fn with_witnesses(self) -> Self {
        Plan {
            features: Features { witnesses: true },
            ..self
        }
    }
}

/// What is added to a population on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// The first patients are those of [`witness::CAST`]: values that tell right search answers from wrong
    /// ones. At least `witness::CAST.len()` patients are needed to have them all.
    pub witnesses: bool,
}

/// Makes the resources of one type.
pub struct Generator {
    /// Resource type, which is also the id in `rounds list generators`.
    pub resource_type: &'static str,
    /// What it makes, for people.
    pub title: &'static str,
    make: Make,
}

#[derive(Clone, Copy)]
enum Make {
    /// What all patients share.
    Shared(fn(Identity) -> Vec<Value>),
    /// What one patient has.
    Patient(fn(&Chart) -> Vec<Value>),
}

/// The generators in the order of dependence: a resource refers only to what stands before it.
pub static GENERATORS: &[Generator] = &[
    organization::GENERATOR,
    location::GENERATOR,
    practitioner::GENERATOR,
    patient_record::GENERATOR,
    encounter::GENERATOR,
    condition::GENERATOR,
    allergy_intolerance::GENERATOR,
    observation::GENERATOR,
    diagnostic_report::GENERATOR,
    medication_request::GENERATOR,
    procedure::GENERATOR,
    immunization::GENERATOR,
];

/// Every type that a population may hold, in the order of dependence: those of the generators, then those of the cast
/// alone.
pub fn types() -> impl Iterator<Item = &'static str> {
    let generated = GENERATORS.iter().map(|generator| generator.resource_type);
    generated.chain(witness::TYPES.iter().copied())
}

/// Organizations, locations and practitioners: the same few for any number of patients.
pub fn shared(plan: &Plan) -> Vec<Value> {
    let identity = Identity::shared(plan.seed);
    GENERATORS
        .iter()
        .filter_map(|generator| match generator.make {
            Make::Shared(make) => Some(make(identity)),
            Make::Patient(_) => None,
        })
        .flatten()
        .collect()
}

/// Everything of patient `index` (from 0): the Patient first, then what refers to it, in the order of
/// dependence. References are relative (`Patient/…`) and lead into this list or into [`shared`].
pub fn patient(plan: &Plan, index: u64) -> Vec<Value> {
    let role = plan
        .features
        .witnesses
        .then(|| usize::try_from(index).ok())
        .flatten()
        .and_then(|position| witness::CAST.get(position));
    let casting = role.map_or(Casting::Anyone, |_| Casting::LivingAdult);
    let chart = Chart::new(plan.seed, index, casting);
    let mut resources = GENERATORS
        .iter()
        .filter_map(|generator| match generator.make {
            Make::Patient(make) => Some(make(&chart)),
            Make::Shared(_) => None,
        })
        .flatten()
        .collect();
    if let Some(role) = role {
        role.play(&chart, &mut resources);
    }
    resources
}

/// The whole population: what is shared first, then patient after patient.
pub fn generate(plan: &Plan) -> impl Iterator<Item = Vec<Value>> {
    let plan = *plan;
    std::iter::once_with(move || shared(&plan))
        .chain((0..plan.patients).map(move |index| patient(&plan, index)))
}

/// What the generators of one patient read: the life, and where it is lived.
struct Chart {
    seed: Seed,
    identity: Identity,
    shared: Identity,
    /// Index into [`TOWNS`].
    town: usize,
    life: Life,
    allergies: Vec<&'static allergy_intolerance::Allergen>,
    record: observation::Record,
}

impl Chart {
    fn new(seed: Seed, index: u64, casting: Casting) -> Self {
        let identity = Identity::patient(seed, index);
        let shared = Identity::shared(seed);
        let seed = seed.derive("population/patient").index(index);
        let town = Draw::new(seed.derive("town")).below(TOWNS.len() as u32) as usize;
        let life = timeline::live(seed, TOWNS[town].zone, casting);
        let allergies = allergy_intolerance::draw(&mut Draw::new(seed.derive("allergy")));
        let record = observation::Record::draw(&mut Draw::new(seed.derive("observation")), &life);
        Chart {
            seed,
            identity,
            shared,
            town,
            life,
            allergies,
            record,
        }
    }

    /// The draws of a purpose, so that a new generator does not shift those of the others.
    fn draw(&self, purpose: &str) -> Draw {
        Draw::new(self.seed.derive(purpose))
    }

    fn town(&self) -> &'static Town {
        &TOWNS[self.town]
    }

    /// `Patient.reference`.
    fn subject(&self) -> Value {
        self.identity.reference("Patient", 0)
    }

    /// The encounter of the visit at this position.
    fn encounter(&self, position: usize) -> Value {
        self.identity.reference("Encounter", position)
    }

    /// Who sees the patient at a visit.
    fn clinician(&self, visit: &Visit) -> Value {
        let role = if visit.is_stay() || matches!(visit.purpose, timeline::Purpose::Screening(_)) {
            practitioner::HOSPITAL
        } else if visit.is_emergency() {
            practitioner::EMERGENCY
        } else {
            practitioner::FAMILY
        };
        self.shared
            .reference("Practitioner", practitioner::ordinal(self.town, role))
    }

    /// The organization that a visit belongs to.
    fn organization(&self, visit: &Visit) -> Value {
        let clinic = !(visit.is_stay() || visit.is_emergency() || visit.act().is_some());
        self.shared
            .reference("Organization", organization::ordinal(self.town, clinic))
    }
}
