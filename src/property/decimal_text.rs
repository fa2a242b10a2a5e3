//! `property/decimal-text`: a number is read back with the digits with which it was written.

use super::case::{Case, Command, Origin, Script};
use super::compare::{Numbers, differences};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct DecimalText;

static SPEC: PropertySpec = PropertySpec {
    id: "property/decimal-text",
    title: "A number is read back with the digits with which it was written",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/datatypes.html#decimal",
    sentence: "Implementations SHALL handle decimal values in ways that preserve and respect the precision of the value as represented for presentation purposes",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a decimal was accepted and read back",
    usual_causes: &[
        "JSON numbers pass through a binary float, which drops trailing zeros and rounds long fractions",
        "a database column of type double, or of a fixed scale, holds the value",
    ],
};

impl Property for DecimalText {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = ground.written(&["read"]).unwrap_or_default();
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let resource = if types.contains(&"Observation") {
            dataset::measured(values)
        } else {
            dataset::measured_patient(values)
        };
        let made = script.create(resource);
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        for read in &trace.events {
            let Command::Read { target } = read.step.command else {
                continue;
            };
            if let Some(write) = trace.event(target) {
                compare(trace, write, read, &mut judgement);
            }
        }
        judgement
    }
}

fn compare(trace: &Trace, write: &Event, read: &Event, judgement: &mut Judgement) {
    let sent = write.accepted().and_then(|_| write.sent());
    let found = read.accepted().and_then(|exchange| exchange.json());
    let (Some(sent), Some(found)) = (sent, found) else {
        return;
    };
    judgement.weighed += 1;
    let changed = differences(&sent, &found, &trace.base, Numbers::Exact)
        .into_iter()
        .find(|difference| difference.class == "number" && difference.kind == "changed");
    // A decimal inside an extension is classed as part of the extension.
    let changed = changed.or_else(|| {
        differences(&sent, &found, &trace.base, Numbers::Exact)
            .into_iter()
            .find(|difference| {
                difference.path.ends_with(".valueDecimal") && difference.kind == "changed"
            })
    });
    let Some(difference) = changed else { return };
    let mut violation = Violation::new(
        SPEC.id,
        "A decimal is read back with other digits than it was written",
        Phrase::default().data(difference.sent),
        Phrase::default().data(difference.found),
    )
    .at(difference.path)
    .seen_in(write.numbers().chain(read.numbers()))
    .signed("number-text");
    violation.oracle = Some(Completeness::Exact);
    judgement.violations.push(violation);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(sent: &str, found: &str) -> Judgement {
        let body = |text: &str| {
            serde_json::from_str(&format!(
                r#"{{"resourceType":"Observation","valueQuantity":{{"value":{text}}}}}"#
            ))
            .unwrap()
        };
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Observation/1", body(sent));
        stage.read(made, 200, body(found));
        DecimalText.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn kept_digits_are_silent_and_an_exponent_may_be_written_out() {
        assert_eq!(judge("0.10", "0.10").violations, []);
        assert_eq!(judge("1.2E2", "120").violations, []);
        assert_eq!(judge("0.10", "0.10").weighed, 1);
    }

    #[test]
    fn lost_digits_are_found() {
        for (sent, found) in [
            ("0.10", "0.1"),
            ("1", "1.0"),
            ("12345678901234.5678", "12345678901234.568"),
        ] {
            assert_eq!(judge(sent, found).violations.len(), 1, "{sent} {found}");
        }
    }
}
