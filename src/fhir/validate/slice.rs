//! Slicing: which occurrence is of which slice, and how many there may be of each.
//! What cannot be told is unknown: such an occurrence never makes a slice too rare or too frequent.
//! <http://hl7.org/fhir/R4/profiling.html#slicing>

use serde_json::Value;

use super::binding::Membership;
use super::occurrence::Occurrence;
use super::walk::Walk;
use super::{Severity, rule, value};
use crate::fhir::definitions::profile::{
    Discriminator, DiscriminatorKind, Overlay, SlicingRules, Strength,
};
use crate::fhir::definitions::{Element, is_subtype};

/// Yes, no, or not to be told.
type Verdict = Option<bool>;

/// What a path of a discriminator leads to.
struct Reached<'v> {
    overlays: Vec<&'v Overlay>,
    /// Parts of fixed values and patterns of elements above.
    literals: Vec<&'v Value>,
    items: Vec<Occurrence<'v>>,
}

impl<'v> Walk<'v> {
    /// Distributes occurrences on slices, counts them, and applies to each what its slice says.
    pub(super) fn slices(
        &mut self,
        overlay: &'v Overlay,
        element: &'static Element,
        items: &[Occurrence<'v>],
    ) {
        let discriminators = discriminators(overlay, element);
        let mut found: Vec<Vec<Verdict>> = Vec::new();
        for item in items {
            let verdicts = overlay.slices.iter();
            found.push(
                verdicts
                    .map(|slice| self.is_of(slice, &discriminators, item))
                    .collect(),
            );
        }
        for (position, slice) in overlay.slices.iter().enumerate() {
            self.count(slice, found.iter().map(|verdicts| verdicts[position]));
        }
        self.beside(overlay, element, &found);
        for (index, (item, verdicts)) in items.iter().zip(&found).enumerate() {
            let Some(position) = verdicts.iter().position(|verdict| *verdict == Some(true)) else {
                continue;
            };
            let slice = &overlay.slices[position];
            self.at_item(element.repeats, index, item, |walk| {
                walk.overlay(slice, item, true);
                if !slice.slices.is_empty() {
                    walk.open_slice("slices of a slice");
                }
            });
        }
    }

    fn open_slice(&mut self, what: &'static str) {
        if let Some(full) = &mut self.full {
            full.open(rule::SLICE_MIN, what);
        }
    }

    fn count(&mut self, slice: &Overlay, verdicts: impl Iterator<Item = Verdict>) {
        let (mut sure, mut possible) = (0, 0);
        for verdict in verdicts {
            match verdict {
                Some(true) => sure += 1,
                Some(false) => {}
                None => possible += 1,
            }
        }
        if possible > 0 {
            self.open_slice("occurrences that may be of a slice or not");
        }
        let key = Some(slice.slice.as_str());
        if slice.min.is_some_and(|min| sure + possible < min as usize) {
            let message = format!("has too few occurrences of the slice {}", slice.slice);
            self.report_as(rule::SLICE_MIN, Severity::Error, key, message);
        }
        let max = slice.max.flatten();
        if max.is_some_and(|max| sure > max as usize) {
            let message = format!("has too many occurrences of the slice {}", slice.slice);
            self.report_as(rule::SLICE_MAX, Severity::Error, key, message);
        }
    }

    /// What stands beside the slices, and their order.
    fn beside(&mut self, overlay: &Overlay, element: &Element, found: &[Vec<Verdict>]) {
        let Some(slicing) = &overlay.slicing else {
            return;
        };
        let mut last = 0;
        let mut has_other = false;
        for (index, verdicts) in found.iter().enumerate() {
            let position = verdicts.iter().position(|verdict| *verdict == Some(true));
            let is_other = verdicts.iter().all(|verdict| *verdict == Some(false));
            let is_behind = has_other && position.is_some();
            has_other |= is_other;
            let rule = if is_other && slicing.rules == SlicingRules::Closed {
                Some((
                    rule::SLICE_CLOSED,
                    "is of no slice, and nothing else is allowed",
                ))
            } else if slicing.rules == SlicingRules::OpenAtEnd && is_behind {
                Some((
                    rule::SLICE_ORDER,
                    "stands behind what must stand behind the slices",
                ))
            } else if slicing.ordered && position.is_some_and(|position| position < last) {
                Some((rule::SLICE_ORDER, "stands behind a later slice"))
            } else {
                None
            };
            last = last.max(position.unwrap_or(0));
            if let Some((rule, message)) = rule {
                if element.repeats {
                    self.location.enter_item(index);
                }
                self.report(rule, message);
                if element.repeats {
                    self.location.leave();
                }
            }
        }
    }

    fn is_of(
        &mut self,
        slice: &'v Overlay,
        discriminators: &[Discriminator],
        item: &Occurrence<'v>,
    ) -> Verdict {
        if discriminators.is_empty() || slice.slice.contains('/') {
            return None;
        }
        let mut verdict = Some(true);
        for discriminator in discriminators {
            match self.by(slice, discriminator, item) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => verdict = None,
            }
        }
        verdict
    }

