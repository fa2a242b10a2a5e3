//! `_sort`: rows in the order of the terms of a parameter, rows without a value last, ties in order of storage.
//! <http://hl7.org/fhir/R4/search.html#sort>

use std::cmp::Ordering;

use super::super::index::{Index, Rows};
use super::super::term::Term;

/// Rows in order.
pub fn ordered(index: &Index, name: &str, rows: &Rows, sort: &[(String, bool)]) -> Vec<u32> {
    let mut keyed: Vec<(Vec<Option<&Term>>, u32)> = rows
        .iter()
        .map(|row| {
            let keys = sort
                .iter()
                .map(|(code, descending)| sort_term(index, name, code, *row, *descending));
            (keys.collect(), *row)
        })
        .collect();
    // Rows come in order of storage and the sort is stable.
    keyed.sort_by(|(left, _), (right, _)| {
        left.iter()
            .zip(right)
            .zip(sort)
            .map(|((left, right), (_, descending))| compare(*left, *right, *descending))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// Of several values the smallest counts when ascending, the largest when descending.
fn sort_term<'a>(
    index: &'a Index,
    name: &str,
    code: &str,
    row: u32,
    descending: bool,
) -> Option<&'a Term> {
    let terms = index.postings(name, code)?.terms_of(row);
    match descending {
        true => terms.iter().max_by(|left, right| value_order(left, right)),
        false => terms.iter().min_by(|left, right| value_order(left, right)),
    }
}

fn compare(left: Option<&Term>, right: Option<&Term>, descending: bool) -> Ordering {
    match (left, right) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => match descending {
            true => value_order(right, left),
            false => value_order(left, right),
        },
    }
}

/// Order by what a person reads: folded text, codes, starts of intervals, amounts.
fn value_order(left: &Term, right: &Term) -> Ordering {
    match (left, right) {
        (Term::Text { folded: left, .. }, Term::Text { folded: right, .. }) => left.cmp(right),
        (Term::Token { code: left, .. }, Term::Token { code: right, .. }) => left.cmp(right),
        (Term::Span { start: left, .. }, Term::Span { start: right, .. }) => left.cmp(right),
        (Term::Amount { low: left, .. }, Term::Amount { low: right, .. }) => left.cmp(right),
        _ => left.cmp(right),
    }
}
