//! Witnesses and decoys: values at which a wrong search answer differs from the right one. They say nothing
//! about what the right answer is; the oracle finds it from what was read back.
//!
//! With [`super::Features::witnesses`] patient *i* plays the role `CAST[i]`: an otherwise ordinary adult
//! with some values replaced or added. All of it is valid R4.

mod canonicals;
mod figures;
mod links;
mod names;
mod readings;
mod shapes;

use serde_json::{Map, Value};

use super::Chart;
use super::json::Members;

/// The first ordinal of what roles add, far above what a life has.
const FIRST_ORDINAL: usize = 1000;

/// A part that one patient plays.
pub struct Role {
    /// Stable name, for those who look for it.
    pub id: &'static str,
    /// What a server may get wrong about it.
    pub title: &'static str,
    play: fn(&mut Scene),
}

/// All roles; the position is the index of the patient. New ones go to the end, because patients of a
/// population do not change.
pub static CAST: &[Role] = &[
    names::DIACRITIC,
    names::PLAIN,
    names::CAPITALS,
    names::LONGER,
    names::INSIDE,
    names::SEPARATORS,
    shapes::NO_GENDER,
    shapes::NO_BIRTH_DATE,
    shapes::BIRTH_YEAR,
    shapes::BIRTH_MONTH,
    shapes::BIRTH_DAY,
    readings::DAYS,
    readings::QUANTITIES,
    readings::CODES,
    shapes::IDENTIFIERS,
    readings::ABSENT,
    shapes::BARE,
    names::PUNCTUATION,
    names::PARTS,
    names::SCRIPTS,
    names::LONG,
    names::LONG_TWIN,
    figures::NUMBERS,
    canonicals::VALUE_SETS,
    links::LOGICAL,
];

/// Types that only roles have.
pub static TYPES: &[&str] = &["MolecularSequence", "RiskAssessment", "ValueSet"];

impl Role {
    /// Changes the resources of a patient.
    pub(super) fn play(&self, chart: &Chart, resources: &mut Vec<Value>) {
        let mut scene = Scene {
            chart,
            resources,
            ordinal: FIRST_ORDINAL,
        };
        (self.play)(&mut scene);
    }
}

/// The resources of the patient who plays.
struct Scene<'a> {
    chart: &'a Chart,
    resources: &'a mut Vec<Value>,
    ordinal: usize,
}

impl Scene<'_> {
    /// Members of the Patient.
    fn patient(&mut self) -> &mut Map<String, Value> {
        self.resources
            .first_mut()
            .and_then(Value::as_object_mut)
            .expect("the Patient is generated first and is an object")
    }

    /// Replaces members of the Patient; they keep their places.
    fn set<const N: usize>(&mut self, members: [(&str, Value); N]) {
        for (name, value) in members {
            self.patient().insert(name.to_owned(), value);
        }
    }

    /// Removes members of the Patient.
    fn drop_members(&mut self, names: &[&str]) {
        for name in names {
            self.patient().shift_remove(*name);
        }
    }

    /// Leaves the Patient alone: a role that is about the Patient needs no record, and the cohort stays small.
    fn alone(&mut self) {
        self.resources.truncate(1);
    }

    /// One more resource of a type, with an id and an identifier of its own.
    fn resource(&mut self, resource_type: &str) -> Members {
        let ordinal = self.next();
        let identity = self.chart.identity;
        Members::resource(
            resource_type,
            identity.id(resource_type, ordinal),
            identity.identifier(resource_type, ordinal),
        )
    }

    /// The ordinal of one more resource.
    fn next(&mut self) -> usize {
        self.ordinal += 1;
        self.ordinal
    }
}
