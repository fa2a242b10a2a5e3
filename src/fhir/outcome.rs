//! OperationOutcome: making and reading. <http://hl7.org/fhir/R4/operationoutcome.html>

use serde_json::{Value, json};

/// An OperationOutcome with one issue of severity `error`.
pub fn error(code: &str, diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": code, "diagnostics": diagnostics }]
    })
}

/// True if the value claims to be an OperationOutcome.
pub fn is_outcome(value: &Value) -> bool {
    super::resource::resource_type(value) == Some("OperationOutcome")
}

/// The value set that issue codes are bound to, required. <http://hl7.org/fhir/R4/valueset-issue-type.html>
const ISSUE_TYPES: &[&str] = &[
    "business-rule",
    "code-invalid",
    "conflict",
    "deleted",
    "duplicate",
    "exception",
    "expired",
    "extension",
    "forbidden",
    "incomplete",
    "informational",
    "invalid",
    "invariant",
    "lock-error",
    "login",
    "multiple-matches",
    "no-store",
    "not-found",
    "not-supported",
    "processing",
    "required",
    "security",
    "structure",
    "suppressed",
    "throttled",
    "timeout",
    "too-costly",
    "too-long",
    "transient",
    "unknown",
    "value",
];

/// Issue codes in order, those of R4 only: what else stands there may be anything, and these are printed.
pub fn codes(outcome: &Value) -> Vec<&str> {
    issues(outcome)
        .filter_map(|issue| issue.get("code")?.as_str())
        .filter(|code| ISSUE_TYPES.contains(code))
        .collect()
}

/// True if an issue has severity `error` or `fatal`.
pub fn is_failure(outcome: &Value) -> bool {
    issues(outcome).any(|issue| {
        matches!(
            issue.get("severity").and_then(Value::as_str),
            Some("error" | "fatal")
        )
    })
}

fn issues(outcome: &Value) -> impl Iterator<Item = &Value> {
    outcome
        .get("issue")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
