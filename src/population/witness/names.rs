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

pub(super) const PUNCTUATION: Role = Role {
    id: "punctuation-in-name",
    title: "apostrophe, hyphen, two spaces and a tab in names",
    play: |scene| {
        named(scene, "O'Brien-Quinones", "Anne  Marie");
        scene.alone();
    },
};

pub(super) const PARTS: Role = Role {
    id: "all-parts-of-a-name",
    title: "name searches prefix, suffix and text too, and use and period not",
    play: |scene| {
        let name = json!([{
            "use": "official",
            "text": "Xanthippe the Elder",
            "family": "Carreno Quinones",
            "given": ["Severine", "Evelyn"],
            "prefix": ["Doctor"],
            "suffix": ["Emerita"],
            "period": {"start": "2001-02-03"},
        }]);
        scene.set([("name", name)]);
        scene.alone();
    },
};

pub(super) const SCRIPTS: Role = Role {
    id: "other-scripts",
    title: "a sharp s, a dotted capital I, a final sigma, Chinese, Arabic, and a letter beyond 16 bits",
    play: |scene| {
        let name = json!([
            {"use": "official", "family": "Stra\u{df}er", "given": ["\u{130}pek", "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}"]},
            {"use": "old", "family": "\u{738b}", "given": ["\u{5c0f}\u{660e}", "\u{645}\u{62d}\u{645}\u{62f}"]},
            {"use": "nickname", "family": "\u{20bb7}\u{91ce}", "given": ["Zoe\u{308}lla"]},
        ]);
        scene.set([("name", name)]);
        scene.alone();
    },
};

pub(super) const LONG: Role = Role {
    id: "long-values",
    title: "a family name of 1,000 characters and an identifier of 300",
    play: |scene| long(scene, 'a'),
};

pub(super) const LONG_TWIN: Role = Role {
    id: "long-values-that-differ-at-the-end",
    title: "as long values, but for the last character",
    play: |scene| long(scene, 'b'),
};

fn long(scene: &mut Scene, last: char) {
    let family = format!("Long{}{last}", "ab".repeat(498));
    let number = scene.chart.identity.record_number();
    // The same for 300 characters in both.
    let value = format!("{}{last}-{number}", "7".repeat(300));
    let mut identifiers = scene.patient()["identifier"].clone();
    if let Some(identifiers) = identifiers.as_array_mut() {
        identifiers.push(json!({"system": "urn:rounds:long", "value": value}));
    }
    named(scene, &family, "Ada");
    scene.set([("identifier", identifiers)]);
    scene.alone();
}

fn named(scene: &mut Scene, family: &str, given: &str) {
    scene.set([(
        "name",
        json!([{"use": "official", "family": family, "given": [given]}]),
    )]);
}
