//! What the base definitions say beyond structure: invariants, extensible bindings, targets of references.
//! Not profiles, and not what the validator knows by itself (`ele-1`, `ext-1`, `dom-*`, `ref-1`, narrative).

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::pack::{self, Part};
use super::profile::{Binding, Invariant, TypeChoice};
use super::table::{NodeId, table};

/// The rules of one type or backbone element, as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeRow {
    /// `Patient`, `Patient.contact`.
    pub name: String,
    pub invariants: Vec<Invariant>,
    pub elements: Vec<ElementRules>,
}

/// The rules of one element.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ElementRules {
    /// Without `[x]`.
    pub name: String,
    pub invariants: Vec<Invariant>,
    /// Types with targets; empty if any resource may be the target.
    pub types: Vec<TypeChoice>,
    /// Required or extensible.
    pub binding: Option<Binding>,
}

/// The rules of a node of the table.
#[derive(Debug, Default)]
pub(crate) struct NodeRules {
    pub invariants: Vec<Invariant>,
    /// By position of the element.
    pub elements: Vec<Option<ElementRules>>,
}

/// Rules by node.
pub(crate) fn rules() -> &'static [NodeRules] {
    static RULES: OnceLock<Vec<NodeRules>> = OnceLock::new();
    RULES.get_or_init(|| {
        let rows: Vec<NodeRow> = pack::decode(pack::r4_pack(), Part::Rules)
            .expect("the embedded pack is whole: a test reads it");
        compile(rows)
    })
}

fn compile(rows: Vec<NodeRow>) -> Vec<NodeRules> {
    let table = table();
    let mut rules: Vec<NodeRules> = table
        .nodes
        .iter()
        .map(|node| NodeRules {
            invariants: Vec::new(),
            elements: node.elements.iter().map(|_| None).collect(),
        })
        .collect();
    for row in rows {
        let Some(id) = table.id_of(&row.name) else {
            continue;
        };
        let node = &mut rules[id as usize];
        node.invariants = row.invariants;
        for element in row.elements {
            let position = position(id, &element.name);
            if let Some(slot) = position.and_then(|at| node.elements.get_mut(at)) {
                *slot = Some(element);
            }
        }
    }
    rules
}

fn position(id: NodeId, name: &str) -> Option<usize> {
    let elements = &table().node(id).elements;
    elements.iter().position(|element| element.name == name)
}
