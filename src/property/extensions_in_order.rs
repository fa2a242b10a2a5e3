//! `property/extensions-in-order`: extensions that the server does not know are read back, in their order and to
//! their depth. Row RT-11.

use serde_json::{Value, json};

use super::compare::Difference;
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct ExtensionsInOrder;

static SPEC: PropertySpec = PropertySpec {
    id: "property/extensions-in-order",
    title: "Extensions are read back in their order and to their depth",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/json.html#json",
    sentence: "The order of properties of an object is not significant in the JSON representation, though order within an array SHALL be maintained",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with extensions was accepted and read back",
    usual_causes: &[
        "only extensions that a profile of the server knows are stored",
        "extensions are stored in a table without a column for their order",
        "an extension inside an extension is not followed",
    ],
};

/// Where nobody publishes anything.
const BASE: &str = "http://example.org/fhir/StructureDefinition";

impl Property for ExtensionsInOrder {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut resource = document::bare(resource_type);
        let plain = |name: &str, text: &str| json!({ "url": format!("{BASE}/{name}"), "valueString": text });
        match values.below(8) {
            // Equal urls, so that only the order tells them apart.
            0..=1 => {
                let texts = ["third", "first", "second"];
                resource["extension"] = texts.iter().map(|text| plain("note", text)).collect();
            }
            2..=3 => {
                let parts =
                    json!([{ "url": "b", "valueString": "2" }, { "url": "a", "valueString": "1" }]);
                resource["extension"] =
                    json!([{ "url": format!("{BASE}/parts"), "extension": parts }]);
            }
            4 => {
                let inner = json!([{ "url": "inner", "valueDecimal": 7 }]);
                let outer = json!([{ "url": "outer", "extension": inner }]);
                resource["extension"] =
                    json!([{ "url": format!("{BASE}/deep"), "extension": outer }]);
            }
            5..=6 => {
                let member = if resource_type == "Patient" {
                    "maritalStatus"
                } else {
                    "method"
                };
                resource[member] =
                    json!({ "text": "said", "extension": [plain("b", "2"), plain("a", "1")] });
            }
            _ => resource["modifierExtension"] = json!([plain("negates", "something")]),
        }
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let holds = |sent: &Value| sent.to_string().contains("xtension\":");
        document::judge(&SPEC, trace, holds, kind)
    }
}

fn kind(difference: &Difference) -> Option<Kind> {
    let last = difference.path.rsplit('.').next()?;
    let is_modifier = difference.path.contains("modifierExtension");
    let is_extension = difference.path.contains(".extension") || is_modifier;
    if !is_extension || last.starts_with('_') || difference.path.contains("._") {
        return None;
    }
    Some(match difference.kind {
        "lost" if is_modifier => (
            "modifier-lost",
            "An extension that changes the meaning of a resource is lost without a word",
        ),
        "lost" => ("lost", "An extension is lost"),
        "reordered" => (
            "reordered",
            "Extensions are read back in another order than they were written",
        ),
        _ => (
            "changed",
            "An extension is read back other than it was written",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{
        assert_faithful, assert_refusal_is_open, judged, signs,
    };

    fn patient(extensions: Value) -> Value {
        json!({"resourceType": "Patient", "extension": extensions})
    }

    fn two() -> Value {
        patient(json!([{"url": "u", "valueString": "b"}, {"url": "u", "valueString": "a"}]))
    }

    #[test]
    fn kept_extensions_and_refused_modifiers_are_silent() {
        assert_faithful(&ExtensionsInOrder, two());
        let modified = json!({"resourceType": "Patient", "modifierExtension": [{"url": "u", "valueString": "x"}]});
        assert_refusal_is_open(&ExtensionsInOrder, modified);
    }

    #[test]
    fn lost_and_reordered_extensions_are_told_apart() {
        let turned =
            patient(json!([{"url": "u", "valueString": "a"}, {"url": "u", "valueString": "b"}]));
        assert_eq!(
            signs(&judged(&ExtensionsInOrder, two(), turned)),
            ["reordered"]
        );
        let bare = document::bare("Patient");
        assert_eq!(
            signs(&judged(&ExtensionsInOrder, two(), bare.clone())),
            ["lost"]
        );
        let modified = json!({"resourceType": "Patient", "modifierExtension": [{"url": "u", "valueString": "x"}]});
        assert_eq!(
            signs(&judged(&ExtensionsInOrder, modified, bare)),
            ["modifier-lost"]
        );
        let deep = patient(json!([{"url": "u", "extension": [{"url": "a", "valueString": "x"}]}]));
        let flat = patient(json!([{"url": "u"}]));
        assert_eq!(signs(&judged(&ExtensionsInOrder, deep, flat)), ["lost"]);
    }
}
