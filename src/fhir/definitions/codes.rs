//! Code systems and value sets as they are published, and which codes a value set has.
//! Not a terminology server: what would need external content or an unknown filter is "not enumerable", never a guess.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::library::Library;

/// Value sets that import each other deeper than this are not enumerable.
const MAX_IMPORTS: usize = 16;

/// The code systems and value sets of a guide.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Codes {
    /// Code systems whose content is known.
    pub systems: Vec<CodeSystem>,
    /// Value sets.
    pub value_sets: Vec<ValueSet>,
}

/// A code system.
#[derive(Debug, Serialize, Deserialize)]
pub struct CodeSystem {
    /// Canonical.
    pub url: String,
    /// False if case does not matter.
    pub case_sensitive: bool,
    /// All codes are here.
    pub complete: bool,
    /// Concepts may have parents that the nesting does not show.
    pub polyhierarchy: bool,
    /// Codes, each with the position of its parent plus one.
    pub codes: Vec<(String, u32)>,
}

/// A value set.
#[derive(Debug, Serialize, Deserialize)]
pub struct ValueSet {
    /// Canonical without version.
    pub url: String,
    /// What is in it.
    pub include: Vec<Selection>,
    /// What is not.
    pub exclude: Vec<Selection>,
}

/// Codes by list, filter or import.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Code system.
    pub system: Option<String>,
    /// Listed codes; empty means all that the filters let pass.
    pub concepts: Vec<String>,
    /// Property, operator, value.
    pub filters: Vec<(String, String, String)>,
    /// Imported value sets.
    pub value_sets: Vec<String>,
}

/// The codes of a value set as far as they are known.
#[derive(Debug, Default, Clone)]
pub(crate) struct Members {
    known: HashMap<String, Codeset>,
    /// Systems of which other codes may be in it, too.
    open: HashSet<String>,
    /// Nothing can be said at all.
    opaque: bool,
}

#[derive(Debug, Default, Clone)]
struct Codeset {
    ignore_case: bool,
    codes: HashSet<String>,
}

impl Codeset {
    fn has(&self, code: &str) -> bool {
        self.codes.contains(code)
            || self.ignore_case && self.codes.contains(&code.to_ascii_lowercase())
    }
}

impl Members {
    /// True if the code is in the value set; `None` if that cannot be known. Without a system that of any counts.
    pub fn contains(&self, system: Option<&str>, code: &str) -> Option<bool> {
        let found = match system {
            Some(system) => self.known.get(system).is_some_and(|set| set.has(code)),
            None => self.known.values().any(|set| set.has(code)),
        };
        if found {
            return Some(true);
        }
        let may_be = self.opaque
            || match system {
                Some(system) => self.open.contains(system),
                None => !self.open.is_empty(),
            };
        if may_be { None } else { Some(false) }
    }

    fn add(&mut self, other: Members) {
        self.opaque |= other.opaque;
        self.open.extend(other.open);
        for (system, set) in other.known {
            let own = self.known.entry(system).or_default();
            own.ignore_case |= set.ignore_case;
            own.codes.extend(set.codes);
        }
    }

    /// What is in both.
    fn retain(&mut self, other: &Members) {
        if other.opaque || !other.open.is_empty() || self.opaque || !self.open.is_empty() {
            // Which of the known ones are in the other cannot be told for open systems: known here and there is sure.
            self.opaque = true;
        }
        self.known.retain(|system, set| {
            let Some(others) = other.known.get(system) else {
                return false;
            };
            set.codes.retain(|code| others.has(code));
            !set.codes.is_empty()
        });
    }

    fn remove(&mut self, other: &Members) {
        for (system, set) in &mut self.known {
            if let Some(others) = other.known.get(system) {
                set.codes.retain(|code| !others.has(code));
            }
        }
        if other.opaque {
            self.known.clear();
            self.opaque = true;
        }
        for system in &other.open {
            if self.known.remove(system).is_some() {
                self.open.insert(system.clone());
            }
        }
    }
}

/// The codes of a value set.
pub(super) fn members(library: &Library, value_set: &ValueSet) -> Members {
    of_value_set(library, value_set, 0)
}

fn of_value_set(library: &Library, value_set: &ValueSet, depth: usize) -> Members {
    let mut members = Members::default();
    if value_set.include.is_empty() || depth > MAX_IMPORTS {
        members.opaque = true;
        return members;
    }
    for selection in &value_set.include {
        members.add(of_selection(library, selection, depth));
    }
    for selection in &value_set.exclude {
        members.remove(&of_selection(library, selection, depth));
    }
    members
}

fn of_selection(library: &Library, selection: &Selection, depth: usize) -> Members {
    let mut members: Option<Members> = selection
        .system
        .as_deref()
        .map(|system| of_system(library, system, selection));
    for url in &selection.value_sets {
        let imported = match library.value_set_row(url) {
            Some(row) => of_value_set(library, row, depth + 1),
            None => Members {
                opaque: true,
                ..Members::default()
            },
        };
        match &mut members {
            None => members = Some(imported),
            Some(own) => own.retain(&imported),
        }
    }
    members.unwrap_or(Members {
        opaque: true,
        ..Members::default()
    })
}

fn of_system(library: &Library, url: &str, selection: &Selection) -> Members {
    let mut members = Members::default();
    let system = library.code_system(url);
    let set = members.known.entry(url.to_owned()).or_default();
    set.ignore_case = system.is_some_and(|system| !system.case_sensitive);
    let mut insert = |code: &str| {
        if set.ignore_case {
            set.codes.insert(code.to_ascii_lowercase());
        }
        set.codes.insert(code.to_owned());
    };
    if !selection.concepts.is_empty() {
        selection.concepts.iter().for_each(|code| insert(code));
        return members;
    }
    let Some(system) = system else {
        members.open.insert(url.to_owned());
        return members;
    };
    let chosen = chosen(system, &selection.filters);
    let is_whole = system.complete && chosen.is_some();
    for (index, (code, _)) in system.codes.iter().enumerate() {
        if chosen.as_ref().is_some_and(|chosen| chosen[index]) {
            insert(code);
        }
    }
    if !is_whole || !selection.filters.is_empty() && system.polyhierarchy {
        members.open.insert(url.to_owned());
    }
    members
}

/// Which codes pass the filters; `None` if a filter is not understood.
fn chosen(system: &CodeSystem, filters: &[(String, String, String)]) -> Option<Vec<bool>> {
    let mut chosen = vec![true; system.codes.len()];
    for (property, operator, value) in filters {
        if property != "concept" && property != "code" {
            return None;
        }
        let below = below(system, value);
        for (index, keep) in chosen.iter_mut().enumerate() {
            let is_self = system.codes[index].0 == *value;
            *keep &= match operator.as_str() {
                "is-a" => is_self || below[index],
                "descendent-of" => below[index],
                "is-not-a" => !(is_self || below[index]),
                "=" => is_self,
                _ => return None,
            };
        }
    }
    Some(chosen)
}

/// Which codes are nested below the one; parents come before their children.
fn below(system: &CodeSystem, ancestor: &str) -> Vec<bool> {
    let mut below = vec![false; system.codes.len()];
    for (index, (_, parent)) in system.codes.iter().enumerate() {
        let parent = (*parent as usize).checked_sub(1).filter(|&at| at < index);
        below[index] = parent.is_some_and(|at| below[at] || system.codes[at].0 == ancestor);
    }
    below
}
