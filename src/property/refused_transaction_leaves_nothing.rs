//! `property/refused-transaction-leaves-nothing`: of a transaction with an entry that cannot be carried out nothing happens:
//! no create, no update, no version. Row TX-02.

use super::case::{Case, Command, Entry, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::transaction::{self, Fate, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;
use serde_json::json;

/// See the module.
pub struct RefusedTransactionLeavesNothing;

/// Most creates beside the entry that fails.
const MOST_CREATES: u32 = 3;
/// Label of the search for what must not have been created.
const CREATED: &str = "created";
/// What every case needs of a type.
const NEEDED: &[&str] = &["read", "update", "search-type"];

static SPEC: PropertySpec = PropertySpec {
    id: "property/refused-transaction-leaves-nothing",
    title: "A transaction that was refused leaves nothing behind",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#trules",
    sentence: "or reject all resources and return an HTTP 400 or 500 type response",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Barrier, Guard::Tag],
    precondition: "a transaction with an entry that cannot be carried out was refused",
    usual_causes: &[
        "each entry is committed on its own",
        "the rollback covers the resources and not the index or the history",
        "entries are stored in batches of which only the last is rolled back",
    ],
};

impl Property for RefusedTransactionLeavesNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "transaction", NEEDED).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(NEEDED, values);
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
        if ground.capability.flag(resource_type, "updateCreate") {
            let name = script.fresh_name();
            let resource = dataset::turn(resource_type, 20, values);
            entries.push(script.entry(Command::PutNew { name, resource }));
        }
        let bad = poison(ground, &mut script, resource_type, values);
        let bad = script.entry(bad);
        let place = values.below(u32::try_from(entries.len()).unwrap_or(0) + 1);
        entries.insert(place as usize, bad);
        script.read(known);
        let news: Vec<u32> = entries
            .iter()
            .filter(|entry| matches!(entry.command, Command::PutNew { .. }))
            .map(|entry| entry.id)
            .collect();
        script.bundle(true, entries.clone());
        script.read(known);
        for new in news {
            script.read(new);
        }
        transaction::search_created(&mut script, CREATED, resource_type, &entries);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            match transaction::fate(event) {
                Fate::Refused(_) => {
                    judgement.weighed += 1;
                    let left = left(trace, index, event, entries);
                    judgement.violations.extend(left);
                }
                Fate::Done(_) => judgement.open.push(Open::Unsupported(
                    "the target accepts a transaction that was made to fail".to_owned(),
                )),
                Fate::Unknown(reason) => judgement.open.push(reason),
                Fate::Absent => {}
            }
        }
        judgement
    }
}

/// An entry that fails, in one of several ways.
fn poison(
    ground: &Ground<'_>,
    script: &mut Script,
    resource_type: &'static str,
    values: &mut Values,
) -> Command {
    match values.below(4) {
        0 if transaction::has_versions(ground, resource_type) => {
            // A resource of its own, with two versions: the first is stale.
            let other = script.create(dataset::turn(resource_type, 3, values));
            let update = dataset::turn(resource_type, 4, values);
            let update = transaction::update(ground, other, update, other);
            script.push(update);
            Command::Put {
                target: other,
                resource: dataset::turn(resource_type, 5, values),
                if_match: Some(other),
            }
        }
        1 if resource_type == "Observation"
            && ground.capability.supports("Patient", "search-type")
            && ground
                .capability
                .supports_parameter("Patient", "identifier") =>
        {
            let mut resource = dataset::turn(resource_type, 6, values);
            let nobody = script.fresh_name();
            resource["subject"] =
                json!({ "reference": format!("Patient?identifier=${{identifier:no-{nobody}}}") });
            script.creation(resource)
        }
        2 => transaction::invalid(resource_type, values),
        _ => transaction::impossible(),
    }
}

/// What a refused transaction left.
fn left(trace: &Trace, index: usize, event: &Event, entries: &[Entry]) -> Option<Violation> {
    updated(trace, index, event, entries)
        .or_else(|| put(trace, index, event, entries))
        .or_else(|| created(trace, index, event))
}

