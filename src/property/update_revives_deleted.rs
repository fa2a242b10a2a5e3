//! `property/update-revives-deleted`: an update of what is deleted brings it back with its own content, in a version that was not there before.
//! Row CR-08.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct UpdateRevivesDeleted;

static SPEC: PropertySpec = PropertySpec {
    id: "property/update-revives-deleted",
    title: "An update of what is deleted brings it back, in a version of its own",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "Resources that have been deleted may be \"brought back to life\" by a subsequent update interaction using an HTTP PUT",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "an update of a deleted resource was accepted",
    usual_causes: &[
        "the revived resource begins again with version 1",
        "the update is acknowledged and the delete mark stays",
    ],
};

impl Property for UpdateRevivesDeleted {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "update", "delete"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update", "delete"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        script.read(made);
        for turn in 0..values.below(2) {
            script.put(made, dataset::turn(resource_type, 1 + turn, values), None);
            script.read(made);
        }
        script.delete(made);
        script.read(made);
        script.put(made, dataset::turn(resource_type, 3, values), None);
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        let mut gone: Option<&Event> = None;
        for (index, event) in trace.events.iter().enumerate() {
            match event.step.command {
                Command::Delete { .. } if event.accepted().is_some() => gone = Some(event),
                Command::Put { target, .. } => {
                    let Some(delete) = gone.take() else { continue };
                    if event.accepted().is_none() {
                        judgement.open.extend(life::refusal(event, "to revive"));
                        continue;
                    }
                    judgement.weighed += 1;
                    let read = life::read_after(trace, index, target);
                    judgement
                        .violations
                        .extend(judge(&trace.events[..index], delete, event, read));
                }
                _ => {}
            }
        }
        judgement
    }
}

fn judge(
    before: &[Event],
    delete: &Event,
    revival: &Event,
    read: Option<&Event>,
) -> Option<Violation> {
    let read = read?;
    let shown = [delete, revival, read];
    let Some(exchange) = read.accepted() else {
        let title = "What an update brought back is not there";
        let found = life::violation(
            &SPEC,
            title,
            "status 200",
            life::says(read),
            "status",
            &shown,
        );
        return Some(found.signed("gone"));
    };
    let body = exchange.json()?;
    let wanted = revival.step.command.payload().and_then(life::mark)?;
    if life::mark(&body).is_some_and(|found| found != wanted) {
        let title = "What an update brought back has an older content";
        let found = life::violation(
            &SPEC,
            title,
            "the content of the update",
            "another",
            "content",
            &shown,
        );
        return Some(found.signed("content"));
    }
    let version = shown_version(exchange)?;
    let used = before
        .iter()
        .filter(|event| event.key == revival.key)
        .filter_map(|event| event.accepted())
        .filter_map(shown_version)
        .any(|known| known == version);
    used.then(|| {
        let actual = Phrase::say("version ").data(version.as_str());
        let title = "A revived resource has a version id that it had before";
        let expected = "a version id that no earlier version had";
        life::violation(&SPEC, title, expected, actual, "meta.versionId", &shown).signed("version")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn patient(mark: &str, version: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}, "name": [{"text": mark}]})
    }

    fn judge(status: u16, mark: &str, version: &str) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("a", "x"));
        stage.read(made, 200, patient("a", "1"));
        let delete = Command::Delete {
            target: made,
            if_match: None,
        };
        stage.push(delete, Some("Patient/1"), vec![(204, json!({}))]);
        stage.put(made, patient("b", "x"), 201);
        stage.read(made, status, patient(mark, version));
        UpdateRevivesDeleted
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn a_revival_in_a_new_version_is_silent() {
        assert_eq!(judge(200, "b", "3"), []);
    }

    #[test]
    fn a_revival_that_did_not_happen_or_starts_over_is_found() {
        assert_eq!(judge(410, "b", "3")[0].signature, ["gone"]);
        assert_eq!(judge(200, "a", "3")[0].signature, ["content"]);
        assert_eq!(judge(200, "b", "1")[0].signature, ["version"]);
    }
}
