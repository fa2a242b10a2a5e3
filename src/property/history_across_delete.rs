//! `property/history-across-delete`: the history lists every write once, newest first, a delete among them and what
//! was before it. Row VH-02.

use super::case::{Case, Command, Origin, Script};
use super::chronicle::{self, DELETE};
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct HistoryAcrossDelete;

static SPEC: PropertySpec = PropertySpec {
    id: "property/history-across-delete",
    title: "The history lists every write once, newest first, deletes among them",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "The return content is a Bundle with type set to history containing the specified version history, sorted with oldest versions last, and including deleted resources.",
    family: Family::History,
    guards: &[Guard::Unknown],
    precondition: "a resource was deleted, and its history read",
    usual_causes: &[
        "a delete removes the row to which the versions belong",
        "a delete is a mark on the last version in place of a version",
        "versions start anew when a deleted resource comes back",
    ],
};

const INTERACTIONS: &[&str] = &["delete", "history-instance"];

impl Property for HistoryAcrossDelete {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        chronicle::types(ground, INTERACTIONS).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = chronicle::types(ground, INTERACTIONS).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        for turn in 1..=values.below(3) {
            script.put(made, dataset::turn(resource_type, turn, values), None);
        }
        script.delete(made);
        if values.chance(50) {
            script.put(made, dataset::turn(resource_type, 9, values), None);
        }
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        for event in &trace.events {
            match &event.step.command {
                Command::History { target, options } if options.is_empty() => {
                    judge(trace, event, *target, &mut judgement);
                }
                _ => {}
            }
        }
        judgement
    }
}

fn judge(trace: &Trace, event: &Event, target: u32, judgement: &mut Judgement) {
    let writes = chronicle::writes(trace, target, event);
    let Some(listed) = chronicle::chapters(event) else {
        return;
    };
    if !writes.iter().any(|write| write.is_delete) {
        return;
    }
    // Newest first; a write whose version nobody showed has no name to look for.
    let wanted: Vec<&str> = writes
        .iter()
        .rev()
        .filter_map(|write| match write.is_delete {
            true => Some(DELETE),
            false => write.version.as_deref(),
        })
        .collect();
    let found: Vec<&str> = listed
        .iter()
        .filter_map(|chapter| match chapter.is_delete() {
            true => Some(DELETE),
            false => chapter.version.as_deref(),
        })
        .filter(|version| wanted.contains(version))
        .collect();
    judgement.weighed += 1;
    if let Some(violation) = compare(&wanted, &found) {
        let written = writes.iter().flat_map(|write| write.event.numbers());
        judgement
            .violations
            .push(violation.seen_in(written.chain(event.numbers())));
    }
}

fn compare(wanted: &[&str], found: &[&str]) -> Option<Violation> {
    if wanted == found {
        return None;
    }
    let times = |list: &[&str], one: &str| list.iter().filter(|known| **known == one).count();
    let fewer = |one: &&&str| times(found, one) < times(wanted, one);
    let kind = if times(found, DELETE) < times(wanted, DELETE) {
        ("delete-missing", "The history does not tell of a delete")
    } else if wanted.iter().any(|one| fewer(&one)) {
        (
            "version-missing",
            "The history lacks a version of a resource that was deleted",
        )
    } else if found.len() > wanted.len() {
        ("repeated", "The history lists a version more than once")
    } else {
        (
            "order",
            "The history of a resource that was deleted is not sorted with the oldest version last",
        )
    };
    let expected = chronicle::listing(wanted.iter().copied());
    let actual = chronicle::listing(found.iter().copied());
    Some(chronicle::broken(&SPEC, kind, expected, actual).at("Bundle.entry"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::chronicle::testing::{bundle, delete, shown, version};
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    const AT: &str = "2020-01-01T00:00:00Z";

    fn judge(entries: Vec<Value>) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let create = Command::Create {
            name: "r0".to_owned(),
            resource: json!({"resourceType": "Patient"}),
            if_none_exist: false,
        };
        let made = stage.push(create, Some("Patient/1"), vec![(201, shown("1"))]);
        let gone = Command::Delete {
            target: made,
            if_match: None,
        };
        stage.push(gone, Some("Patient/1"), vec![(204, json!(null))]);
        let put = Command::Put {
            target: made,
            resource: json!({"resourceType": "Patient"}),
            if_match: None,
        };
        stage.push(put, Some("Patient/1"), vec![(201, shown("3"))]);
        let history = Command::History {
            target: made,
            options: Vec::new(),
        };
        stage.push(history, Some("Patient/1"), vec![(200, bundle(entries))]);
        HistoryAcrossDelete.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn every_write_once_and_newest_first_is_silent() {
        let judgement = judge(vec![version("3", AT), delete("2"), version("1", AT)]);
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        for (entries, sign) in [
            (vec![version("3", AT), version("1", AT)], "delete-missing"),
            (vec![version("3", AT), delete("2")], "version-missing"),
            (
                vec![version("1", AT), delete("2"), version("3", AT)],
                "order",
            ),
            (
                vec![
                    version("3", AT),
                    delete("2"),
                    version("1", AT),
                    version("1", AT),
                ],
                "repeated",
            ),
        ] {
            assert_eq!(signs(&judge(entries)), [sign]);
        }
    }
}