fn updated(trace: &Trace, index: usize, event: &Event, entries: &[Entry]) -> Option<Violation> {
    let targets = entries.iter().filter_map(|entry| entry.command.target());
    for target in targets {
        let (Some(before), Some(after)) = (
            transaction::read_before(trace, index, target),
            transaction::read_after(trace, index, target),
        ) else {
            continue;
        };
        let (Some(one), Some(other)) = (before.accepted(), after.accepted()) else {
            continue;
        };
        if shown_version(one) != shown_version(other)
            || transaction::mark_of(one) != transaction::mark_of(other)
        {
            return Some(
                life::violation(
                    &SPEC,
                    "A transaction that was refused changed a resource",
                    "version and content as before",
                    "another version or content",
                    "meta.versionId",
                    &[before, event, after],
                )
                .signed("updated"),
            );
        }
    }
    None
}

/// A resource at an id of the client's.
fn put(trace: &Trace, index: usize, event: &Event, entries: &[Entry]) -> Option<Violation> {
    let news = entries
        .iter()
        .filter(|entry| matches!(entry.command, Command::PutNew { .. }));
    for entry in news {
        let Some(read) = transaction::read_after(trace, index, entry.id) else {
            continue;
        };
        if let Some(State::There(_)) = transaction::state(read) {
            return Some(
                life::violation(
                    &SPEC,
                    "A transaction that was refused left a resource behind",
                    "status 404",
                    life::says(read),
                    "status",
                    &[event, read],
                )
                .signed("put"),
            );
        }
    }
    None
}

/// Resources that a search shows.
fn created(trace: &Trace, index: usize, event: &Event) -> Option<Violation> {
    let search = trace.search(CREATED)?;
    let is_later = trace.events[index..]
        .iter()
        .any(|event| event.step.id == search.step.id);
    let found = answer::whole(trace, CREATED).ok()??.set().len();
    if found == 0 || !is_later || answer::heeded(trace, CREATED).is_err() {
        return None;
    }
    let mut violation = life::violation(
        &SPEC,
        "A transaction that was refused left a resource behind",
        "no match for the identifiers of its creates",
        Phrase::say(format!("{found} matches")),
        "Bundle.entry",
        &[event, search],
    )
    .signed("created");
    violation.oracle = Some(Completeness::Exact);
    Some(violation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Search;
    use crate::property::staging::{Stage, capability, response, searchset};
    use serde_json::Value;

    fn patient(version: &str) -> Value {
        json!({"resourceType": "Patient", "meta": {"versionId": version}})
    }

    fn judge(status: u16, version: &str, new: u16, found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let known = stage.create("Patient/1", patient("1"));
        stage.read(known, 200, patient("1"));
        let entry = |id: u32, command: Command| Entry { id, command };
        let entries = vec![
            entry(
                100,
                Command::Put {
                    target: known,
                    resource: patient("1"),
                    if_match: None,
                },
            ),
            entry(
                101,
                Command::PutNew {
                    name: "r101".to_owned(),
                    resource: patient("1"),
                },
            ),
            entry(102, transaction::impossible()),
        ];
        let answer = match status {
            200 => response(&[("200", ""), ("201", ""), ("201", "")]),
            _ => json!({}),
        };
        stage.bundle(entries, status, answer, &[(known, "Patient/1")]);
        stage.read(known, 200, patient(version));
        stage.read_entry(101, "Patient/2", new, json!({}));
        stage.settle("Patient");
        let search = Search::of(CREATED, "Patient", Vec::new());
        stage.push(
            Command::Search(search),
            None,
            vec![(200, searchset(found, "Patient"))],
        );
        RefusedTransactionLeavesNothing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_transaction_that_is_refused_and_left_no_trace_is_silent() {
        for status in [400, 422, 500] {
            let judgement = judge(status, "1", 404, &[]);
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn an_update_a_put_and_a_create_that_stayed_are_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature.clone();
        assert_eq!(sign(judge(422, "2", 404, &[])), ["updated"]);
        assert_eq!(sign(judge(500, "1", 200, &[])), ["put"]);
        assert_eq!(sign(judge(400, "1", 404, &["Patient/9"])), ["created"]);
    }

    #[test]
    fn a_lost_answer_and_an_accepted_transaction_decide_nothing() {
        for status in [503, 200] {
            let judgement = judge(status, "2", 200, &["Patient/9"]);
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 0));
            assert_eq!(judgement.open.len(), 1);
        }
    }
}
