//! Checks on resources themselves: their structure, and whether they are what was sent.

mod claimed_profiles;
mod decimal_precision;
mod declared;
mod differences;
mod examine;
mod flaw;
mod invariants;
mod judged;
mod ours;
mod partial;
mod reference_targets;
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
pub use survey::{Cause, Survey};

/// Checks of this area in order of id.
pub static CHECKS: &[&dyn Check] = &[
    &claimed_profiles::ClaimedProfiles,
    &decimal_precision::DecimalPrecision,
    &invariants::Invariants,
    &reference_targets::ReferenceTargets,
    &same_as_sent::SameAsSent,
    &same_in_both_formats::SameInBothFormats,
    &structure::Structure,
];

/// True for the checks that a [`Survey`] judges over a whole run, each distinct resource once.
pub fn is_surveyed(check: &str) -> bool {
    let specs = [
        &claimed_profiles::SPEC,
        &invariants::SPEC,
        &reference_targets::SPEC,
        &structure::SPEC,
    ];
    specs.iter().any(|spec| spec.id == check)
}

/// What a check passes over although it is published, each with the reason.
pub fn not_held(check: &str) -> Vec<String> {
    let of_invariants = (check == invariants::SPEC.id).then_some(flaw::NOT_HELD);
    let rows = of_invariants.into_iter().flatten();
    rows.map(|(key, reason)| format!("{key}: {reason}"))
        .collect()
}

/// True for the check that has nothing to judge where no resource claims a profile.
pub fn claims_profiles(check: &str) -> bool {
    check == claimed_profiles::SPEC.id
}

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
