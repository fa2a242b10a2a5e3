//! `property/repeated-update-is-stable`: the same update, repeated, leaves the same content.
//! Row CR-05.

use super::case::{Case, Command, Origin, Script};
use super::compare::{self, Numbers};
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct RepeatedUpdateIsStable;

static SPEC: PropertySpec = PropertySpec {
    id: "property/repeated-update-is-stable",
    title: "The same update, repeated, leaves the same content",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "(paraphrase) An update replaces the whole content: sent twice it leaves what it left once",
    family: Family::Life,
    guards: &[Guard::Unknown, Guard::Mask],
    precondition: "an update was accepted twice with the same body",
    usual_causes: &[
        "lists are appended to in place of being replaced",
        "an update is merged with what was there",
    ],
};

impl Property for RepeatedUpdateIsStable {
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
        let content = dataset::turn(resource_type, 1, values);
        for _ in 0..2 + values.below(2) {
            script.put(made, content.clone(), None);
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        let mut last: Option<(u32, &Event)> = None;
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Put { target, .. } = event.step.command else {
                continue;
            };
            let read = life::read_after(trace, index, target)
                .filter(|read| event.accepted().is_some() && read.accepted().is_some());
            let Some(read) = read else {
                last = None;
                continue;
            };
            if let Some((of, before)) = last
                && of == target
                && same_payload(trace, before, event)
            {
                judgement.weighed += 1;
                judgement
                    .violations
                    .extend(judge(trace, before, read, event));
            }
            last = Some((target, read));
        }
        judgement
    }
}

/// The update before the earlier read sent what this update sends.
fn same_payload(trace: &Trace, read: &Event, update: &Event) -> bool {
    let position = trace
        .events
        .iter()
        .position(|event| event.step.id == read.step.id);
    let earlier = position.and_then(|position| trace.events.get(position.checked_sub(1)?));
    earlier.is_some_and(|earlier| earlier.step.command.payload() == update.step.command.payload())
}

fn judge(trace: &Trace, before: &Event, after: &Event, update: &Event) -> Option<Violation> {
    let (one, other) = (before.accepted()?.json()?, after.accepted()?.json()?);
    let mut found = compare::differences(&one, &other, &trace.base, Numbers::Exact);
    // What the second update added is as wrong as what it took away.
    found.extend(compare::differences(
        &other,
        &one,
        &trace.base,
        Numbers::Exact,
    ));
    let first = found.first()?;
    Some(
        life::violation(
            &SPEC,
            "An update that is repeated changes the content",
            "the content that the first one left",
            "another content",
            &first.path,
            &[before, update, after],
        )
        .signed(first.path.as_str()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn judge(second: &Value) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let written = json!({"resourceType": "Patient", "name": [{"family": "A"}]});
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        for answer in [&written, second] {
            stage.put(made, written.clone(), 200);
            stage.read(made, 200, answer.clone());
        }
        RepeatedUpdateIsStable
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn the_same_content_is_silent_whatever_the_version() {
        let same = json!({"resourceType": "Patient", "meta": {"versionId": "3"}, "name": [{"family": "A"}]});
        assert_eq!(judge(&same), []);
    }

    #[test]
    fn a_list_that_grows_or_an_element_that_goes_is_found() {
        let grown = json!({"resourceType": "Patient", "name": [{"family": "A"}, {"family": "A"}]});
        assert_eq!(judge(&grown).len(), 1);
        assert_eq!(judge(&json!({"resourceType": "Patient"})).len(), 1);
    }
}
