//! `property/vread-of-nothing`: a version that never was and the version of a delete are not given. Row VH-08.

use super::case::{Case, Command, Origin, Raw, Script};
use super::chronicle;
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct VreadOfNothing;

static SPEC: PropertySpec = PropertySpec {
    id: "property/vread-of-nothing",
    title: "A version that never was and the version of a delete are not given",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#vread",
    sentence: "If the version referred to is actually one where the resource was deleted, the server should return a 410 status code.",
    family: Family::History,
    guards: &[Guard::Unknown],
    precondition: "a version that is none was asked for",
    usual_causes: &[
        "the version in the URL is not read, and the current one is returned",
        "a delete repeats the last content as its version",
        "a version that is no number of the server's kind crashes the request",
    ],
};

/// Versions that no resource of a few writes has. All are legal ids.
const NEVER: &[&str] = &["999999", "0", "none", "9223372036854775808"];

impl Property for VreadOfNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        chronicle::types(ground, &["vread"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = chronicle::types(ground, &["vread"]).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        if ground.capability.supports(resource_type, "delete") && values.chance(50) {
            let deleted = script.delete(made);
            script.read_version(made, deleted);
        } else {
            let url = format!("${{key:{made}}}/_history/{}", values.pick(NEVER));
            script.push(Command::Raw(Raw::of(Method::Get, url)));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for event in &trace.events {
            let deleted = match &event.step.command {
                Command::ReadVersion { seen, .. } => trace
                    .event(*seen)
                    .filter(|step| matches!(step.step.command, Command::Delete { .. }))
                    .filter(|step| step.accepted().is_some()),
                Command::Raw(raw) if raw.url.contains("/_history/") => None,
                _ => continue,
            };
            let is_delete = matches!(event.step.command, Command::ReadVersion { .. });
            if is_delete != deleted.is_some() {
                continue;
            }
            judge(trace, event, deleted, &mut judgement);
        }
        judgement
    }

    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first().map(String::as_str) {
            Some("crash" | "given") => Level::Robust,
            _ => SPEC.level,
        }
    }
}

fn judge(trace: &Trace, event: &Event, deleted: Option<&Event>, judgement: &mut Judgement) {
    let Some(status) = event.last().and_then(|last| last.status()) else {
        judgement.open.extend(event.doubt().map(Open::Undecided));
        return;
    };
    let of = if deleted.is_some() { "delete" } else { "never" };
    let (kind, expected) = match status {
        200..=299 => (("given", "A version that is none is given"), "404 or 410"),
        500 => (
            ("crash", "A version that is none makes the server fail"),
            "404 or 410",
        ),
        // What a server says to a version id that is not of its kind is left open.
        404 | 410 => {
            judgement.weighed += 1;
            return;
        }
        400..=499 if deleted.is_none() && status != 429 => {
            judgement.weighed += 1;
            return;
        }
        400..=499 if status != 429 => (
            (
                "status",
                "The version of a delete is refused as something else",
            ),
            "410, or 404",
        ),
        _ => {
            judgement.open.extend(event.doubt().map(Open::Undecided));
            return;
        }
    };
    judgement.weighed += 1;
    let first = trace
        .events
        .first()
        .map(|event| event.numbers().collect::<Vec<_>>());
    let before = first.into_iter().flatten();
    let before = before.chain(deleted.into_iter().flat_map(Event::numbers));
    let actual = Phrase::say("status ").words(status.to_string());
    let violation = chronicle::broken(&SPEC, kind, expected, actual).signed(of);
    judgement
        .violations
        .push(violation.seen_in(before.chain(event.numbers())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(of_delete: bool, status: u16) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let asked = if of_delete {
            let gone = Command::Delete {
                target: made,
                if_match: None,
            };
            let seen = stage.push(gone, Some("Patient/1"), vec![(204, json!(null))]);
            Command::ReadVersion { target: made, seen }
        } else {
            Command::Raw(Raw::of(Method::Get, "Patient/1/_history/none"))
        };
        stage.push(asked, Some("Patient/1"), vec![(status, json!({}))]);
        VreadOfNothing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_refusal_of_the_right_kind_is_silent() {
        for (of_delete, status) in [(true, 410), (true, 404), (false, 404), (false, 400)] {
            let judgement = judge(of_delete, status);
            assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn what_is_given_and_what_crashes_are_told_apart() {
        assert_eq!(
            judge(false, 200).violations[0].signature,
            ["given", "never"]
        );
        assert_eq!(
            judge(true, 200).violations[0].signature,
            ["given", "delete"]
        );
        assert_eq!(signs(&judge(false, 500)), ["crash"]);
        assert_eq!(signs(&judge(true, 400)), ["status"]);
    }

    #[test]
    fn a_busy_server_says_nothing() {
        let judgement = judge(true, 503);
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
