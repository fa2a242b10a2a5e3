//! `property/cut-transaction-is-whole`: a transaction whose connection is cut happened as a whole or not at all, and one that
//! the target never had whole did not happen. Row TX-09.

use super::case::{Case, Command, Entry, Origin, Script};
use super::trace::{Event, Reply, Trace};
use super::transaction::{self, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::http::fault::Fault;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CutTransactionIsWhole;

/// Fewest updates in one transaction, and how many more there may be.
const UPDATES: (u32, u32) = (2, 4);
/// Cases at most: each waits for work that may still be going on.
const MOST_CASES: u32 = 10;
/// What a target gets to finish what it began, in milliseconds, before it is looked at and before it is looked at again.
const PAUSES: [u32; 2] = [300, 150];
/// How a connection ends.
const FAULTS: &[Fault] = &[
    Fault::CutRequest(50),
    Fault::CutRequest(98),
    Fault::HangUp,
    Fault::HangUp,
    Fault::CutResponse(0),
    Fault::CutResponse(60),
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/cut-transaction-is-whole",
    title: "A transaction whose connection is cut happens as a whole or not at all",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#trules",
    sentence: "or reject all resources and return an HTTP 400 or 500 type response",
    family: Family::Transaction,
    guards: &[Guard::Quiet, Guard::Tag],
    precondition: "a transaction was left without an answer, and what it writes was at rest when it was read",
    usual_causes: &[
        "work ends where the client is gone, and what was done stays",
        "entries are committed one by one while the answer is being written",
    ],
};

impl Property for CutTransactionIsWhole {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "transaction", &["read", "update"])?;
        transaction::disturbable(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let mut commands = Vec::new();
        for turn in 0..UPDATES.0 + values.below(UPDATES.1) {
            let known = script.create(dataset::turn(resource_type, turn, values));
            let changed = dataset::turn(resource_type, 10 + turn, values);
            commands.push(transaction::update(ground, known, changed, known));
        }
        let mut entries: Vec<Entry> = commands
            .into_iter()
            .map(|command| script.entry(command))
            .collect();
        if ground.capability.flag(resource_type, "updateCreate") {
            let name = script.fresh_name();
            let resource = dataset::turn(resource_type, 20, values);
            entries.push(script.entry(Command::PutNew { name, resource }));
        }
        transaction::shuffle(&mut entries, values);
        let subjects: Vec<u32> = entries.iter().map(transaction::subject).collect();
        let bundle = Command::Bundle {
            transaction: true,
            entries,
        };
        script.push_faulty(bundle, *values.pick(FAULTS));
        for ms in PAUSES {
            script.push(Command::Pause { ms });
            for subject in &subjects {
                script.read(*subject);
            }
        }
        script.finish()
    }

    fn cases_at_most(&self) -> u32 {
        MOST_CASES
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            let Some(fault) = event.step.fault else {
                continue;
            };
            if event.reply() == Reply::Absent {
                let reason = "nothing can happen to a request on its way to this target";
                judgement.open.push(Open::Unsupported(reason.to_owned()));
                continue;
            }
            match parts(trace, index, entries) {
                Ok(parts) if parts.is_empty() => {}
                Ok(parts) => {
                    judgement.weighed += 1;
                    judgement.violations.extend(judge(event, fault, &parts));
                }
                Err(reason) => judgement.open.push(reason),
            }
        }
        judgement
    }
}

/// One entry as it was found: whether it took effect, and the read that shows it.
struct Part<'a> {
    happened: bool,
    read: &'a Event,
}

/// What became of the entries.
///
/// # Errors
/// Why that cannot be said of one of them.
fn parts<'a>(trace: &'a Trace, index: usize, entries: &[Entry]) -> Result<Vec<Part<'a>>, Open> {
    let mut parts = Vec::new();
    for entry in entries {
        let subject = transaction::subject(entry);
        let (Some(wanted), Some(before)) = (
            transaction::effect(&entry.command),
            before(trace, entry, subject),
        ) else {
            continue;
        };
        let Some((found, read)) = transaction::at_rest(trace, index, subject)? else {
            continue;
        };
        if found != wanted && found != before {
            return Err(Open::Undecided(
                "a resource has neither the content before nor the one of the transaction"
                    .to_owned(),
            ));
        }
        let happened = found == wanted;
        parts.push(Part { happened, read });
    }
    Ok(parts)
}

/// The state before the transaction.
fn before(trace: &Trace, entry: &Entry, subject: u32) -> Option<State> {
    if entry.command.creates() {
        return Some(State::Gone);
    }
    transaction::written(&trace.event(subject)?.step.command)
}

fn judge(event: &Event, fault: Fault, parts: &[Part<'_>]) -> Option<Violation> {
    let done = parts.iter().filter(|part| part.happened).count();
    let (title, expected, sign) = if fault.is_unheard() && done > 0 {
        (
            "A transaction that was cut before the target had all of it took effect",
            "no effect",
            "unheard",
        )
    } else if done > 0 && done < parts.len() {
        (
            "A transaction whose connection was cut happened in part",
            "all effects or none",
            "partial",
        )
    } else {
        return None;
    };
    let mut shown = vec![event];
    shown.extend(parts.iter().map(|part| part.read));
    let actual = Phrase::say(format!("{done} of {} entries took effect", parts.len()));
    Some(life::violation(&SPEC, title, expected, actual, "Bundle.entry", &shown).signed(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    /// Two updates; what the reads show, twice.
    fn judge(fault: Fault, first: [&str; 2], again: [&str; 2]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let known = ["Patient/1", "Patient/2"].map(|key| (stage.create(key, patient("old")), key));
        let entries = known
            .iter()
            .zip(100..)
            .map(|((target, _), id)| Entry {
                id,
                command: Command::Put {
                    target: *target,
                    resource: patient("new"),
                    if_match: None,
                },
            })
            .collect();
        let cut = stage.bundle(entries, 200, json!({}), &known);
        stage.spoil(cut, fault);
        for texts in [first, again] {
            for ((target, key), text) in known.iter().zip(texts) {
                stage.read_entry(*target, key, 200, patient(text));
            }
        }
        CutTransactionIsWhole.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn all_and_nothing_are_both_whole() {
        for texts in [["old", "old"], ["new", "new"]] {
            let judgement = judge(Fault::HangUp, texts, texts);
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn a_part_and_what_was_never_heard_whole_are_found() {
        let sign = |fault, texts| judge(fault, texts, texts).violations[0].signature.clone();
        assert_eq!(sign(Fault::HangUp, ["new", "old"]), ["partial"]);
        assert_eq!(sign(Fault::CutResponse(0), ["old", "new"]), ["partial"]);
        assert_eq!(sign(Fault::CutRequest(50), ["new", "new"]), ["unheard"]);
    }

    #[test]
    fn a_transaction_still_at_work_and_contents_of_others_decide_nothing() {
        let working = judge(Fault::HangUp, ["new", "old"], ["new", "new"]);
        assert_eq!((working.weighed, working.open.len()), (0, 1));
        let other = judge(Fault::HangUp, ["x", "new"], ["x", "new"]);
        assert_eq!((other.weighed, other.open.len()), (0, 1));
    }
}
