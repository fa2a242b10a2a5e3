//! A match is returned once, over all pages. Included resources may come again on other pages.

use std::collections::BTreeSet;

use super::super::{Check, CheckSpec, Evidence};
use super::Search;
use crate::fhir::{Key, bundle, resource};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "search/no-duplicates",
    title: "No resource is returned twice as a match",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/bundle.html#invs",
    sentence: "FullUrl must be unique in a bundle, or else entries with the same fullUrl must have different meta.versionId (except in history bundles)",
    usual_causes: &[
        "pages are cut from an order that is not total, so that ties move between pages",
        "a join over a repeating element returns one row per value",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct NoDuplicates;

impl Check for NoDuplicates {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    // How a search treats changes that happen between two pages is the server's choice in R4.
    let over_pages = !search.may_shift(evidence) || same_total(&search);
    let mut matches: BTreeSet<(Key, Option<&str>)> = BTreeSet::new();
    let mut twice: BTreeSet<Key> = BTreeSet::new();
    for page in &search.pages {
        // Versions of one resource are different entries.
        let mut on_page: BTreeSet<(Key, Option<&str>)> = BTreeSet::new();
        for resource in bundle::entries(&page.bundle).filter_map(bundle::resource) {
            if let Some(entry) = identity(resource)
                && !on_page.insert(entry.clone())
            {
                twice.insert(entry.0);
            }
        }
        for entry in search.matches(page).filter_map(identity) {
            // The same page was judged above.
            let is_new = matches.insert(entry.clone());
            if !is_new && over_pages {
                twice.insert(entry.0);
            }
        }
    }
    let first = twice.first()?;
    Some(
        Violation::new(
            SPEC.id,
            "A search returns the same resource twice",
            "each resource once",
            Phrase::say(format!(
                "{} resource(s) come more than once over {} page(s), such as ",
                twice.len(),
                search.pages.len()
            ))
            .url(first.to_string()),
        )
        .at("Bundle.entry")
        .seen_in(search.numbers())
        .signed(search.asked.resource_type.as_deref().unwrap_or("system"))
        .signed(if search.pages.len() > 1 {
            "pages"
        } else {
            "page"
        }),
    )
}

fn identity(resource: &serde_json::Value) -> Option<(Key, Option<&str>)> {
    Some((Key::of(resource)?, resource::version_id(resource)))
}

/// True if every page states a total and all are the same: then hardly anything has changed in between.
fn same_total(search: &Search<'_>) -> bool {
    let totals: BTreeSet<Option<u64>> = search
        .pages
        .iter()
        .map(|page| bundle::total(&page.bundle))
        .collect();
    totals.len() == 1 && !totals.contains(&None)
}