    fn by(
        &mut self,
        slice: &'v Overlay,
        discriminator: &Discriminator,
        item: &Occurrence<'v>,
    ) -> Verdict {
        let (path, resolves) = match discriminator.path.strip_suffix("resolve()") {
            Some(path) => (path.trim_end_matches('.'), true),
            None => (discriminator.path.as_str(), false),
        };
        let reached = self.reach(slice, path, item)?;
        match discriminator.kind {
            DiscriminatorKind::Exists if !resolves => exists(&reached),
            DiscriminatorKind::Type if resolves => self.by_target_type(&reached),
            DiscriminatorKind::Type => by_type(&reached),
            DiscriminatorKind::Profile => self.by_profile(&reached, resolves),
            _ if resolves => None,
            _ => self.by_value(&reached),
        }
    }

    /// Follows a path in the slice and in the occurrence at once; `None` if it cannot be followed.
    fn reach(
        &mut self,
        slice: &'v Overlay,
        path: &str,
        item: &Occurrence<'v>,
    ) -> Option<Reached<'v>> {
        let mut reached = Reached {
            overlays: vec![slice],
            literals: Vec::new(),
            items: vec![*item],
        };
        for step in path
            .split('.')
            .filter(|step| !matches!(*step, "" | "$this"))
        {
            if let Some(name) = step.strip_prefix("ofType(").or(step.strip_prefix("as(")) {
                let name = name.trim_end_matches(')');
                reached.items.retain(|item| is_subtype(item.code, name));
            } else if step.contains('(') {
                return None;
            } else {
                self.step(&mut reached, step);
            }
        }
        Some(reached)
    }

    fn step(&self, reached: &mut Reached<'v>, name: &str) {
        let mut literals: Vec<&'v Value> = Vec::new();
        let own = reached.overlays.iter().flat_map(|overlay| {
            let literals = [&overlay.fixed, &overlay.pattern];
            literals.into_iter().flatten().map(|literal| &literal.0)
        });
        for literal in own.chain(reached.literals.iter().copied()) {
            match literal {
                Value::Array(items) => {
                    literals.extend(items.iter().filter_map(|item| item.get(name)))
                }
                other => literals.extend(other.get(name)),
            }
        }
        let library = self.full.as_ref().map(|full| full.library());
        let mut overlays: Vec<&'v Overlay> = Vec::new();
        for overlay in &reached.overlays {
            let child = overlay.child(name);
            overlays.extend(child);
            overlays.extend(child.and_then(only_required));
            let profiles = overlay.types.iter().flat_map(|choice| &choice.profiles);
            for profile in profiles {
                let profile = library.and_then(|library| library.profile(profile));
                overlays.extend(profile.and_then(|profile| profile.root.child(name)));
            }
        }
        reached.items = reached
            .items
            .iter()
            .filter_map(|item| item.children(self.table, name))
            .flat_map(|children| children.items)
            .collect();
        reached.overlays = overlays;
        reached.literals = literals;
    }

    fn by_value(&mut self, reached: &Reached<'v>) -> Verdict {
        let mut is_told = !reached.literals.is_empty();
        let mut open = false;
        let mut left: Vec<Occurrence<'v>> = reached.items.clone();
        for literal in &reached.literals {
            left.retain(|item| {
                let own = item.value;
                own.is_some_and(|own| value::has_pattern(own, literal))
            });
        }
        for overlay in &reached.overlays {
            if let Some(fixed) = &overlay.fixed {
                is_told = true;
                left.retain(|item| item.value.is_some_and(|own| value::is_fixed(own, &fixed.0)));
            }
            if let Some(pattern) = &overlay.pattern {
                is_told = true;
                left.retain(|item| {
                    item.value
                        .is_some_and(|own| value::has_pattern(own, &pattern.0))
                });
            }
            let has_literal = overlay.fixed.is_some() || overlay.pattern.is_some();
            if let Some(binding) = overlay.binding.as_ref().filter(|_| !has_literal)
                && binding.strength == Strength::Required
            {
                is_told = true;
                left.retain(|item| match self.membership(&binding.value_set, item) {
                    Membership::In | Membership::Excused => true,
                    Membership::Unknown => {
                        open = true;
                        true
                    }
                    _ => false,
                });
            } else if !has_literal && !overlay.children.is_empty() {
                // The value is told by what is below it.
                is_told = true;
                let mut kept = Vec::new();
                for item in left {
                    if self.silently(|walk| walk.overlay(overlay, &item, true)) == Some(true) {
                        kept.push(item);
                    }
                }
                left = kept;
            }
        }
        if !is_told {
            return None;
        }
        match (left.is_empty(), open) {
            (true, _) => Some(false),
            (false, true) => None,
            (false, false) => Some(true),
        }
    }

    fn by_target_type(&mut self, reached: &Reached<'v>) -> Verdict {
        let mut verdict = Some(false);
        for item in &reached.items {
            let Some(name) = item.value.and_then(|value| self.target_type(value)) else {
                verdict = None;
                continue;
            };
            let targets = reached.overlays.iter().flat_map(|overlay| &overlay.types);
            for target in targets.flat_map(|choice| &choice.targets) {
                match self.type_of(target) {
                    Some(own) if is_subtype(name, &own) => return Some(true),
                    Some(_) => {}
                    None => verdict = None,
                }
            }
        }
        verdict
    }

    fn by_profile(&mut self, reached: &Reached<'v>, resolves: bool) -> Verdict {
        let choices = reached.overlays.iter().flat_map(|overlay| &overlay.types);
        let canonicals: Vec<&'v str> = choices
            .flat_map(|choice| {
                if resolves {
                    &choice.targets
                } else {
                    &choice.profiles
                }
            })
            .map(String::as_str)
            .collect();
        if canonicals.is_empty() {
            return None;
        }
        let mut verdict = Some(false);
        for item in &reached.items {
            let target = if resolves {
                let found = item.value.and_then(|value| self.resolve(value));
                found.and_then(|found| Occurrence::resource(self.table, found))
            } else {
                Some(*item)
            };
            let Some(target) = target else {
                verdict = None;
                continue;
            };
            for canonical in &canonicals {
                let mut conforms = None;
                self.at_item(false, 0, &target, |walk| {
                    conforms = walk.conforms(canonical, &target);
                });
                match conforms {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => verdict = None,
                }
            }
        }
        verdict
    }
}

