//! `property/types-are-apart`: resources of two types under one id do not touch each other.
//! Row CR-16.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::fhir::resource::resource_type;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct TypesAreApart;

static SPEC: PropertySpec = PropertySpec {
    id: "property/types-are-apart",
    title: "Resources of two types with one id do not touch each other",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "(paraphrase) The logical id is unique within the space of all resources of the same type on the same server",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "two resources of different types were put under one id",
    usual_causes: &["resources are stored under their id alone"],
};

impl Property for TypesAreApart {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let types = ground.written(&["read", "update"])?;
        let claimed = |name: &&str| ground.capability.flag(name, "updateCreate");
        if types.iter().filter(|name| claimed(name)).count() < 2 {
            return Err(Verdict::Skip(
                "not claimed: updateCreate of two types".to_owned(),
            ));
        }
        Ok(())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let _ = ground;
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let mut made = Vec::new();
        for name in ["Patient", "Observation"] {
            made.push(script.push(Command::PutNew {
                name: "both".to_owned(),
                resource: dataset::turn(name, 0, values),
            }));
        }
        let [one, other] = made[..] else {
            return script.finish();
        };
        script.read(one);
        script.read(other);
        if values.chance(50) {
            script.put(other, dataset::turn("Observation", 1, values), None);
        } else {
            script.delete(other);
        }
        script.read(one);
        script.delete(one);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        let is_new = |event: &&Event| {
            matches!(event.step.command, Command::PutNew { .. }) && event.accepted().is_some()
        };
        let made: Vec<&Event> = trace.events.iter().filter(is_new).collect();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Read { target } = event.step.command else {
                continue;
            };
            let Some(written) = made.iter().find(|made| made.step.id == target) else {
                continue;
            };
            let others: Vec<&Event> = made
                .iter()
                .copied()
                .filter(|made| made.step.id != target)
                .collect();
            if others.is_empty() || is_over(trace, index, target) {
                continue;
            }
            judgement.weighed += 1;
            judgement.violations.extend(judge(written, &others, event));
        }
        judgement
    }
}

/// The resource itself was written or deleted in between, so that its first content proves nothing.
fn is_over(trace: &Trace, index: usize, target: u32) -> bool {
    trace.events[..index]
        .iter()
        .any(|event| event.step.command.target() == Some(target) && event.step.command.writes())
}

fn judge(written: &Event, others: &[&Event], read: &Event) -> Option<Violation> {
    let mut shown = vec![written];
    shown.extend(others);
    shown.push(read);
    let sent = written.step.command.payload()?;
    let Some(body) = read.accepted().and_then(crate::http::Exchange::json) else {
        let title = "A resource is gone after another type was written under its id";
        let found = life::violation(&SPEC, title, "status 200", life::says(read), "id", &shown);
        return Some(found.signed("gone"));
    };
    let mixed =
        resource_type(&body) != resource_type(sent) || life::mark(&body) != life::mark(sent);
    mixed.then(|| {
        let title = "A resource has the content of another type with its id";
        let expected =
            Phrase::say("the ").words(resource_type(sent).unwrap_or("resource").to_owned());
        life::violation(
            &SPEC,
            title,
            expected,
            "something else",
            "resourceType",
            &shown,
        )
        .signed("mixed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn judge(status: u16, body: Value) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        for (name, key) in [("Patient", "Patient/1"), ("Observation", "Observation/1")] {
            let put = Command::PutNew {
                name: "both".to_owned(),
                resource: json!({"resourceType": name, "name": [{"text": "turn 0"}]}),
            };
            stage.push(put, Some(key), vec![(201, json!({}))]);
        }
        stage.read(0, status, body);
        TypesAreApart
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn each_with_its_own_content_is_silent() {
        let own = json!({"resourceType": "Patient", "name": [{"text": "turn 0"}]});
        assert_eq!(judge(200, own), []);
    }

    #[test]
    fn a_resource_that_is_gone_or_of_the_other_type_is_found() {
        assert_eq!(judge(404, json!({}))[0].signature, ["gone"]);
        let other = json!({"resourceType": "Observation"});
        assert_eq!(judge(200, other)[0].signature, ["mixed"]);
    }
}
