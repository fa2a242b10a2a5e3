//! Faults in what was found: matches that come twice or not at all, and totals that are of something else.

use std::sync::Arc;

use super::super::super::defect::Fault;
use super::super::super::index::Rows;
use super::super::super::outcome::Refusal;
use super::super::super::store::Version;
use super::super::super::turn::Turn;
use super::{code, crash, is_chain, joins};
use crate::fhir::definitions::ParameterKind;
use crate::fhir::query::{Criterion, Modifier, Query, Subject};

/// The rows without those of deleted resources, which a fault leaves in the index for `:not` to find.
pub fn alive(turn: &Turn<'_>, name: &str, query: &Query, rows: Rows) -> Rows {
    let is_negated = |criterion: &Criterion| criterion.modifier == Some(Modifier::Not);
    if turn.server.has(Fault::NotFindsDeleted) && !query.criteria.iter().any(is_negated) {
        return &rows & &turn.index.living(name);
    }
    rows
}

/// The rows of the matches.
pub fn found(
    turn: &Turn<'_>,
    name: &str,
    query: &Query,
    mut rows: Vec<u32>,
) -> Result<Vec<u32>, Refusal> {
    let server = turn.server;
    let shape = &query.shape;
    if rows.is_empty() && joins(shape) {
        let without_total = shape.total.as_deref() == Some("none");
        if server.has(Fault::EmptyIncludeCrashes)
            || without_total && server.has(Fault::EmptyIncludeTotalCrashes)
        {
            return Err(crash());
        }
    }
    if joins(shape) && query.criteria.len() > 1 && server.has(Fault::IncludeLosesMatch) {
        rows.pop();
    }
    if let Some((key, descending)) = shape.sort.first() {
        let postings = turn.index.postings(name, key);
        let has_value = |row: &u32| postings.is_some_and(|found| !found.terms_of(*row).is_empty());
        if server.has(Fault::SortDropsMissing) {
            rows.retain(has_value);
        }
        if *descending && server.has(Fault::DescendingSortEmpty) && !rows.iter().any(has_value) {
            rows.clear();
        }
        if query.criteria.iter().any(is_chain) && server.has(Fault::ChainSortEmpty) {
            rows.clear();
        }
    }
    let is_updated = |criterion: &Criterion| code(criterion) == Some("_lastUpdated");
    if query.criteria.iter().any(is_updated) && server.has(Fault::LastUpdatedDuplicates) {
        let versions = |row: &u32| {
            let version = turn.index.version(name, *row);
            version.map_or(0, |version| version.number as usize)
        };
        rows = rows
            .iter()
            .flat_map(|row| std::iter::repeat_n(*row, versions(row)))
            .collect();
    }
    Ok(rows)
}

/// `Bundle.total` of the matches.
pub fn total(turn: &Turn<'_>, name: &str, query: &Query, matches: &[Arc<Version>]) -> u64 {
    let string = query
        .criteria
        .iter()
        .find_map(|criterion| match criterion.subject {
            Subject::Parameter(parameter) => {
                (parameter.kind == ParameterKind::String).then_some(parameter)
            }
            _ => None,
        });
    let postings = string.and_then(|parameter| turn.index.postings(name, &parameter.code));
    let Some(postings) = postings.filter(|_| turn.server.has(Fault::TotalCountsRows)) else {
        return matches.len() as u64;
    };
    let values = |version: &Arc<Version>| {
        let row = turn.index.row(&version.key);
        row.map_or(1, |row| postings.terms_of(row).len().max(1))
    };
    matches.iter().map(values).sum::<usize>() as u64
}

/// Lets the same search come while this one is answered, and gives half to the one that comes.
pub fn race(turn: &mut Turn<'_>, search: &str, matches: &mut Vec<Arc<Version>>) {
    if !turn.memory.running.insert(search.to_owned()) {
        matches.truncate(matches.len() / 2);
        return;
    }
    turn.open_race_window(Fault::SearchCacheRace);
    turn.memory.running.remove(search);
}
