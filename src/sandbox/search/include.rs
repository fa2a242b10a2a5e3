//! `_include` and `_revinclude`: what a page brings along, followed through the index.
//! <http://hl7.org/fhir/R4/search.html#revinclude>

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::defect::Fault;
use super::super::index::{is_nested, is_supported, supported};
use super::super::outcome::Refusal;
use super::super::store::Version;
use super::super::term::Term;
use super::super::turn::Turn;
use super::flaw;
use crate::fhir::Key;
use crate::fhir::definitions::{ParameterKind, search_parameter};
use crate::fhir::query::{Include, Shape};

/// Most resources that are included with one page; more is a refusal, not a silent cut.
pub const INCLUDE_LIMIT: usize = 2_000;

/// Rounds of `:iterate`; a graph that is deeper is not followed further.
const ROUNDS: usize = 16;

/// How many included resources the fault `include-limit-crashes` cannot bear.
const CRASHES_AT: usize = 5;

/// True if the parameter of an include is a reference that the server indexes.
pub fn is_supported_include(include: &Include) -> bool {
    include.source == "*"
        || include.parameter == "*"
        || (is_supported(&include.source, &include.parameter)
            && is_reference(&include.source, &include.parameter))
}

fn is_reference(source: &str, code: &str) -> bool {
    supported(source).iter().any(|indexed| {
        indexed.parameter.code == code && indexed.parameter.kind == ParameterKind::Reference
    })
}

/// What a page includes, each resource once, in the order in which it is found.
pub fn included(
    turn: &Turn<'_>,
    shape: &Shape,
    page: &[Arc<Version>],
) -> Result<Vec<Arc<Version>>, Refusal> {
    let mut known: BTreeSet<Key> = page.iter().map(|version| version.key.clone()).collect();
    let mut found: Vec<Arc<Version>> = Vec::new();
    let mut front: Vec<Arc<Version>> = page.to_vec();
    let rounds = match turn.server.has(Fault::IncludeIteratesOnce) {
        true => 2,
        false => ROUNDS,
    };
    for round in 0..rounds {
        let mut next = Vec::new();
        for (include, reverse) in steps(turn, shape, round > 0) {
            for key in follow(turn, include, reverse, &front) {
                let Some(version) = turn.store.living(&key) else {
                    continue;
                };
                if known.insert(key) {
                    next.push(Arc::clone(version));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        found.extend(next.iter().cloned());
        if found.len() > INCLUDE_LIMIT {
            let message =
                format!("the page includes more than {INCLUDE_LIMIT} resources: lower _count");
            return Err(Refusal::new(400, "too-costly", message));
        }
        front = next;
    }
    if found.len() == CRASHES_AT && turn.server.has(Fault::IncludeLimitCrashes) {
        return Err(flaw::crash());
    }
    Ok(found)
}

/// All includes on the matches, then only those that iterate.
fn steps<'a>(
    turn: &Turn<'_>,
    shape: &'a Shape,
    again: bool,
) -> impl Iterator<Item = (&'a Include, bool)> {
    let forward_only = again && turn.server.has(Fault::RevincludeNotIterated);
    let forward = shape.include.iter().map(|include| (include, false));
    let backward = shape.revinclude.iter().map(|include| (include, true));
    forward.chain(backward).filter(move |(include, reverse)| {
        (!again || include.iterate) && !(forward_only && *reverse)
    })
}

fn follow(turn: &Turn<'_>, include: &Include, reverse: bool, front: &[Arc<Version>]) -> Vec<Key> {
    match reverse {
        false => front
            .iter()
            .flat_map(|version| targets(turn, include, version))
            .collect(),
        true => front
            .iter()
            .flat_map(|version| referring(turn, include, version))
            .collect(),
    }
}

fn codes<'a>(include: &'a Include, source: &str) -> Vec<&'a str> {
    if include.parameter != "*" {
        return vec![include.parameter.as_str()];
    }
    supported(source)
        .iter()
        .filter(|indexed| indexed.parameter.kind == ParameterKind::Reference)
        .map(|indexed| indexed.parameter.code.as_str())
        .collect()
}

fn is_deep(name: &str, code: &str) -> bool {
    search_parameter(name, code).is_some_and(is_nested)
}

fn targets(turn: &Turn<'_>, include: &Include, version: &Version) -> Vec<Key> {
    let index = &turn.index;
    let name = version.key.resource_type.as_str();
    if include.source != "*" && include.source != name {
        return Vec::new();
    }
    let Some(row) = index.row(&version.key) else {
        return Vec::new();
    };
    let fits = |key: &&Key| {
        include
            .target
            .as_ref()
            .is_none_or(|target| *target == key.resource_type)
    };
    let misses = turn.server.has(Fault::NestedIncludeMisses);
    codes(include, name)
        .into_iter()
        .filter(|code| !(misses && is_deep(name, code)))
        .filter_map(|code| index.postings(name, code))
        .flat_map(|postings| postings.terms_of(row))
        .filter_map(|term| match term {
            Term::Local(key) => Some(key),
            _ => None,
        })
        .filter(fits)
        .cloned()
        .collect()
}

fn referring(turn: &Turn<'_>, include: &Include, version: &Version) -> Vec<Key> {
    let index = &turn.index;
    let other_target = include
        .target
        .as_ref()
        .is_some_and(|target| *target != version.key.resource_type);
    if other_target {
        return Vec::new();
    }
    let sources: Vec<&str> = match include.source.as_str() {
        "*" => index.types().collect(),
        _ if turn.server.has(Fault::RevincludeAnyType) => index.types().collect(),
        source => vec![source],
    };
    let wanted = Term::Local(version.key.clone());
    let mut found = Vec::new();
    for source in sources {
        for code in codes(include, source) {
            let rows = index
                .postings(source, code)
                .map(|postings| postings.exactly(&wanted))
                .unwrap_or_default();
            found.extend(
                rows.into_iter()
                    .filter_map(|row| index.version(source, row))
                    .map(|version| version.key.clone()),
            );
        }
    }
    found
}
