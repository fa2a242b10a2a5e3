//! `property/representation-is-read`: what a write answers with is what the read behind it shows. Row RT-02.

use serde_json::Value;

use super::case::{Command, Origin, Script};
use super::compare::Numbers;
use super::document::{self, either_way};
use super::trace::{Event, Trace};
use super::{
    Case, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset,
};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, resource};
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct RepresentationIsRead;

static SPEC: PropertySpec = PropertySpec {
    id: "property/representation-is-read",
    title: "What a write answers with is what the read behind it shows",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#ops",
    sentence: "(paraphrase) With return=representation a create or update answers with the resource as it was stored",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a write was answered with the resource, which was then read",
    usual_causes: &[
        "the answer repeats what was sent in place of what was stored",
        "the version in the answer is that before the write",
        "a read is answered from a cache",
    ],
};

impl Property for RepresentationIsRead {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::document(resource_type, values));
        script.read(made);
        if ground.capability.supports(resource_type, "update") && values.chance(60) {
            script.put(made, dataset::document(resource_type, values), None);
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let mut written: Option<(u32, &Event)> = None;
        for event in &trace.events {
            match event.step.command {
                Command::Create { .. } => written = Some((event.step.id, event)),
                Command::Put { target, .. } => written = Some((target, event)),
                Command::Read { target } => {
                    if let Some((of, write)) = written
                        && of == target
                    {
                        compare(trace, write, event, &mut judgement);
                    }
                }
                _ => written = None,
            }
        }
        judgement
    }
}

fn compare(trace: &Trace, write: &Event, read: &Event, judgement: &mut Judgement) {
    let shown = |event: &Event| event.accepted().and_then(|exchange| exchange.json());
    let (Some(answered), Some(found)) = (shown(write), shown(read)) else {
        return;
    };
    if Key::of(&answered).is_none() || Key::of(&answered) != Key::of(&found) {
        return;
    }
    judgement.weighed += 1;
    let numbers = write.numbers().chain(read.numbers());
    if let Some(violation) =
        version(&answered, &found).or_else(|| content(&answered, &found, &trace.base))
    {
        judgement.violations.push(violation.seen_in(numbers));
    }
}

fn version(answered: &Value, found: &Value) -> Option<Violation> {
    let (one, other) = (
        resource::version_id(answered)?,
        resource::version_id(found)?,
    );
    let kind = (
        "version",
        "A write answers with another version than is then read",
    );
    (one != other).then(|| {
        let expected = Phrase::say("version ").data(one);
        let actual = Phrase::say("version ").data(other);
        document::broken(&SPEC, kind, expected, actual).at("meta.versionId")
    })
}

fn content(answered: &Value, found: &Value, base: &str) -> Option<Violation> {
    let difference = either_way(answered, found, base, Numbers::Exact)
        .into_iter()
        .next()?;
    let kind = (
        difference.kind,
        "A write answers with other content than is then read",
    );
    Some(document::violation(&SPEC, &difference, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(answered: Value, found: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let create = Command::Create {
            name: "r0".to_owned(),
            resource: json!({"resourceType": "Patient"}),
            if_none_exist: false,
        };
        let made = stage.push(create, Some("Patient/1"), vec![(201, answered)]);
        stage.read(made, 200, found);
        RepresentationIsRead.check(&stage.trace(), &capability(json!({})))
    }

    fn patient(version: &str, gender: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}, "gender": gender})
    }

    #[test]
    fn the_same_content_is_silent() {
        let judgement = judge(patient("1", "male"), patient("1", "male"));
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn another_version_and_other_content_are_told_apart() {
        let other = judge(patient("1", "male"), patient("2", "male"));
        assert_eq!(signs(&other), ["version"]);
        let changed = judge(patient("1", "male"), patient("1", "female"));
        assert_eq!(signs(&changed), ["changed"]);
        let mut more = patient("1", "male");
        more["active"] = json!(true);
        assert_eq!(signs(&judge(patient("1", "male"), more.clone())), ["added"]);
        assert_eq!(signs(&judge(more, patient("1", "male"))), ["lost"]);
    }

    #[test]
    fn an_answer_without_the_resource_says_nothing() {
        assert_eq!(judge(json!({}), patient("1", "male")).weighed, 0);
    }
}
