//! CodeSystems and ValueSets to rows. Not their expansion: `codes` does that when a value set is first asked.

use serde_json::Value;

use super::super::codes::{CodeSystem, Selection, ValueSet};
use super::{list, text, texts};

/// Nested concepts deeper than this are left out, and the system counts as incomplete.
const MAX_DEPTH: usize = 32;

/// Codes of one system; more make it incomplete.
const MAX_CODES: usize = 200_000;

/// A code system with content.
pub(super) fn system(resource: &Value) -> Option<CodeSystem> {
    let content = text(resource, "content")?;
    let concepts = list(resource, "concept");
    if !matches!(content, "complete" | "fragment") || concepts.is_empty() {
        return None;
    }
    let mut system = CodeSystem {
        url: text(resource, "url")?.to_owned(),
        case_sensitive: resource.get("caseSensitive").and_then(Value::as_bool) == Some(true),
        complete: content == "complete",
        polyhierarchy: false,
        codes: Vec::new(),
    };
    add(&mut system, concepts, 0, 1);
    Some(system)
}

fn add(system: &mut CodeSystem, concepts: &[Value], parent: u32, depth: usize) {
    for concept in concepts {
        let Some(code) = text(concept, "code") else {
            continue;
        };
        if depth > MAX_DEPTH || system.codes.len() >= MAX_CODES {
            system.complete = false;
            return;
        }
        let has_parents = list(concept, "property").iter().any(|property| {
            matches!(
                text(property, "code"),
                Some("parent" | "child" | "subsumedBy" | "subsumes")
            )
        });
        system.polyhierarchy |= has_parents;
        system.codes.push((code.to_owned(), parent));
        let own = u32::try_from(system.codes.len()).unwrap_or(0);
        add(system, list(concept, "concept"), own, depth + 1);
    }
}

/// A value set with a definition or a whole expansion, by its canonical.
pub(super) fn value_set(resource: &Value) -> Option<ValueSet> {
    inline(resource).filter(|value_set| !value_set.url.is_empty())
}

/// The same for one that a resource contains, which needs no canonical.
pub(in super::super) fn inline(resource: &Value) -> Option<ValueSet> {
    if text(resource, "resourceType") != Some("ValueSet") {
        return None;
    }
    let url = text(resource, "url").unwrap_or_default().to_owned();
    let compose = resource.get("compose");
    let select = |name: &str| -> Vec<Selection> {
        let parts = compose.map_or(&[][..], |compose| list(compose, name));
        parts.iter().map(selection).collect()
    };
    let mut include = select("include");
    if include.is_empty() {
        include = expanded(resource);
    }
    Some(ValueSet {
        url,
        include,
        exclude: select("exclude"),
    })
}

fn selection(part: &Value) -> Selection {
    Selection {
        system: text(part, "system").map(str::to_owned),
        concepts: list(part, "concept")
            .iter()
            .filter_map(|concept| text(concept, "code"))
            .map(str::to_owned)
            .collect(),
        filters: list(part, "filter")
            .iter()
            .map(|filter| {
                let word = |name: &str| text(filter, name).unwrap_or_default().to_owned();
                (word("property"), word("op"), word("value"))
            })
            .collect(),
        value_sets: texts(part, "valueSet").map(str::to_owned).collect(),
    }
}

/// The codes of an expansion that is not a page or a part of itself.
fn expanded(resource: &Value) -> Vec<Selection> {
    let Some(expansion) = resource.get("expansion") else {
        return Vec::new();
    };
    let contains = list(expansion, "contains");
    let is_whole = expansion
        .get("total")
        .and_then(Value::as_u64)
        .is_none_or(|total| total == contains.len() as u64);
    if !is_whole
        || contains
            .iter()
            .any(|item| !list(item, "contains").is_empty())
    {
        return Vec::new();
    }
    contains
        .iter()
        .filter_map(|item| {
            Some(Selection {
                system: Some(text(item, "system")?.to_owned()),
                concepts: vec![text(item, "code")?.to_owned()],
                ..Selection::default()
            })
        })
        .collect()
}
