//! `property/own-write-is-read`: a read directly after a write shows what the write was answered with.
//! Row CR-10.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct OwnWriteIsRead;

static SPEC: PropertySpec = PropertySpec {
    id: "property/own-write-is-read",
    title: "A read directly after a write shows that write",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#read",
    sentence: "(paraphrase) The read interaction accesses the current contents of a resource",
    family: Family::Life,
    guards: &[Guard::Unknown, Guard::Fresh],
    precondition: "an update was accepted and the resource read at once",
    usual_causes: &["reads are served by a replica or a cache that lags"],
};

impl Property for OwnWriteIsRead {
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
        for turn in 1..=4 {
            script.put(made, dataset::turn(resource_type, turn, values), None);
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Put { target, .. } = event.step.command else {
                continue;
            };
            let read = life::read_after(trace, index, target);
            if let Some(read) = read.filter(|_| event.accepted().is_some()) {
                judgement.weighed += 1;
                judgement.violations.extend(judge(event, read));
            }
        }
        judgement
    }
}

fn judge(write: &Event, read: &Event) -> Option<Violation> {
    let (said, shown) = (
        write.accepted().and_then(shown_version)?,
        read.accepted().and_then(shown_version)?,
    );
    (said != shown).then(|| {
        life::violation(
            &SPEC,
            "A read directly after a write shows another version",
            Phrase::say("version ").data(said),
            Phrase::say("version ").data(shown),
            "meta.versionId",
            &[write, read],
        )
        .signed("stale")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn patient(version: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}})
    }

    fn judge(written: &str, read: &str) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("x"));
        let put = Command::Put {
            target: made,
            resource: patient("x"),
            if_match: None,
        };
        stage.push(put, Some("Patient/1"), vec![(200, patient(written))]);
        stage.read(made, 200, patient(read));
        OwnWriteIsRead
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn the_version_that_the_write_was_answered_with_is_silent() {
        assert_eq!(judge("2", "2"), []);
    }

    #[test]
    fn an_older_version_is_found() {
        assert_eq!(judge("2", "1")[0].signature, ["stale"]);
    }
}
