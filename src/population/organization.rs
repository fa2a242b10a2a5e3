//! Organizations: a hospital and its clinic in each town.

use serde_json::{Value, json};

use super::code::code;
use super::draw::Draw;
use super::identity::Identity;
use super::json::{Members, concept};
use super::people::{TOWNS, address, phone};
use super::{Generator, Make};
use crate::seed::Seed;

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Organization",
    title: "hospitals and their clinics",
    make: Make::Shared(make),
};

/// The ordinal of the clinic or the hospital of a town.
pub(super) fn ordinal(town: usize, clinic: bool) -> usize {
    town * 2 + usize::from(clinic)
}

/// The draws of a town's own things: the same under every seed, as buildings do not move.
pub(super) fn place(purpose: &str, town: usize) -> Draw {
    Draw::new(Seed(0).derive(purpose).index(town as u64))
}

fn make(identity: Identity) -> Vec<Value> {
    let provider = code(
        "http://terminology.hl7.org/CodeSystem/organization-type",
        "prov",
        "Healthcare Provider",
    );
    let mut organizations = Vec::new();
    for (position, town) in TOWNS.iter().enumerate() {
        for (clinic, name) in [(false, town.hospital), (true, town.clinic)] {
            let number = ordinal(position, clinic);
            let mut draw = place("organization", number);
            organizations.push(
                Members::resource(
                    "Organization",
                    identity.id("Organization", number),
                    identity.identifier("Organization", number),
                )
                .with("active", true)
                .with("type", json!([concept(provider)]))
                .with("name", name)
                .with("telecom", json!([phone(&mut draw, town, "work")]))
                .with("address", json!([address(&mut draw, town, None)]))
                .maybe(
                    "partOf",
                    clinic.then(|| identity.reference("Organization", ordinal(position, false))),
                )
                .done(),
            );
        }
    }
    organizations
}
