//! `property/form-keeps-content`: what asks for another form of an answer (`_pretty`, `_format`, `_summary=false`, no
//! compression, `_elements`) changes nothing of the content that it leaves in. Row RT-20.

use serde_json::json;

use super::case::{Command, Origin, Raw, Script};
use super::compare::Numbers;
use super::document::{self, either_way};
use super::trace::{Event, Trace};
use super::{
    Case, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct FormKeepsContent;

static SPEC: PropertySpec = PropertySpec {
    id: "property/form-keeps-content",
    title: "What asks for another form of an answer changes nothing of its content",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#parameters",
    sentence: "(paraphrase) _format and _pretty choose how a resource is written, not what is in it; _elements names the elements that stay",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource was read plainly and in another form",
    usual_causes: &[
        "a second serializer stands behind the parameter and does not know all elements",
        "numbers are written anew for people to read",
        "a compressed and a plain answer come from two caches",
    ],
};

/// The parameter that leaves elements out.
const ELEMENTS: &str = "_elements=";
/// Queries that leave all elements in.
const QUERIES: &[&str] = &[
    "_pretty=true",
    "_pretty=false",
    "_format=json",
    "_format=application%2Ffhir%2Bjson",
    "_summary=false",
];

impl Property for FormKeepsContent {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let resource = match resource_type {
            "Observation" if values.chance(50) => dataset::measured(values),
            _ => dataset::document(resource_type, values),
        };
        let members: Vec<String> = resource
            .as_object()
            .into_iter()
            .flat_map(|members| members.keys().cloned())
            .filter(|name| name != "resourceType" && !name.starts_with('_'))
            .collect();
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(resource);
        script.read(made);
        let place = format!("${{key:{made}}}");
        let plain = Raw::of(Method::Get, place.as_str()).with_header("Cache-Control", "no-cache");
        let raw = match values.below(8) {
            0 => plain.with_header("Accept-Encoding", "identity"),
            1..=2 if !members.is_empty() => Raw {
                url: format!("{place}?{ELEMENTS}{}", values.pick(&members)),
                ..plain
            },
            _ => Raw {
                url: format!("{place}?{}", values.pick(QUERIES)),
                ..plain
            },
        };
        script.push(Command::Raw(raw));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        let mut read: Option<&Event> = None;
        for event in &trace.events {
            match &event.step.command {
                Command::Read { .. } => read = event.accepted().map(|_| event),
                Command::Raw(raw) if raw.method == Method::Get => {
                    if let Some(read) = read {
                        compare(trace, read, event, raw, &mut judgement);
                    }
                }
                _ => read = None,
            }
        }
        judgement
    }
}

fn compare(trace: &Trace, read: &Event, event: &Event, raw: &Raw, judgement: &mut Judgement) {
    let shown = |event: &Event| event.accepted().and_then(Exchange::json);
    let Some(plain) = shown(read) else {
        return;
    };
    let formed = shown(event).filter(|formed| Key::of(formed) == Key::of(&plain));
    let Some(formed) = formed else {
        judgement.open.extend(match event.doubt() {
            Some(reason) => Some(Open::Undecided(reason)),
            None => event
                .last()
                .map(|_| Open::Unsupported("another form of an answer is not given".to_owned())),
        });
        return;
    };
    judgement.weighed += 1;
    let (name, all) = match raw.url.split_once(ELEMENTS) {
        Some((_, element)) => {
            let only = json!({ element: plain.get(element) });
            let there = json!({ element: formed.get(element) });
            (
                "_elements",
                either_way(&only, &there, &trace.base, Numbers::Exact),
            )
        }
        None => (
            parameter(raw),
            either_way(&plain, &formed, &trace.base, Numbers::Exact),
        ),
    };
    if let Some(difference) = all.first() {
        let kind = (
            difference.kind,
            "Another form of an answer has other content",
        );
        let violation = document::violation(&SPEC, difference, kind)
            .signed(name)
            .seen_in(read.numbers().chain(event.numbers()));
        judgement.violations.push(violation);
    }
}

/// What asked for the form.
fn parameter(raw: &Raw) -> &'static str {
    let known = ["_pretty", "_format", "_summary"];
    let asked = |name: &&str| raw.url.contains(*name);
    known.into_iter().find(asked).unwrap_or("Accept-Encoding")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::Value;

    fn judge(query: &str, status: u16, formed: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.read(made, 200, patient());
        let raw = Raw::of(Method::Get, format!("Patient/1?{query}"));
        stage.push(Command::Raw(raw), None, vec![(status, formed)]);
        FormKeepsContent.check(&stage.trace(), &capability(json!({})))
    }

    fn patient() -> Value {
        json!({"resourceType": "Patient", "id": "1", "gender": "male", "active": true})
    }

    #[test]
    fn the_same_content_is_silent_and_elements_are_only_those_asked_for() {
        let pretty = judge("_pretty=true", 200, patient());
        assert_eq!((signs(&pretty).len(), pretty.weighed), (0, 1));
        let part = json!({"resourceType": "Patient", "id": "1", "gender": "male",
            "meta": {"tag": [{"code": "SUBSETTED"}]}});
        let elements = judge("_elements=gender", 200, part.clone());
        assert_eq!((signs(&elements).len(), elements.weighed), (0, 1));
        assert_eq!(signs(&judge("_summary=false", 200, part.clone())), ["lost"]);
        assert_eq!(signs(&judge("_elements=active", 200, part)), ["changed"]);
    }

    #[test]
    fn other_content_is_found() {
        let mut other = patient();
        other["gender"] = json!("female");
        let judgement = judge("_format=json", 200, other);
        assert_eq!(judgement.violations[0].signature, ["changed", "_format"]);
    }

    #[test]
    fn a_form_that_is_not_given_says_nothing() {
        let judgement = judge(
            "_format=json",
            406,
            json!({"resourceType": "OperationOutcome"}),
        );
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
