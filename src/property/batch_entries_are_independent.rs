//! `property/batch-entries-are-independent`: an entry of a batch that fails is reported, and the others take effect. Row TX-03.

use super::case::{Case, Command, Entry, Origin, Raw, RawBody, Script};
use super::trace::{Event, Part, Trace};
use super::transaction::{self, Fate, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;
use serde_json::json;

/// See the module.
pub struct BatchEntriesAreIndependent;

/// Most creates beside the entry that fails.
const MOST_CREATES: u32 = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/batch-entries-are-independent",
    title: "An entry of a batch that fails does not touch the others",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#brules",
    sentence: "The success or failure of one change SHOULD not alter the success or failure or resulting content of another change",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Tag],
    precondition: "a batch with an entry that cannot be carried out was answered",
    usual_causes: &[
        "a batch is carried out as a transaction",
        "the batch ends at the first error",
        "an exception of one entry ends the whole request",
    ],
};

impl Property for BatchEntriesAreIndependent {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "batch", &["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let known = script.create(dataset::turn(resource_type, 0, values));
        let mut entries = Vec::new();
        for turn in 0..1 + values.below(MOST_CREATES) {
            let creation = script.creation(dataset::turn(resource_type, 10 + turn, values));
            entries.push(script.entry(creation));
        }
        let changed = dataset::turn(resource_type, 1, values);
        let update = transaction::update(ground, known, changed, known);
        entries.push(script.entry(update));
        let bad = bad(&script, resource_type, values);
        let bad = script.entry(bad);
        let place = values.below(u32::try_from(entries.len()).unwrap_or(0) + 1);
        entries.insert(place as usize, bad);
        let subjects: Vec<u32> = entries
            .iter()
            .filter(|entry| !is_bad(entry))
            .map(transaction::subject)
            .collect();
        script.bundle(false, entries);
        for subject in subjects {
            script.read(subject);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            // An entry that fails is what makes the batch one of this property.
            if !entries.iter().any(is_bad) {
                continue;
            }
            match transaction::fate(event) {
                Fate::Done(body) if transaction::answers(&body) == entries.len() => {
                    judgement.weighed += 1;
                    let found = touched(trace, index, event, entries);
                    judgement.violations.extend(found);
                }
                Fate::Done(_) => judgement.open.push(Open::Undecided(
                    "the answer has not one entry for each of the request".to_owned(),
                )),
                Fate::Refused(_) => {
                    judgement.weighed += 1;
                    judgement.violations.push(refused(event));
                }
                Fate::Unknown(reason) => judgement.open.push(reason),
                Fate::Absent => {}
            }
        }
        judgement
    }
}

/// An entry in order as such that cannot succeed: a read of what there is not, or an update whose body says another id
/// than its URL.
fn bad(script: &Script, resource_type: &str, values: &mut Values) -> Command {
    let (method, body, name) = match values.below(2) {
        0 => (Method::Get, RawBody::None, None),
        _ => {
            let mut resource = dataset::turn(resource_type, 90, values);
            resource["id"] = json!("another-than-in-the-url");
            // A lenient server may store it: the name makes it ours to remove.
            let name = script.fresh_name();
            (Method::Put, RawBody::Json(resource), Some(name))
        }
    };
    Command::Raw(Raw {
        method,
        url: format!("{resource_type}/there-is-no-such-resource"),
        headers: Vec::new(),
        body,
        name,
    })
}

fn is_bad(entry: &Entry) -> bool {
    matches!(entry.command, Command::Raw(_))
}

fn refused(event: &Event) -> Violation {
    life::violation(
        &SPEC,
        "A batch was refused as a whole because one of its entries fails",
        "status 200 with an answer to each entry",
        life::says(event),
        "status",
        &[event],
    )
    .signed("refused")
}

/// An entry that another one kept from its effect.
fn touched(trace: &Trace, index: usize, event: &Event, entries: &[Entry]) -> Option<Violation> {
    entries
        .iter()
        .zip(&event.parts)
        .find_map(|(entry, part)| match is_bad(entry) {
            true => unreported(event, entry, part),
            false => without_effect(trace, index, event, entry, part),
        })
}

fn unreported(event: &Event, entry: &Entry, part: &Part) -> Option<Violation> {
    let Command::Raw(raw) = &entry.command else {
        return None;
    };
    let status = part.status.filter(|status| *status < 400)?;
    // An update at an id that does not fit may be mended by a lenient server; a read of nothing has no answer.
    (raw.method == Method::Get).then(|| {
        life::violation(
            &SPEC,
            "An entry of a batch that reads what is not there is answered as if it were",
            "status 404",
            Phrase::say(format!("status {status}")),
            "Bundle.entry.response.status",
            &[event],
        )
        .signed("unreported")
    })
}

fn without_effect(
    trace: &Trace,
    index: usize,
    event: &Event,
    entry: &Entry,
    part: &Part,
) -> Option<Violation> {
    let expected = transaction::effect(&entry.command)?;
    if part.status.is_some_and(|status| status >= 400) {
        return Some(
            life::violation(
                &SPEC,
                "An entry of a batch that is in order failed beside one that is not",
                "status 2xx",
                "an error status",
                "Bundle.entry.response.status",
                &[event],
            )
            .signed("failed"),
        );
    }
    let read = transaction::read_after(trace, index, transaction::subject(entry))?;
    let found = transaction::state(read)?;
    (found != expected).then(|| {
        let what = match found {
            State::Gone => "not there",
            State::There(_) => "another content",
        };
        life::violation(
            &SPEC,
            "An entry of a batch that was answered with success is without effect",
            "what the entry writes",
            what,
            "Bundle.entry",
            &[event, read],
        )
        .signed("lost")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, response};
    use serde_json::Value;

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    fn judge(status: u16, statuses: [&str; 2], read: (u16, &str)) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let good = Command::Create {
            name: "r100".to_owned(),
            resource: patient("turn 10"),
            if_none_exist: false,
        };
        let get = Command::Raw(Raw {
            method: Method::Get,
            url: "Patient/none".to_owned(),
            headers: Vec::new(),
            body: RawBody::None,
            name: None,
        });
        let entry = |id: u32, command: Command| Entry { id, command };
        let answer = match status {
            200 => response(&[(statuses[0], "Patient/a"), (statuses[1], "")]),
            _ => json!({}),
        };
        stage.bundle(vec![entry(100, good), entry(101, get)], status, answer, &[]);
        stage.read_entry(100, "Patient/a", read.0, patient(read.1));
        BatchEntriesAreIndependent.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_failed_entry_beside_one_with_its_effect_is_silent() {
        let judgement = judge(200, ["201", "404"], (200, "turn 10"));
        assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
    }

    #[test]
    fn a_batch_that_one_entry_spoils_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature.clone();
        assert_eq!(sign(judge(400, ["", ""], (404, ""))), ["refused"]);
        assert_eq!(sign(judge(200, ["424", "404"], (404, ""))), ["failed"]);
        assert_eq!(sign(judge(200, ["201", "404"], (404, ""))), ["lost"]);
        assert_eq!(
            sign(judge(200, ["201", "200"], (200, "turn 10"))),
            ["unreported"]
        );
    }

    #[test]
    fn a_lost_answer_decides_nothing() {
        assert_eq!(judge(503, ["", ""], (404, "")).weighed, 0);
    }
}
