//! `property/primitive-extension-kept`: the id and the extensions of a primitive are read back. Row RT-09.

use serde_json::{Map, Value, json};

use super::compare::Difference;
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct PrimitiveExtensionKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/primitive-extension-kept",
    title: "The id and the extensions of a primitive are read back",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/json.html#primitive",
    sentence: "a JSON property with _ prepended to the name of the element, which, if present, contains the value's id and/or extensions",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a member that begins with _ was accepted and read back",
    usual_causes: &[
        "a typed model has no place for members that begin with _",
        "a column for the value has none beside it for its extensions",
        "an element without a value is taken for empty and left out",
    ],
};

/// A reason why there is no value.
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/// An extension that nobody knows.
const NOTE: &str = "http://example.org/fhir/StructureDefinition/note";

impl Property for PrimitiveExtensionKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut resource = document::bare(resource_type);
        let members: &[(&str, Value)] = match resource_type {
            "Observation" => &[
                ("effectiveDateTime", json!("2021-06-01")),
                ("valueString", json!("trace")),
                ("status", json!("final")),
            ],
            _ => &[
                ("birthDate", json!("1980-02-29")),
                ("gender", json!("female")),
                ("active", json!(true)),
            ],
        };
        let (name, value) = values.pick(members);
        let shadow = match values.below(3) {
            0 => json!({ "id": "p1" }),
            1 => json!({ "extension": [{ "url": NOTE, "valueString": "as told" }] }),
            // Without a value, unless the element is required.
            _ if *name != "status" => {
                resource[format!("_{name}")] =
                    json!({ "extension": [{ "url": ABSENT, "valueCode": "unknown" }] });
                return document::written_and_read(SPEC.id, resource);
            }
            _ => json!({ "id": "s1", "extension": [{ "url": NOTE, "valueString": "both" }] }),
        };
        resource[*name] = value.clone();
        resource[format!("_{name}")] = shadow;
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let holds = |sent: &Value| sent.as_object().is_some_and(has_shadow);
        document::judge(&SPEC, trace, holds, kind)
    }
}

fn has_shadow(members: &Map<String, Value>) -> bool {
    members.keys().any(|name| name.starts_with('_'))
}

fn kind(difference: &Difference) -> Option<Kind> {
    let (_, inner) = difference.path.split_once("._")?;
    let is_id = inner.ends_with(".id");
    Some(match difference.kind {
        "lost" if is_id => ("id-lost", "The id of a primitive is lost"),
        "lost" => ("lost", "The extension of a primitive is lost"),
        _ => (
            "changed",
            "The id or extension of a primitive is read back other than it was written",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn dated() -> Value {
        json!({"resourceType": "Patient", "birthDate": "1980",
            "_birthDate": {"id": "p1", "extension": [{"url": NOTE, "valueString": "x"}]}})
    }

    #[test]
    fn a_kept_extension_is_silent() {
        assert_faithful(&PrimitiveExtensionKept, dated());
    }

    #[test]
    fn lost_ids_and_extensions_are_told_apart() {
        let mut found = dated();
        found["_birthDate"] = json!({"extension": [{"url": NOTE, "valueString": "x"}]});
        let judgement = judged(&PrimitiveExtensionKept, dated(), found);
        assert_eq!(signs(&judgement), ["id-lost"]);
        let found = json!({"resourceType": "Patient", "birthDate": "1980"});
        let judgement = judged(&PrimitiveExtensionKept, dated(), found);
        assert_eq!(signs(&judgement), ["lost"]);
    }

    #[test]
    fn a_resource_without_one_says_nothing() {
        let bare = document::bare("Patient");
        assert_eq!(
            judged(&PrimitiveExtensionKept, bare.clone(), bare).weighed,
            0
        );
    }
}
