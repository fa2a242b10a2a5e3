//! Issues with the place that the walk has reached: how many are kept, and how types and values are named in them.
//! Not the rules that raise them.

use serde_json::Value;

use super::walk::Walk;
use super::{Issue, Severity, rule};
use crate::fhir::definitions::Element;

/// After this many issues the walk stops listing them.
const MAX_ISSUES: usize = 1000;

impl Walk<'_> {
    /// An error at the current place.
    pub fn report(&mut self, rule: &'static str, message: impl Into<String>) {
        self.report_as(rule, Severity::Error, None, message);
    }

    /// An issue at the current place; `key` is that of an invariant, or tells causes apart that have one rule and place.
    pub fn report_as(
        &mut self,
        rule: &'static str,
        severity: Severity,
        key: Option<&str>,
        message: impl Into<String>,
    ) {
        if self.issues.len() < MAX_ISSUES {
            let path = self.location.text();
            let profile = self.full.as_ref().and_then(|full| full.profile);
            // What R4 itself forbids need not be said again for a profile.
            let is_said = profile.is_some()
                && self.issues.iter().any(|issue| {
                    issue.rule == rule && issue.path == path && issue.key.as_deref() == key
                });
            if !is_said {
                self.push(rule, severity, key, path, message.into());
            }
        }
    }

    /// An error about a member that the type does not know.
    pub(super) fn report_unknown(
        &mut self,
        name: &str,
        rule: &'static str,
        message: impl Into<String>,
    ) {
        if self.issues.len() < MAX_ISSUES {
            let path = self.location.text_of_unknown(name);
            self.push(rule, Severity::Error, None, path, message.into());
        }
    }

    fn push(
        &mut self,
        rule: &'static str,
        severity: Severity,
        key: Option<&str>,
        path: String,
        message: String,
    ) {
        let profile = self.full.as_ref().and_then(|full| full.profile);
        self.issues.push(Issue {
            rule,
            severity,
            path,
            message,
            key: key.map(str::to_owned),
            profile: profile.map(str::to_owned),
        });
        if self.issues.len() == MAX_ISSUES - 1 {
            self.report(
                rule::LIMIT,
                format!("has {MAX_ISSUES} issues or more: the rest is not listed"),
            );
        }
    }

    /// A value of another JSON type than the one that belongs here.
    pub fn wrong_shape(&mut self, value: &Value, expected: &str) {
        let message = format!("is {}, but {expected} belongs here", kind(value));
        self.report(rule::SHAPE, message);
    }
}

/// `value[x]` for a choice element.
pub(super) fn shown(element: &Element) -> String {
    let suffix = if element.choice { "[x]" } else { "" };
    format!("{}{suffix}", element.name)
}

/// The JSON type of a value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
