//! What the properties about wrong input have in common: raw steps, what counts as a server's fault, and a look at
//! whether the server still lives. No property of its own.
//!
//! A server error, an answer that never comes, a server that is gone: nothing else is held against a server here.
//! What a server accepts or refuses is for others to judge.

use super::case::{Case, Command, Origin, Raw, RawBody, Script};
use super::trace::{Event, Trace};
use super::{Ground, Judgement, PropertySpec, Values, answer, dataset, life};
use crate::http::{FailureKind, Method};
use crate::record::{Verdict, Violation};
use crate::secret::Phrase;

/// Where wrong input may be sent: permission for load covers fuzzing.
///
/// # Errors
/// `Blocked` without permission.
pub fn permitted(ground: &Ground<'_>) -> Result<(), Verdict> {
    ground.concurrent()
}

/// A raw request without body.
pub fn get(url: impl Into<String>) -> Raw {
    Raw {
        method: Method::Get,
        url: url.into(),
        headers: Vec::new(),
        body: RawBody::None,
        name: None,
    }
}

/// A raw create of a type.
pub fn post(resource_type: &str, body: RawBody) -> Raw {
    Raw {
        method: Method::Post,
        url: resource_type.to_owned(),
        headers: Vec::new(),
        body,
        name: None,
    }
}

/// Wrong requests of one case.
const REQUESTS: u32 = 6;

/// Types where the properties of wrong bodies, fields and methods stand.
///
/// # Errors
/// As [`Ground::written`] and [`permitted`].
pub fn admit_writing(ground: &Ground<'_>) -> Result<(), Verdict> {
    ground.written(&["read"])?;
    permitted(ground)
}

/// A resource, wrong requests, and a read that shows whether the server still lives.
pub fn writing_case(
    spec: &PropertySpec,
    ground: &Ground<'_>,
    values: &mut Values,
    mutant: impl Fn(&str, &mut Values) -> Raw,
) -> Case {
    let resource_type = ground.one_written(&["read"], values);
    let mut script = Script::new(spec.id, Origin::Created, 0);
    let made = script.create(dataset::turn(resource_type, 0, values));
    script.read(made);
    for _ in 0..REQUESTS {
        script.push(Command::Raw(mutant(resource_type, values)));
    }
    script.read(made);
    script.finish()
}

/// Where wrong URLs and searches stand.
///
/// # Errors
/// `Skip` if nothing is claimed, and as [`permitted`].
pub fn admit_reading(ground: &Ground<'_>) -> Result<(), Verdict> {
    if ground.capability.resource_types().is_empty() {
        return Err(Verdict::Skip("not claimed: any type".to_owned()));
    }
    permitted(ground)
}

/// Wrong requests by GET alone.
pub fn reading_case(
    spec: &PropertySpec,
    ground: &Ground<'_>,
    values: &mut Values,
    mutant: impl Fn(&str, &mut Values) -> Raw,
) -> Case {
    let types = ground.capability.resource_types();
    let resource_type = types.first().map_or("Patient", |_| *values.pick(&types));
    let mut script = Script::new(spec.id, Origin::Cohort, 0);
    for _ in 0..REQUESTS {
        script.push(Command::Raw(mutant(resource_type, values)));
    }
    script.finish()
}

/// Judges every raw step: a server error or no answer is a violation, any other answer is fine. After the last one the
/// server must still answer what it was asked to before.
pub fn judge(spec: &PropertySpec, trace: &Trace) -> Judgement {
    if let Err(reason) = answer::created(trace) {
        return Judgement::open(reason);
    }
    let mut judgement = Judgement::default();
    let mut last: Option<&Event> = None;
    for event in &trace.events {
        match &event.step.command {
            Command::Raw(_) if event.last().is_some() => {
                judgement.weighed += 1;
                judgement.violations.extend(fault(spec, event));
                last = Some(event);
            }
            Command::Read { .. } => {
                let gone = last.filter(|_| event.accepted().is_none() && event.last().is_some());
                if let Some(raw) = gone.filter(|_| judgement.violations.is_empty()) {
                    let title = "A server does not answer a read after wrong input";
                    let shown = [raw, event];
                    let found =
                        life::violation(spec, title, "status 200", says(event), "status", &shown);
                    judgement.violations.push(found.signed("gone"));
                }
            }
            _ => {}
        }
    }
    judgement.violations.truncate(1);
    judgement
}

fn fault(spec: &PropertySpec, event: &Event) -> Option<Violation> {
    let exchange = event.last()?;
    match &exchange.outcome {
        // 501 says that something is not implemented; 502, 503 and 504 are those of gateways and of overload.
        Ok(response) if response.status >= 500 && !matches!(response.status, 501..=504) => {
            let title = "Wrong input is answered with a server error";
            let expected = "a status below 500";
            let found = life::violation(spec, title, expected, says(event), "status", &[event]);
            Some(found.signed("error"))
        }
        Err(failure) if failure.kind == FailureKind::Timeout => {
            let title = "Wrong input is never answered";
            let found =
                life::violation(spec, title, "an answer", says(event), "response", &[event]);
            Some(found.signed("silence"))
        }
        _ => None,
    }
}

fn says(event: &Event) -> Phrase {
    match life::status(event) {
        0 => Phrase::say("no answer"),
        status => Phrase::say(format!("status {status}")),
    }
}

#[cfg(test)]
pub mod staged {
    //! One staged trace for the tests of these properties.

    use serde_json::json;

    use super::super::staging::{Stage, capability};
    use super::super::{Command, Property};
    use crate::record::Violation;

    /// What a property says of one raw request with this answer, and a read after it.
    pub fn judge(property: &dyn Property, status: u16, read: u16) -> Vec<Violation> {
        let mut stage = Stage::new(property.spec().id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let raw = super::get("Patient");
        stage.push(Command::Raw(raw), None, vec![(status, json!({}))]);
        stage.read(made, read, json!({"resourceType": "Patient", "id": "1"}));
        property
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }
}
