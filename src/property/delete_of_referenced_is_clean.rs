//! `property/delete-of-referenced-is-clean`: a delete of what others refer to happens or is refused, and nothing in between.
//! Row CR-17.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Reply, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::json;

/// See the module.
pub struct DeleteOfReferencedIsClean;

static SPEC: PropertySpec = PropertySpec {
    id: "property/delete-of-referenced-is-clean",
    title: "A delete of what others refer to happens or is refused, and nothing in between",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "(paraphrase) A server may refuse to delete a resource that others refer to; a delete is carried out as a whole or not at all",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "a resource that another one refers to was to be deleted",
    usual_causes: &[
        "the check of references runs after the delete",
        "a failed delete leaves the resource hidden",
    ],
};

impl Property for DeleteOfReferencedIsClean {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let types = ground.written(&["read", "delete"])?;
        if types.len() < 2 {
            return Err(Verdict::Skip(
                "not claimed: delete of Patient and Observation".to_owned(),
            ));
        }
        Ok(())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let _ = ground;
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let patient = script.create(dataset::turn("Patient", 0, values));
        let mut observation = dataset::turn("Observation", 0, values);
        observation["subject"] = json!({ "reference": format!("${{key:{patient}}}") });
        let observation = script.create(observation);
        script.delete(patient);
        script.read(patient);
        script.read(observation);
        script.delete(observation);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Delete { target, .. } = event.step.command else {
                continue;
            };
            if !is_referred_to(trace, index, target) {
                continue;
            }
            let read = life::read_after(trace, index, target);
            judgement.weighed += 1;
            judgement.violations.extend(judge(event, read));
        }
        judgement
    }
}

/// Something created before the step refers to what `target` created, and is still there.
fn is_referred_to(trace: &Trace, index: usize, target: u32) -> bool {
    trace.events[..index].iter().any(|event| {
        event.step.command.creates()
            && event.accepted().is_some()
            && event.step.command.needs().contains(&target)
            && !trace.events[..index].iter().any(|later| {
                matches!(later.step.command, Command::Delete { target: of, .. } if of == event.step.id)
            })
    })
}

fn judge(delete: &Event, read: Option<&Event>) -> Option<Violation> {
    let shown: Vec<&Event> = std::iter::once(delete).chain(read).collect();
    if life::status(delete) >= 500 {
        let title = "A delete of what others refer to is a server error";
        let expected = "200, 202, 204 or 409";
        let found = life::violation(&SPEC, title, expected, life::says(delete), "status", &shown);
        return Some(found.signed("error"));
    }
    let read = read?;
    match (delete.reply(), read.reply()) {
        (Reply::Refused(_), Reply::Refused(_)) => {
            let title = "A delete that was refused took the resource away";
            let found = life::violation(
                &SPEC,
                title,
                "status 200",
                life::says(read),
                "status",
                &shown,
            );
            Some(found.signed("taken"))
        }
        (Reply::Accepted(exchange), Reply::Accepted(_)) if exchange.status() != Some(202) => {
            let title = "A delete that was accepted left the resource";
            let found = life::violation(
                &SPEC,
                title,
                "410 or 404",
                life::says(read),
                "status",
                &shown,
            );
            Some(found.signed("left"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};

    fn judge(delete: u16, read: u16) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let patient = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let subject = json!({"reference": format!("${{key:{patient}}}")});
        let observation = json!({"resourceType": "Observation", "subject": subject});
        stage.create("Observation/1", observation);
        let command = Command::Delete {
            target: patient,
            if_match: None,
        };
        stage.push(command, Some("Patient/1"), vec![(delete, json!({}))]);
        stage.read(patient, read, json!({}));
        DeleteOfReferencedIsClean
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn a_delete_and_a_refusal_are_both_silent() {
        assert_eq!(judge(204, 410), []);
        assert_eq!(judge(409, 200), []);
        assert_eq!(judge(202, 200), []);
    }

    #[test]
    fn an_error_and_half_a_delete_are_found() {
        assert_eq!(judge(500, 200)[0].signature, ["error"]);
        assert_eq!(judge(409, 404)[0].signature, ["taken"]);
        assert_eq!(judge(204, 200)[0].signature, ["left"]);
    }
}
