//! What the properties of a resource's life have in common: when a trace may be judged, reads around a write, and the
//! mark by which contents are told apart. No property of its own.

use serde_json::Value;

use super::case::Command;
use super::trace::{Event, Reply, Trace};
use super::{Open, PropertySpec, answer};
use crate::record::Violation;
use crate::secret::Phrase;

/// What must hold before anything is concluded: what the case creates is there, and no answer is open.
///
/// # Errors
/// Why nothing may be concluded.
pub fn ready(trace: &Trace) -> Result<(), Open> {
    answer::created(trace)?;
    match trace.doubt() {
        Some(reason) => Err(Open::Undecided(reason)),
        None => Ok(()),
    }
}

/// The step after this one, if it reads what `target` created: nothing came in between.
pub fn read_after(trace: &Trace, index: usize, target: u32) -> Option<&Event> {
    trace
        .events
        .get(index + 1)
        .filter(|next| is_read(next, target))
}

/// The step before this one, if it reads what `target` created: nothing came in between.
pub fn read_before(trace: &Trace, index: usize, target: u32) -> Option<&Event> {
    let before = index.checked_sub(1)?;
    trace
        .events
        .get(before)
        .filter(|event| is_read(event, target))
}

fn is_read(event: &Event, target: u32) -> bool {
    matches!(event.step.command, Command::Read { target: of } if of == target)
}

/// The text by which `dataset::turn` marks a content.
pub fn mark(resource: &Value) -> Option<&str> {
    let patient = || resource.pointer("/name/0/text");
    resource
        .get("valueString")
        .or_else(patient)
        .and_then(Value::as_str)
}

/// The status of a step, 0 if it was not sent.
pub fn status(event: &Event) -> u16 {
    event
        .last()
        .and_then(crate::http::Exchange::status)
        .unwrap_or_default()
}

/// A refusal of something that the target claims, where the refusal is another property's business.
pub fn refusal(event: &Event, what: &str) -> Option<Open> {
    match event.reply() {
        Reply::Refused(exchange) => Some(Open::Blocked(format!(
            "the target refuses {what} ({})",
            exchange.status().unwrap_or_default()
        ))),
        _ => None,
    }
}

/// A violation that some steps show together.
pub fn violation(
    spec: &PropertySpec,
    title: &str,
    expected: impl Into<Phrase>,
    actual: impl Into<Phrase>,
    place: &str,
    shown: &[&Event],
) -> Violation {
    Violation::new(spec.id, title, expected, actual)
        .at(place)
        .seen_in(shown.iter().flat_map(|event| event.numbers()))
}

/// `status 404`, for what a violation says.
pub fn says(event: &Event) -> Phrase {
    Phrase::say(format!("status {}", status(event)))
}
