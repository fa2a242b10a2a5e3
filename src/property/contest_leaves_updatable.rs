//! `property/contest-leaves-updatable`: a resource that several clients updated at the same moment can be updated
//! afterwards, by one that is alone.

use super::case::{Case, Command, Origin, Script};
use super::contest;
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct ContestLeavesUpdatable;

/// Fewest and most updates at the same moment.
const LANES: (u32, u32) = (2, 4);

/// Statuses that say something of the load and nothing of the resource.
const EXCUSED: &[u16] = &[429, 503];

static SPEC: PropertySpec = PropertySpec {
    id: "property/contest-leaves-updatable",
    title: "After updates at the same moment an update that is alone is accepted",
    level: Level::Should,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "The update interaction creates a new current version for an existing resource or creates an initial version if no resource already exists for the given id.",
    family: Family::Concurrency,
    guards: &[Guard::Unknown],
    precondition: "of two updates at the same moment one was accepted, and another update came after them",
    usual_causes: &[
        "the pointer to the current version is not moved where an update loses",
        "a lock of the loser is never given back",
    ],
};

impl Property for ContestLeavesUpdatable {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        contest::ordered_types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = contest::ordered_types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let target = script.create(dataset::turn(resource_type, 0, values));
        let (least, most) = LANES;
        let lanes = least + values.below(most - least + 1);
        for turn in 1..=lanes {
            script.push_together(Command::Put {
                target,
                resource: dataset::turn(resource_type, turn, values),
                if_match: None,
            });
        }
        script.put(
            target,
            dataset::turn(resource_type, lanes + 1, values),
            None,
        );
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let is_put = |event: &&Event| matches!(event.step.command, Command::Put { .. });
        let (together, alone): (Vec<&Event>, Vec<&Event>) = trace
            .events
            .iter()
            .filter(is_put)
            .partition(|event| event.step.is_concurrent());
        let accepted = together.iter().find(|event| event.accepted().is_some());
        let (Some(accepted), Some(last)) = (accepted, alone.last()) else {
            return Judgement::default();
        };
        if together.len() < 2 {
            return Judgement::default();
        }
        let status = last.last().and_then(|exchange| exchange.status());
        match status {
            None => undecided(last.doubt().unwrap_or_else(|| "no answer".to_owned())),
            Some(status) if EXCUSED.contains(&status) => {
                undecided(format!("the last update was answered with {status}"))
            }
            Some(status) if status < 400 => Judgement {
                weighed: 1,
                ..Judgement::default()
            },
            Some(status) => Judgement {
                weighed: 1,
                violations: vec![
                    life::violation(
                        &SPEC,
                        "A resource that was updated at the same moment takes no further update",
                        "the update is accepted, as one of those before it was",
                        Phrase::say(format!("status {status}")),
                        "status",
                        &[*accepted, *last],
                    )
                    .signed("refused"),
                ],
                ..Judgement::default()
            },
        }
    }
}

fn undecided(reason: String) -> Judgement {
    Judgement::open(Open::Undecided(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judged(second: u16, last: u16) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        for (lane, (version, mark, status)) in [("2", "turn 1", 200), ("3", "turn 2", second)]
            .into_iter()
            .enumerate()
        {
            let put = stage.versioned_put(target, version, mark, status, None);
            stage.at(put, lane as u8, 10, 20);
        }
        stage.versioned_put(target, "4", "turn 3", last, None);
        ContestLeavesUpdatable.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_later_update_that_is_accepted_is_silent_whoever_lost_before() {
        for second in [200, 409] {
            let judgement = judged(second, 200);
            assert_eq!((judgement.weighed, judgement.violations), (1, vec![]));
        }
    }

    #[test]
    fn a_later_update_that_is_refused_is_found_unless_for_load() {
        assert_eq!(judged(409, 409).violations[0].signature, ["refused"]);
        assert_eq!(judged(200, 500).violations[0].signature, ["refused"]);
        assert_eq!(judged(200, 503).violations, []);
    }
}
