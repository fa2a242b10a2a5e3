//! Suites that nobody wrote: their cases follow from what the target claims and what the data holds. Pure: the same
//! claims and the same data give the same cases with the same ids. Running and judging is as for every other case.

mod case;
mod covering;
mod expansion;
pub mod guide;
mod pairwise;
mod us_core;

use crate::fhir::capability::Capability;
use crate::record::Cohort;

use super::ir::{Body, Case, Data, Suite};

/// What cases are made from.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// What the target claims.
    pub capability: &'a Capability,
    /// The data; `None` where none was brought about, as for a list of cases.
    pub cohort: Option<&'a Cohort>,
    /// Time for FHIRPath.
    pub now: jiff::Timestamp,
}

/// What a generator made.
#[derive(Debug, Default)]
pub struct Made {
    /// Cases, in order.
    pub cases: Vec<Case>,
    /// Cases that would be there but for a reason.
    pub left_out: Vec<LeftOut>,
}

/// A case that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Suite.
    pub suite: &'static str,
    /// The id that it would have.
    pub id: String,
    /// Why, the same words for the same reason.
    pub reason: String,
}

/// Makes the cases of one suite.
pub struct Generator {
    /// Suite id.
    pub suite: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// First word of the ids of its cases.
    pub area: &'static str,
    make: fn(&Ground<'_>) -> Made,
}

/// All of them in order of suite.
pub static GENERATORS: &[Generator] = &[
    pairwise::GENERATOR,
    expansion::GENERATOR,
    us_core::GENERATOR,
];

/// The generators that a name selects: `core` all of `core/…`, `core/pairwise` one.
pub fn named(name: &str) -> impl Iterator<Item = &'static Generator> {
    GENERATORS.iter().filter(move |generator| {
        generator.suite == name
            || generator
                .suite
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

impl Generator {
    /// The suite before its cases are known.
    pub fn empty(&self) -> Suite {
        Suite {
            id: self.suite.to_owned(),
            title: self.title.to_owned(),
            data: Data::Target,
            vars: Vec::new(),
            body: Body::Conformance(Vec::new()),
            span: case::span(self.suite),
        }
    }

    /// True if a case of that id would be one of its own.
    pub fn may_hold(&self, id: &str) -> bool {
        id.strip_prefix(self.area)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The generator of a suite; `None` for suites that are written.
pub fn generator_of(suite: &Suite) -> Option<&'static Generator> {
    GENERATORS.iter().find(|generator| {
        generator.suite == suite.id && suite.span == case::span(suite.id.as_str())
    })
}

/// Puts the cases into the generated ones among the suites, and says which were left out.
pub fn fill(suites: &mut [Suite], ground: &Ground<'_>) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    for suite in suites {
        let Some(generator) = generator_of(suite) else {
            continue;
        };
        let made = (generator.make)(ground);
        suite.body = Body::Conformance(made.cases);
        left_out.extend(made.left_out);
    }
    left_out
}

#[cfg(test)]
mod tests;
