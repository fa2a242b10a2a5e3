//! `property/overlapping-transaction-refused`: a transaction that changes one resource twice is refused as a whole. Row TX-06.

use super::case::{Case, Command, Entry, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::transaction::{self, Fate};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::json;

/// See the module.
pub struct OverlappingTransactionRefused;

static SPEC: PropertySpec = PropertySpec {
    id: "property/overlapping-transaction-refused",
    title: "A transaction that changes one resource twice is refused",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#trules",
    sentence: "If any resource identities (including resolved identities from conditional update/delete) overlap in steps 1-3, then the transaction SHALL fail",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Tag],
    precondition: "a transaction with two changes of one resource was answered",
    usual_causes: &[
        "the last entry wins without a word",
        "resources are compared by the text of their URLs",
        "a delete and an update of one resource are not seen as an overlap",
    ],
};

impl Property for OverlappingTransactionRefused {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "transaction", &["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let known = script.create(dataset::turn(resource_type, 0, values));
        let one = dataset::turn(resource_type, 1, values);
        let first = transaction::update(ground, known, one, known);
        let second = match values.below(3) {
            0 if ground.capability.supports(resource_type, "delete") => Command::Delete {
                target: known,
                if_match: None,
            },
            1 if ground.capability.supports(resource_type, "patch") => Command::Patch {
                target: known,
                operations: json!([{ "op": "add", "path": "/language", "value": "en" }]),
                if_match: None,
            },
            _ => {
                let other = dataset::turn(resource_type, 2, values);
                transaction::update(ground, known, other, known)
            }
        };
        let mut entries = vec![script.entry(first), script.entry(second)];
        if values.chance(50) {
            let creation = script.creation(dataset::turn(resource_type, 10, values));
            entries.push(script.entry(creation));
        }
        transaction::shuffle(&mut entries, values);
        script.read(known);
        script.bundle(true, entries);
        script.read(known);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            let Some(target) = overlap(entries) else {
                continue;
            };
            match transaction::fate(event) {
                Fate::Done(_) => {
                    judgement.weighed += 1;
                    judgement.violations.push(accepted(event));
                }
                Fate::Refused(_) => {
                    judgement.weighed += 1;
                    let changed = changed(trace, index, event, target);
                    judgement.violations.extend(changed);
                }
                Fate::Unknown(reason) => judgement.open.push(reason),
                Fate::Absent => {}
            }
        }
        judgement
    }
}

/// What two entries are about.
fn overlap(entries: &[Entry]) -> Option<u32> {
    let targets: Vec<u32> = entries
        .iter()
        .filter(|entry| entry.command.writes())
        .filter_map(|entry| entry.command.target())
        .collect();
    let twice = |target: &&u32| targets.iter().filter(|known| known == target).count() > 1;
    targets.iter().find(twice).copied()
}

fn accepted(event: &Event) -> Violation {
    life::violation(
        &SPEC,
        "A transaction that changes one resource twice was accepted",
        "an error",
        life::says(event),
        "status",
        &[event],
    )
    .signed("accepted")
}

fn changed(trace: &Trace, index: usize, event: &Event, target: u32) -> Option<Violation> {
    let before = transaction::read_before(trace, index, target)?;
    let after = transaction::read_after(trace, index, target)?;
    let one = before.accepted()?;
    let same = after.accepted().is_some_and(|other| {
        shown_version(one) == shown_version(other)
            && transaction::mark_of(one) == transaction::mark_of(other)
    });
    // A read without an answer says nothing.
    transaction::state(after)?;
    (!same).then(|| {
        life::violation(
            &SPEC,
            "A transaction that was refused for changing a resource twice changed it",
            "version and content as before",
            "another version or content",
            "meta.versionId",
            &[before, event, after],
        )
        .signed("changed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, response};
    use serde_json::Value;

    fn patient(version: &str) -> Value {
        json!({"resourceType": "Patient", "meta": {"versionId": version}})
    }

    fn judge(second: u32, status: u16, after: (u16, &str)) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let known = stage.create("Patient/1", patient("1"));
        stage.read(known, 200, patient("1"));
        let put = |id: u32, target: u32| Entry {
            id,
            command: Command::Put {
                target,
                resource: patient("1"),
                if_match: None,
            },
        };
        let answer = match status {
            200 => response(&[("200", ""), ("200", "")]),
            _ => json!({}),
        };
        let entries = vec![put(100, known), put(101, second)];
        stage.bundle(entries, status, answer, &[(known, "Patient/1")]);
        stage.read(known, after.0, patient(after.1));
        OverlappingTransactionRefused.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_refusal_that_changes_nothing_is_silent() {
        let judgement = judge(0, 400, (200, "1"));
        assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
    }

    #[test]
    fn an_overlap_that_is_accepted_or_leaves_a_change_is_found() {
        assert_eq!(
            judge(0, 200, (200, "2")).violations[0].signature,
            ["accepted"]
        );
        assert_eq!(
            judge(0, 422, (200, "2")).violations[0].signature,
            ["changed"]
        );
        assert_eq!(
            judge(0, 422, (410, "")).violations[0].signature,
            ["changed"]
        );
    }

    #[test]
    fn entries_about_different_resources_and_lost_answers_are_not_weighed() {
        assert_eq!(judge(7, 200, (200, "2")).weighed, 0);
        assert_eq!(judge(0, 503, (200, "2")).weighed, 0);
        assert_eq!(judge(0, 422, (503, "")).violations, []);
    }
}
