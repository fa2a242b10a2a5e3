//! `property/update-creates-as-claimed`: what a client puts where nothing is, is created there and answered with 201.
//! Row CR-03.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Reply, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset, life,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct UpdateCreatesAsClaimed;

static SPEC: PropertySpec = PropertySpec {
    id: "property/update-creates-as-claimed",
    title: "An update of nothing creates where that is claimed, and says so",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "the server SHALL return either a 200 OK HTTP status code if the resource was updated, or a 201 Created status code if the resource was created",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "an update of an id that nothing has was accepted",
    usual_causes: &[
        "a resource that was not there is answered with 200, as if it had been updated",
        "the resource is stored under another id",
    ],
};

impl Property for UpdateCreatesAsClaimed {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let types = ground.written(&["read", "update"])?;
        if types
            .iter()
            .any(|name| ground.capability.flag(name, "updateCreate"))
        {
            return Ok(());
        }
        Err(Verdict::Skip("not claimed: updateCreate".to_owned()))
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut types = ground.written(&["read", "update"]).unwrap_or_default();
        types.retain(|name| ground.capability.flag(name, "updateCreate"));
        let resource_type = types.first().map_or("Patient", |_| *values.pick(&types));
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.put_new(dataset::turn(resource_type, 0, values));
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        for (index, event) in trace.events.iter().enumerate() {
            let Command::PutNew { .. } = event.step.command else {
                continue;
            };
            match event.reply() {
                Reply::Accepted(_) => {
                    judgement.weighed += 1;
                    judgement.violations.extend(judge(trace, index, event));
                }
                Reply::Refused(_) => judgement
                    .open
                    .extend(life::refusal(event, "an id of a client")),
                Reply::Unknown | Reply::Absent => {}
            }
        }
        judgement
    }
}

fn judge(trace: &Trace, index: usize, event: &Event) -> Option<Violation> {
    let status = life::status(event);
    if status != 201 {
        let title = "An update that creates is not answered with 201";
        let found = life::violation(
            &SPEC,
            title,
            "status 201",
            life::says(event),
            "status",
            &[event],
        );
        return Some(found.signed("status"));
    }
    let read = life::read_after(trace, index, event.step.id)?;
    let is_there = match read.reply() {
        Reply::Accepted(exchange) => exchange.json().as_ref().and_then(Key::of) == event.key,
        Reply::Refused(_) => false,
        Reply::Unknown | Reply::Absent => return None,
    };
    (!is_there).then(|| {
        life::violation(
            &SPEC,
            "What an update created is not where the client put it",
            "the resource under the id of the request",
            life::says(read),
            "id",
            &[event, read],
        )
        .signed("place")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(status: u16, read: u16) -> (Vec<Violation>, u32) {
        let mut stage = Stage::new(SPEC.id);
        let put = Command::PutNew {
            name: "r0".to_owned(),
            resource: json!({"resourceType": "Patient"}),
        };
        let made = stage.push(put, Some("Patient/1"), vec![(status, json!({}))]);
        stage.read(made, read, json!({"resourceType": "Patient", "id": "1"}));
        let judgement = UpdateCreatesAsClaimed.check(&stage.trace(), &capability(json!({})));
        (judgement.violations, judgement.weighed)
    }

    #[test]
    fn a_created_resource_under_its_id_is_silent_and_a_refusal_says_nothing() {
        assert_eq!(judge(201, 200), (Vec::new(), 1));
        assert_eq!(judge(405, 404), (Vec::new(), 0));
    }

    #[test]
    fn an_update_that_was_none_and_a_resource_elsewhere_are_found() {
        assert_eq!(judge(200, 200).0[0].signature, ["status"]);
        assert_eq!(judge(201, 404).0[0].signature, ["place"]);
    }
}
