//! Documents that were written and read back: which read shows which write, and what a property says of the first
//! difference that concerns it. What counts as a difference is said in `compare`; which one concerns whom, by the
//! properties of round trips.

use serde_json::{Value, json};

use super::case::{Command, Origin, Script};
use super::compare::{Difference, Numbers, differences};
use super::trace::{Event, Reply, Trace};
use super::{Case, Ground, Judgement, Open, PropertySpec, Values};
use crate::record::{Completeness, Verdict, Violation};
use crate::secret::Phrase;

/// A write that was accepted, and what a read of it shows before anything else is written.
pub(super) struct Kept {
    /// The body as it was sent, marks included.
    pub sent: Value,
    /// The body that was read.
    pub found: Value,
    /// Both exchanges.
    pub exchanges: Vec<u32>,
}

/// What a property says of a difference: a part of the signature and a title.
pub(super) type Kind = (&'static str, &'static str);

/// Types of round trips.
pub(super) fn admit(ground: &Ground<'_>) -> Result<(), Verdict> {
    ground.written(&["read"]).map(|_| ())
}

/// A case that writes one resource and reads it.
pub(super) fn written_and_read(id: &str, resource: Value) -> Case {
    let mut script = Script::new(id, Origin::Created, 0);
    let made = script.create(resource);
    script.read(made);
    script.finish()
}

