//! Do filters filter: a value that no record holds must find nothing.

use super::answer::{matches, outcome, parameters, plural, searchset};
use super::interactions::answering_types;
use super::known::IMPOSSIBLE;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::http::Exchange;
use crate::record::consultation::{Mark, Owner};

/// Search parameters of type string or token, for which a made-up value is legal and matches nothing. The first ones
/// are free text; a server may refuse a made-up code of the others, which decides nothing.
pub(super) const FILTERS: &[&str] = &[
    "family",
    "name",
    "identifier",
    "gender",
    "status",
    "_id",
    "given",
];
/// Filters asked, beside those of `search-echo`.
const SEARCHES: usize = 4;

/// A type and one of its search parameters.
pub(super) type Filter = (&'static str, &'static str);

/// The probe.
pub struct SearchFilter;

impl Probe for SearchFilter {
    fn spec(&self) -> Spec {
        Spec {
            id: "search-filter",
            title: "a filter that nothing can match finds nothing",
            spec: "http://hl7.org/fhir/R4/search.html#Introduction",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        let asked: Vec<Filter> = impossible(known)
            .filter(|(exchange, _)| searchset(exchange).is_some())
            .map(|(_, filter)| filter)
            .chain(
                seen.iter()
                    .filter_map(|exchange| filter_of(known, exchange)),
            )
            .collect();
        let fresh = selected(known)
            .into_iter()
            .find(|filter| !asked.contains(filter));
        match fresh {
            Some((name, code)) if seen.len() < SEARCHES => {
                match known.search(name, &[(code, IMPOSSIBLE), ("_count", "1")]) {
                    Ok(request) => Step::Send(request),
                    Err(reason) => Step::Skip(reason),
                }
            }
            None if asked.is_empty() => {
                Step::Skip("no search that can be asked is declared".into())
            }
            _ => Step::Done,
        }
    }

    fn judge(&self, known: &Known, seen: &[Exchange]) -> Judgement {
        let answered: Vec<(Filter, u64)> = impossible(known)
            .filter_map(|(exchange, filter)| Some((filter, matches(&searchset(exchange)?))))
            .collect();
        let n = answered.len();
        let ignored: Vec<&(Filter, u64)> =
            answered.iter().filter(|(_, found)| *found > 0).collect();
        let judgement = match ignored.first() {
            Some(((_, code), found)) => Judgement::new(
                Mark::Fail,
                format!(
                    "{code}=<nonexistent> returns {}; expected 0",
                    plural(usize::try_from(*found).unwrap_or(usize::MAX), "match")
                ),
            )
            .sign(Sign::FilterIgnored)
            .sign(Sign::ParameterDeclared)
            .next_step("compare with the same search sent to the server behind the gateway"),
            None if n == 0 => {
                let answers: Vec<String> = seen.iter().map(outcome).collect();
                Judgement::new(
                    Mark::Skip,
                    format!("no search was answered ({})", answers.join(", ")),
                )
            }
            None => Judgement::new(
                Mark::Pass,
                format!("{n} of {n} impossible filters return 0 matches"),
            ),
        };
        judgement.of(n).sign_if(ignored.len() < n, Sign::FilterKept)
    }
}

/// Declared filters of types that answered a search: one per type first, then others, so that a fault of one index
/// and a fault of all are told apart.
pub(super) fn declared_filters(known: &Known) -> Vec<Filter> {
    let Some(capability) = &known.capability else {
        return Vec::new();
    };
    let mut types = answering_types(known);
    if types.is_empty() {
        types = known.searchable();
    }
    let of = |name: &'static str| {
        FILTERS
            .iter()
            .copied()
            .filter(move |code| capability.supports_parameter(name, code))
            .map(move |code| (name, code))
            .filter(|(name, code)| known.search(name, &[(code, IMPOSSIBLE)]).is_ok())
    };
    let first: Vec<_> = types.iter().filter_map(|name| of(name).next()).collect();
    let rest = types.iter().flat_map(|name| of(name).skip(1));
    first.iter().copied().chain(rest).collect()
}

/// Those of a parameter that was not asked yet come first.
fn selected(known: &Known) -> Vec<Filter> {
    let all = declared_filters(known);
    let mut chosen: Vec<Filter> = Vec::new();
    for filter in &all {
        if !chosen.iter().any(|(_, code)| code == &filter.1) {
            chosen.push(*filter);
        }
    }
    let rest: Vec<_> = all
        .iter()
        .filter(|filter| !chosen.contains(filter))
        .copied()
        .collect();
    chosen.extend(rest);
    chosen
}

/// The filter that a search is about; `None` for any other request.
fn filter_of(known: &Known, exchange: &Exchange) -> Option<Filter> {
    let url = &exchange.request.url;
    let name = known.searched_type(url)?;
    let sent = parameters(url);
    let code = FILTERS
        .iter()
        .copied()
        .find(|code| sent.iter().any(|name| name == code))?;
    Some((name, code))
}

/// Searches of this consultation, those of `search-echo` included, for a value that no record holds.
fn impossible(known: &Known) -> impl Iterator<Item = (&Exchange, Filter)> {
    known
        .exchanges
        .iter()
        .filter(|exchange| exchange.request.url.contains(IMPOSSIBLE))
        .filter_map(|exchange| Some((exchange, filter_of(known, exchange)?)))
}
