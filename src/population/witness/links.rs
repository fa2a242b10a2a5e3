//! References that name no resource, <http://hl7.org/fhir/R4/references.html#logical>.

use serde_json::json;

use super::super::code::loinc;
use super::super::json::concept;
use super::super::observation::category_concept;
use super::Role;

pub(super) const LOGICAL: Role = Role {
    id: "logical-reference",
    title: "an Observation whose subject is an identifier only, and one that has it besides a reference",
    play: |scene| {
        scene.alone();
        let number = scene.chart.identity.record_number();
        let logical = json!({"system": "urn:rounds:elsewhere", "value": number});
        let mut both = scene.chart.subject();
        both["identifier"] = logical.clone();
        let alone =
            json!({"type": "Patient", "identifier": logical, "display": "Somebody elsewhere"});
        for subject in [alone, both] {
            let value = scene
                .resource("Observation")
                .with("status", "final")
                .with(
                    "category",
                    json!([category_concept("laboratory", "Laboratory")]),
                )
                .with(
                    "code",
                    concept(loinc("15074-8", "Glucose [Moles/volume] in Blood")),
                )
                .with("subject", subject)
                .with("effectiveDateTime", "2024-05-03T08:00:00Z")
                .done();
            scene.resources.push(value);
        }
    },
};
