//! Practitioners: a family, an emergency and a hospital physician in each town.

use serde_json::{Value, json};

use super::code::code;
use super::identity::Identity;
use super::json::{Members, concept};
use super::organization::place;
use super::people::{Name, Sex, TOWNS, phone};
use super::{Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Practitioner",
    title: "physicians",
    make: Make::Shared(make),
};

/// Family physician.
pub(super) const FAMILY: usize = 0;
/// Emergency physician.
pub(super) const EMERGENCY: usize = 1;
/// Physician of the ward.
pub(super) const HOSPITAL: usize = 2;

/// The ordinal of a town's physician.
pub(super) fn ordinal(town: usize, role: usize) -> usize {
    town * 3 + role
}

fn make(identity: Identity) -> Vec<Value> {
    let degree = code(
        "http://terminology.hl7.org/CodeSystem/v2-0360",
        "MD",
        "Doctor of Medicine",
    );
    (0..TOWNS.len() * 3)
        .map(|number| {
            let mut draw = place("practitioner", number);
            let sex = *draw.pick(&[Sex::Female, Sex::Male]);
            let name = Name::draw(&mut draw, sex);
            let gender = match sex {
                Sex::Female => "female",
                Sex::Male => "male",
            };
            Members::resource(
                "Practitioner",
                identity.id("Practitioner", number),
                identity.identifier("Practitioner", number),
            )
            .with("active", true)
            .with("name", json!([name.official(Some("Dr."))]))
            .with(
                "telecom",
                json!([
                    phone(&mut draw, &TOWNS[number / 3], "work"),
                    {"system": "email", "value": name.mail(), "use": "work"},
                ]),
            )
            .with("gender", gender)
            .with("qualification", json!([{"code": concept(degree)}]))
            .done()
        })
        .collect()
}
