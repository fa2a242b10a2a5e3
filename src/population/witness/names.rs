//! Names that a string search must tell apart or must not, <http://hl7.org/fhir/R4/search.html#string>.

use serde_json::json;

use super::{Role, Scene};

pub(super) const DIACRITIC: Role = Role {
    id: "family-with-diacritic",
    title: "Müller is found by muller, and alone by :exact",
    play: |scene| named(scene, "Müller", "Zoë"),
};

pub(super) const PLAIN: Role = Role {
    id: "family-without-diacritic",
    title: "Muller is found by müller, not by family:exact=Müller",
    play: |scene| named(scene, "Muller", "Zoe"),
};

pub(super) const CAPITALS: Role = Role {
    id: "family-in-capitals",
    title: "MULLER is found by muller, not by family:exact=Muller",
    play: |scene| named(scene, "MULLER", "ZOE"),
};

pub(super) const LONGER: Role = Role {
    id: "family-with-same-beginning",
    title: "Mullerson begins with muller and is not exactly Muller",
    play: |scene| named(scene, "Mullerson", "Zoey"),
};

pub(super) const INSIDE: Role = Role {
    id: "family-with-the-same-inside",
    title: "Vanmuller contains muller and does not begin with it",
    play: |scene| named(scene, "Vanmuller", "Kenzoe"),
};

pub(super) const SEPARATORS: Role = Role {
    id: "separators-in-values",
    title: "commas, pipes, dollars and backslashes in values must be escaped in searches",
    play: |scene| {
        let name = json!([{
            "use": "official",
            "family": "Smith, Jones",
            "given": ["A|B", "C$D", "E\\F"],
        }]);
        let mut identifiers = scene.patient()["identifier"].clone();
        if let Some(identifiers) = identifiers.as_array_mut() {
            let value = format!("7,8|9$0\\1-{}", scene.chart.identity.record_number());
            identifiers.push(json!({"system": "urn:rounds:separators", "value": value}));
        }
        scene.set([("identifier", identifiers), ("name", name)]);
    },
};

fn named(scene: &mut Scene, family: &str, given: &str) {
    scene.set([(
        "name",
        json!([{"use": "official", "family": family, "given": [given]}]),
    )]);
}
