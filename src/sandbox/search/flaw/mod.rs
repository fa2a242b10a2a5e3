//! What planted faults make of a search: of its parameters (`asked`) and of what was found (`found`). An honest server's
//! search goes through here unchanged. How a value compares is in the file of its kind.

mod asked;
mod found;

pub use asked::{claims, count, drops, forget, instead, overlooks, read, refuse, skips, sort};
pub use found::{alive, found, race, total};

use super::super::outcome::Refusal;
use crate::fhir::query::{Criterion, Shape, Subject};

/// What a server says that did not expect what it got.
pub fn crash() -> Refusal {
    Refusal::new(500, "exception", "the server could not go on")
}

/// True if a search brings other resources along.
pub fn joins(shape: &Shape) -> bool {
    !shape.include.is_empty() || !shape.revinclude.is_empty()
}

fn is_chain(criterion: &Criterion) -> bool {
    matches!(criterion.subject, Subject::Chain { .. })
}

fn code(criterion: &Criterion) -> Option<&'static str> {
    match criterion.subject {
        Subject::Parameter(parameter) => Some(parameter.code.as_str()),
        _ => None,
    }
}
