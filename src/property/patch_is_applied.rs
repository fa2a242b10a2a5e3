//! `property/patch-is-applied`: a JSON Patch changes what it names and nothing else; one that does not apply changes nothing.
//! Row CR-13.

use super::case::{Case, Command, Origin, Script};
use super::compare::{self, Numbers};
use super::trace::{Event, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, life};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::{Value, json};

/// See the module.
pub struct PatchIsApplied;

static SPEC: PropertySpec = PropertySpec {
    id: "property/patch-is-applied",
    title: "A patch changes what it names and nothing else, or nothing at all",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#patch",
    sentence: "the server SHALL process its own copy of the resource in the format indicated, applying the operations specified in the document, following the relevant PATCH specification",
    family: Family::Life,
    guards: &[Guard::Unknown, Guard::Mask],
    precondition: "a JSON Patch was answered and the resource read before and after",
    usual_causes: &[
        "operations are applied one by one and not undone when a later one fails",
        "a test operation is not evaluated",
        "a patch of a list replaces the list",
    ],
};

impl Property for PatchIsApplied {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "patch"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let resource_type = ground.one_written(&["read", "patch"], values);
        let made = script.create(start(resource_type));
        script.read(made);
        for round in 0..2 {
            script.patch(made, operations(resource_type, round == 1, values));
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
            let Command::Patch {
                target, operations, ..
            } = &event.step.command
            else {
                continue;
            };
            match judge(trace, index, event, *target, operations) {
                Ok(Some(found)) => {
                    judgement.weighed += 1;
                    judgement.violations.extend(found);
                }
                Ok(None) => {}
                Err(reason) => judgement.open.push(reason),
            }
        }
        judgement
    }
}

/// A resource with a member to replace, one to remove and a list to work on.
fn start(resource_type: &str) -> Value {
    match resource_type {
        "Observation" => json!({ "resourceType": "Observation", "status": "preliminary",
            "code": { "text": "patched" }, "valueString": "turn 0",
            "note": [{ "text": "one" }, { "text": "two" }] }),
        _ => json!({ "resourceType": "Patient", "active": true, "gender": "other",
            "birthDate": "1980-02-29",
            "name": [{ "text": "turn 0", "family": "One" }, { "family": "Two" }] }),
    }
}

/// A few operations that apply one after the other; with `fails` the last one is a test that does not hold.
fn operations(resource_type: &str, fails: bool, values: &mut Values) -> Value {
    let (member, list, element) = match resource_type {
        "Observation" => ("/valueString", "/note", json!({ "text": "three" })),
        _ => ("/gender", "/name", json!({ "family": "Three" })),
    };
    let value = if resource_type == "Observation" {
        "turn 1"
    } else {
        "female"
    };
    let mut all = vec![json!({ "op": "replace", "path": member, "value": value })];
    match values.below(3) {
        0 => all.push(json!({ "op": "add", "path": format!("{list}/-"), "value": element })),
        1 => all.push(json!({ "op": "add", "path": format!("{list}/1"), "value": element })),
        _ => all.push(json!({ "op": "remove", "path": format!("{list}/1") })),
    }
    if fails {
        all.push(json!({ "op": "test", "path": member, "value": "something else" }));
    }
    Value::Array(all)
}

