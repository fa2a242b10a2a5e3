//! Canonical resources whose URLs a uri search must tell apart, <http://hl7.org/fhir/R4/search.html#uri>.
//! Not terminology: the value sets hold no codes.

use super::Role;

pub(super) const VALUE_SETS: Role = Role {
    id: "canonical-urls",
    title: "URLs that differ in case, in a last segment and in the version",
    play: |scene| {
        scene.alone();
        let number = scene.chart.identity.record_number();
        let base = format!("http://rounds.example/{number}");
        for (path, version) in [
            ("ValueSet/vitals", "1.0"),
            ("ValueSet/vitals", "2.0"),
            ("ValueSet/Vitals", "1.0"),
            ("ValueSet/vitals/heart", "1.0"),
            ("ValueSet/vitals-of-children", "1.0"),
        ] {
            let value = scene
                .resource("ValueSet")
                .with("url", format!("{base}/{path}"))
                .with("version", version)
                .with("name", "Rounds")
                .with("title", "Vital signs of rounds")
                .with("status", "draft")
                .done();
            scene.resources.push(value);
        }
    },
};
