//! `property/repeated-delete-is-stable`: a delete of what is deleted changes nothing and is no server error.
//! Row CR-06.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct RepeatedDeleteIsStable;

static SPEC: PropertySpec = PropertySpec {
    id: "property/repeated-delete-is-stable",
    title: "A delete of what is deleted has no effect and is no server error",
    level: Level::Should,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "Performing this interaction on a resource that is already deleted has no effect",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "a resource was deleted twice",
    usual_causes: &[
        "the second delete does not find the row and fails",
        "the second delete writes a further version",
    ],
};

impl Property for RepeatedDeleteIsStable {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "delete"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "delete"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        script.delete(made);
        script.read(made);
        script.delete(made);
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        // A server error is what this property looks for, so it opens nothing.
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        let mut first: Option<(u32, &Event)> = None;
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Delete { target, .. } = event.step.command else {
                continue;
            };
            match first {
                Some((of, before)) if of == target && life::status(event) > 0 => {
                    judgement.weighed += 1;
                    let after = life::read_after(trace, index, target);
                    judgement.violations.extend(judge(before, event, after));
                }
                _ if event.accepted().is_some() => first = Some((target, event)),
                _ => judgement.open.extend(life::refusal(event, "to delete")),
            }
        }
        judgement
    }
}

fn judge(first: &Event, second: &Event, after: Option<&Event>) -> Option<Violation> {
    if life::status(second) >= 500 {
        let title = "A delete of what is deleted is a server error";
        let expected = "200, 202, 204 or 404";
        let shown = [first, second];
        let found = life::violation(&SPEC, title, expected, life::says(second), "status", &shown);
        return Some(found.signed("error"));
    }
    let after = after.filter(|event| event.accepted().is_some())?;
    let shown = [first, second, after];
    let title = "A resource is there again after a second delete";
    let found = life::violation(
        &SPEC,
        title,
        "410 or 404",
        life::says(after),
        "status",
        &shown,
    );
    Some(found.signed("back"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(second: u16, read: u16) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        for (delete, read) in [(204, 410), (second, read)] {
            let command = Command::Delete {
                target: made,
                if_match: None,
            };
            stage.push(command, Some("Patient/1"), vec![(delete, json!({}))]);
            stage.read(made, read, json!({}));
        }
        RepeatedDeleteIsStable
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn any_answer_that_says_gone_is_silent() {
        for status in [200, 202, 204, 404, 410] {
            assert_eq!(judge(status, 410), []);
        }
    }

    #[test]
    fn a_server_error_and_a_resource_that_comes_back_are_found() {
        assert_eq!(judge(500, 410)[0].signature, ["error"]);
        assert_eq!(judge(204, 200)[0].signature, ["back"]);
    }
}
