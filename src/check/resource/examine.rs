//! Bodies taken apart into resources, and each distinct resource validated once: by R4, and by the profiles that it
//! claims. Not whose fault a flaw is: see `survey` and `judged`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::declared::Declared;
use super::flaw::Flaw;
use super::is_subsetted;
use crate::fhir::capability::Capability;
use crate::fhir::definitions::Library;
use crate::fhir::validate::{NotChecked, Validator, rule};
use crate::fhir::{Key, bundle, resource};
use crate::record::Level;

/// Distinct resources that are told apart at most; further ones are validated each time.
const MAX_RESOURCES: usize = 200_000;
/// Different rules without an answer that are named at most; all are counted.
const MAX_OPEN: usize = 1_000;

/// Tells bodies and resources apart.
pub(super) type Digest = [u8; 32];

/// Home of the profiles of R4 itself, which have one version on an R4 server.
const R4_BASE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// A resource in a body, or the body itself without the resources in its entries, with what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Leads from the root of the body to it; empty for the body itself.
    pub prefix: String,
    /// Names the resource, if it can be named.
    pub key: Option<Key>,
    pub flaws: Arc<[Flaw]>,
}

/// Validates what bodies hold.
#[derive(Debug)]
pub(super) struct Examiner {
    validator: Validator,
    library: Arc<Library>,
    /// Canonicals of the profiles of guides that the user named.
    chosen: HashSet<String>,
    declared: Declared,
    known: HashMap<Digest, Arc<[Flaw]>>,
    sound: Arc<[Flaw]>,
    text: Vec<u8>,
    /// Distinct resources that claim a profile that is known.
    pub claims: usize,
    /// Rules that applied to distinct resources and could not be evaluated, by rule and what it asks for.
    pub open: BTreeMap<(&'static str, String), usize>,
}

impl Examiner {
    /// An examiner with the definitions of a library, on a target that says this of itself.
    pub fn new(library: Arc<Library>, capability: Option<&Capability>) -> Self {
        let own = Library::built_in().guides().len();
        let named = library.guides().iter().skip(own);
        let chosen = named.flat_map(|guide| &guide.profiles);
        Examiner {
            validator: Validator::new(Arc::clone(&library)).apart_from_entries(),
            chosen: chosen.map(|profile| profile.url.clone()).collect(),
            library,
            declared: capability.map(Declared::of).unwrap_or_default(),
            known: HashMap::new(),
            sound: Arc::new([]),
            text: Vec::new(),
            claims: 0,
            open: BTreeMap::new(),
        }
    }

    /// What is wrong with a body and the resources in its entries. Resources that are marked as parts of themselves are
    /// left out, and so are Bundles in Bundles: they need not be complete.
    pub fn examine(&mut self, body: &Value) -> Vec<Part> {
        let mut parts = Vec::new();
        let Some(name) = resource::resource_type(body) else {
            return parts;
        };
        if name == "Bundle" || !is_subsetted(body) {
            parts.extend(self.part(String::new(), body));
        }
        if name != "Bundle" {
            return parts;
        }
        for (index, entry) in bundle::entries(body).enumerate() {
            let whole = bundle::resource(entry).filter(|resource| !is_part(resource));
            if let Some(resource) = whole {
                parts.extend(self.part(format!("Bundle.entry[{index}].resource: "), resource));
            }
        }
        parts
    }

    fn part(&mut self, prefix: String, resource: &Value) -> Option<Part> {
        let flaws = self.flaws(resource);
        (!flaws.is_empty()).then(|| Part {
            prefix,
            key: Key::of(resource),
            flaws,
        })
    }

    /// What is wrong with one resource, without the resources in entries.
    pub fn flaws(&mut self, resource: &Value) -> Arc<[Flaw]> {
        self.text.clear();
        // Writing a value to memory does not fail.
        let digest = match serde_json::to_writer(&mut self.text, resource) {
            Ok(()) => digest(&self.text),
            Err(_) => return self.validate(resource),
        };
        if let Some(known) = self.known.get(&digest) {
            return Arc::clone(known);
        }
        let flaws = self.validate(resource);
        if self.known.len() < MAX_RESOURCES {
            self.known.insert(digest, Arc::clone(&flaws));
        }
        flaws
    }

    fn validate(&mut self, resource: &Value) -> Arc<[Flaw]> {
        let claims = claims(resource);
        let is_known = |claim: &&str| self.library.profile(claim).is_some();
        let claims_known = claims.iter().any(is_known);
        self.claims += usize::from(claims_known);
        let outcome = self.validator.validate(resource, &[]);
        for open in outcome.not_checked {
            self.note_open(open);
        }
        let weigh = |profile: &str| self.weigh(profile, &claims);
        let issues = outcome.issues.into_iter();
        let flaws: Vec<Flaw> = issues.filter_map(|issue| Flaw::of(issue, weigh)).collect();
        match flaws.is_empty() {
            true => Arc::clone(&self.sound),
            false => flaws.into(),
        }
    }

    /// How much it weighs that a profile is not met. A canonical without version leaves open which version is meant: it
    /// weighs fully where the target says which version it supports, or the user named the guide, or the profile is one
    /// of R4; not at all where the target supports another version.
    fn weigh(&self, canonical: &str, claims: &[&str]) -> Option<Level> {
        let profile = self.library.profile(canonical)?;
        let (url, version) = (profile.url.as_str(), profile.version.as_str());
        if profile.type_name == "Extension" {
            return Some(Level::Should);
        }
        let is_named = claims
            .iter()
            .any(|claim| claim.split_once('|') == Some((url, version)));
        if is_named || self.chosen.contains(url) || url.starts_with(R4_BASE) {
            return Some(Level::Shall);
        }
        match self.declared.supports(url, version) {
            Some(true) => Some(Level::Shall),
            Some(false) => None,
            None => Some(Level::Should),
        }
    }

    /// What a target's data names (profiles, extensions) is counted and not kept. Codes of extensible value sets are held
    /// against nobody, checked or not.
    fn note_open(&mut self, open: NotChecked) {
        if open.rule == rule::EXTENSIBLE {
            return;
        }
        let is_ours = matches!(open.rule, rule::INVARIANT | rule::BINDING | rule::TARGET);
        let what = match is_ours {
            true => open.what.into_owned(),
            false => String::new(),
        };
        let key = (open.rule, what);
        if self.open.len() < MAX_OPEN || self.open.contains_key(&key) {
            *self.open.entry(key).or_default() += open.count;
        }
    }
}

impl Default for Examiner {
    fn default() -> Self {
        Examiner::new(Arc::clone(Library::built_in()), None)
    }
}

fn claims(resource: &Value) -> Vec<&str> {
    let profiles = resource.pointer("/meta/profile").and_then(Value::as_array);
    let profiles = profiles.into_iter().flatten();
    profiles.filter_map(Value::as_str).collect()
}

fn is_part(resource: &Value) -> bool {
    is_subsetted(resource) || bundle::entries(resource).next().is_some()
}

/// Digest of a body.
pub(super) fn digest(body: &[u8]) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, body).as_ref());
    digest
}