/// The one slice that must be there: it has what a path through the element finds. Of several, none has it alone.
fn only_required(overlay: &Overlay) -> Option<&Overlay> {
    let is_required = |slice: &&Overlay| slice.min.is_some_and(|min| min > 0);
    let mut required = overlay.slices.iter().filter(is_required);
    required.next().filter(|_| required.next().is_none())
}

/// The discriminators of an element; extensions are told apart by their url, choices by their type.
fn discriminators(overlay: &Overlay, element: &Element) -> Vec<Discriminator> {
    let implied = |kind, path: &str| {
        vec![Discriminator {
            kind,
            path: path.to_owned(),
        }]
    };
    match &overlay.slicing {
        Some(slicing) if !slicing.discriminators.is_empty() => slicing.discriminators.clone(),
        _ if matches!(element.name, "extension" | "modifierExtension") => {
            implied(DiscriminatorKind::Value, "url")
        }
        None if element.choice => implied(DiscriminatorKind::Type, "$this"),
        _ => Vec::new(),
    }
}

fn exists(reached: &Reached<'_>) -> Verdict {
    let is_there = !reached.items.is_empty();
    for overlay in &reached.overlays {
        if overlay.max == Some(Some(0)) {
            return Some(!is_there);
        }
        if overlay.min.is_some_and(|min| min > 0) {
            return Some(is_there);
        }
    }
    None
}

fn by_type(reached: &Reached<'_>) -> Verdict {
    let mut codes = reached
        .overlays
        .iter()
        .flat_map(|overlay| &overlay.types)
        .map(|choice| choice.code.as_str())
        .peekable();
    codes.peek()?;
    Some(codes.any(|code| reached.items.iter().any(|item| is_subtype(item.code, code))))
}
