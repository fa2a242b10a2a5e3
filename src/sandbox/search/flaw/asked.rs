//! Faults in the reading of parameters: some are dropped, some are refused, some are claimed that were not used.

use super::super::super::defect::Fault;
use super::super::super::outcome::Refusal;
use super::super::super::server::Server;
use super::super::super::turn::Call;
use super::{code, crash, is_chain};
use crate::fhir::definitions::{ParameterKind, search_parameter};
use crate::fhir::query::{Criterion, DateValue, Modifier, Query, Shape, Subject};

type Pair = (String, String);

/// From here on a count does not fit into 31 bits.
const HUGE: u64 = 1 << 31;

/// What `instead` searches for: no resource of this server has the id.
const NOBODY: &str = "0.0.0.0.0";

/// A parameter as the server reads it.
pub fn read(server: &Server, name: &str, given: &Pair) -> Pair {
    let (parameter, value) = given;
    let has_tail = is_date(name, parameter) && DateValue::parse(value).is_err();
    if !has_tail || !server.has(Fault::DateStartTaken) {
        return given.clone();
    }
    let is_of_date = |character: char| character.is_ascii_digit() || character == '-';
    let digits = value.trim_start_matches(|character: char| character.is_ascii_alphabetic());
    let prefix = &value[..value.len() - digits.len()];
    let end = digits.find(|character| !is_of_date(character));
    let date = digits[..end.unwrap_or(digits.len())].trim_end_matches('-');
    (parameter.clone(), format!("{prefix}{date}"))
}

/// True if a parameter that cannot be read is passed over.
pub fn skips(server: &Server, name: &str, pair: &Pair) -> bool {
    server.has(Fault::BadDateIgnored) && is_date(name, &pair.0)
}

fn is_date(name: &str, parameter: &str) -> bool {
    let code = parameter.split(':').next().unwrap_or(parameter);
    search_parameter(name, code).is_some_and(|known| known.kind == ParameterKind::Date)
}

/// True if the self link names a parameter that is not supported; `alone` is a query of it alone.
pub fn claims(server: &Server, alone: &Query) -> bool {
    server.has(Fault::SelfLinkClaimsAll) || drops(server, alone)
}

/// True if nothing is said of a parameter that is not supported.
pub fn drops(server: &Server, alone: &Query) -> bool {
    super::joins(&alone.shape) && server.has(Fault::InvalidIncludeDropped)
}

/// What is searched for if there is a parameter that is not supported.
pub fn instead(server: &Server, unknown: Option<&String>) -> Option<Pair> {
    (unknown.is_some() && server.has(Fault::UnknownParameterEmpty))
        .then(|| ("_id".to_owned(), NOBODY.to_owned()))
}

/// Searches that go wrong before they begin.
pub fn refuse(server: &Server, query: &Query) -> Result<(), Refusal> {
    let shape = &query.shape;
    let is_composite = |criterion: &&Criterion| match criterion.subject {
        Subject::Parameter(parameter) => parameter.kind == ParameterKind::Composite,
        _ => false,
    };
    let count = shape.count.unwrap_or(1);
    let composites = query.criteria.iter().filter(is_composite).count();
    let crashes = [
        (count >= HUGE, Fault::HugeCountCrashes),
        (count == 0, Fault::CountZeroCrashes),
        (
            count >= 100 && shape.revinclude.len() > 1,
            Fault::IncludesOverflowCrashes,
        ),
        (composites > 1, Fault::TwoCompositesCrash),
    ];
    if crashes
        .iter()
        .any(|(triggered, fault)| *triggered && server.has(*fault))
    {
        return Err(crash());
    }
    if count == 0 && server.has(Fault::CountZeroRefused) {
        return Err(Refusal::invalid("parameter _count: is not above 0"));
    }
    Ok(())
}

/// The size of a page as the server reads it.
pub fn count(server: &Server, asked: Option<u64>) -> Option<u64> {
    asked.filter(|count| *count > 0 || !server.has(Fault::CountZeroPages))
}

/// Drops parts of a query.
pub fn forget(server: &Server, call: &Call, query: &mut Query) {
    let is_negated = |criterion: &Criterion| criterion.modifier == Some(Modifier::Not);
    let is_common = |criterion: &Criterion| criterion.name.starts_with('_');
    let cache = call.headers.get("cache-control").unwrap_or_default();
    if cache.contains("no-store") && server.has(Fault::NoStoreUnfiltered) {
        query
            .criteria
            .retain(|criterion| code(criterion) != Some("_lastUpdated"));
    }
    if !query.shape.sort.is_empty() && server.has(Fault::SortForgetsToken) {
        query
            .criteria
            .retain(|criterion| is_common(criterion) || !is_token(criterion));
    }
    if query.criteria.iter().any(is_negated) && server.has(Fault::NotForgetsOthers) {
        query
            .criteria
            .retain(|criterion| is_common(criterion) || is_negated(criterion));
    }
    if server.has(Fault::SecondDateWins) {
        keep_last_dates(&mut query.criteria);
    }
    if query.shape.count.is_some() && server.has(Fault::CountDropsIterated) {
        let shape = &mut query.shape;
        for include in shape.include.iter_mut().chain(&mut shape.revinclude) {
            include.iterate = false;
        }
    }
}

fn is_token(criterion: &Criterion) -> bool {
    match criterion.subject {
        Subject::Parameter(parameter) => parameter.kind == ParameterKind::Token,
        _ => false,
    }
}

fn keep_last_dates(criteria: &mut Vec<Criterion>) {
    let date = |criterion: &Criterion| match criterion.subject {
        Subject::Parameter(parameter) if parameter.kind == ParameterKind::Date => {
            Some(parameter.code.as_str())
        }
        _ => None,
    };
    let codes: Vec<Option<&str>> = criteria.iter().map(date).collect();
    let mut position = 0;
    criteria.retain(|criterion| {
        position += 1;
        let code = date(criterion);
        code.is_none() || !codes[position..].contains(&code)
    });
}

/// The keys by which matches are sorted.
pub fn sort(server: &Server, shape: &Shape) -> Vec<(String, bool)> {
    if server.has(Fault::SortIgnored) {
        return Vec::new();
    }
    let mut sort = shape.sort.clone();
    if server.has(Fault::LastUpdatedSortedById) {
        for (code, _) in sort.iter_mut().filter(|(code, _)| code == "_lastUpdated") {
            *code = "_id".to_owned();
        }
    }
    sort
}

/// True if a criterion at a position finds nothing whatever it says.
pub fn overlooks(server: &Server, position: usize, criterion: &Criterion) -> bool {
    let is_has = matches!(criterion.subject, Subject::Has { .. });
    is_has && position > 0 && server.has(Fault::HasSecondEmpty)
        || is_chain(criterion) && server.has(Fault::ChainFindsNothing)
}
