//! All definitions that a validation may use: R4 itself, US Core, and guides that were loaded at run time.
//! Not the reading of packages: a guide comes from an embedded pack or, through `guide`, from documents.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::build;
use super::codes::{self, CodeSystem, Members, ValueSet};
use super::guide::{Guide, r4, us_core};
use super::profile::Profile;

/// Guides with an index over what they hold; of a canonical without version the guide that was added last has the word.
#[derive(Debug)]
pub struct Library {
    guides: Vec<Arc<Guide>>,
    profiles: HashMap<String, Vec<(usize, usize)>>,
    value_sets: HashMap<String, (usize, usize, OnceLock<Members>)>,
    systems: HashMap<String, (usize, usize)>,
    questionnaires: HashMap<String, Vec<(usize, usize)>>,
}

impl Library {
    /// A library of these guides, the later ones before the earlier ones.
    pub fn new(guides: Vec<Arc<Guide>>) -> Self {
        let mut library = Library {
            profiles: HashMap::new(),
            value_sets: HashMap::new(),
            systems: HashMap::new(),
            questionnaires: HashMap::new(),
            guides: Vec::new(),
        };
        for (at, guide) in guides.iter().enumerate() {
            for (index, profile) in guide.profiles.iter().enumerate() {
                let places = library.profiles.entry(profile.url.clone()).or_default();
                places.push((at, index));
            }
            for (index, value_set) in guide.codes.value_sets.iter().enumerate() {
                let place = (at, index, OnceLock::new());
                library.value_sets.insert(value_set.url.clone(), place);
            }
            for (index, system) in guide.codes.systems.iter().enumerate() {
                // A complete system is not replaced by a fragment of it.
                let is_better = system.complete || !library.systems.contains_key(&system.url);
                if is_better {
                    library.systems.insert(system.url.clone(), (at, index));
                }
            }
        }
        library.index_questionnaires(&guides);
        library.guides = guides;
        library
    }

    fn index_questionnaires(&mut self, guides: &[Arc<Guide>]) {
        for (at, guide) in guides.iter().enumerate() {
            for (index, form) in guide.questionnaires.iter().enumerate() {
                if let Some(url) = form.get("url").and_then(Value::as_str) {
                    let places = self.questionnaires.entry(url.to_owned()).or_default();
                    places.push((at, index));
                }
            }
        }
    }

    /// R4 with the guides that are built in.
    pub fn built_in() -> &'static Arc<Library> {
        static LIBRARY: OnceLock<Arc<Library>> = OnceLock::new();
        LIBRARY.get_or_init(|| Arc::new(Library::new(vec![r4().clone(), us_core().clone()])))
    }

    /// R4 alone.
    pub fn r4() -> Library {
        Library::new(vec![r4().clone()])
    }

    /// This library and more guides.
    pub fn with(&self, more: Vec<Arc<Guide>>) -> Self {
        Library::new(self.guides.iter().cloned().chain(more).collect())
    }

    /// The guides in the order in which they were added.
    pub fn guides(&self) -> &[Arc<Guide>] {
        &self.guides
    }

    /// A profile by its canonical. With a version only that one.
    pub fn profile(&self, canonical: &str) -> Option<&Profile> {
        let (url, version) = split(canonical);
        let places = self.profiles.get(url)?.iter().rev();
        places
            .map(|&(at, index)| &self.guides[at].profiles[index])
            .find(|profile| version.is_none_or(|version| profile.version == version))
    }

    /// True if the code is in the value set; `None` if that cannot be known. A version behind `|` is ignored.
    pub fn value_set_contains(
        &self,
        canonical: &str,
        system: Option<&str>,
        code: &str,
    ) -> Option<bool> {
        self.members(canonical)?.contains(system, code)
    }

    /// Canonicals of the profiles that the guides demand of all resources of a type.
    pub fn globals<'l>(&'l self, type_name: &'l str) -> impl Iterator<Item = &'l str> {
        let globals = self.guides.iter().flat_map(|guide| &guide.about.globals);
        globals
            .filter(move |(own, _)| own == type_name)
            .map(|(_, profile)| profile.as_str())
    }

    /// True for the canonical of a value set of the guides.
    pub fn has_value_set(&self, canonical: &str) -> bool {
        self.value_sets.contains_key(split(canonical).0)
    }

    /// True for the canonical of a code system whose content the guides have.
    pub fn has_code_system(&self, canonical: &str) -> bool {
        self.systems.contains_key(split(canonical).0)
    }

    /// The codes of a value set; `None` if it is unknown.
    pub(crate) fn members(&self, canonical: &str) -> Option<&Members> {
        let (at, index, members) = self.value_sets.get(split(canonical).0)?;
        Some(
            members
                .get_or_init(|| codes::members(self, &self.guides[*at].codes.value_sets[*index])),
        )
    }

    /// The codes of a value set that is not of the library, as one that a resource contains; `None` if it is none.
    pub(crate) fn members_of(&self, value_set: &Value) -> Option<Members> {
        let value_set = build::value_set(value_set)?;
        Some(codes::members(self, &value_set))
    }

    /// The Questionnaires with a canonical, of all versions.
    pub(crate) fn questionnaires(&self, url: &str) -> impl Iterator<Item = &Value> {
        let places = self.questionnaires.get(url).into_iter().flatten();
        places.map(|&(at, index)| &self.guides[at].questionnaires[index])
    }

    pub(super) fn value_set_row(&self, canonical: &str) -> Option<&ValueSet> {
        let (at, index, _) = self.value_sets.get(split(canonical).0)?;
        Some(&self.guides[*at].codes.value_sets[*index])
    }

    pub(super) fn code_system(&self, canonical: &str) -> Option<&CodeSystem> {
        let (at, index) = self.systems.get(split(canonical).0)?;
        Some(&self.guides[*at].codes.systems[*index])
    }
}

/// A canonical without and with its version.
pub(super) fn split(canonical: &str) -> (&str, Option<&str>) {
    match canonical.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    }
}
