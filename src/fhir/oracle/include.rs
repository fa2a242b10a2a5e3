//! What `_include` and `_revinclude` bring along, <http://hl7.org/fhir/R4/search.html#include>.
//! Not what matches: the matches of the page are given, and what comes along is never one.
//!
//! "It is at the server's discretion how deep to iteratively evaluate the inclusions", so what only `:iterate` reaches
//! may come and need not. A wild card stands for all parameters of R4, but a server knows only some, so what only a wild
//! card reaches must come where the server supports the parameter.

use std::collections::BTreeSet;

use serde_json::Value;

use super::known::Known;
use super::reference::Pointer;
use crate::fhir::Key;
use crate::fhir::definitions::{
    ParameterKind, SearchParameter, search_parameter, search_parameters,
};
use crate::fhir::query::{Include, Query};
use crate::fhir::resource::resource_type;

/// What comes along with the matches of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Included {
    /// Known resources that an include asks for, by its position in `_include`, in order.
    pub included: BTreeSet<(usize, Key)>,
    /// Known resources that an include asks for, by its position in `_revinclude`, in order.
    pub reverse: BTreeSet<(usize, Key)>,
    /// What may come besides: reached by iteration, at an absolute URL, of a certain version, or not known.
    pub may: BTreeSet<Key>,
}

impl Included {
    /// All keys that must come along.
    pub fn must(&self) -> BTreeSet<&Key> {
        let all = self.included.iter().chain(&self.reverse);
        all.map(|(_, key)| key).collect()
    }
}

/// Where a reference leads, and whether it surely leads there.
struct Target {
    key: Key,
    is_sure: bool,
}