/// A type for a round trip.
pub(super) fn one_type(ground: &Ground<'_>, values: &mut Values) -> &'static str {
    ground.one_written(&["read"], values)
}

/// The least that a resource of the type may be: for cases about one element of it.
pub(super) fn bare(resource_type: &str) -> Value {
    match resource_type {
        "Observation" => json!({
            "resourceType": "Observation", "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] } }),
        _ => json!({ "resourceType": "Patient" }),
    }
}

/// A bare resource with one text: the name of a patient, the value of an observation.
pub(super) fn telling(resource_type: &str, text: &str) -> Value {
    let mut resource = bare(resource_type);
    match resource_type {
        "Observation" => resource["valueString"] = json!(text),
        _ => resource["name"] = json!([{ "text": text }]),
    }
    resource
}

/// The text of [`telling`].
pub(super) fn told(resource: &Value) -> Option<&str> {
    let name = || resource.pointer("/name/0/text");
    resource.get("valueString").or_else(name)?.as_str()
}

/// True for the path of the text of [`telling`].
pub(super) fn is_told(path: &str) -> bool {
    matches!(path, "Observation.valueString") || path.starts_with("Patient.name")
}

/// Writes with the reads behind them, in the order of the reads. Why a write or read says nothing goes to the
/// judgement; that something written is not there at all is left to `round-trip`.
pub(super) fn kept(trace: &Trace, judgement: &mut Judgement) -> Vec<Kept> {
    let mut written: Vec<(u32, &Event)> = Vec::new();
    let mut pairs = Vec::new();
    for event in &trace.events {
        if let Some(of) = written_step(event) {
            written.retain(|(known, _)| *known != of);
            if accept(event, judgement) {
                written.push((of, event));
            }
            continue;
        }
        let Command::Read { target } = event.step.command else {
            continue;
        };
        let write = written.iter().find(|(of, _)| *of == target);
        match (write, event.reply()) {
            (Some((_, write)), Reply::Accepted(exchange)) => {
                if let (Some(sent), Some(found)) = (write.sent(), exchange.json()) {
                    let exchanges = write.numbers().chain(event.numbers()).collect();
                    pairs.push(Kept {
                        sent,
                        found,
                        exchanges,
                    });
                }
            }
            (_, Reply::Unknown) => judgement.open.extend(event.doubt().map(Open::Undecided)),
            _ => {}
        }
    }
    pairs
}

/// The step that created what a write wrote.
fn written_step(event: &Event) -> Option<u32> {
    match &event.step.command {
        Command::Put { target, .. }
        | Command::Patch { target, .. }
        | Command::Delete { target, .. } => Some(*target),
        command if command.creates() => Some(event.step.id),
        _ => None,
    }
}

/// Whether a write was accepted; a legal resource may be refused.
fn accept(event: &Event, judgement: &mut Judgement) -> bool {
    match event.reply() {
        Reply::Accepted(_) => return !matches!(event.step.command, Command::Delete { .. }),
        Reply::Refused(exchange) => judgement.open.push(Open::Blocked(format!(
            "the target refuses a legal resource ({})",
            exchange.status().unwrap_or_default()
        ))),
        Reply::Unknown => judgement.open.extend(event.doubt().map(Open::Undecided)),
        Reply::Absent => {}
    }
    false
}

/// Judges every pair that holds what the property is about by its first difference of a kind.
pub(super) fn judge(
    spec: &PropertySpec,
    trace: &Trace,
    concerns: impl Fn(&Value) -> bool,
    kind: impl Fn(&Difference) -> Option<Kind>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for pair in kept(trace, &mut judgement) {
        if !concerns(&pair.sent) {
            continue;
        }
        judgement.weighed += 1;
        let found = differences(&pair.sent, &pair.found, &trace.base, Numbers::Present)
            .into_iter()
            .find_map(|difference| kind(&difference).map(|kind| (difference, kind)));
        if let Some((difference, kind)) = found {
            judgement
                .violations
                .push(violation(spec, &difference, kind).seen_in(pair.exchanges));
        }
    }
    judgement
}

/// A difference as a violation.
pub(super) fn violation(
    spec: &PropertySpec,
    difference: &Difference,
    (sign, title): Kind,
) -> Violation {
    let actual = if difference.found.is_empty() {
        Phrase::say("nothing at this place")
    } else {
        Phrase::default().data(difference.found.as_str())
    };
    let expected = Phrase::default().data(difference.sent.as_str());
    broken(spec, (sign, title), expected, actual).at(difference.path.as_str())
}

/// A violation over resources of the case's own.
pub(super) fn broken(
    spec: &PropertySpec,
    (sign, title): Kind,
    expected: impl Into<Phrase>,
    actual: impl Into<Phrase>,
) -> Violation {
    let mut violation = Violation::new(spec.id, title, expected, actual).signed(sign);
    violation.oracle = Some(Completeness::Exact);
    violation
}

/// Content in which two representations of one resource differ, either way; what a server sets is left out.
pub(super) fn either_way(
    one: &Value,
    other: &Value,
    base: &str,
    numbers: Numbers,
) -> Vec<Difference> {
    let mut all = differences(one, other, base, numbers);
    let lost_before = differences(other, one, base, numbers)
        .into_iter()
        .filter(|difference| difference.kind == "lost")
        .map(|difference| Difference {
            kind: "added",
            found: difference.sent,
            sent: String::new(),
            ..difference
        });
    all.extend(lost_before);
    all
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::staging::{Stage, capability};
    use super::super::{Judgement, Property};
    use serde_json::{Value, json};

    /// One resource written and read.
    pub fn judged(property: &dyn Property, sent: Value, found: Value) -> Judgement {
        let mut stage = Stage::new(property.spec().id);
        let made = stage.create("Patient/1", sent);
        stage.read(made, 200, found);
        property.check(&stage.trace(), &capability(json!({})))
    }

    /// First parts of the signatures.
    pub fn signs(judgement: &Judgement) -> Vec<&str> {
        judgement
            .violations
            .iter()
            .map(|violation| violation.signature[0].as_str())
            .collect()
    }

    /// Nothing is found in a read that shows what was written, and something was weighed.
    pub fn assert_faithful(property: &dyn Property, sent: Value) {
        let judgement = judged(property, sent.clone(), sent);
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    /// A refused write is held against nobody.
    pub fn assert_refusal_is_open(property: &dyn Property, sent: Value) {
        let mut stage = Stage::new(property.spec().id);
        stage.create_answered("Patient/1", sent, 422);
        let judgement = property.check(&stage.trace(), &capability(json!({})));
        let counts = (judgement.violations.len(), judgement.weighed);
        assert_eq!((counts, judgement.open.len()), ((0, 0), 1));
    }
}
