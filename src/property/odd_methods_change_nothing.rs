//! `property/odd-methods-change-nothing`: a method where R4 gives it no meaning is no server error, and the server goes on.
//! Row FZ-10.

use super::case::{Case, Command, Raw, RawBody};
use super::trace::{Event, Trace, shown_version};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz, life,
};
use crate::fhir::capability::Capability;
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct OddMethodsChangeNothing;

static SPEC: PropertySpec = PropertySpec {
    id: "property/odd-methods-change-nothing",
    title: "A method where it has no meaning is no server error and changes nothing",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#summary",
    sentence: "(paraphrase) A method that a server does not support on a resource is answered with 405 and has no effect",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a method was used where R4 gives it no meaning",
    usual_causes: &["a router falls through to another handler"],
};

impl Property for OddMethodsChangeNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        fuzz::admit_writing(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        fuzz::writing_case(&SPEC, ground, values, mutant)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = fuzz::judge(&SPEC, trace);
        if judgement.violations.is_empty() && judgement.open.is_empty() {
            judgement.violations.extend(changed(trace));
        }
        judgement
    }

    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.iter().any(|part| part == CHANGED) {
            true => Level::Should,
            false => SPEC.level,
        }
    }
}

/// Part of the signature of a resource that is another one afterwards.
const CHANGED: &str = "changed";

/// The resource of the case has another version or content after the wrong requests than before them.
fn changed(trace: &Trace) -> Option<Violation> {
    let is_read = |event: &&Event| matches!(event.step.command, Command::Read { .. });
    let mut reads = trace.events.iter().filter(is_read);
    let (first, last) = (reads.next()?, reads.next_back()?);
    if first.step.command.target() != last.step.command.target() {
        return None;
    }
    let (one, other) = (first.accepted()?, last.accepted()?);
    let content = |exchange: &Exchange| {
        let body = exchange.json();
        let mark = body.as_ref().and_then(life::mark).map(str::to_owned);
        (shown_version(exchange), mark)
    };
    (content(one) != content(other)).then(|| {
        let raws = trace
            .events
            .iter()
            .filter(|event| matches!(event.step.command, Command::Raw(_)));
        let shown: Vec<&Event> = std::iter::once(first).chain(raws).chain([last]).collect();
        let title = "A method without a meaning changed a resource";
        let expected = "version and content as before";
        life::violation(
            &SPEC,
            title,
            expected,
            "another version or content",
            "resource",
            &shown,
        )
        .signed(CHANGED)
    })
}

/// A method where R4 gives it no meaning. None of them can reach what is not the case's own.
fn mutant(resource_type: &str, values: &mut Values) -> Raw {
    let body = RawBody::Json(dataset::member(resource_type, values));
    let (method, url) = match values.below(5) {
        0 => (Method::Post, "${key:0}".to_owned()),
        1 => (Method::Put, "${key:0}/_history/1".to_owned()),
        2 => (Method::Patch, "${key:0}/_history/1".to_owned()),
        3 => (Method::Put, "metadata".to_owned()),
        _ => (Method::Post, "metadata".to_owned()),
    };
    Raw {
        method,
        url,
        ..fuzz::post(resource_type, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(staged::judge(&OddMethodsChangeNothing, status, 200), []);
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&OddMethodsChangeNothing, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&OddMethodsChangeNothing, 400, 500)[0].signature,
            ["gone"]
        );
    }

    #[test]
    fn a_resource_that_is_another_one_afterwards_is_found() {
        let judged = |version: &str| {
            let patient = |version: &str| json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}});
            let mut stage = Stage::new(SPEC.id);
            let made = stage.create("Patient/1", patient("1"));
            stage.read(made, 200, patient("1"));
            let raw = fuzz::post("Patient/1", RawBody::None);
            stage.push(Command::Raw(raw), None, vec![(405, json!({}))]);
            stage.read(made, 200, patient(version));
            OddMethodsChangeNothing
                .check(&stage.trace(), &capability(json!({})))
                .violations
        };
        assert_eq!(judged("1"), []);
        assert_eq!(judged("2")[0].signature, [CHANGED]);
    }
}
