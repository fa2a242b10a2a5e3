//! `property/transactions-are-isolated`: which anomalies of isolation transactions over several resources show. R4
//! promises none of the levels, so all of it is a note, with the strongest level that is left. Row TX-11.

use std::collections::BTreeMap;

use super::case::{Case, Command, Entry, Origin, Script};
use super::contest;
use super::crossing_transactions_end::types;
use super::order::Version;
use super::order::isolation::{self, Act, Anomaly, Fate, Transaction};
use super::trace::{Event, Reply, Trace, etag_version};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::fhir::{bundle, resource};
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct TransactionsAreIsolated;

/// Resources.
const RESOURCES: usize = 2;
/// Fewest and most clients.
const LANES: (u32, u32) = (3, 4);
/// Transactions of one client.
const ROUNDS: u32 = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/transactions-are-isolated",
    title: "Transactions over several resources are isolated from each other",
    level: Level::May,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#transaction",
    sentence: "(paraphrase) The entries of a transaction succeed or fail together; nothing is said of what others see meanwhile",
    family: Family::Transaction,
    guards: &[Guard::Resolved, Guard::Fresh],
    precondition: "transactions of several clients on the same resources were accepted, and the histories were read",
    usual_causes: &[
        "the database runs at a level below serializable",
        "entries are written one after the other without a transaction",
    ],
};

impl Property for TransactionsAreIsolated {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        contest::ordered_types(ground)?;
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = contest::ordered_types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made: Vec<u32> = (0..RESOURCES)
            .map(|_| script.create(dataset::turn(resource_type, 0, values)))
            .collect();
        let (least, most) = LANES;
        let mut turn = 0;
        for lane in 0..least + values.below(most - least + 1) {
            for _ in 0..ROUNDS {
                turn += 1;
                // Write both, read both, or write one and read the other.
                let kind = values.weighted(&[2, 1, 2]);
                let first = values.below(RESOURCES as u32) as usize;
                let entries: Vec<Entry> = made
                    .iter()
                    .enumerate()
                    .map(|(place, target)| {
                        let writes = kind == 0 || (kind == 2 && place == first);
                        script.entry(if writes {
                            Command::Put {
                                target: *target,
                                resource: dataset::turn(resource_type, turn, values),
                                if_match: None,
                            }
                        } else {
                            Command::Read { target: *target }
                        })
                    })
                    .collect();
                let bundle = Command::Bundle {
                    transaction: true,
                    entries,
                };
                script.push_lane(lane as u8, bundle);
            }
        }
        for target in made {
            script.history(target);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        judge(trace).unwrap_or_else(Judgement::open)
    }
}

fn judge(trace: &Trace) -> Result<Judgement, Open> {
    let mut histories: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    let mut read: Vec<&Event> = Vec::new();
    for event in &trace.events {
        let Command::History { target, .. } = event.step.command else {
            continue;
        };
        if let Some((versions, history)) = contest::ordered(trace, target)? {
            histories.insert(name(target), versions);
            read.push(history);
        }
    }
    let bundles: Vec<&Event> = trace
        .events
        .iter()
        .filter(|event| {
            event.step.is_concurrent() && matches!(event.step.command, Command::Bundle { .. })
        })
        .filter(|event| event.last().is_some())
        .collect();
    let transactions: Option<Vec<Transaction>> = bundles
        .iter()
        .map(|event| transaction(event, &histories))
        .collect();
    let Some(transactions) = transactions.filter(|_| !histories.is_empty()) else {
        return Ok(Judgement::default());
    };
    let committed = transactions
        .iter()
        .filter(|transaction| transaction.fate == Fate::Committed)
        .count();
    let found = isolation::anomalies(&histories, &transactions)
        .map_err(|reason| Open::Undecided(reason.to_owned()))?;
    let mut judgement = Judgement {
        weighed: u32::from(committed > 1),
        ..Judgement::default()
    };
    let level = isolation::level(&found);
    // The most severe alone: weaker ones follow from it.
    let first = found.first();
    judgement
        .violations
        .extend(first.map(|anomaly| violation(anomaly, level, &bundles, &read)));
    Ok(judgement)
}

fn name(target: u32) -> String {
    format!("resource {target}")
}

