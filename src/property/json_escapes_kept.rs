//! `property/json-escapes-kept`: a text is the same whichever way JSON spells it. Row RT-08.

use serde_json::Value;

use super::case::{Command, Origin, Raw, RawBody, Script};
use super::compare::Difference;
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct JsonEscapesKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/json-escapes-kept",
    title: "A text is the same whichever way JSON spells it",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/json.html#primitive",
    sentence: "all other types are represented as a JSON string which has the same content as that specified for the relevant data type",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a text with an escape was accepted and read back",
    usual_causes: &[
        "JSON is taken apart by patterns in place of a parser",
        "texts are escaped twice on the way to the database",
        "the two halves of a surrogate pair are read as two characters",
    ],
};

/// Two spellings of one text.
const SPELLINGS: &[[&str; 2]] = &[
    [r"\u0041da", "Ada"],
    [r"a\/b", "a/b"],
    [r#"a \"quoted\" word"#, r"a \u0022quoted\u0022 word"],
    [r"back\\slash", r"back\u005cslash"],
    [r"Am\u00e9lie", "Amélie"],
    [r"\ud835\udc9cda", "𝒜da"],
    [r"a\ttab", r"a\u0009tab"],
    [r"line\nline", r"line\u000Aline"],
    [r"a\\u0041b", r"a\u005cu0041b"],
];

impl Property for JsonEscapesKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        for spelling in values.pick(SPELLINGS) {
            let name = script.fresh_name();
            let body = body(resource_type, spelling, &name);
            let made = script.push(Command::Raw(Raw {
                body: RawBody::Text(body),
                name: Some(name),
                ..Raw::of(Method::Post, resource_type)
            }));
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let holds = |sent: &Value| document::told(sent).is_some();
        document::judge(&SPEC, trace, holds, kind)
    }
}

/// A body whose text is spelled like this. What a parsed body would lose is the point, so it bears its marks itself.
fn body(resource_type: &str, spelling: &str, name: &str) -> String {
    let marks = format!(
        r#""meta":{{"tag":[{{"code":"${{tag}}"}}]}},"identifier":[{{"value":"${{identifier:{name}}}"}}]"#
    );
    match resource_type {
        "Observation" => format!(
            r#"{{"resourceType":"Observation",{marks},"status":"final","code":{{"text":"said"}},"valueString":"{spelling}"}}"#
        ),
        _ => format!(
            r#"{{"resourceType":"{resource_type}",{marks},"name":[{{"text":"{spelling}"}}]}}"#
        ),
    }
}

fn kind(difference: &Difference) -> Option<Kind> {
    if !document::is_told(&difference.path) {
        return None;
    }
    Some(match difference.kind {
        "lost" => ("lost", "A text with an escape is lost"),
        _ if difference.found.contains('\\') && !difference.sent.contains('\\') => {
            ("escaped-twice", "An escape of JSON is read back as text")
        }
        _ => (
            "changed",
            "A text with an escape is read back as another one",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(spelling: &str, found: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let body: Value = serde_json::from_str(&body("Patient", spelling, "r0")).unwrap();
        let raw = Raw {
            body: RawBody::Json(body),
            name: Some("r0".to_owned()),
            ..Raw::of(Method::Post, "Patient")
        };
        let made = stage.push(Command::Raw(raw), Some("Patient/1"), vec![(201, json!({}))]);
        stage.read(made, 200, document::telling("Patient", found));
        JsonEscapesKept.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn both_spellings_of_a_pair_are_one_text() {
        for [one, other] in SPELLINGS {
            let text = |spelling: &str| {
                let body = body("Observation", spelling, "r0");
                let value: Value = serde_json::from_str(&body).unwrap();
                document::told(&value).unwrap().to_owned()
            };
            assert_eq!(text(one), text(other));
            assert_ne!(one, other);
        }
    }

    #[test]
    fn decoded_text_is_silent_and_escapes_in_it_are_found() {
        let kept = judge(r"Am\u00e9lie", "Amélie");
        assert_eq!((signs(&kept).len(), kept.weighed), (0, 1));
        assert_eq!(
            signs(&judge(r"Am\u00e9lie", r"Am\u00e9lie")),
            ["escaped-twice"]
        );
        assert_eq!(signs(&judge(r"a\/b", "ab")), ["changed"]);
    }
}
