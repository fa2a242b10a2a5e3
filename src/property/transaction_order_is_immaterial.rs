//! `property/transaction-order-is-immaterial`: the same entries in another order have the same outcome. Two transactions over
//! resources of equal content are compared. Row TX-05.

use super::case::{Case, Command, Entry, Origin, Script};
use super::trace::{Event, Trace};
use super::transaction::{self, Fate, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use serde_json::Value;

/// See the module.
pub struct TransactionOrderIsImmaterial;

static SPEC: PropertySpec = PropertySpec {
    id: "property/transaction-order-is-immaterial",
    title: "The outcome of a transaction does not depend on the order of its entries",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#trules",
    sentence: "The outcome of processing the transaction SHALL NOT depend on the order of the resources in the transaction",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Tag],
    precondition: "the same entries were sent in two orders",
    usual_causes: &[
        "entries are carried out in the order in which they stand",
        "a read sees the state before the updates behind it",
        "an error ends the processing before all entries were looked at",
    ],
};

impl Property for TransactionOrderIsImmaterial {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "transaction", &["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let contents: Vec<Value> = (0..4)
            .map(|turn| dataset::turn(resource_type, turn, values))
            .collect();
        let deletes = ground.capability.supports(resource_type, "delete");
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let mut order: Vec<usize> = (0..4).collect();
        for _ in 0..2 {
            transaction::shuffle(&mut order, values);
            let known = script.create(contents[0].clone());
            let doomed = script.create(contents[1].clone());
            let update = transaction::update(ground, known, contents[2].clone(), known);
            let mut commands = vec![
                update,
                Command::Read { target: known },
                script.creation(contents[3].clone()),
            ];
            if deletes {
                commands.push(Command::Delete {
                    target: doomed,
                    if_match: None,
                });
            }
            let ordered: Vec<Command> = order
                .iter()
                .filter_map(|place| commands.get(*place).cloned())
                .collect();
            let entries: Vec<Entry> = ordered
                .into_iter()
                .map(|command| script.entry(command))
                .collect();
            let made = entries
                .iter()
                .find(|entry| entry.command.creates())
                .map(|entry| entry.id);
            script.bundle(true, entries);
            script.read(known);
            script.read(doomed);
            if let Some(made) = made {
                script.read(made);
            }
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut sent = transaction::bundles(trace);
        let (Some(one), Some(other)) = (sent.next(), sent.next()) else {
            return Judgement::default();
        };
        if kinds(one.2) != kinds(other.2) {
            // One of them was cut down: they are no longer the same.
            return Judgement::default();
        }
        let outcomes = [outcome(trace, one), outcome(trace, other)];
        let [Ok(first), Ok(second)] = outcomes else {
            let open = outcomes.into_iter().filter_map(Result::err);
            return Judgement {
                open: open.collect(),
                ..Judgement::default()
            };
        };
        let mut judgement = Judgement {
            weighed: 1,
            ..Judgement::default()
        };
        if let Some(sign) = first.differs(&second) {
            let mut shown = vec![one.1];
            shown.extend(first.reads.iter().copied());
            shown.push(other.1);
            shown.extend(second.reads.iter().copied());
            let violation = life::violation(
                &SPEC,
                "The same entries in another order have another outcome",
                "the same outcome as of the other order",
                "another outcome",
                "Bundle.entry",
                &shown,
            );
            judgement.violations.push(violation.signed(sign));
        }
        judgement
    }
}

/// What a transaction came to, entry by entry in the order of their kinds.
struct Outcome<'a> {
    accepted: bool,
    /// By kind of entry: what a read shows of its resource, or what the entry itself showed.
    states: Vec<(u8, Option<State>)>,
    reads: Vec<&'a Event>,
}