/// A Bundle as a transaction; `None` if it touches a resource whose history is not there, or shows too little.
fn transaction(event: &Event, histories: &BTreeMap<String, Vec<Version>>) -> Option<Transaction> {
    let Command::Bundle { entries, .. } = &event.step.command else {
        return None;
    };
    let fate = match event.reply() {
        Reply::Accepted(_) => Fate::Committed,
        Reply::Refused(_) => Fate::Aborted,
        Reply::Unknown => Fate::Unknown,
        Reply::Absent => return None,
    };
    let body = event.accepted().and_then(|exchange| exchange.json());
    let answers: Vec<_> = body
        .as_ref()
        .map(bundle::entries)
        .into_iter()
        .flatten()
        .collect();
    // R4 carries out updates before reads, so a read sees what the same transaction wrote.
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for (place, entry) in entries.iter().enumerate() {
        let resource = name(entry.command.target()?);
        if !histories.contains_key(&resource) {
            return None;
        }
        match &entry.command {
            Command::Put { resource: sent, .. } => writes.push(Act::Write {
                token: life::mark(sent)?.to_owned(),
                resource,
            }),
            Command::Read { .. } if fate == Fate::Committed => {
                let answer = answers.get(place)?;
                let held = bundle::resource(answer).and_then(resource::version_id);
                let etag = || {
                    answer
                        .get("response")?
                        .get("etag")?
                        .as_str()
                        .map(etag_version)
                };
                let saw = held.or_else(etag)?.to_owned();
                reads.push(Act::Read {
                    resource,
                    saw: Some(saw),
                });
            }
            _ => {}
        }
    }
    writes.append(&mut reads);
    Some(Transaction { fate, acts: writes })
}

fn violation(
    anomaly: &Anomaly,
    level: &str,
    bundles: &[&Event],
    histories: &[&Event],
) -> Violation {
    let members = anomaly.transactions.iter();
    let shown: Vec<&Event> = members
        .map(|member| bundles[*member])
        .chain(histories.iter().copied())
        .collect();
    let mut violation = life::violation(
        &SPEC,
        "Transactions at the same moment are not isolated from each other",
        "an order of the transactions, one after the other, that explains what each of them saw",
        Phrase::say(format!(
            "the anomaly {} among {} transactions; the strongest level that is left is {level}",
            anomaly.phenomenon.name(),
            anomaly.transactions.len()
        )),
        "Bundle.entry",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    violation.signed(anomaly.phenomenon.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, marked};
    use serde_json::{Value, json};

    /// Two transactions that write two resources, and one that reads both, at these versions.
    fn judged(seen: [&str; 2]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let one = stage.versioned_create("1", "turn 0");
        let other = stage.versioned_create("1", "turn 0");
        let put = |id, target, turn: u32| {
            let resource = marked("x", &format!("turn {turn}"));
            let command = Command::Put {
                target,
                resource,
                if_match: None,
            };
            Entry { id, command }
        };
        let read = |id, target| Entry {
            id,
            command: Command::Read { target },
        };
        let response = |versions: [&str; 2]| {
            let entries: Vec<Value> = versions
                .iter()
                .map(|version| json!({"resource": marked(version, "x")}))
                .collect();
            json!({"resourceType": "Bundle", "entry": entries})
        };
        let bundles = [
            (vec![put(10, one, 1), put(11, other, 1)], ["2", "2"]),
            (vec![put(12, one, 2), put(13, other, 2)], ["3", "3"]),
            (vec![read(14, one), read(15, other)], seen),
        ];
        for (lane, (entries, versions)) in bundles.into_iter().enumerate() {
            let bundle = Command::Bundle {
                transaction: true,
                entries,
            };
            let step = stage.push(bundle, None, vec![(200, response(versions))]);
            stage.at(step, lane as u8, 10, 20);
        }
        for target in [one, other] {
            stage.versions(target, &["1", "2", "3"]);
        }
        TransactionsAreIsolated.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_reader_between_two_transactions_is_silent() {
        let judgement = judged(["2", "2"]);
        assert_eq!(
            (judgement.violations, judgement.weighed, judgement.open),
            (Vec::new(), 1, Vec::new())
        );
    }

    #[test]
    fn a_reader_of_halves_is_found_by_name() {
        assert_eq!(judged(["3", "2"]).violations[0].signature, ["G-single"]);
    }

    #[test]
    fn a_version_that_the_history_lacks_decides_nothing() {
        let judgement = judged(["9", "2"]);
        assert_eq!((judgement.violations.len(), judgement.open.len()), (0, 1));
    }
}