impl Known<'_> {
    /// What comes along with matches; `supports` says whether the server knows a search parameter of a type.
    pub fn included(
        &self,
        query: &Query,
        matches: &[&Value],
        supports: &dyn Fn(&str, &str) -> bool,
    ) -> Included {
        let mut found = Included::default();
        let matched: BTreeSet<Key> = matches.iter().filter_map(|one| Key::of(one)).collect();
        for (position, include) in query.shape.include.iter().enumerate() {
            for (target, supported) in matches
                .iter()
                .flat_map(|one| self.targets(include, one, supports))
            {
                let must = target.is_sure && supported && self.find(&target.key).is_some();
                put(
                    &mut found.included,
                    &mut found.may,
                    position,
                    target.key,
                    must,
                );
            }
        }
        for (position, include) in query.shape.revinclude.iter().enumerate() {
            for (referring, target, supported) in self.references(include, supports) {
                if matched.contains(&target.key) {
                    let must = target.is_sure && supported;
                    put(
                        &mut found.reverse,
                        &mut found.may,
                        position,
                        referring,
                        must,
                    );
                }
            }
        }
        self.iterate(query, &matched, supports, &mut found);
        let came: BTreeSet<Key> = found.must().into_iter().cloned().collect();
        found
            .may
            .retain(|key| !came.contains(key) && !matched.contains(key));
        // What matches is there already.
        found.included.retain(|(_, key)| !matched.contains(key));
        found.reverse.retain(|(_, key)| !matched.contains(key));
        found
    }

    /// Follows `:iterate` from what came along until nothing new comes.
    fn iterate(
        &self,
        query: &Query,
        matched: &BTreeSet<Key>,
        supports: &dyn Fn(&str, &str) -> bool,
        found: &mut Included,
    ) {
        let forward = || query.shape.include.iter().filter(|one| one.iterate);
        let reverse = || query.shape.revinclude.iter().filter(|one| one.iterate);
        let mut reached: BTreeSet<Key> = found.must().into_iter().cloned().collect();
        reached.extend(found.may.iter().cloned());
        let mut fresh: Vec<Key> = reached.iter().cloned().collect();
        // Each round reaches something new among finitely many keys, or is the last.
        while !fresh.is_empty() {
            let mut next: BTreeSet<Key> = BTreeSet::new();
            for resource in fresh.iter().filter_map(|key| self.find(key)) {
                for include in forward() {
                    let targets = self.targets(include, resource, supports);
                    next.extend(targets.map(|(target, _)| target.key));
                }
            }
            for include in reverse() {
                for (referring, target, _) in self.references(include, supports) {
                    if fresh.contains(&target.key) {
                        next.insert(referring);
                    }
                }
            }
            next.retain(|key| !reached.contains(key) && !matched.contains(key));
            found.may.extend(next.iter().cloned());
            reached.extend(next.iter().cloned());
            fresh = next.into_iter().collect();
        }
    }

    /// References of all known resources by the parameters of an include: who refers, to what, and whether the
    /// parameter is supported.
    fn references(
        &self,
        include: &Include,
        supports: &dyn Fn(&str, &str) -> bool,
    ) -> Vec<(Key, Target, bool)> {
        let sources: Vec<&Value> = match include.source.as_str() {
            "*" => self.all().collect(),
            name => self.of_type(name).collect(),
        };
        let mut found = Vec::new();
        for source in sources {
            let Some(key) = Key::of(source) else { continue };
            for (target, supported) in self.targets(include, source, supports) {
                found.push((key.clone(), target, supported));
            }
        }
        found
    }

    /// What a resource refers to by the parameters of an include, and whether the parameter is supported.
    fn targets<'s>(
        &'s self,
        include: &'s Include,
        resource: &'s Value,
        supports: &'s dyn Fn(&str, &str) -> bool,
    ) -> impl Iterator<Item = (Target, bool)> + 's {
        let name = resource_type(resource)
            .filter(|name| include.source == "*" || include.source == *name)
            .unwrap_or_default();
        parameters(include, name).flat_map(move |parameter| {
            // Named parameters are taken at their word: the self link says whether they were heeded.
            let supported = include.parameter != "*" || supports(name, &parameter.code);
            self.pointed_at(include, resource, parameter)
                .into_iter()
                .map(move |target| (target, supported))
        })
    }

    fn pointed_at(
        &self,
        include: &Include,
        resource: &Value,
        parameter: &'static SearchParameter,
    ) -> Vec<Target> {
        let Ok(nodes) = self.nodes(resource, parameter) else {
            return Vec::new();
        };
        let targets = nodes.iter().flat_map(|node| {
            match Pointer::of(node, self.base()) {
                Some(Pointer::Literal {
                    key,
                    absolute,
                    versioned,
                    ..
                }) => vec![Target {
                    key,
                    is_sure: !absolute && !versioned,
                }],
                Some(Pointer::Other(url)) => self.with_url(url),
                // What is contained has come already.
                Some(Pointer::Contained(_)) | None => Vec::new(),
            }
        });
        let is_wanted = |target: &Target| {
            let wanted = include.target.as_ref();
            wanted.is_none_or(|wanted| *wanted == target.key.resource_type)
        };
        targets.filter(is_wanted).collect()
    }

    /// Known resources that a canonical URL may name; which version it means is the server's to say.
    fn with_url(&self, url: &str) -> Vec<Target> {
        let plain = url.split('|').next().unwrap_or(url);
        let has_url = |one: &&Value| one.get("url").and_then(Value::as_str) == Some(plain);
        let keys = self.all().filter(has_url).filter_map(Key::of);
        keys.map(|key| Target {
            key,
            is_sure: false,
        })
        .collect()
    }
}

fn put(
    must: &mut BTreeSet<(usize, Key)>,
    may: &mut BTreeSet<Key>,
    position: usize,
    key: Key,
    is_must: bool,
) {
    if is_must {
        must.insert((position, key));
    } else {
        may.insert(key);
    }
}

/// The reference parameters of a type that an include names; none for a type that R4 does not have.
fn parameters<'s>(
    include: &'s Include,
    name: &'s str,
) -> impl Iterator<Item = &'static SearchParameter> + 's {
    let named = search_parameter(name, &include.parameter);
    let all = (include.parameter == "*").then(|| search_parameters(name));
    named
        .into_iter()
        .chain(all.into_iter().flatten())
        .filter(|parameter| parameter.kind == ParameterKind::Reference)
}
