//! Numbers at the edges of what a number search matches, <http://hl7.org/fhir/R4/search.html#number>.
//! Not quantities: those are readings.

use serde_json::json;

use super::super::json::decimal;
use super::{Role, Scene};

pub(super) const NUMBERS: Role = Role {
    id: "numbers",
    title: "100 is 99.5 to 100.5; zero, trailing zeros, small numbers; integers that no fraction matches",
    play: |scene| {
        scene.alone();
        for text in [
            "0", "0.005", "0.0054", "1.5", "2.0", "9.949", "9.95", "10", "10.00", "10.049",
            "10.05", "94.9", "99.4", "99.5", "100",
        ] {
            risk(scene, text);
        }
        for start in [2, 3, 20] {
            sequence(scene, start);
        }
    },
};

/// A RiskAssessment with one probability in percent.
fn risk(scene: &mut Scene, probability: &str) {
    let value = scene
        .resource("RiskAssessment")
        .with("status", "final")
        .with("subject", scene.chart.subject())
        .with(
            "prediction",
            json!([{"probabilityDecimal": decimal(probability)}]),
        )
        .done();
    scene.resources.push(value);
}

/// A MolecularSequence with one variant; its position is an integer.
fn sequence(scene: &mut Scene, start: u32) {
    let value = scene
        .resource("MolecularSequence")
        .with("type", "dna")
        .with("coordinateSystem", 1)
        .with("patient", scene.chart.subject())
        .with("variant", json!([{"start": start, "end": start + 1}]))
        .done();
    scene.resources.push(value);
}
