//! `property/transaction-is-seen-whole`: readers see nothing of a transaction that was refused, and of one that was
//! accepted all or nothing. R4 promises the first and no isolation, so the second is a note. Row TX-07.

use std::collections::BTreeSet;

use serde_json::json;

use super::case::{Case, Command, Entry, Origin, Raw, RawBody, Script};
use super::crossing_transactions_end::types;
use super::trace::{Event, Reply, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct TransactionIsSeenWhole;

/// Resources that one transaction writes.
const RESOURCES: u32 = 2;
/// Transactions that are accepted, and as many that are refused.
const WRITES: u32 = 3;
/// Clients that read, and reads of each.
const READERS: u8 = 2;
const READS: u32 = 4;
/// Part of the signature of a violation that R4 excludes.
const ABORTED: &str = "aborted-read";

static SPEC: PropertySpec = PropertySpec {
    id: "property/transaction-is-seen-whole",
    title: "Readers see nothing of a refused transaction, and all or nothing of an accepted one",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#transaction-response",
    sentence: "or reject all resources and return an HTTP 400 or 500 type response",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Fresh],
    precondition: "resources were read in one transaction while other transactions wrote them",
    usual_causes: &[
        "entries are written one after the other and removed again if one fails",
        "reads do not wait for a transaction that is under way",
    ],
};

impl Property for TransactionIsSeenWhole {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made: Vec<u32> = (0..RESOURCES)
            .map(|_| script.create(dataset::turn(resource_type, 0, values)))
            .collect();
        for turn in 1..=WRITES {
            for is_poisoned in [false, true] {
                let mut entries: Vec<Entry> = Vec::new();
                let turn = if is_poisoned { turn + WRITES } else { turn };
                for (place, target) in made.iter().enumerate() {
                    let command = if is_poisoned && place + 1 == made.len() {
                        poison(resource_type, *target)
                    } else {
                        Command::Put {
                            target: *target,
                            resource: dataset::turn(resource_type, turn, values),
                            if_match: None,
                        }
                    };
                    entries.push(script.entry(command));
                }
                let bundle = Command::Bundle {
                    transaction: true,
                    entries,
                };
                script.push_lane(0, bundle);
            }
        }
        for reader in 1..=READERS {
            for _ in 0..READS {
                let entries: Vec<Entry> = made
                    .iter()
                    .map(|target| script.entry(Command::Read { target: *target }))
                    .collect();
                let bundle = Command::Bundle {
                    transaction: true,
                    entries,
                };
                script.push_lane(reader, bundle);
            }
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        match answer::created(trace) {
            Err(reason) => Judgement::open(reason),
            Ok(()) => judge(trace),
        }
    }

    fn level_of(&self, violation: &Violation) -> Level {
        if violation.signature.iter().any(|part| part == ABORTED) {
            SPEC.level
        } else {
            Level::May
        }
    }
}

/// An update whose content names another id than its URL: R4 has the server refuse it.
fn poison(resource_type: &str, target: u32) -> Command {
    let mut resource = json!({ "resourceType": resource_type, "id": "not-the-one" });
    if resource_type == "Observation" {
        resource["status"] = json!("final");
        resource["code"] = json!({ "text": "x" });
    }
    Command::Raw(Raw {
        method: Method::Put,
        url: format!("${{key:{target}}}"),
        headers: Vec::new(),
        body: RawBody::Json(resource),
        name: None,
    })
}

/// What a reading transaction saw: for each entry its mark.
fn seen(event: &Event) -> Option<Vec<String>> {
    let Command::Bundle { entries, .. } = &event.step.command else {
        return None;
    };
    let reads = entries
        .iter()
        .all(|entry| matches!(entry.command, Command::Read { .. }));
    let body = event.accepted()?.json().filter(|_| reads)?;
    let shown: Vec<String> = bundle::entries(&body)
        .filter_map(bundle::resource)
        .filter_map(life::mark)
        .map(str::to_owned)
        .collect();
    (shown.len() == entries.len()).then_some(shown)
}

/// Marks that a writing transaction sent.
fn marks(event: &Event) -> BTreeSet<&str> {
    let Command::Bundle { entries, .. } = &event.step.command else {
        return BTreeSet::new();
    };
    entries
        .iter()
        .filter_map(|entry| match &entry.command {
            Command::Put { resource, .. } => life::mark(resource),
            _ => None,
        })
        .collect()
}

