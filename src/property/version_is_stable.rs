//! `property/version-is-stable`: a version that is read by its id is the one that was written as it, whatever is
//! written later. Row VH-03. Servers need not keep versions for ever.

use serde_json::Value;

use super::case::{Case, Command, Origin, Script};
use super::chronicle;
use super::compare::{Numbers, differences};
use super::trace::{Event, Reply, Trace, shown_version};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, resource};
use crate::http::Exchange;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct VersionIsStable;

static SPEC: PropertySpec = PropertySpec {
    id: "property/version-is-stable",
    title: "A version read by its id is what was written as that version, for ever",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#vread",
    sentence: "The returned resource SHALL have an id element with a value that is the [id], and a meta.versionId element with a value of [vid].",
    family: Family::History,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a version was read by its id after a later write",
    usual_causes: &[
        "the version in the URL is not read, and the current one is returned",
        "an update changes the stored version in place",
        "old versions are answered from a cache under the key of the resource",
    ],
};

impl Property for VersionIsStable {
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
        let mut writes = vec![made];
        for turn in 1..=1 + values.below(3) {
            writes.push(script.put(made, dataset::turn(resource_type, turn, values), None));
            script.read_version(made, *values.pick(&writes));
        }
        if ground.capability.supports(resource_type, "delete") && values.chance(30) {
            script.delete(made);
        }
        script.read_version(made, made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        for event in &trace.events {
            if let Command::ReadVersion { target, seen } = event.step.command
                && let Some(write) = trace.event(seen)
                && (seen == target || write.step.command.target() == Some(target))
                && write.step.command.payload().is_some()
            {
                judge(trace, write, event, &mut judgement);
            }
        }
        judgement
    }

    /// The sentence names the id and the version; the content is what a version is for.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == "content" => Level::Robust,
            _ => SPEC.level,
        }
    }
}

fn judge(trace: &Trace, write: &Event, read: &Event, judgement: &mut Judgement) {
    let found = match read.reply() {
        Reply::Accepted(exchange) => exchange.json(),
        Reply::Refused(_) => {
            let reason = "a version that was there is not given any more".to_owned();
            judgement.open.push(Open::Unsupported(reason));
            return;
        }
        Reply::Unknown | Reply::Absent => return,
    };
    let written = write
        .accepted()
        .and_then(|exchange| written(write, exchange));
    let (Some(found), Some((version, content))) = (found, written) else {
        return;
    };
    judgement.weighed += 1;
    let violation =
        other_version(&version, &found).or_else(|| other_content(&content, &found, &trace.base));
    if let Some(violation) = violation {
        let numbers = write.numbers().chain(read.numbers());
        judgement.violations.push(violation.seen_in(numbers));
    }
}

/// The version that a write made, and its content: as the answer shows it, else as it was sent.
fn written(write: &Event, exchange: &Exchange) -> Option<(String, Value)> {
    let shown = exchange.json().filter(|body| Key::of(body).is_some());
    let shown = shown.filter(|body| resource::resource_type(body) != Some("OperationOutcome"));
    Some((shown_version(exchange)?, shown.or_else(|| write.sent())?))
}

fn other_version(version: &str, found: &Value) -> Option<Violation> {
    let shown = resource::version_id(found);
    if shown == Some(version) {
        return None;
    }
    let kind = (
        "version",
        "A version that is read by its id says that it is another one",
    );
    let actual = match shown {
        Some(shown) => Phrase::say("version ").data(shown),
        None => Phrase::say("no versionId"),
    };
    let expected = Phrase::say("version ").data(version);
    Some(chronicle::broken(&SPEC, kind, expected, actual).at("meta.versionId"))
}

fn other_content(content: &Value, found: &Value, base: &str) -> Option<Violation> {
    let difference = differences(content, found, base, Numbers::Present)
        .into_iter()
        .next()?;
    let kind = (
        "content",
        "A version that is read by its id has other content than was written as it",
    );
    let expected = Phrase::default().data(difference.sent);
    let actual = Phrase::default().data(difference.found);
    Some(chronicle::broken(&SPEC, kind, expected, actual).at(difference.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn patient(version: &str, gender: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}, "gender": gender})
    }

    fn judge(status: u16, found: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let create = Command::Create {
            name: "r0".to_owned(),
            resource: json!({"resourceType": "Patient", "gender": "male"}),
            if_none_exist: false,
        };
        let made = stage.push(create, Some("Patient/1"), vec![(201, patient("1", "male"))]);
        stage.put(
            made,
            json!({"resourceType": "Patient", "gender": "female"}),
            200,
        );
        let read = Command::ReadVersion {
            target: made,
            seen: made,
        };
        stage.push(read, Some("Patient/1"), vec![(status, found)]);
        VersionIsStable.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn the_version_that_was_written_is_silent_and_one_that_is_gone_says_nothing() {
        let same = judge(200, patient("1", "male"));
        assert_eq!((signs(&same).len(), same.weighed), (0, 1));
        let gone = judge(404, json!({}));
        assert_eq!(
            (signs(&gone).len(), gone.weighed, gone.open.len()),
            (0, 0, 1)
        );
    }

    #[test]
    fn another_version_and_other_content_are_told_apart() {
        let other = judge(200, patient("2", "female"));
        assert_eq!(signs(&other), ["version"]);
        assert_eq!(VersionIsStable.level_of(&other.violations[0]), Level::Shall);
        let changed = judge(200, patient("1", "female"));
        assert_eq!(signs(&changed), ["content"]);
        assert_eq!(
            VersionIsStable.level_of(&changed.violations[0]),
            Level::Robust
        );
        assert_eq!(
            signs(&judge(200, json!({"resourceType": "Patient", "id": "1"}))),
            ["version"]
        );
    }
}
