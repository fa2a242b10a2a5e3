//! Patients whose elements are missing, partial or repeated.

use serde_json::{Value, json};

use super::super::identity::SYSTEM;
use super::{Role, Scene};

pub(super) const NO_GENDER: Role = Role {
    id: "gender-missing-birth-date-unknown",
    title: "gender:missing=true; birthDate has an extension and no value, so it is missing too",
    play: |scene| {
        let unknown = json!({"extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }]});
        scene.drop_members(&["gender"]);
        let patient = scene.patient();
        let place = patient
            .keys()
            .take_while(|name| *name != "birthDate")
            .count();
        patient.shift_remove("birthDate");
        patient.shift_insert(place, "_birthDate".to_owned(), unknown);
    },
};

pub(super) const NO_BIRTH_DATE: Role = Role {
    id: "birth-date-missing",
    title: "birthdate:missing=true; no comparison with a date matches",
    play: |scene| scene.drop_members(&["birthDate", "telecom", "active"]),
};

pub(super) const BIRTH_YEAR: Role = Role {
    id: "birth-year",
    title: "1975 is the whole year: inside no month, not before 1975-07",
    play: |scene| born(scene, "1975"),
};

pub(super) const BIRTH_MONTH: Role = Role {
    id: "birth-month",
    title: "1975-06 is inside 1975 and holds 1975-06-30",
    play: |scene| born(scene, "1975-06"),
};

pub(super) const BIRTH_DAY: Role = Role {
    id: "birth-day",
    title: "1975-06-30 is inside 1975-06 and before 1975-07",
    play: |scene| born(scene, "1975-06-30"),
};

fn born(scene: &mut Scene, date: &str) {
    scene.set([("birthDate", Value::from(date))]);
}

pub(super) const IDENTIFIERS: Role = Role {
    id: "several-identifiers",
    title: "two values in one system, one value in two systems and without a system",
    play: |scene| {
        let identity = scene.chart.identity;
        let first = identity.value("Patient", 0);
        let second = identity.value("Patient", scene.next());
        let mut identifiers = scene.patient()["identifier"].clone();
        if let Some(identifiers) = identifiers.as_array_mut() {
            identifiers.push(json!({"use": "secondary", "system": SYSTEM, "value": second}));
            identifiers.push(json!({"system": "urn:rounds:other", "value": first}));
            identifiers.push(json!({"value": first}));
        }
        scene.set([("identifier", identifiers)]);
    },
};

pub(super) const BARE: Role = Role {
    id: "bare-patient",
    title: "a Patient with an identifier and nothing else, to whom nothing refers",
    play: |scene| {
        scene.resources.truncate(1);
        let identifier = scene.chart.identity.identifier("Patient", 0);
        let patient = scene.patient();
        patient.retain(|name, _| matches!(name.as_str(), "resourceType" | "id" | "identifier"));
        patient.insert("identifier".to_owned(), json!([identifier]));
    },
};
