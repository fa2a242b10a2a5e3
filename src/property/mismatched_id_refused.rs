//! `property/mismatched-id-refused`: an update whose body has another id than its URL, or none, is refused and changes nothing.
//! Row CR-04.

use super::case::{Case, Command, Origin, Raw, RawBody, Script};
use super::trace::{Event, Trace, shown_version};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::json;

/// See the module.
pub struct MismatchedIdRefused;

static SPEC: PropertySpec = PropertySpec {
    id: "property/mismatched-id-refused",
    title: "An update whose body has another id than the URL is refused and changes nothing",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "If no id element is provided, or the id disagrees with the id in the URL, the server SHALL respond with an HTTP 400 error code",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "an update whose body has another id, or none, was answered",
    usual_causes: &[
        "the id in the body is ignored",
        "the resource of the body is written in place of that of the URL",
    ],
};

impl Property for MismatchedIdRefused {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        script.read(made);
        let mut body = dataset::turn(resource_type, 1, values);
        if values.chance(60) {
            body["id"] = json!("another-id");
        }
        script.push(Command::Raw(Raw {
            method: Method::Put,
            url: format!("${{key:{made}}}"),
            headers: vec![("If-Match".to_owned(), format!("${{etag:{made}}}"))]
                .into_iter()
                .filter(|_| {
                    ground
                        .capability
                        .member(resource_type, "versioning")
                        .is_some_and(|versioning| versioning == "versioned-update")
                })
                .collect(),
            body: RawBody::Json(body),
            name: Some(format!("r{made}")),
        }));
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Raw(Raw {
                body: RawBody::Json(body),
                ..
            }) = &event.step.command
            else {
                continue;
            };
            let creates = |event: &&Event| matches!(event.step.command, Command::Create { .. });
            let Some(made) = trace.events[..index].iter().find(creates) else {
                continue;
            };
            if life::status(event) == 0 {
                continue;
            }
            judgement.weighed += 1;
            let found = judge(trace, index, made.step.id, event);
            let kind = if body.get("id").is_some() {
                "other"
            } else {
                "none"
            };
            judgement
                .violations
                .extend(found.map(|violation| violation.signed(kind)));
        }
        judgement
    }
}

fn judge(trace: &Trace, index: usize, made: u32, event: &Event) -> Option<Violation> {
    if event.accepted().is_some() {
        let title = "An update whose body has not the id of its URL is carried out";
        let found = life::violation(
            &SPEC,
            title,
            "status 400",
            life::says(event),
            "id",
            &[event],
        );
        return Some(found.signed("accepted"));
    }
    let before = life::read_before(trace, index, made)?;
    let after = life::read_after(trace, index, made)?;
    let version = |event: &Event| event.accepted().and_then(shown_version);
    (version(before)? != version(after)?).then(|| {
        life::violation(
            &SPEC,
            "An update that was refused changed the resource",
            "the version as before",
            "another version",
            "meta.versionId",
            &[before, event, after],
        )
        .signed("changed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::Value;

    fn judge(status: u16, second: &str) -> Vec<Violation> {
        let patient = |version: &str| -> Value {
            json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}})
        };
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("1"));
        stage.read(made, 200, patient("1"));
        let raw = Raw {
            method: Method::Put,
            url: "Patient/1".to_owned(),
            headers: Vec::new(),
            body: RawBody::Json(json!({"resourceType": "Patient", "id": "x"})),
            name: None,
        };
        stage.push(Command::Raw(raw), None, vec![(status, json!({}))]);
        stage.read(made, 200, patient(second));
        MismatchedIdRefused
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn a_refusal_that_changes_nothing_is_silent() {
        assert_eq!(judge(400, "1"), []);
        assert_eq!(judge(422, "1"), []);
    }

    #[test]
    fn an_accepted_update_and_a_refusal_that_writes_are_found() {
        assert_eq!(judge(200, "2")[0].signature, ["accepted", "other"]);
        assert_eq!(judge(400, "2")[0].signature, ["changed", "other"]);
    }
}
