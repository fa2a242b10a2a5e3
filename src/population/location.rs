//! Locations: the emergency department and the ward of each hospital, and the office of each clinic.

use serde_json::{Value, json};

use super::code::code;
use super::identity::Identity;
use super::json::{Members, concept, decimal};
use super::organization::{ordinal as organization, place};
use super::people::{TOWNS, address, phone};
use super::{Generator, Make};

pub(super) const GENERATOR: Generator = Generator {
    resource_type: "Location",
    title: "emergency departments, wards and offices",
    make: Make::Shared(make),
};

/// The office of a clinic.
pub(super) const OFFICE: usize = 0;
/// The emergency department of a hospital.
pub(super) const EMERGENCY: usize = 1;
/// The ward of a hospital.
pub(super) const WARD: usize = 2;

/// The ordinal of a town's location.
pub(super) fn ordinal(town: usize, kind: usize) -> usize {
    town * 3 + kind
}

/// <http://terminology.hl7.org/CodeSystem/v3-RoleCode>
const KINDS: [(&str, &str, &str); 3] = [
    ("OF", "Outpatient facility", "Office"),
    ("ER", "Emergency room", "Emergency Department"),
    ("HU", "Hospital unit", "Medical and Surgical Ward"),
];

fn make(identity: Identity) -> Vec<Value> {
    let mut locations = Vec::new();
    for (position, town) in TOWNS.iter().enumerate() {
        for (kind, (role, display, name)) in KINDS.into_iter().enumerate() {
            let number = ordinal(position, kind);
            let clinic = kind == OFFICE;
            let owner = if clinic { town.clinic } else { town.hospital };
            let mut draw = place("organization", organization(position, clinic));
            let role = code(
                "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                role,
                display,
            );
            let (latitude, longitude) = town.position;
            locations.push(
                Members::resource(
                    "Location",
                    identity.id("Location", number),
                    identity.identifier("Location", number),
                )
                .with("status", "active")
                .with("name", format!("{owner}, {name}"))
                .with("mode", "instance")
                .with("type", json!([concept(role)]))
                .with("telecom", json!([phone(&mut draw, town, "work")]))
                .with("address", address(&mut draw, town, None))
                .with(
                    "position",
                    json!({"longitude": decimal(longitude), "latitude": decimal(latitude)}),
                )
                .with(
                    "managingOrganization",
                    identity.reference("Organization", organization(position, clinic)),
                )
                .done(),
            );
        }
    }
    locations
}
