//! Chains and `_has`, <http://hl7.org/fhir/R4/search.html#chaining>: criteria on resources at the other end of a reference.
//! Not `_include`: what comes along does not match.

use serde_json::Value;

use super::Match;
use super::criterion::judge;
use super::extract::{Node, nodes, plain_path};
use super::reference::{Pointer, pointer};
use super::scope::Scope;
use crate::fhir::Key;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::Criterion;
use crate::fhir::resource::{id, resource_type};

/// Some reference of the resource points to a resource that matches the criterion for its type.
pub(super) fn chain(
    resource: &Value,
    scope: &Scope<'_>,
    reference: &SearchParameter,
    branches: &[(String, Criterion)],
) -> Match {
    match nodes(resource, reference) {
        Ok(nodes) => Match::any(
            nodes
                .iter()
                .map(|node| follow(node, resource, scope, branches)),
        ),
        Err(message) => Match::open(format!("{}: {message}", reference.code)),
    }
}

fn follow(
    node: &Node<'_>,
    resource: &Value,
    scope: &Scope<'_>,
    branches: &[(String, Criterion)],
) -> Match {
    let branch = |name: &str| branches.iter().find(|(target, _)| target == name);
    let (key, own) = match pointer(node) {
        None if node.get("identifier").is_some() => {
            return Match::open("a server may resolve an identifier");
        }
        None => return Match::No,
        Some(Pointer::Other(_)) => return Match::open("the target is not named by type and id"),
        Some(Pointer::Contained(fragment)) => {
            let contained = plain_path(resource, &["contained"]);
            let inside = contained.iter().find(|inner| id(inner) == Some(fragment));
            return inside
                .and_then(|inner| Some((inner, branch(resource_type(inner)?)?)))
                .map_or(Match::No, |(inner, (_, rest))| {
                    judge(inner, scope, rest).weakened("the target is contained")
                });
        }
        Some(Pointer::Literal {
            key,
            absolute,
            versioned,
            ..
        }) => (key, !absolute && !versioned),
    };
    let Some((_, rest)) = branch(&key.resource_type) else {
        return Match::No;
    };
    let Some(target) = scope.find(&key) else {
        return Match::open("the target is not among the known resources");
    };
    let verdict = judge(target, scope, rest);
    match own {
        true => verdict,
        false => verdict.weakened("the reference is absolute or names a version"),
    }
}

/// Some resource of the type refers to this one and matches the criterion.
pub(super) fn has(
    resource: &Value,
    scope: &Scope<'_>,
    referring_type: &str,
    reference: &SearchParameter,
    rest: &Criterion,
) -> Match {
    let Some(key) = Key::of(resource) else {
        return Match::No;
    };
    match scope.referring(referring_type, reference) {
        Ok(referring) => Match::any(
            referring
                .get(&key)
                .into_iter()
                .flatten()
                .map(|(other, refers)| refers.clone().and(judge(other, scope, rest))),
        ),
        Err(message) => Match::open(format!("{}: {message}", reference.code)),
    }
}
