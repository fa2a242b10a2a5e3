//! References: the type of the target by what the reference says, and the target itself where it is in reach.
//! Not resolution over the network: what is elsewhere is not asked.

use serde_json::Value;

use super::contained::contained;
use super::occurrence::Occurrence;
use super::rule;
use super::walk::Walk;
use crate::fhir::definitions::{is_resource_type, is_subtype};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'v> Walk<'v> {
    /// Holds a reference to the types and profiles that its target may have.
    pub(super) fn targets(&mut self, targets: &[String], occurrence: &Occurrence<'v>) {
        if occurrence.code != "Reference" || targets.is_empty() {
            return;
        }
        let Some(name) = occurrence.value.and_then(|value| self.target_type(value)) else {
            return;
        };
        let mut is_open = false;
        let mut fitting = Vec::new();
        for target in targets {
            match self.type_of(target) {
                Some(type_name) if is_subtype(name, &type_name) => fitting.push(target.as_str()),
                Some(_) => {}
                None => is_open = true,
            }
        }
        if fitting.is_empty() {
            if is_open {
                self.open_targets(targets);
            } else {
                self.report(
                    rule::TARGET,
                    format!("refers to a {name}, which is not allowed here"),
                );
            }
            return;
        }
        self.target_profiles(&fitting, occurrence);
    }

    fn open_targets(&mut self, targets: &[String]) {
        if let (Some(full), Some(target)) = (&mut self.full, targets.first()) {
            full.open(rule::TARGET, target.clone());
        }
    }

    /// A target in reach must conform to one of the profiles.
    fn target_profiles(&mut self, fitting: &[&str], occurrence: &Occurrence<'v>) {
        if fitting.iter().any(|target| target.starts_with(CORE)) {
            return;
        }
        let resource = occurrence.value.and_then(|value| self.resolve(value));
        let Some(target) = resource.and_then(|found| Occurrence::resource(self.table, found))
        else {
            return;
        };
        let mut is_open = false;
        for profile in fitting {
            match self.conforms(profile, &target) {
                Some(true) => return,
                Some(false) => {}
                None => is_open = true,
            }
        }
        if !is_open {
            self.report(
                rule::TARGET_PROFILE,
                "refers to a resource that conforms to none of the profiles that are allowed",
            );
        }
    }

    /// The type that a canonical of a type or profile stands for.
    pub(super) fn type_of(&self, canonical: &str) -> Option<String> {
        let name = canonical.strip_prefix(CORE);
        if let Some(name) = name.filter(|name| self.table.id_of(name).is_some()) {
            return Some(name.to_owned());
        }
        let full = self.full.as_ref()?;
        let profile = full.library().profile(canonical)?;
        Some(profile.type_name.clone())
    }

    /// The type of a reference's target, if it can be told.
    pub(super) fn target_type(&self, reference: &'v Value) -> Option<&'v str> {
        let resolved = self.resolve(reference);
        if let Some(name) = resolved.and_then(|found| found.get("resourceType")) {
            return name.as_str();
        }
        let text = reference.get("reference").and_then(Value::as_str);
        let by_path = text.and_then(type_in_path);
        by_path.or_else(|| {
            let stated = reference.get("type").and_then(Value::as_str)?;
            is_resource_type(stated).then_some(stated)
        })
    }

    /// The resource that a reference means, if it is contained or in the Bundle around.
    pub(super) fn resolve(&self, reference: &Value) -> Option<&'v Value> {
        self.resolve_text(reference.get("reference")?.as_str()?)
    }

    /// The resource that the text of a reference means.
    pub(super) fn resolve_text(&self, text: &str) -> Option<&'v Value> {
        let full = self.full.as_ref()?;
        let root = full.resources.last()?.root;
        if let Some(id) = text.strip_prefix('#') {
            return if id.is_empty() {
                Some(root)
            } else {
                contained(root, id)
            };
        }
        let entries = full.bundle()?.get("entry")?.as_array()?;
        let relative = text
            .split_once('/')
            .filter(|(name, _)| is_resource_type(name));
        let is_it = |entry: &&Value| {
            let url = entry.get("fullUrl").and_then(Value::as_str);
            if url == Some(text) {
                return true;
            }
            let Some((name, id)) = relative else {
                return false;
            };
            let resource = entry.get("resource");
            let word = |member: &str| resource?.get(member)?.as_str();
            let id = id.split('/').next().unwrap_or(id);
            word("resourceType") == Some(name) && word("id") == Some(id)
        };
        entries.iter().find(is_it)?.get("resource")
    }
}

/// The type in `Patient/1`, `http://a/Patient/1` or `…/_history/2`.
fn type_in_path(reference: &str) -> Option<&str> {
    let path = reference.split(['?', '#']).next().unwrap_or(reference);
    let path = match path.rsplit_once("/_history/") {
        Some((before, _)) => before,
        None => path,
    };
    if reference.contains('?') {
        return path
            .rsplit('/')
            .next()
            .filter(|name| is_resource_type(name));
    }
    let mut segments = path.rsplit('/');
    segments.next()?;
    segments.next().filter(|name| is_resource_type(name))
}
