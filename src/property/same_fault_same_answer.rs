//! `property/same-fault-same-answer`: the same wrong request gets the same kind of answer twice.
//! Row FZ-07.

use super::case::{Case, Command, Origin, RawBody, Script};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;
use serde_json::json;

/// See the module.
pub struct SameFaultSameAnswer;

static SPEC: PropertySpec = PropertySpec {
    id: "property/same-fault-same-answer",
    title: "The same wrong request gets the same kind of answer twice",
    level: Level::Should,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "(paraphrase) The status of an answer depends on the request and on what is stored, and on nothing else",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a wrong request was answered twice",
    usual_causes: &[
        "one of several nodes runs another version",
        "the first failure changes a state that the second one meets",
    ],
};

impl Property for SameFaultSameAnswer {
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
        let mut wrong = dataset::member(name, values);
        wrong["birthDate"] = json!("no date");
        wrong["status"] = json!(["x"]);
        let raws = [
            fuzz::post(name, RawBody::Text("{\"a\":".to_owned())),
            fuzz::post(name, RawBody::Json(wrong)),
            fuzz::get(format!("{name}?_id=%")),
            fuzz::get("NoSuchType/1"),
        ];
        let raw = values.pick(&raws).clone();
        for _ in 0..3 {
            script.push(Command::Raw(raw.clone()));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        let is_raw = |event: &&Event| matches!(event.step.command, Command::Raw(_));
        let answered: Vec<&Event> = trace
            .events
            .iter()
            .filter(is_raw)
            .filter(|event| !matches!(life::status(event), 0 | 429 | 502..=504))
            .collect();
        for pair in answered.windows(2) {
            if pair[0].step.command == pair[1].step.command {
                judgement.weighed += 1;
                judgement.violations.extend(judge(pair[0], pair[1]));
            }
        }
        judgement.violations.truncate(1);
        judgement
    }
}

fn judge(one: &Event, other: &Event) -> Option<Violation> {
    let (first, second) = (life::status(one), life::status(other));
    (first / 100 != second / 100).then(|| {
        life::violation(
            &SPEC,
            "The same wrong request is answered in two ways",
            Phrase::say(format!("status {first} again")),
            life::says(other),
            "status",
            &[one, other],
        )
        .signed("differs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};

    fn judge(statuses: [u16; 2]) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        for status in statuses {
            let raw = fuzz::get("Patient");
            stage.push(Command::Raw(raw), None, vec![(status, json!({}))]);
        }
        SameFaultSameAnswer
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn one_kind_of_answer_is_silent() {
        assert_eq!(judge([400, 422]), []);
        assert_eq!(judge([400, 429]), []);
    }

    #[test]
    fn two_kinds_are_found() {
        assert_eq!(judge([400, 500])[0].signature, ["differs"]);
        assert_eq!(judge([400, 201])[0].signature, ["differs"]);
    }
}
