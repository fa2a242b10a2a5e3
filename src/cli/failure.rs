//! Failures: errors about the user or about us, as one message that says what, why and what to do.
//! Errors about the target are data (`record::verdict`), not failures.

use std::fmt;

use super::exit::Exit;

/// An error that ends the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What could not be done, a lower-case fragment (`read suites/x.yaml`).
    pub what: String,
    /// Why, one line or several.
    pub why: String,
    /// What to do about it; empty if there is nothing to say.
    pub hint: String,
    /// Exit code.
    pub code: Exit,
}

impl Failure {
    /// A usage, configuration or suite error.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure {
            what: what.into(),
            why: why.into(),
            hint: hint.into(),
            code: Exit::Usage,
        }
    }

    /// The target does not answer.
    pub fn unreachable(
        what: impl Into<String>,
        why: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Failure {
            what: what.into(),
            why: why.into(),
            hint: hint.into(),
            code: Exit::Unreachable,
        }
    }

    /// The same failure with another exit code.
    #[must_use]
    pub fn with_code(mut self, code: Exit) -> Self {
        self.code = code;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: could not {}", self.what)?;
        if self.why.contains('\n') {
            write!(f, "\n{}", self.why)?;
        } else if !self.why.is_empty() {
            write!(f, ": {}", self.why)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}
