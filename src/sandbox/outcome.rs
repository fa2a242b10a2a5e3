//! Refusals: a status, issues and header fields that become an OperationOutcome. Not the happy path.

use serde_json::{Value, json};

use crate::fhir::validate::Issue;

/// Why a request is refused; every refusal has a body of type OperationOutcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `OperationOutcome.issue`.
    pub issues: Vec<Value>,
    /// Fields that the status demands (`Allow`, `WWW-Authenticate`, `Retry-After`).
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal with one issue; `code` is of <http://hl7.org/fhir/R4/valueset-issue-type.html>.
    pub fn new(status: u16, code: &str, diagnostics: impl Into<String>) -> Self {
        Refusal {
            status,
            issues: vec![issue("error", code, &diagnostics.into())],
            headers: Vec::new(),
        }
    }

    /// 400 with code `invalid`.
    pub fn invalid(diagnostics: impl Into<String>) -> Self {
        Refusal::new(400, "invalid", diagnostics)
    }

    /// 404 with code `not-found`.
    pub fn not_found(diagnostics: impl Into<String>) -> Self {
        Refusal::new(404, "not-found", diagnostics)
    }

    /// 412 with code `conflict`.
    pub fn precondition(diagnostics: impl Into<String>) -> Self {
        Refusal::new(412, "conflict", diagnostics)
    }

    /// 500 with code `exception`: only planted faults crash.
    pub fn crashed() -> Self {
        let message = "the server could not process the request";
        Refusal::new(500, "exception", message)
    }

    /// 422 with one issue per violation of the resource's definition.
    pub fn unprocessable(violations: &[Issue]) -> Self {
        let issues = violations
            .iter()
            .map(|violation| {
                json!({
                    "severity": "error",
                    "code": issue_type(violation.rule),
                    "diagnostics": format!("{}: {}", violation.rule, violation.message),
                    "expression": [violation.path],
                })
            })
            .collect();
        Refusal {
            status: 422,
            issues,
            headers: Vec::new(),
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says in which entry of a Bundle the refusal arose.
    #[must_use]
    pub fn in_entry(mut self, index: usize) -> Self {
        for issue in &mut self.issues {
            issue["expression"] = json!([format!("Bundle.entry[{index}]")]);
        }
        self
    }

    /// The OperationOutcome.
    pub fn outcome(&self) -> Value {
        json!({ "resourceType": "OperationOutcome", "issue": self.issues })
    }
}

/// One `OperationOutcome.issue`.
pub fn issue(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({ "severity": severity, "code": code, "diagnostics": diagnostics })
}

/// The outcome of a request that went well, for `Prefer: return=OperationOutcome`.
pub fn success(diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [issue("information", "informational", diagnostics)],
    })
}

fn issue_type(rule: &str) -> &'static str {
    match rule.split('/').next() {
        Some("structure") => "structure",
        Some("binding") => "code-invalid",
        Some("primitive") => "value",
        _ => "invalid",
    }
}
