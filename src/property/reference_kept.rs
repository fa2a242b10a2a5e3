//! `property/reference-kept`: a reference is read back as one to the same resource, whether it was written relative,
//! absolute, with a version or by identifier. Row RT-14.

use serde_json::{Value, json};

use super::case::{Origin, Script};
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ReferenceKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/reference-kept",
    title: "A reference is read back as one to the same resource",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a reference was accepted and read back",
    usual_causes: &[
        "only the id of a reference is stored, without type or version",
        "references by identifier are dropped because there is nothing to point to",
        "the base URL is cut off at the wrong place",
    ],
};

/// Part of the signature of a version that is gone.
const VERSION: &str = "version-lost";

impl Property for ReferenceKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let types = ground.written(&["read"])?;
        if types.contains(&"Patient") && types.contains(&"Observation") {
            return Ok(());
        }
        Err(Verdict::Skip(
            "not claimed: create, read of Patient and Observation".to_owned(),
        ))
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let patient = script.create(document::bare("Patient"));
        let has_versions = ground
            .capability
            .member("Patient", "versioning")
            .is_some_and(|policy| policy != "no-version");
        let subject = match values.below(4) {
            0 => json!({ "reference": format!("${{base}}/${{key:{patient}}}") }),
            1 if has_versions => {
                json!({ "reference": format!("${{key:{patient}}}/_history/${{version:{patient}}}") })
            }
            2 => json!({ "type": "Patient",
                "identifier": { "system": "http://example.org/mrn", "value": "m1" } }),
            _ => json!({ "reference": format!("${{key:{patient}}}") }),
        };
        let mut observation = document::bare("Observation");
        observation["subject"] = subject;
        let made = script.create(observation);
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in document::kept(trace, &mut judgement) {
            let Some(sent) = pair.sent.get("subject") else {
                continue;
            };
            judgement.weighed += 1;
            let found = pair.found.get("subject").unwrap_or(&Value::Null);
            if let Some(kind) = kind(sent, found) {
                let shown = |value: &Value| Phrase::default().data(value.to_string());
                let violation = document::broken(&SPEC, kind, shown(sent), shown(found));
                judgement
                    .violations
                    .push(violation.at("Observation.subject").seen_in(pair.exchanges));
            }
        }
        judgement
    }

    /// Many servers keep no versions in references unless told to; R4 knows no rule for them outside of Bundles.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == VERSION => Level::May,
            _ => SPEC.level,
        }
    }
}

fn kind(sent: &Value, found: &Value) -> Option<Kind> {
    let text = |value: &Value| Some(value.get("reference")?.as_str()?.to_owned());
    if sent.get("identifier").is_some() && sent.get("identifier") != found.get("identifier") {
        return Some((
            "identifier",
            "A reference by identifier is read back without it or with another one",
        ));
    }
    let written = text(sent)?;
    let key = Key::from_reference(&written)?;
    let Some(read) = text(found) else {
        return Some(("lost", "A reference is lost"));
    };
    if Key::from_reference(&read) != Some(key) {
        return Some((
            "target",
            "A reference is read back as one to another resource",
        ));
    }
    let version = |text: &str| {
        let (_, version) = text.split_once("/_history/")?;
        Some(version.to_owned())
    };
    match (version(&written), version(&read)) {
        (Some(_), None) => Some((VERSION, "A reference to a version is read back without it")),
        (Some(one), Some(other)) if one != other => Some((
            "version",
            "A reference is read back as one to another version",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn observation(subject: Value) -> Value {
        json!({"resourceType": "Observation", "subject": subject})
    }

    fn judge(sent: &str, found: &str) -> Judgement {
        let [sent, found] = [sent, found].map(|text| observation(json!({"reference": text})));
        judged(&ReferenceKept, sent, found)
    }

    #[test]
    fn the_same_target_is_silent_in_any_form() {
        assert_faithful(
            &ReferenceKept,
            observation(json!({"reference": "Patient/1"})),
        );
        let shorter = judge("http://h/fhir/Patient/1", "Patient/1");
        assert_eq!((signs(&shorter).len(), shorter.weighed), (0, 1));
        assert_eq!(
            signs(&judge("Patient/1", "http://other/fhir/Patient/1")).len(),
            0
        );
    }

    #[test]
    fn other_targets_versions_and_lost_identifiers_are_told_apart() {
        assert_eq!(signs(&judge("Patient/1", "Patient/2")), ["target"]);
        assert_eq!(signs(&judge("Patient/1", "1")), ["target"]);
        let version = judge("Patient/1/_history/1", "Patient/1");
        assert_eq!(signs(&version), [VERSION]);
        assert_eq!(ReferenceKept.level_of(&version.violations[0]), Level::May);
        assert_eq!(
            signs(&judge("Patient/1/_history/1", "Patient/1/_history/2")),
            ["version"]
        );
        let by_identifier = observation(json!({"identifier": {"value": "m1"}}));
        let lost = judged(
            &ReferenceKept,
            by_identifier,
            observation(json!({"type": "Patient"})),
        );
        assert_eq!(signs(&lost), ["identifier"]);
        let gone = judged(
            &ReferenceKept,
            observation(json!({"reference": "Patient/1"})),
            json!({}),
        );
        assert_eq!(signs(&gone), ["lost"]);
    }
}
