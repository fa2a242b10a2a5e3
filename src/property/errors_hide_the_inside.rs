//! `property/errors-hide-the-inside`: an error says what is wrong with the request and nothing of the inside of the server.
//! Row FZ-09.

use super::case::{Case, Command, Origin, RawBody, Script};
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, fuzz, life};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ErrorsHideTheInside;

static SPEC: PropertySpec = PropertySpec {
    id: "property/errors-hide-the-inside",
    title: "An error does not show the inside of the server",
    level: Level::May,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/security.html#http",
    sentence: "(paraphrase) Error messages should not tell more of the inside of a system than the client needs",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a wrong request was answered with a body",
    usual_causes: &["stack traces or statements of the database are sent to clients"],
};

impl Property for ErrorsHideTheInside {
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
        let raws = [
            fuzz::post(name, RawBody::Text("{\"a\":".to_owned())),
            fuzz::post(name, RawBody::Text("{\"resourceType\":7}".to_owned())),
            fuzz::get(format!("{name}?_id=%00")),
            fuzz::get(format!("{name}/%00")),
        ];
        for raw in raws {
            script.push(Command::Raw(raw));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for event in &trace.events {
            if matches!(event.step.command, Command::Raw(_)) && life::status(event) >= 400 {
                judgement.weighed += 1;
                judgement.violations.extend(judge(event));
            }
        }
        judgement.violations.truncate(1);
        judgement
    }
}

/// Pieces of text that only the inside of a program writes, with what they are.
const TRACES: &[(&str, &str)] = &[
    ("\tat java.", "a Java stack trace"),
    ("\\tat ", "a Java stack trace"),
    ("java.lang.", "a Java class"),
    ("org.springframework.", "a Java class"),
    ("Traceback (most recent call last)", "a Python stack trace"),
    ("node_modules/", "a JavaScript path"),
    ("   at System.", "a .NET stack trace"),
    ("SQLSTATE", "a database error"),
    ("ORA-0", "a database error"),
    ("goroutine ", "a Go stack trace"),
    ("panicked at ", "a Rust panic"),
];

fn judge(event: &Event) -> Option<Violation> {
    let response = event.last()?.response()?;
    let text = String::from_utf8_lossy(&response.body);
    let (_, what) = TRACES.iter().find(|(piece, _)| text.contains(piece))?;
    let title = "An error shows the inside of the server";
    let actual = Phrase::say((*what).to_owned());
    Some(
        life::violation(
            &SPEC,
            title,
            "what is wrong with the request",
            actual,
            "body",
            &[event],
        )
        .signed("inside"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(text: &str) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let raw = fuzz::get("Patient");
        stage.push(Command::Raw(raw), None, vec![(400, json!({"text": text}))]);
        ErrorsHideTheInside
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn a_sentence_for_the_client_is_silent() {
        assert_eq!(judge("birthDate is no date"), []);
    }

    #[test]
    fn a_stack_trace_is_found() {
        assert_eq!(
            judge("java.lang.NullPointerException")[0].signature,
            ["inside"]
        );
    }
}
