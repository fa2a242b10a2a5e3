//! Bindings: a code, Coding, CodeableConcept or Quantity against the value set that R4 or a profile demands.
//! Not preferred bindings, and never a verdict on a value set that cannot be enumerated.

use serde_json::{Map, Value};

use super::occurrence::Occurrence;
use super::walk::Walk;
use super::{Severity, rule};
use crate::fhir::definitions::profile::{Binding, Strength};
use crate::fhir::definitions::{Members, value_set_at_contains};

/// True if the codes of a value set of the base tables are known.
pub(super) fn is_enumerable(value_set: u32) -> bool {
    value_set_at_contains(value_set, None, "").is_some()
}

/// Whether an element is in a value set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    In,
    Out,
    /// No code at all: text, or nothing.
    Codeless,
    /// No code, and a reason for it: an extension, or a quantity without unit.
    Excused,
    Unknown,
}

impl<'v> Walk<'v> {
    /// A binding from the library's value sets.
    pub(super) fn binding(&mut self, binding: &Binding, occurrence: &Occurrence<'v>) {
        let (rule, severity) = match binding.strength {
            Strength::Required => (rule::BINDING, Severity::Error),
            Strength::Extensible => (rule::EXTENSIBLE, Severity::Warning),
        };
        match self.membership(&binding.value_set, occurrence) {
            Membership::In | Membership::Excused => {}
            // An extensible binding lets text alone stand where no code applies.
            Membership::Codeless if binding.strength == Strength::Extensible => {}
            Membership::Unknown => {
                if let Some(full) = &mut self.full {
                    full.open(rule, binding.value_set.clone());
                }
            }
            Membership::Out | Membership::Codeless => self.report_as(
                rule,
                severity,
                None,
                format!("has no code of the value set {}", binding.value_set),
            ),
        }
    }

    /// Whether an element has a code of a value set.
    pub(super) fn membership(&self, value_set: &str, occurrence: &Occurrence<'v>) -> Membership {
        let full = self.full.as_ref();
        match full.and_then(|full| full.library().members(value_set)) {
            Some(members) => membership(members, occurrence),
            None => Membership::Unknown,
        }
    }
}

/// Whether an element has a code among these.
pub(super) fn membership(members: &Members, occurrence: &Occurrence<'_>) -> Membership {
    let judge = |system: Option<&str>, code: &str| match members.contains(system, code) {
        Some(true) => Membership::In,
        Some(false) => Membership::Out,
        None => Membership::Unknown,
    };
    let coding = |coding: &Value| match coding.get("code").and_then(Value::as_str) {
        Some(code) => judge(coding.get("system").and_then(Value::as_str), code),
        None if coding.get("extension").is_some() || coding.get("_code").is_some() => {
            Membership::Excused
        }
        None => Membership::Codeless,
    };
    match (occurrence.code, occurrence.value) {
        // A primitive without a value says in an extension why.
        (_, None) => Membership::Excused,
        ("CodeableConcept", Some(concept)) => {
            let Some(codings) = concept.get("coding").and_then(Value::as_array) else {
                return match concept.get("extension") {
                    Some(_) => Membership::Excused,
                    None => Membership::Codeless,
                };
            };
            let found: Vec<Membership> = codings.iter().map(coding).collect();
            let order = [
                Membership::In,
                Membership::Excused,
                Membership::Unknown,
                Membership::Out,
            ];
            let best = order.into_iter().find(|kind| found.contains(kind));
            best.unwrap_or(Membership::Codeless)
        }
        ("Coding", Some(value)) => coding(value),
        (_, Some(Value::String(code))) => judge(None, code),
        // A quantity without a unit has none to judge.
        (_, Some(value)) if value.get("code").is_some() => coding(value),
        _ => Membership::Excused,
    }
}

/// False if a code is surely outside of the value set.
pub(super) fn allows_code(value_set: u32, code: &str) -> bool {
    value_set_at_contains(value_set, None, code) != Some(false)
}

/// False if a Coding is surely outside. One with an extension in place of a code says why it has none.
pub(super) fn allows_coding(value_set: u32, coding: &Map<String, Value>) -> bool {
    match coding.get("code") {
        Some(Value::String(code)) => {
            let system = coding.get("system").and_then(Value::as_str);
            value_set_at_contains(value_set, system, code) != Some(false)
        }
        // A code of another shape is reported as that.
        Some(_) => true,
        None => {
            has_extension(coding)
                || coding.contains_key("_code")
                || value_set_at_contains(value_set, None, "").is_none()
        }
    }
}

/// False if no Coding of a CodeableConcept is in the value set; text alone does not satisfy a required binding.
pub(super) fn allows_concept(value_set: u32, concept: &Map<String, Value>) -> bool {
    match concept.get("coding") {
        Some(Value::Array(codings)) => codings.iter().any(|coding| match coding {
            Value::Object(coding) => allows_coding(value_set, coding),
            _ => true,
        }),
        Some(_) => true,
        None => has_extension(concept) || value_set_at_contains(value_set, None, "").is_none(),
    }
}

fn has_extension(element: &Map<String, Value>) -> bool {
    element.contains_key("extension")
}
