//! `property/conditional-read-tells-change`: a conditional read is answered with 304 if nothing changed, and only then.
//! Row CR-12.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct ConditionalReadTellsChange;

static SPEC: PropertySpec = PropertySpec {
    id: "property/conditional-read-tells-change",
    title: "A conditional read is answered with 304 only if nothing changed",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#cread",
    sentence: "(paraphrase) If-None-Match asks for the resource only if its version is another one than that of the ETag",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "a conditional read was answered with 304 or with the resource",
    usual_causes: &[
        "the entity tag is compared with that of another version",
        "Last-Modified is that of the creation",
    ],
};

impl Property for ConditionalReadTellsChange {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        let seen = script.read(made);
        let again = Command::ReadIf {
            target: made,
            seen,
            since: false,
        };
        script.push(again.clone());
        script.put(made, dataset::turn(resource_type, 1, values), None);
        script.push(again);
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = super::answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::ReadIf { target, seen, .. } = event.step.command else {
                continue;
            };
            match judge(trace, index, event, target, seen) {
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

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = ground.written(&["read", "update"])?;
    types.retain(|name| {
        ground
            .capability
            .member(name, "conditionalRead")
            .is_some_and(|support| support == "full-support" || support == "not-match")
    });
    if types.is_empty() {
        return Err(Verdict::Skip(
            "not claimed: conditionalRead by If-None-Match".to_owned(),
        ));
    }
    Ok(types)
}

/// What a conditional read shows; `None` if it cannot be told whether something changed.
fn judge(
    trace: &Trace,
    index: usize,
    event: &Event,
    target: u32,
    seen: u32,
) -> Result<Option<Option<Violation>>, Open> {
    let Some(first) = trace.event(seen).filter(|first| first.accepted().is_some()) else {
        return Ok(None);
    };
    let start = trace
        .events
        .iter()
        .position(|event| event.step.id == seen)
        .unwrap_or(index);
    let updates: Vec<&Event> = trace.events[start..index]
        .iter()
        .filter(
            |event| matches!(event.step.command, Command::Put { target: of, .. } if of == target),
        )
        .collect();
    let changed = match updates.as_slice() {
        [] => false,
        [.., last] => {
            let version = last.accepted().and_then(shown_version);
            let before = first.accepted().and_then(shown_version);
            match (version, before) {
                (Some(version), Some(before)) if version != before => true,
                // An update without a new version, or one that was refused: nothing is known.
                _ => return Ok(None),
            }
        }
    };
    let shown: Vec<&Event> = std::iter::once(first)
        .chain(updates)
        .chain([event])
        .collect();
    match life::status(event) {
        0 => Ok(None),
        304 if changed => {
            let title = "A changed resource is answered with 304";
            let found = life::violation(
                &SPEC,
                title,
                "status 200",
                life::says(event),
                "If-None-Match",
                &shown,
            );
            Ok(Some(Some(found.signed("hidden"))))
        }
        200 if !changed => {
            let title = "An unchanged resource is sent again to a conditional read";
            let found = life::violation(
                &SPEC,
                title,
                "status 304",
                life::says(event),
                "If-None-Match",
                &shown,
            );
            Ok(Some(Some(found.signed("sent"))))
        }
        200 | 304 => Ok(Some(None)),
        status => Err(Open::Undecided(format!(
            "a conditional read was answered with {status}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn judge(first: u16, second: u16) -> Judgement {
        let patient = |version: &str| -> Value {
            json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}})
        };
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("1"));
        let seen = stage.read(made, 200, patient("1"));
        let again = Command::ReadIf {
            target: made,
            seen,
            since: false,
        };
        stage.push(again.clone(), Some("Patient/1"), vec![(first, json!({}))]);
        let put = Command::Put {
            target: made,
            resource: patient("x"),
            if_match: None,
        };
        stage.push(put, Some("Patient/1"), vec![(200, patient("2"))]);
        stage.push(again, Some("Patient/1"), vec![(second, json!({}))]);
        ConditionalReadTellsChange.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn not_modified_before_the_change_and_the_resource_after_it_are_silent() {
        let judgement = judge(304, 200);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 2));
    }

    #[test]
    fn a_hidden_change_and_a_needless_answer_are_found() {
        assert_eq!(judge(304, 304).violations[0].signature, ["hidden"]);
        assert_eq!(judge(200, 200).violations[0].signature, ["sent"]);
    }
}
