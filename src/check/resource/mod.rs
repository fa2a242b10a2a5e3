//! Checks on resources themselves: their structure, and whether they are what was sent.

mod decimal_precision;
mod differences;
mod same_as_sent;
mod same_in_both_formats;
mod structure;
mod survey;
mod written;

use serde_json::Value;

use super::{Check, CheckSpec, without_indexes};
use crate::http::Exchange;
use crate::record::Violation;
use crate::secret::Phrase;

pub use decimal_precision::DecimalPrecision;
pub use differences::{Difference, Kind, differences};
pub use same_as_sent::SameAsSent;
pub use structure::Structure;
pub use survey::{Cause, Survey};

/// Checks of this area in order of id.
pub static CHECKS: &[&dyn Check] = &[
    &decimal_precision::DecimalPrecision,
    &same_as_sent::SameAsSent,
    &same_in_both_formats::SameInBothFormats,
    &structure::Structure,
];

/// The first difference in full, the others as a number; `None` if there is none.
fn describe(
    spec: &CheckSpec,
    title: &str,
    places: &[Difference],
    exchange: &Exchange,
) -> Option<Violation> {
    let first = places.first()?;
    let actual = match first.got.as_str() {
        "" => Phrase::say(format!("{} is not there", first.path)),
        got => Phrase::say(format!("{} = ", first.path)).data(got),
    };
    let more = match places.len() {
        1 => String::new(),
        all => format!(", and {} more places differ", all - 1),
    };
    Some(
        Violation::new(
            spec.id,
            title,
            Phrase::say(format!("{} = ", first.path)).data(first.sent.clone()),
            actual.words(more),
        )
        .at(first.path.clone())
        .seen_in([exchange.number])
        .signed(first.kind.as_str())
        .signed(without_indexes(&first.path)),
    )
}

/// True if the resource is marked as a part of itself; then nothing follows from what it lacks.
fn is_subsetted(resource: &Value) -> bool {
    let tags = resource.pointer("/meta/tag").and_then(Value::as_array);
    tags.into_iter()
        .flatten()
        .any(|tag| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED"))
}
