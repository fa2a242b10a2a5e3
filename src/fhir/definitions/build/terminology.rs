//! Expands the required value sets to codes where that takes nothing but the package.
//! Not a terminology server: filters, imports, exclusions and external code systems are "not enumerable", never a guess.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::pack::ValueSetRow;
use super::{Sources, list, text};

/// Nested concepts deeper than this make a code system "not enumerable".
const MAX_CONCEPT_DEPTH: usize = 32;

type Codes<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Rows in the order of the canonicals given.
pub(super) fn rows<'a>(sources: &Sources<'a>, bound: &[&'a str]) -> Vec<ValueSetRow<'a>> {
    bound
        .iter()
        .map(|&url| ValueSetRow {
            url,
            systems: expand(sources, url).map(|systems| {
                systems
                    .into_iter()
                    .map(|(system, codes)| (system, codes.into_iter().collect()))
                    .collect()
            }),
        })
        .collect()
}

fn expand<'a>(sources: &Sources<'a>, url: &str) -> Option<Codes<'a>> {
    let compose = sources.value_sets.get(url)?.get("compose")?;
    let includes = list(compose, "include");
    if includes.is_empty() || !list(compose, "exclude").is_empty() {
        return None;
    }
    let mut codes = Codes::new();
    for include in includes {
        add_include(sources, include, &mut codes)?;
    }
    Some(codes)
}

fn add_include<'a>(sources: &Sources<'a>, include: &'a Value, codes: &mut Codes<'a>) -> Option<()> {
    let system = text(include, "system")?;
    if !list(include, "filter").is_empty() || !list(include, "valueSet").is_empty() {
        return None;
    }
    let own = codes.entry(system).or_default();
    let listed = list(include, "concept");
    if !listed.is_empty() {
        return add_concepts(listed, 1, own);
    }
    let code_system = sources.code_systems.get(system)?;
    let is_whole = text(code_system, "content") == Some("complete");
    // Where case does not matter a list of codes cannot say "no".
    let is_exact = code_system.get("caseSensitive").and_then(Value::as_bool) == Some(true);
    if !is_whole || !is_exact {
        return None;
    }
    add_concepts(list(code_system, "concept"), 1, own)
}

fn add_concepts<'a>(
    concepts: &'a [Value],
    depth: usize,
    codes: &mut BTreeSet<&'a str>,
) -> Option<()> {
    if depth > MAX_CONCEPT_DEPTH {
        return None;
    }
    for concept in concepts {
        codes.insert(text(concept, "code")?);
        add_concepts(list(concept, "concept"), depth + 1, codes)?;
    }
    Some(())
}
