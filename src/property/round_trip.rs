//! `property/round-trip`: what was written is what is read back. Numbers are left to `decimal-text`; elements that
//! the server adds are its own business.

use super::case::{Case, Command, Origin, Script};
use super::compare::{Difference, Numbers, differences};
use super::trace::{Event, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct RoundTrip;

static SPEC: PropertySpec = PropertySpec {
    id: "property/round-trip",
    title: "What was written is what is read back",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource was accepted and read back",
    usual_causes: &[
        "a typed model without a field for primitive extensions or unknown extensions drops them",
        "text is trimmed or normalised to NFC before it is stored",
        "dates are stored as instants, so a year or a month gains a day",
        "a database column or an encoding cuts or replaces characters beyond the basic plane",
    ],
};

impl Property for RoundTrip {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let resource_type = ground.one_written(&["read"], values);
        let made = script.create(dataset::document(resource_type, values));
        script.read(made);
        if ground.capability.supports(resource_type, "update") && values.chance(50) {
            script.put(made, dataset::document(resource_type, values), None);
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        let mut written: Option<&Event> = None;
        for event in &trace.events {
            match event.step.command {
                Command::Create { .. } | Command::Put { .. } => {
                    written = accept(event, &mut judgement);
                }
                Command::Read { .. } => {
                    if let Some(write) = written {
                        compare(trace, write, event, &mut judgement);
                    }
                }
                _ => {}
            }
        }
        judgement
    }
}

/// Notes what a write came to; a legal resource may be refused, but must not break the server.
fn accept<'a>(event: &'a Event, judgement: &mut Judgement) -> Option<&'a Event> {
    match event.reply() {
        Reply::Accepted(_) => return Some(event),
        Reply::Refused(exchange) => judgement.open.push(Open::Blocked(format!(
            "the target refuses a legal resource ({})",
            exchange.status().unwrap_or_default()
        ))),
        Reply::Unknown if event.last().and_then(|last| last.status()) == Some(500) => {
            judgement.weighed += 1;
            let violation = Violation::new(
                SPEC.id,
                "A legal resource makes the server fail",
                "the resource accepted, or refused with 4xx",
                "status 500",
            );
            let numbers: Vec<u32> = event.numbers().collect();
            judgement
                .violations
                .push(violation.seen_in(numbers).signed("500"));
        }
        Reply::Unknown => judgement.open.extend(event.doubt().map(Open::Undecided)),
        Reply::Absent => {}
    }
    None
}

fn compare(trace: &Trace, write: &Event, read: &Event, judgement: &mut Judgement) {
    let (Some(sent), Some(exchange)) = (write.sent(), read.last()) else {
        return;
    };
    let found = match read.reply() {
        Reply::Accepted(_) => exchange.json(),
        Reply::Refused(_) if matches!(exchange.status(), Some(404 | 410)) => None,
        Reply::Refused(_) | Reply::Absent => return,
        Reply::Unknown => {
            judgement.open.extend(read.doubt().map(Open::Undecided));
            return;
        }
    };
    judgement.weighed += 1;
    let numbers = write.numbers().chain(read.numbers());
    let Some(found) = found else {
        let violation = Violation::new(
            SPEC.id,
            "What was just written is not there",
            "the resource that was accepted",
            Phrase::say("status ").words(exchange.status().unwrap_or_default().to_string()),
        );
        judgement
            .violations
            .push(violation.seen_in(numbers).signed("absent"));
        return;
    };
    if let Some(first) = differences(&sent, &found, &trace.base, Numbers::Present).first() {
        judgement.violations.push(violation(first).seen_in(numbers));
    }
}

fn violation(difference: &Difference) -> Violation {
    let title = match difference.kind {
        "lost" => "A value that was written is lost",
        "reordered" => "A list is read back in another order than it was written",
        _ => "A value is read back other than it was written",
    };
    let actual = if difference.found.is_empty() {
        Phrase::say("nothing at this place")
    } else {
        Phrase::default().data(difference.found.as_str())
    };
    let mut violation = Violation::new(
        SPEC.id,
        title,
        Phrase::default().data(difference.sent.as_str()),
        actual,
    )
    .at(difference.path.as_str())
    .signed(difference.kind)
    .signed(difference.class);
    violation.oracle = Some(Completeness::Exact);
    violation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(found: serde_json::Value) -> Judgement {
        let sent = json!({"resourceType": "Patient", "name": [{"family": "Ame\u{301}lie"}]});
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", sent);
        stage.read(made, 200, found);
        RoundTrip.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_faithful_store_is_silent() {
        let judgement = judge(
            json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": "1"},
            "name": [{"family": "Ame\u{301}lie"}], "active": true}),
        );
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn normalised_text_and_lost_elements_are_found() {
        let changed = judge(json!({"resourceType": "Patient", "name": [{"family": "Amélie"}]}));
        assert_eq!(changed.violations[0].signature, ["changed", "string"]);
        assert_eq!(changed.violations[0].place, "Patient.name.family");
        let lost = judge(json!({"resourceType": "Patient"}));
        assert_eq!(lost.violations[0].signature[0], "lost");
    }

    #[test]
    fn a_refused_resource_is_not_held_against_the_target() {
        let mut stage = Stage::new(SPEC.id);
        stage.create_answered("Patient/1", json!({"resourceType": "Patient"}), 422);
        let judgement = RoundTrip.check(&stage.trace(), &capability(json!({})));
        assert_eq!(
            (
                judgement.violations.len(),
                judgement.weighed,
                judgement.open.len()
            ),
            (0, 0, 1)
        );
    }
}
