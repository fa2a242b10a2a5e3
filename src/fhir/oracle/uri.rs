//! Uri parameters, <http://hl7.org/fhir/R4/search.html#uri>, canonical versions included.
//! Not references.

use super::Match;
use super::extract::Node;
use crate::fhir::query::Modifier;

/// Whether a node matches one alternative.
pub(super) fn judge(node: &Node<'_>, modifier: Option<&Modifier>, query: &str) -> Match {
    if !matches!(
        node.type_name,
        "uri" | "url" | "canonical" | "oid" | "uuid" | "string"
    ) {
        return Match::open(format!(
            "a uri parameter on {} is not defined",
            node.type_name
        ));
    }
    let Some(known) = node.text() else {
        return Match::No;
    };
    match modifier {
        Some(Modifier::Below) => lies_below(known, query, node.type_name),
        Some(Modifier::Above) => lies_below(query, known, node.type_name),
        _ => equal(known, query),
    }
}

/// Equality of the whole, case included; a version that only one side has is left open.
pub(super) fn equal(known: &str, query: &str) -> Match {
    if known == query {
        return Match::Yes;
    }
    let (known_url, known_version) = versioned(known);
    let (query_url, query_version) = versioned(query);
    if known_url == query_url && (known_version.is_none() || query_version.is_none()) {
        return Match::open("only one side names a version");
    }
    Match::No
}

fn versioned(text: &str) -> (&str, Option<&str>) {
    match text.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (text, None),
    }
}

/// R4 calls it a left match; whether it may end within a path segment, it does not say.
fn lies_below(lower: &str, upper: &str, type_name: &str) -> Match {
    if lower == upper {
        return Match::Yes;
    }
    let Some(rest) = lower.strip_prefix(upper) else {
        return equal(lower, upper);
    };
    // Canonical URLs: all versions, or all that start with the one given.
    if type_name == "canonical" && (rest.starts_with('|') || upper.contains('|')) {
        return Match::Yes;
    }
    if upper.starts_with("urn:") {
        return Match::open(":below and :above are not for URNs");
    }
    if upper.ends_with('/') || rest.starts_with(['/', '?', '#']) {
        return Match::Yes;
    }
    Match::open("the left match ends within a segment")
}
