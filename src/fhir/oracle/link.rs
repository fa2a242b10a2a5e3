//! Chains and `_has`, <http://hl7.org/fhir/R4/search.html#chaining>: criteria on resources at the other end of a reference.
//! Not `_include`: what comes along does not match.

use serde_json::Value;

use super::Match;
use super::criterion::judge;
use super::extract::{Node, plain_path};
use super::known::Known;
use super::reference::Pointer;
use crate::fhir::Key;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::Criterion;
use crate::fhir::resource::{id, resource_type};

/// Some reference of the resource points to a resource that matches the criterion for its type.
pub(super) fn chain(
    resource: &Value,
    known: &Known<'_>,
    reference: &'static SearchParameter,
    branches: &[(String, Criterion)],
) -> Match {
    match known.nodes(resource, reference) {
        Ok(nodes) => Match::any(
            nodes
                .iter()
                .map(|node| follow(node, resource, known, branches)),
        ),
        Err(message) => Match::open(format!("{}: {message}", reference.code)),
    }
}

fn follow(
    node: &Node<'_>,
    resource: &Value,
    known: &Known<'_>,
    branches: &[(String, Criterion)],
) -> Match {
    let branch = |name: &str| branches.iter().find(|(target, _)| target == name);
    let (key, own) = match Pointer::of(node, known.base()) {
        None if node.get("identifier").is_some() => {
            return Match::open("a server may resolve an identifier");
        }
        None => return Match::No,
        Some(Pointer::Other(_)) => return Match::open("the target is not named by type and id"),
        Some(Pointer::Contained(fragment)) => {
            return follow_inside(resource, fragment, known, branch);
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
    let Some(target) = known.find(&key) else {
        return Match::open("the target is not among the known resources");
    };
    let verdict = judge(target, known, rest);
    match own {
        true => verdict,
        false => verdict.weakened("the reference is absolute or names a version"),
    }
}

/// "A chained condition will be evaluated inside contained resources", <http://hl7.org/fhir/R4/search.html#contained>.
fn follow_inside<'b>(
    resource: &Value,
    fragment: &str,
    known: &Known<'_>,
    branch: impl Fn(&str) -> Option<&'b (String, Criterion)>,
) -> Match {
    let contained = plain_path(resource, &["contained"]);
    let Some(inner) = contained.iter().find(|inner| id(inner) == Some(fragment)) else {
        return Match::open("what is referred to is not among the contained resources");
    };
    match resource_type(inner).and_then(branch) {
        Some((_, rest)) => judge(inner, known, rest),
        None => Match::No,
    }
}

/// Some resource of the type refers to this one and matches the criterion.
pub(super) fn has(
    resource: &Value,
    known: &Known<'_>,
    referring_type: &str,
    reference: &'static SearchParameter,
    rest: &Criterion,
) -> Match {
    let Some(key) = Key::of(resource) else {
        return Match::No;
    };
    match known.referring(referring_type, reference) {
        Ok(referring) => Match::any(
            referring
                .get(&key)
                .into_iter()
                .flatten()
                .map(|(other, refers)| refers.clone().and(judge(other, known, rest))),
        ),
        Err(message) => Match::open(format!("{}: {message}", reference.code)),
    }
}
