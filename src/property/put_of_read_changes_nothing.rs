//! `property/put-of-read-changes-nothing`: a resource that is put back as it was read stays as it is. Row RT-19.
//! Whether that makes a version is the server's choice.

use serde_json::Value;

use super::case::{Command, Origin, Raw, RawBody, Script};
use super::compare::Numbers;
use super::document::{self, either_way};
use super::trace::{Event, Reply, Trace};
use super::{
    Case, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset,
};
use crate::fhir::capability::Capability;
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct PutOfReadChangesNothing;

static SPEC: PropertySpec = PropertySpec {
    id: "property/put-of-read-changes-nothing",
    title: "A resource that is put back as it was read stays as it is",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "A server SHOULD accept the resource as submitted when it accepts the update, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource was read, put back as it was, and read again",
    usual_causes: &[
        "what the server adds on a write is added again",
        "texts are escaped on the way in and not on the way out",
        "elements that are written on reads are not understood on writes",
    ],
};

impl Property for PutOfReadChangesNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let resource = match resource_type {
            "Observation" if values.chance(40) => dataset::measured(values),
            _ => dataset::document(resource_type, values),
        };
        let policy = ground.capability.member(resource_type, "versioning");
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(resource);
        let read = script.read(made);
        let mut put = Raw {
            body: RawBody::Text(format!("${{body:{read}}}")),
            ..Raw::of(Method::Put, format!("${{key:{made}}}"))
        };
        if policy.is_some_and(|policy| policy == "versioned-update") {
            put = put.with_header("If-Match", &format!("${{etag:{read}}}"));
        }
        script.push(Command::Raw(put));
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        let mut before: Option<&Event> = None;
        let mut put: Option<&Event> = None;
        for event in &trace.events {
            match &event.step.command {
                Command::Read { target } => {
                    let of = |known: &Event| known.step.command.target() == Some(*target);
                    if let (Some(first), Some(put)) = (before.filter(|read| of(read)), put) {
                        compare(trace, [first, put, event], &mut judgement);
                    }
                    (before, put) = (Some(event), None);
                }
                Command::Raw(raw) if before.is_some_and(|read| puts_back(raw, read)) => {
                    put = accept(event, &mut judgement);
                }
                _ => (before, put) = (None, None),
            }
        }
        judgement
    }
}

/// The body of the request is the answer to this read.
fn puts_back(raw: &Raw, read: &Event) -> bool {
    let body = RawBody::Text(format!("${{body:{}}}", read.step.id));
    raw.method == Method::Put && raw.body == body
}

fn accept<'a>(event: &'a Event, judgement: &mut Judgement) -> Option<&'a Event> {
    match event.reply() {
        Reply::Accepted(_) => return Some(event),
        Reply::Refused(exchange) => judgement.open.push(Open::Blocked(format!(
            "the target refuses a resource as it gave it ({})",
            exchange.status().unwrap_or_default()
        ))),
        Reply::Unknown => judgement.open.extend(event.doubt().map(Open::Undecided)),
        Reply::Absent => {}
    }
    None
}

fn compare(trace: &Trace, events: [&Event; 3], judgement: &mut Judgement) {
    let [first, _, second] = events;
    let shown = |event: &Event| -> Option<Value> { event.accepted().and_then(Exchange::json) };
    let (Some(before), Some(after)) = (shown(first), shown(second)) else {
        judgement.open.extend(second.doubt().map(Open::Undecided));
        return;
    };
    judgement.weighed += 1;
    let all = either_way(&before, &after, &trace.base, Numbers::Exact);
    if let Some(difference) = all.first() {
        let title = match difference.kind {
            "lost" => "An element is lost when a resource is put back as it was read",
            "added" => "An element is added each time a resource is put back as it was read",
            _ => "A value changes when a resource is put back as it was read",
        };
        let violation = document::violation(&SPEC, difference, (difference.kind, title));
        let numbers = events.into_iter().flat_map(Event::numbers);
        judgement
            .violations
            .push(violation.signed(difference.class).seen_in(numbers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(status: u16, before: Value, after: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let read = stage.read(made, 200, before);
        let put = Raw {
            body: RawBody::Text(format!("${{body:{read}}}")),
            ..Raw::of(Method::Put, "Patient/1")
        };
        stage.push(Command::Raw(put), None, vec![(status, json!({}))]);
        stage.read(made, 200, after);
        PutOfReadChangesNothing.check(&stage.trace(), &capability(json!({})))
    }

    fn patient(version: &str, lines: &[&str]) -> Value {
        json!({"resourceType": "Patient", "meta": {"versionId": version}, "address": [{"line": lines}]})
    }

    #[test]
    fn another_version_of_the_same_content_is_silent() {
        let judgement = judge(200, patient("1", &["a"]), patient("2", &["a"]));
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_changes_is_told_apart() {
        let before = patient("1", &["a &amp; b"]);
        let twice = judge(200, before.clone(), patient("2", &["a &amp;amp; b"]));
        assert_eq!(signs(&twice), ["changed"]);
        let more = judge(
            200,
            before.clone(),
            patient("2", &["a &amp; b", "a &amp; b"]),
        );
        assert_eq!(signs(&more), ["added"]);
        let lost = judge(200, before, json!({"resourceType": "Patient"}));
        assert_eq!(signs(&lost), ["lost"]);
    }

    #[test]
    fn a_refusal_says_nothing() {
        let judgement = judge(412, patient("1", &["a"]), patient("1", &["b"]));
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