fn judge(trace: &Trace) -> Judgement {
    let bundles = || {
        let mut bundles = Vec::new();
        for event in &trace.events {
            if event.step.is_concurrent() && matches!(event.step.command, Command::Bundle { .. }) {
                bundles.push(event);
            }
        }
        bundles
    };
    let refused: Vec<&Event> = bundles()
        .into_iter()
        .filter(|event| matches!(event.reply(), Reply::Refused(_)) && !marks(event).is_empty())
        .collect();
    let written = bundles()
        .into_iter()
        .any(|event| event.accepted().is_some() && !marks(event).is_empty());
    let mut judgement = Judgement::default();
    for read in bundles() {
        let Some(seen) = seen(read) else { continue };
        judgement.weighed += u32::from(written || !refused.is_empty());
        let aborted = refused.iter().find(|event| {
            let marks = marks(event);
            seen.iter().any(|mark| marks.contains(mark.as_str()))
        });
        if let Some(refused) = aborted {
            judgement.violations.push(aborted_read(refused, read));
        } else if seen.iter().any(|mark| *mark != seen[0]) {
            judgement.violations.push(fractured(trace, read, &seen));
        }
    }
    judgement
        .violations
        .sort_by(|one, other| one.signature.cmp(&other.signature));
    judgement
        .violations
        .dedup_by(|one, other| one.signature == other.signature);
    judgement
}

fn aborted_read(refused: &Event, read: &Event) -> Violation {
    let mut violation = life::violation(
        &SPEC,
        "A reader sees what a refused transaction wrote",
        Phrase::say("nothing of the transaction that was answered with ")
            .words(life::status(refused).to_string()),
        "content of that transaction",
        "Bundle.entry.resource",
        &[refused, read],
    );
    violation.oracle = Some(Completeness::Exact);
    violation.signed(ABORTED)
}

fn fractured(trace: &Trace, read: &Event, seen: &[String]) -> Violation {
    let wrote = trace.events.iter().filter(|event| {
        let marks = marks(event);
        seen.iter().any(|mark| marks.contains(mark.as_str()))
    });
    let shown: Vec<&Event> = wrote.chain([read]).collect();
    let mut violation = life::violation(
        &SPEC,
        "A reader sees a part of a transaction, and the rest as it was before",
        "the content of one transaction in all resources",
        "the contents of several transactions",
        "Bundle.entry.resource",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    violation.signed("fractured-read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, marked};
    use serde_json::Value;

    /// A response whose entries show resources with these marks.
    fn response(marks: &[&str]) -> Value {
        let entries: Vec<Value> = marks
            .iter()
            .map(|mark| json!({"resource": marked("1", mark), "response": {"status": "200"}}))
            .collect();
        json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
    }

    fn entry(id: u32, command: Command) -> Entry {
        Entry { id, command }
    }

    fn judged(status: u16, seen: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let put = |id| {
            let put = Command::Put {
                target: 0,
                resource: marked("x", "turn 1"),
                if_match: None,
            };
            entry(id, put)
        };
        let write = Command::Bundle {
            transaction: true,
            entries: vec![put(10), put(11)],
        };
        let write = stage.push(write, None, vec![(status, response(&[]))]);
        stage.at(write, 0, 10, 30);
        let read = |id| entry(id, Command::Read { target: 0 });
        let read = Command::Bundle {
            transaction: true,
            entries: vec![read(12), read(13)],
        };
        let read = stage.push(read, None, vec![(200, response(seen))]);
        stage.at(read, 1, 10, 30);
        TransactionIsSeenWhole.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn before_and_after_are_silent() {
        for seen in [["turn 0", "turn 0"], ["turn 1", "turn 1"]] {
            let judgement = judged(200, &seen);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
        assert_eq!(judged(400, &["turn 0", "turn 0"]).violations, []);
    }

    #[test]
    fn a_part_is_a_note_and_what_was_refused_a_shall() {
        let level =
            |judgement: &Judgement| TransactionIsSeenWhole.level_of(&judgement.violations[0]);
        let part = judged(200, &["turn 1", "turn 0"]);
        assert_eq!(part.violations[0].signature, ["fractured-read"]);
        assert_eq!(level(&part), Level::May);
        let refused = judged(400, &["turn 1", "turn 0"]);
        assert_eq!(refused.violations[0].signature, [ABORTED]);
        assert_eq!(level(&refused), Level::Shall);
    }

    #[test]
    fn a_lost_answer_may_be_seen() {
        assert_eq!(judged(503, &["turn 1", "turn 1"]).violations, []);
    }
}