impl Outcome<'_> {
    /// In what two outcomes differ; what was not seen of one is not compared.
    fn differs(&self, other: &Self) -> Option<&'static str> {
        if self.accepted != other.accepted {
            return Some("accepted");
        }
        let pairs = self.states.iter().zip(&other.states);
        pairs
            .filter_map(|((kind, one), (_, two))| Some((*kind, one.as_ref()?, two.as_ref()?)))
            .find(|(_, one, two)| one != two)
            .map(|(kind, ..)| if kind == READ { "read" } else { "state" })
    }
}

fn outcome<'a>(
    trace: &'a Trace,
    (index, event, entries): (usize, &'a Event, &'a [Entry]),
) -> Result<Outcome<'a>, Open> {
    let body = match transaction::fate(event) {
        Fate::Done(body) => Some(body),
        Fate::Refused(_) => None,
        Fate::Unknown(reason) => return Err(reason),
        Fate::Absent => return Err(Open::Undecided("a transaction was not sent".to_owned())),
    };
    let (mut states, mut reads) = (Vec::new(), Vec::new());
    for (position, entry) in entries.iter().enumerate() {
        let state = if kind(&entry.command) == READ {
            body.as_ref().and_then(|body| shown(body, position))
        } else {
            let read = transaction::read_after(trace, index, transaction::subject(entry));
            reads.extend(read);
            read.and_then(transaction::state)
        };
        states.push((kind(&entry.command), state));
    }
    states.sort_by_key(|(kind, _)| *kind);
    Ok(Outcome {
        accepted: body.is_some(),
        states,
        reads,
    })
}

/// What an entry that reads shows in the response Bundle.
fn shown(body: &Value, position: usize) -> Option<State> {
    let resource = bundle::entries(body).nth(position)?.get("resource")?;
    Some(State::There(life::mark(resource).map(str::to_owned)))
}

/// The kind of an entry that reads.
const READ: u8 = 9;

fn kind(command: &Command) -> u8 {
    match command {
        Command::Delete { .. } => 0,
        Command::Create { .. } => 1,
        Command::Put { .. } => 2,
        _ => READ,
    }
}

fn kinds(entries: &[Entry]) -> Vec<u8> {
    let mut kinds: Vec<u8> = entries.iter().map(|entry| kind(&entry.command)).collect();
    kinds.sort_unstable();
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    /// One transaction of a read and an update; `shown` is what the read showed, `after` what is there afterwards.
    fn send(stage: &mut Stage, first: u32, swapped: bool, status: u16, shown: &str, after: &str) {
        let known = stage.create("Patient/1", patient("turn 0"));
        let mut entries = vec![
            Entry {
                id: first,
                command: Command::Read { target: known },
            },
            Entry {
                id: first + 1,
                command: Command::Put {
                    target: known,
                    resource: patient("turn 2"),
                    if_match: None,
                },
            },
        ];
        let mut answers = vec![
            json!({"resource": patient(shown), "response": {"status": "200"}}),
            json!({"response": {"status": "200"}}),
        ];
        if swapped {
            entries.reverse();
            answers.reverse();
        }
        let answer =
            json!({"resourceType": "Bundle", "type": "transaction-response", "entry": answers});
        stage.bundle(entries, status, answer, &[(known, "Patient/1")]);
        stage.read(known, 200, patient(after));
    }

    fn judge(second: (u16, &str, &str)) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        send(&mut stage, 100, false, 200, "turn 2", "turn 2");
        send(&mut stage, 200, true, second.0, second.1, second.2);
        TransactionOrderIsImmaterial.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn two_orders_with_one_outcome_are_silent() {
        let judgement = judge((200, "turn 2", "turn 2"));
        assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
    }

    #[test]
    fn an_order_that_matters_is_found() {
        let sign = |second| judge(second).violations[0].signature.clone();
        assert_eq!(sign((200, "turn 0", "turn 2")), ["read"]);
        assert_eq!(sign((200, "turn 2", "turn 0")), ["state"]);
        assert_eq!(sign((400, "", "turn 0")), ["accepted"]);
    }

    #[test]
    fn a_lost_answer_decides_nothing() {
        assert_eq!(judge((503, "", "turn 0")).weighed, 0);
    }
}
