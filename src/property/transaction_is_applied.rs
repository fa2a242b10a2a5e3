//! `property/transaction-is-applied`: a transaction that is accepted has all its effects, and its answer says of each entry, in
//! the order of the request, what came of it. Row TX-01.

use super::case::{Case, Command, Entry, Origin, Script};
use super::trace::{Event, Trace};
use super::transaction::{self, Fate, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct TransactionIsApplied;

/// Most creates in one transaction.
const MOST_CREATES: u32 = 6;

static SPEC: PropertySpec = PropertySpec {
    id: "property/transaction-is-applied",
    title: "A transaction that is accepted has all its effects",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#transaction",
    sentence: "contains one entry for each entry in the request, in the same order, with the outcome of processing the entry",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Tag],
    precondition: "a transaction was accepted and an effect of it was read",
    usual_causes: &[
        "entries are answered in the order in which they were carried out",
        "one kind of entry is dropped without an error",
        "the answer is sent before the transaction is committed",
    ],
};

impl Property for TransactionIsApplied {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "transaction", &["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let old = script.create(dataset::turn(resource_type, 0, values));
        let mut entries = Vec::new();
        for turn in 0..1 + values.below(MOST_CREATES) {
            let creation = script.creation(dataset::turn(resource_type, 10 + turn, values));
            entries.push(script.entry(creation));
        }
        let changed = dataset::turn(resource_type, 1, values);
        let update = transaction::update(ground, old, changed, old);
        entries.push(script.entry(update));
        if ground.capability.supports(resource_type, "delete") {
            let doomed = script.create(dataset::turn(resource_type, 2, values));
            entries.push(script.entry(Command::Delete {
                target: doomed,
                if_match: None,
            }));
        }
        transaction::shuffle(&mut entries, values);
        let subjects: Vec<u32> = entries.iter().map(transaction::subject).collect();
        script.bundle(true, entries);
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
            match transaction::fate(event) {
                Fate::Done(body) => {
                    let found = transaction::answers(&body);
                    if found != entries.len() {
                        judgement.weighed += 1;
                        judgement.violations.push(miscounted(event, entries, found));
                        continue;
                    }
                    judge(trace, index, event, entries, &mut judgement);
                }
                Fate::Refused(status) => judgement.open.push(Open::Blocked(format!(
                    "the target refuses the transaction ({status})"
                ))),
                Fate::Unknown(reason) => judgement.open.push(reason),
                Fate::Absent => {}
            }
        }
        judgement
    }
}

fn miscounted(event: &Event, entries: &[Entry], found: usize) -> Violation {
    life::violation(
        &SPEC,
        "The answer to a transaction has not one entry for each of the request",
        Phrase::say(format!("{} entries", entries.len())),
        Phrase::say(format!("{found} entries")),
        "Bundle.entry",
        &[event],
    )
    .signed("count")
}

fn judge(trace: &Trace, index: usize, event: &Event, entries: &[Entry], judgement: &mut Judgement) {
    for (entry, part) in entries.iter().zip(&event.parts) {
        let failed = part.status.is_some_and(|status| status >= 400);
        if failed {
            judgement.weighed += 1;
            judgement.violations.push(
                life::violation(
                    &SPEC,
                    "A transaction was accepted and says that one of its entries failed",
                    "status 2xx or 3xx of every entry",
                    "an error status",
                    "Bundle.entry.response.status",
                    &[event],
                )
                .signed("status"),
            );
            continue;
        }
        let read = transaction::read_after(trace, index, transaction::subject(entry));
        let (Some(expected), Some(read)) = (transaction::effect(&entry.command), read) else {
            continue;
        };
        let Some(found) = transaction::state(read) else {
            judgement.open.extend(read.doubt().map(Open::Undecided));
            continue;
        };
        judgement.weighed += 1;
        if found != expected {
            judgement
                .violations
                .push(lost(event, read, &entry.command, &found));
        }
    }
}

fn lost(event: &Event, read: &Event, command: &Command, found: &State) -> Violation {
    let (what, sign) = match (command, found) {
        (Command::Delete { .. }, _) => ("still there", "delete"),
        (_, State::Gone) => ("not there", "missing"),
        (Command::Put { .. }, State::There(_)) => ("another content", "update"),
        (_, State::There(_)) => ("another content", "create"),
    };
    life::violation(
        &SPEC,
        "An entry of an accepted transaction is without effect, or its answer is that of another",
        "what the entry writes or deletes",
        what,
        "Bundle.entry",
        &[event, read],
    )
    .signed(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, response};
    use serde_json::{Value, json};

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    fn creation(id: u32, text: &str) -> Entry {
        let command = Command::Create {
            name: format!("r{id}"),
            resource: patient(text),
            if_none_exist: false,
        };
        Entry { id, command }
    }

    fn judge_answer(answer: Value, first: (u16, &str), deleted: u16) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let doomed = stage.create("Patient/0", patient("turn 2"));
        let delete = Entry {
            id: 102,
            command: Command::Delete {
                target: doomed,
                if_match: None,
            },
        };
        let entries = vec![creation(100, "turn 10"), creation(101, "turn 11"), delete];
        stage.bundle(entries, 200, answer, &[(doomed, "Patient/0")]);
        stage.read_entry(100, "Patient/a", first.0, patient(first.1));
        stage.read_entry(101, "Patient/b", 200, patient("turn 11"));
        stage.read_entry(doomed, "Patient/0", deleted, json!({}));
        TransactionIsApplied.check(&stage.trace(), &capability(json!({})))
    }

    fn all() -> Value {
        response(&[
            ("201 Created", "Patient/a/_history/1"),
            ("201 Created", "Patient/b/_history/1"),
            ("204", "Patient/0"),
        ])
    }

    #[test]
    fn a_transaction_with_all_its_effects_is_silent() {
        let judgement = judge_answer(all(), (200, "turn 10"), 410);
        assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 3));
    }

    #[test]
    fn what_is_missing_swapped_left_or_left_out_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature.clone();
        assert_eq!(sign(judge_answer(all(), (404, ""), 410)), ["missing"]);
        assert_eq!(sign(judge_answer(all(), (200, "turn 11"), 410)), ["create"]);
        assert_eq!(sign(judge_answer(all(), (200, "turn 10"), 200)), ["delete"]);
        let short = response(&[("201", "Patient/a")]);
        assert_eq!(sign(judge_answer(short, (200, "turn 10"), 410)), ["count"]);
        let failed = response(&[("201", "Patient/a"), ("422", ""), ("204", "")]);
        assert_eq!(
            sign(judge_answer(failed, (200, "turn 10"), 410)),
            ["status"]
        );
    }
}
