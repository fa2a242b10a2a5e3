//! `Coding.system`: it names the code system that defines the code.
//! Not whether the code is one of that system, and not whether the code system is known.
//!
//! <http://hl7.org/fhir/R4/terminologies.html>: codes are "a pair composed of "system" and "code", where the system is a
//! URL that identifies the code system that defines the codes".

use serde_json::{Map, Value};

use super::walk::Walk;
use super::{Severity, reference, rule};

impl<'v> Walk<'v> {
    /// A system that is surely none: the canonical of a value set (an error), or a relative URI (a warning, as R4 lets
    /// the type `uri` be relative in general).
    pub(super) fn code_system(&mut self, coding: &'v Map<String, Value>) {
        let Some(system) = coding.get("system").and_then(Value::as_str) else {
            return;
        };
        let (severity, message) = if self.is_value_set(system) {
            let message = "is the canonical of a value set, which defines no codes";
            (Severity::Error, message)
        } else if is_relative(system) {
            let message = "is a relative URI, which identifies no code system";
            (Severity::Warning, message)
        } else {
            return;
        };
        self.location.enter("system");
        self.report_as(rule::CODE_SYSTEM, severity, None, message);
        self.location.leave();
    }

    /// True for a value set of the library that looks like one; some guides give a code system the canonical of the
    /// value set of all its codes.
    fn is_value_set(&self, canonical: &str) -> bool {
        let library = self.full.as_ref().map(|full| full.library());
        canonical.contains("/ValueSet/")
            && library.is_some_and(|library| {
                library.has_value_set(canonical) && !library.has_code_system(canonical)
            })
    }
}

fn is_relative(uri: &str) -> bool {
    // Most systems: no need to look further.
    let is_common = uri.starts_with("http://") || uri.starts_with("urn:");
    !is_common && !uri.is_empty() && !reference::has_scheme(uri)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Severity, Validator, rule};

    fn severities(system: &str) -> Vec<Severity> {
        let patient = json!({"resourceType": "Patient", "maritalStatus": {"coding": [{"system": system, "code": "M"}]}});
        let issues = Validator::built_in().validate(&patient, &[]).issues;
        let found = issues
            .iter()
            .filter(|issue| issue.rule == rule::CODE_SYSTEM);
        found.map(|issue| issue.severity).collect()
    }

    #[test]
    fn a_value_set_is_no_code_system() {
        assert_eq!(
            severities("http://hl7.org/fhir/ValueSet/marital-status"),
            [Severity::Error]
        );
        assert_eq!(severities("http://example.org/ValueSet/unknown"), []);
    }

    #[test]
    fn a_relative_system_is_a_warning_and_an_absolute_one_is_none() {
        assert_eq!(severities("Marital"), [Severity::Warning]);
        assert_eq!(severities("urn:oid:1.2.3"), []);
        assert_eq!(
            severities("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"),
            []
        );
    }
}