/// What a patch did; `None` if the reads around it are not there.
fn judge(
    trace: &Trace,
    index: usize,
    event: &Event,
    target: u32,
    operations: &Value,
) -> Result<Option<Option<Violation>>, Open> {
    let (Some(before), Some(after)) = (
        life::read_before(trace, index, target),
        life::read_after(trace, index, target),
    ) else {
        return Ok(None);
    };
    let body = |event: &Event| event.accepted().and_then(crate::http::Exchange::json);
    let (Some(one), Some(other)) = (body(before), body(after)) else {
        return Ok(None);
    };
    let model = applied(&one, operations);
    let (wanted, title, sign) = match (event.reply(), model) {
        (Reply::Accepted(_), Some(model)) => {
            (model, "A patch left something else than it says", "applied")
        }
        (Reply::Accepted(_), None) => {
            let title = "A patch that does not apply is carried out";
            let expected = "a status of 400 or more";
            let shown = [before, event, after];
            let found =
                life::violation(&SPEC, title, expected, life::says(event), "status", &shown);
            return Ok(Some(Some(found.signed("accepted"))));
        }
        (Reply::Refused(_), None) => (one, "A patch that was refused changed the resource", "kept"),
        (Reply::Refused(exchange), Some(_)) => {
            return Err(Open::Blocked(format!(
                "the target refuses a JSON Patch ({})",
                exchange.status().unwrap_or_default()
            )));
        }
        (Reply::Unknown | Reply::Absent, _) => return Ok(None),
    };
    let mut found = compare::differences(&wanted, &other, &trace.base, Numbers::Exact);
    found.extend(compare::differences(
        &other,
        &wanted,
        &trace.base,
        Numbers::Exact,
    ));
    Ok(Some(found.first().map(|difference| {
        life::violation(
            &SPEC,
            title,
            "what the operations make of the resource as read before",
            "something else",
            &difference.path,
            &[before, event, after],
        )
        .signed(sign)
    })))
}

/// What the operations make of a resource; `None` if one of them does not apply (RFC 6902 section 5: the whole patch
/// is then without effect).
fn applied(resource: &Value, operations: &Value) -> Option<Value> {
    let mut patched = resource.clone();
    for operation in operations.as_array()? {
        let path = operation.get("path")?.as_str()?;
        let (parent, last) = path.rsplit_once('/')?;
        match operation.get("op")?.as_str()? {
            "test" => {
                if patched.pointer(path) != operation.get("value") {
                    return None;
                }
            }
            "replace" => *patched.pointer_mut(path)? = operation.get("value")?.clone(),
            "remove" => match patched.pointer_mut(parent)? {
                Value::Array(items) => {
                    let index: usize = last.parse().ok()?;
                    (index < items.len()).then(|| items.remove(index))?;
                }
                Value::Object(members) => {
                    members.shift_remove(last)?;
                }
                _ => return None,
            },
            "add" => match patched.pointer_mut(parent)? {
                Value::Array(items) => {
                    let index = match last {
                        "-" => items.len(),
                        _ => last.parse().ok()?,
                    };
                    let value = operation.get("value")?.clone();
                    (index <= items.len()).then(|| items.insert(index, value))?;
                }
                Value::Object(members) => {
                    members.insert(last.to_owned(), operation.get("value")?.clone());
                }
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(patched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};

    fn judge(operations: Value, status: u16, after: Value) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", start("Patient"));
        stage.read(made, 200, start("Patient"));
        let patch = Command::Patch {
            target: made,
            operations,
            if_match: None,
        };
        stage.push(patch, Some("Patient/1"), vec![(status, json!({}))]);
        stage.read(made, 200, after);
        PatchIsApplied
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    fn with(change: impl FnOnce(&mut Value)) -> Value {
        let mut patient = start("Patient");
        change(&mut patient);
        patient
    }

    #[test]
    fn a_patch_that_does_what_it_says_is_silent() {
        let replace = json!([{"op": "replace", "path": "/gender", "value": "female"}]);
        let female = with(|patient| patient["gender"] = json!("female"));
        assert_eq!(judge(replace, 200, female), []);
        let refused = json!([{"op": "test", "path": "/gender", "value": "male"}]);
        assert_eq!(judge(refused, 422, start("Patient")), []);
    }

    #[test]
    fn a_lost_operation_a_failed_test_and_half_a_patch_are_found() {
        let replace = json!([{"op": "replace", "path": "/gender", "value": "female"}]);
        assert_eq!(
            judge(replace, 200, start("Patient"))[0].signature,
            ["applied"]
        );
        let both = json!([{"op": "replace", "path": "/gender", "value": "female"},
            {"op": "test", "path": "/gender", "value": "male"}]);
        let half = with(|patient| patient["gender"] = json!("female"));
        assert_eq!(
            judge(both.clone(), 422, half.clone())[0].signature,
            ["kept"]
        );
        assert_eq!(judge(both, 200, half)[0].signature, ["accepted"]);
    }
}
