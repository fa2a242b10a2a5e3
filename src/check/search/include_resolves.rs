//! Included resources belong to the matches of their page, and none that should be there is missing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::{Page, Search, is_subsetted, known};
use crate::fhir::query::{Include, Query};
use crate::fhir::{Key, bundle, outcome};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "search/include-resolves",
    title: "_include and _revinclude return the resources that belong to the matches, and no others",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#include",
    sentence: "For each returned resource, the server identifies the resources that meet the criteria expressed in the join, and adds to the results",
    usual_causes: &[
        "includes are resolved for the whole result and not for the page",
        "the include is declared but not implemented",
    ],
    passive: false,
};

/// Levels of nesting in a resource that are searched for references.
const MAX_DEPTH: usize = 64;

/// See the sentence of its specification.
pub struct IncludeResolves;

impl Check for IncludeResolves {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let Some(search) = Search::of(evidence) else {
            return Vec::new();
        };
        let Some(query) = search.query(evidence) else {
            return Vec::new();
        };
        if query.shape.include.is_empty() && query.shape.revinclude.is_empty() {
            return Vec::new();
        }
        // A resource may be left out that an earlier page has shown.
        let mut shown: BTreeSet<Key> = BTreeSet::new();
        let mut violations = Vec::new();
        for page in &search.pages {
            shown.extend(
                bundle::entries(&page.bundle).filter_map(|entry| Key::of(bundle::resource(entry)?)),
            );
            violations.extend(stranger(&search, page, &query));
            violations.extend(missing(&search, page, &query, &shown, evidence));
        }
        violations
    }
}

/// An included resource that nothing on the page has to do with.
fn stranger(search: &Search<'_>, page: &Page<'_>, query: &Query) -> Option<Violation> {
    let is_include = |entry: &&Value| bundle::mode(entry) == Some("include");
    let includes: Vec<&Value> = bundle::entries(&page.bundle)
        .filter(is_include)
        .filter_map(bundle::resource)
        .filter(|resource| !outcome::is_outcome(resource))
        .collect();
    let iterates = query
        .shape
        .include
        .iter()
        .chain(&query.shape.revinclude)
        .any(|include| include.iterate);
    let matches: Vec<&Value> = search.matches(page).collect();
    // With `:iterate` an included resource may belong to another included one.
    let others: &[&Value] = if iterates { &includes } else { &[] };
    let anchors: Vec<&Value> = matches.iter().chain(others).copied().collect();
    // A reference by identifier alone says nothing that could be compared.
    if anchors
        .iter()
        .any(|anchor| is_subsetted(anchor) || refers_by_identifier(anchor))
    {
        return None;
    }
    let referenced: BTreeSet<Key> = anchors
        .iter()
        .flat_map(|anchor| references(anchor))
        .collect();
    let anchor_keys: BTreeSet<Key> = anchors
        .iter()
        .filter_map(|anchor| Key::of(anchor))
        .collect();
    let stranger = includes.iter().find_map(|include| {
        let key = Key::of(include)?;
        let belongs = referenced.contains(&key)
            // Canonical references name a URL, not an id.
            || include.get("url").is_some()
            || references(include)
                .iter()
                .any(|reference| *reference != key && anchor_keys.contains(reference));
        (!belongs && !is_subsetted(include)).then_some(key)
    })?;
    Some(
        Violation::new(
            SPEC.id,
            "A page includes a resource that belongs to none of its matches",
            "included resources that a match refers to, or that refer to a match",
            Phrase::say("include of ").url(stranger.to_string()),
        )
        .at("Bundle.entry")
        .seen_in([page.exchange.number])
        .signed("stranger")
        .signed(stranger.resource_type),
    )
}

/// A known resource that an include asks for and that the page lacks. Only where the self link names the include: "the
/// server SHALL return the parameters that were actually used" (<http://hl7.org/fhir/R4/search.html#conformance>), and
/// no server must honour every one.
fn missing(
    search: &Search<'_>,
    page: &Page<'_>,
    query: &Query,
    shown: &BTreeSet<Key>,
    evidence: &Evidence<'_>,
) -> Option<Violation> {
    let cohort = evidence.cohort?;
    // What the pages before a later one have shown is not known.
    if search.starts_later() {
        return None;
    }
    let matches: Vec<&Value> = search
        .matches(page)
        .filter(|resource| !is_subsetted(resource))
        .collect();
    let included = known(evidence).included(query, &matches, &|name, code| {
        evidence
            .capability
            .is_some_and(|capability| capability.supports_parameter(name, code))
    });
    let (absent, name, include) = [
        ("_include", &query.shape.include, &included.included),
        ("_revinclude", &query.shape.revinclude, &included.reverse),
    ]
    .into_iter()
    .flat_map(|(name, asked, found)| {
        found
            .iter()
            .map(move |(position, key)| (key, name, &asked[*position]))
    })
    .find(|(key, name, include)| !shown.contains(key) && is_listed(search, name, include))?;
    let mut violation = Violation::new(
        SPEC.id,
        "A page lacks a resource that an include asks for",
        Phrase::say("an include of ").url(absent.to_string()),
        Phrase::say(format!("{name} asks for it, and the page does not hold it")),
    )
    .at("Bundle.entry")
    .seen_in([page.exchange.number])
    .signed("missing")
    .signed(format!("{}:{}", include.source, include.parameter))
    .lacking([absent.clone()]);
    violation.oracle = Some(cohort.completeness);
    violation.ruled_out = vec!["the self link names the include".to_owned()];
    Some(violation)
}

/// True if the self link names the include as it was asked for.
fn is_listed(search: &Search<'_>, name: &str, include: &Include) -> bool {
    match include.iterate {
        false => search.lists(name),
        true => ["iterate", "recurse"]
            .iter()
            .any(|modifier| search.lists(&format!("{name}:{modifier}"))),
    }
}

/// Keys of all literal references anywhere in a resource.
fn references(resource: &Value) -> Vec<Key> {
    objects(resource)
        .iter()
        .filter_map(|members| Key::from_reference(members.get("reference")?.as_str()?))
        .collect()
}

/// True if something is referred to by `identifier` and not by `reference`.
fn refers_by_identifier(resource: &Value) -> bool {
    objects(resource).iter().any(|members| {
        // Where `identifier` is a list it is the resource's own.
        members.get("identifier").is_some_and(Value::is_object)
            && !members.contains_key("reference")
    })
}

/// All objects in a resource, itself included.
fn objects(resource: &Value) -> Vec<&serde_json::Map<String, Value>> {
    let mut found = Vec::new();
    let mut open: Vec<(&Value, usize)> = vec![(resource, 0)];
    while let Some((value, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            continue;
        }
        match value {
            Value::Object(members) => {
                found.push(members);
                open.extend(members.values().map(|member| (member, depth + 1)));
            }
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            _ => {}
        }
    }
    found
}
