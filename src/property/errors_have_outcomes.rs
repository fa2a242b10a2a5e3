//! `property/errors-have-outcomes`: an error says what is wrong in an OperationOutcome with severity and code.
//! Row FZ-08.

use super::case::{Case, Command, Origin, RawBody, Script};
use super::trace::{Event, Reply, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz, life,
};
use crate::fhir::capability::Capability;
use crate::fhir::resource::resource_type;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::{Value, json};

/// See the module.
pub struct ErrorsHaveOutcomes;

static SPEC: PropertySpec = PropertySpec {
    id: "property/errors-have-outcomes",
    title: "An error says what is wrong in an OperationOutcome",
    level: Level::Should,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "In either case, the server SHOULD include a response body containing an OperationOutcome with detailed error messages describing the reason for the error",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a wrong create was answered with 4xx",
    usual_causes: &[
        "errors of the web framework do not pass through the FHIR layer",
        "issues are without severity or code",
    ],
};

impl Property for ErrorsHaveOutcomes {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read"])?;
        fuzz::permitted(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let name = ground.one_written(&["read"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let bodies = [
            RawBody::Text("{".to_owned()),
            RawBody::Json(json!({ "resourceType": "NoSuchType" })),
            RawBody::Text(String::new()),
            RawBody::Json({
                let mut resource = dataset::member(name, values);
                resource["meta"] = json!("x");
                resource
            }),
        ];
        for body in bodies {
            script.push(Command::Raw(fuzz::post(name, body)));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for event in &trace.events {
            if let (Command::Raw(_), Reply::Refused(exchange)) =
                (&event.step.command, event.reply())
            {
                judgement.weighed += 1;
                judgement
                    .violations
                    .extend(judge(event, exchange.json().as_ref()));
            }
        }
        judgement.violations.truncate(1);
        judgement
    }
}

const SEVERITIES: &[&str] = &["fatal", "error", "warning", "information"];

fn judge(event: &Event, body: Option<&Value>) -> Option<Violation> {
    let found = |title: &str, expected: &str, actual: &str, sign: &str| {
        Some(
            life::violation(
                &SPEC,
                title,
                expected,
                actual,
                "OperationOutcome.issue",
                &[event],
            )
            .signed(sign),
        )
    };
    let outcome = body.filter(|body| resource_type(body) == Some("OperationOutcome"));
    let Some(outcome) = outcome else {
        return found(
            "An error has no OperationOutcome",
            "an OperationOutcome",
            "none",
            "none",
        );
    };
    let issues = outcome.get("issue").and_then(Value::as_array);
    let Some(issues) = issues.filter(|issues| !issues.is_empty()) else {
        return found(
            "An OperationOutcome has no issue",
            "at least one issue",
            "none",
            "empty",
        );
    };
    let is_complete = |issue: &Value| {
        let severity = issue.get("severity").and_then(Value::as_str);
        let code = issue.get("code").and_then(Value::as_str);
        severity.is_some_and(|severity| SEVERITIES.contains(&severity)) && code.is_some()
    };
    if issues.iter().all(is_complete) {
        return None;
    }
    found(
        "An issue of an OperationOutcome lacks severity or code",
        "severity and code of their value sets",
        "one is missing",
        "incomplete",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};

    fn judge(body: Value) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let raw = fuzz::post("Patient", RawBody::None);
        stage.push(Command::Raw(raw), None, vec![(400, body)]);
        ErrorsHaveOutcomes
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn an_outcome_with_a_complete_issue_is_silent() {
        let issue = json!({"severity": "error", "code": "invalid"});
        assert_eq!(
            judge(json!({"resourceType": "OperationOutcome", "issue": [issue]})),
            []
        );
    }

    #[test]
    fn other_bodies_and_incomplete_issues_are_found() {
        assert_eq!(judge(json!({"error": "x"}))[0].signature, ["none"]);
        assert_eq!(
            judge(json!({"resourceType": "OperationOutcome"}))[0].signature,
            ["empty"]
        );
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "bad"}]});
        assert_eq!(judge(outcome)[0].signature, ["incomplete"]);
    }
}
