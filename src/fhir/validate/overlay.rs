//! Profiles: the tree of what a profile demands, over the occurrences in a resource.
//! Not slicing (`slice`) and not single values (`value`, `binding`, `target`).

use std::cmp::Ordering;

use serde_json::Value;

use super::occurrence::Occurrence;
use super::report::shown;
use super::scope::MAX_NESTING;
use super::walk::Walk;
use super::{Issue, Severity, rule, value};
use crate::fhir::definitions::is_subtype;
use crate::fhir::definitions::profile::{Overlay, Profile, TypeChoice};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'v> Walk<'v> {
    /// Holds a resource or element to a profile by its canonical, or to a type by that of R4.
    pub(super) fn by_canonical(&mut self, canonical: &'v str, occurrence: &Occurrence<'v>) {
        let Some(full) = &mut self.full else { return };
        let base = canonical
            .strip_prefix(CORE)
            .filter(|name| self.table.id_of(name).is_some());
        if let Some(name) = base {
            if !is_subtype(occurrence.code, name) {
                self.report(rule::PROFILE, "is claimed to be of another type");
            }
            return;
        }
        match full.library().profile(canonical) {
            None => full.open(rule::PROFILE, canonical.to_owned()),
            Some(profile) if profile.type_name != occurrence.code => {
                self.report(rule::PROFILE, "names a profile of another type");
            }
            Some(profile) => self.conform(profile, occurrence),
        }
    }

    /// Reports what an occurrence lacks of a profile.
    pub(super) fn conform(&mut self, profile: &'v Profile, occurrence: &Occurrence<'v>) {
        let Some(full) = &mut self.full else { return };
        if full.nesting == MAX_NESTING {
            return full.open(rule::PROFILE, profile.url.clone());
        }
        full.nesting += 1;
        let outer = full.profile.replace(&profile.url);
        self.overlay(&profile.root, occurrence, false);
        if let Some(full) = &mut self.full {
            full.nesting -= 1;
            full.profile = outer;
        }
    }

    /// Whether an occurrence conforms to a profile, without reporting; `None` if the profile is not known.
    pub(super) fn conforms(
        &mut self,
        canonical: &str,
        occurrence: &Occurrence<'v>,
    ) -> Option<bool> {
        let name = canonical.strip_prefix(CORE);
        if let Some(name) = name.filter(|name| self.table.id_of(name).is_some()) {
            return Some(is_subtype(occurrence.code, name));
        }
        let library = self.full.as_ref()?.library();
        let profile = library.profile(canonical)?;
        if profile.type_name != occurrence.code {
            return Some(false);
        }
        self.silently(|walk| walk.conform(profile, occurrence))
    }

    /// Whether an occurrence conforms to a profile; `None` too if something of the profile could not be checked.
    /// For a walk of its own: issues stay in it.
    pub(super) fn conforms_fully(
        mut self,
        canonical: &str,
        occurrence: &Occurrence<'v>,
    ) -> Option<bool> {
        let name = canonical.strip_prefix(CORE);
        if let Some(name) = name.filter(|name| self.table.id_of(name).is_some()) {
            return Some(is_subtype(occurrence.code, name));
        }
        let profile = self.full.as_ref()?.library().profile(canonical)?;
        if profile.type_name != occurrence.code {
            return Some(false);
        }
        self.at_item(false, 0, occurrence, |walk| {
            walk.conform(profile, occurrence)
        });
        let has_error = |issue: &Issue| issue.severity == Severity::Error;
        if self.issues.iter().any(has_error) {
            return Some(false);
        }
        self.full?.not_checked.is_empty().then_some(true)
    }

    /// Runs a check and gives whether it found no error; what it reports and notes is dropped.
    pub(super) fn silently(&mut self, check: impl FnOnce(&mut Self)) -> Option<bool> {
        let issues = std::mem::take(&mut self.issues);
        let full = self.full.as_mut()?;
        if full.nesting == MAX_NESTING {
            self.issues = issues;
            return None;
        }
        let not_checked = std::mem::take(&mut full.not_checked);
        check(self);
        let found = std::mem::replace(&mut self.issues, issues);
        if let Some(full) = &mut self.full {
            full.not_checked = not_checked;
        }
        Some(!found.iter().any(|issue| issue.severity == Severity::Error))
    }

    /// What a profile says of one occurrence, and of what is below it.
    pub(super) fn overlay(
        &mut self,
        overlay: &'v Overlay,
        occurrence: &Occurrence<'v>,
        is_slice: bool,
    ) {
        if !overlay.types.is_empty() {
            self.types(&overlay.types, occurrence, is_slice);
        }
        if let Some(value) = occurrence.value {
            self.literals(overlay, value);
        }
        if let Some(binding) = &overlay.binding {
            self.binding(binding, occurrence);
        }
        // Guides of HL7 give quantities greatest value sets that their own examples are outside of.
        if !overlay.more_bindings.is_empty() && !is_subtype(occurrence.code, "Quantity") {
            for binding in &overlay.more_bindings {
                self.binding(binding, occurrence);
            }
        }
        if !overlay.invariants.is_empty() {
            self.overlay_invariants(overlay, occurrence);
        }
        for child in &overlay.children {
            self.element(child, occurrence);
        }
    }

    /// What is said of an element is said in the resource around it, also if the element is a resource: `%resource`
    /// of a condition on `Bundle.entry.resource` is the Bundle.
    fn overlay_invariants(&mut self, overlay: &'v Overlay, occurrence: &Occurrence<'v>) {
        let Some(full) = self.full.as_mut().filter(|full| full.has_invariants()) else {
            return;
        };
        let is_element = overlay.name != occurrence.code;
        let inner = full.resources.pop_if(|scope| {
            let is_it = |value: &Value| std::ptr::eq(value, scope.resource);
            is_element && occurrence.value.is_some_and(is_it)
        });
        self.invariants(&overlay.invariants, occurrence);
        if let Some(full) = &mut self.full {
            full.resources.extend(inner);
        }
    }

    fn literals(&mut self, overlay: &Overlay, own: &Value) {
        if let Some(fixed) = &overlay.fixed
            && !value::is_fixed(own, &fixed.0)
        {
            self.report(
                rule::PROFILE_FIXED,
                "is not the value that the profile fixes",
            );
        }
        if let Some(pattern) = &overlay.pattern
            && !value::has_pattern(own, &pattern.0)
        {
            self.report(
                rule::PROFILE_PATTERN,
                "lacks what the pattern of the profile has",
            );
        }
        for (limit, wrong, what) in [
            (
                &overlay.min_value,
                Ordering::Less,
                "is less than the profile allows",
            ),
            (
                &overlay.max_value,
                Ordering::Greater,
                "is more than the profile allows",
            ),
        ] {
            let Some(limit) = limit else { continue };
            match value::order(own, &limit.0) {
                Some(order) if order == wrong => self.report(rule::PROFILE_RANGE, what),
                Some(_) => {}
                None => {
                    if let Some(full) = &mut self.full {
                        full.open(
                            rule::PROFILE_RANGE,
                            "a limit with another unit or precision",
                        );
                    }
                }
            }
        }
        let length = overlay.max_length.zip(own.as_str());
        if length.is_some_and(|(max, text)| text.chars().count() > max as usize) {
            self.report(rule::PROFILE_RANGE, "is longer than the profile allows");
        }
    }

    /// The types of a choice or of a contained resource, and the profiles of any element.
    fn types(&mut self, choices: &'v [TypeChoice], occurrence: &Occurrence<'v>, is_slice: bool) {
        let fits = |choice: &&TypeChoice| {
            let code = choice.code.as_str();
            is_subtype(occurrence.code, code)
                || matches!(code, "Element" | "BackboneElement") && occurrence.code.contains('.')
        };
        let fitting: Vec<&'v TypeChoice> = choices.iter().filter(fits).collect();
        if fitting.is_empty() {
            if occurrence.chosen && !is_slice {
                self.report(
                    rule::PROFILE_TYPE,
                    format!("is a {}, which the profile does not allow", occurrence.code),
                );
            }
            return;
        }
        // Extensions are held to their definitions wherever they stand.
        if occurrence.code != "Extension"
            && fitting.iter().all(|choice| !choice.profiles.is_empty())
        {
            let profiles: Vec<&'v str> = fitting
                .iter()
                .flat_map(|choice| choice.profiles.iter().map(String::as_str))
                .collect();
            self.one_of(&profiles, occurrence);
        }
        if fitting.iter().all(|choice| !choice.targets.is_empty()) {
            let targets: Vec<String> = fitting
                .iter()
                .flat_map(|choice| choice.targets.iter().cloned())
                .collect();
            self.targets(&targets, occurrence);
        }
    }

    /// An occurrence must conform to one of several profiles.
    fn one_of(&mut self, profiles: &[&'v str], occurrence: &Occurrence<'v>) {
        if let [only] = profiles {
            return self.by_canonical(only, occurrence);
        }
        let mut is_open = false;
        for profile in profiles {
            match self.conforms(profile, occurrence) {
                Some(true) => return,
                Some(false) => {}
                None => is_open = true,
            }
        }
        if is_open {
            if let (Some(full), Some(first)) = (&mut self.full, profiles.first()) {
                full.open(rule::PROFILE, (*first).to_owned());
            }
        } else {
            self.report(
                rule::PROFILE_TYPE,
                "conforms to none of the profiles that are allowed here",
            );
        }
    }

    /// What a profile says of all occurrences of one element.
    fn element(&mut self, overlay: &'v Overlay, owner: &Occurrence<'v>) {
        let Some(children) = owner.children(self.table, &overlay.name) else {
            // Only a profile of another version of FHIR has such an element.
            if let Some(full) = &mut self.full {
                full.open(rule::PROFILE, "an element that R4 does not have");
            }
            return;
        };
        let (element, items) = (children.element, children.items);
        if overlay.min.is_some_and(|min| items.len() < min as usize) {
            self.report_as(
                rule::PROFILE_MIN,
                Severity::Error,
                Some(&overlay.name),
                format!("lacks {}, which the profile requires", shown(element)),
            );
        }
        self.location.enter(element.name);
        let max = overlay.max.flatten();
        if max.is_some_and(|max| items.len() > max as usize) {
            self.report(
                rule::PROFILE_MAX,
                "occurs more often than the profile allows",
            );
        }
        if !overlay.slices.is_empty() {
            self.slices(overlay, element, &items);
        }
        for (index, item) in items.iter().enumerate() {
            self.at_item(element.repeats, index, item, |walk| {
                walk.overlay(overlay, item, false);
            });
        }
        self.location.leave();
    }

    /// Runs a check at the place of one occurrence. A resource in it is a scope of its own.
    pub(super) fn at_item(
        &mut self,
        repeats: bool,
        index: usize,
        item: &Occurrence<'v>,
        check: impl FnOnce(&mut Self),
    ) {
        if repeats {
            self.location.enter_item(index);
        }
        let resource = item
            .value
            .filter(|value| value.get("resourceType").is_some());
        if let (Some(full), Some(resource)) = (&mut self.full, resource) {
            let outer = full.resources.last().map(|scope| scope.root);
            let is_contained = |root: &&'v Value| {
                let list = root.get("contained").and_then(Value::as_array);
                list.is_some_and(|list| list.iter().any(|inner| std::ptr::eq(inner, resource)))
            };
            full.resources.push(super::scope::Scope {
                resource,
                type_name: item.code,
                root: outer.filter(is_contained).unwrap_or(resource),
                depth: self.location.depth(),
                ids: Default::default(),
            });
        }
        check(self);
        if let (Some(full), Some(_)) = (&mut self.full, resource) {
            full.resources.pop();
        }
        if repeats {
            self.location.leave();
        }
    }
}
