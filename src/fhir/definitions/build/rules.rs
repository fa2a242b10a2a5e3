//! What the snapshots of the base types say beyond structure: invariants, bindings, targets of references.
//! Not what the validator knows by itself, and not conditions of other versions that the source package added.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::profile::Invariant;
use super::super::rules::{ElementRules, NodeRow};
use super::profile::{self, Base, NATIVE};
use super::{Sources, correction, list, structure, text};

/// Keys that R4 does not have, or has only in types that are corrected.
const FOREIGN: [&str; 3] = ["dom-r4b", "sst-1", "evv-1"];

/// Published conditions that do not say what they mean, with the words that do.
const REWORDED: &[(&str, &str)] = &[
    // `Boolean` is the type of FHIRPath, which no element has.
    ("que-7", "operator = 'exists' implies (answer is boolean)"),
    // A CodeableConcept is never equal to a string.
    (
        "con-3",
        "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where(code='problem-list-item').empty()",
    ),
];

/// Rows of all types, sorted by name.
pub(super) fn rows(sources: &Sources<'_>) -> Vec<NodeRow> {
    let mut rows = BTreeMap::new();
    for (name, structure) in &sources.structures {
        of_structure(name, structure, &mut rows);
    }
    rows.into_values()
        .filter(|row: &NodeRow| !row.invariants.is_empty() || !row.elements.is_empty())
        .collect()
}

fn row<'r>(rows: &'r mut BTreeMap<String, NodeRow>, name: &str) -> &'r mut NodeRow {
    rows.entry(name.to_owned()).or_insert_with(|| NodeRow {
        name: name.to_owned(),
        invariants: Vec::new(),
        elements: Vec::new(),
    })
}

fn of_structure(name: &str, structure: &Value, rows: &mut BTreeMap<String, NodeRow>) {
    for element in structure::elements(structure) {
        let Some(path) = text(element, "path") else {
            continue;
        };
        let invariants = invariants(element);
        let Some((parent, last)) = path.rsplit_once('.') else {
            row(rows, name).invariants = invariants;
            continue;
        };
        if correction::is_removed(path) {
            continue;
        }
        // The paths of `SimpleQuantity` start with `Quantity`.
        let parent = if parent.contains('.') { parent } else { name };
        let types = profile::type_choices(element);
        let is_backbone = matches!(types.as_slice(), [only] if matches!(only.code.as_str(), "BackboneElement" | "Element"));
        let mut rules = ElementRules {
            name: last.trim_end_matches("[x]").to_owned(),
            binding: profile::binding(element),
            types,
            invariants: Vec::new(),
        };
        rules.types.retain(|choice| !choice.targets.is_empty());
        if is_backbone {
            row(rows, path).invariants = invariants;
        } else {
            rules.invariants = invariants;
        }
        let is_void =
            rules.binding.is_none() && rules.types.is_empty() && rules.invariants.is_empty();
        if !is_void {
            row(rows, parent).elements.push(rules);
        }
    }
}

fn invariants(element: &Value) -> Vec<Invariant> {
    list(element, "constraint")
        .iter()
        .filter_map(profile::invariant)
        .filter(|invariant| {
            let key = invariant.key.as_str();
            !NATIVE.contains(&key) && !FOREIGN.contains(&key) && !invariant.expression.is_empty()
        })
        .map(|invariant| {
            let reworded = REWORDED.iter().find(|(key, _)| *key == invariant.key);
            match reworded {
                Some((key, words)) => {
                    Invariant::new(key, invariant.is_error, &invariant.human, words)
                }
                None => invariant,
            }
        })
        .collect()
}

/// What profiles need not repeat.
pub(super) fn base(sources: &Sources<'_>) -> Base {
    let mut base = Base {
        types: sources
            .structures
            .keys()
            .map(|name| (*name).to_owned())
            .collect(),
        keys: NATIVE
            .iter()
            .map(|key| (*key).to_owned())
            .collect::<BTreeSet<_>>(),
        ..Base::default()
    };
    for structure in sources.structures.values() {
        for element in structure::elements(structure) {
            let keys = list(element, "constraint").iter();
            base.keys.extend(
                keys.filter_map(|constraint| text(constraint, "key"))
                    .map(str::to_owned),
            );
            if let Some(path) = text(element, "path") {
                let said = (profile::type_choices(element), profile::binding(element));
                base.elements.entry(path.to_owned()).or_insert(said);
            }
        }
    }
    base
}
