//! `property/life-follows-model`: every answer in a random life of a resource is what its past makes it.
//! Row CR-01.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;
use std::collections::BTreeMap;

/// See the module.
pub struct LifeFollowsModel;

static SPEC: PropertySpec = PropertySpec {
    id: "property/life-follows-model",
    title: "Every answer in a random life of a resource is what its past makes it",
    level: Level::Should,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#read",
    sentence: "(paraphrase) A read gives the current contents: those of the last write that was acknowledged",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "a resource was read after it was written or deleted",
    usual_causes: &[
        "a write is acknowledged before it is visible to reads",
        "a delete or a revival leaves an old state behind",
        "an update is written to another resource",
    ],
};

impl Property for LifeFollowsModel {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "update", "delete"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update", "delete"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let mut made = vec![script.create(dataset::turn(resource_type, 0, values))];
        let length = LEAST + values.below(MOST - LEAST);
        for turn in 1..=length {
            let target = *values.pick(&made);
            match values.weighted(&[15, 30, 15, 40]) {
                0 => made.push(script.create(dataset::turn(resource_type, turn, values))),
                1 => {
                    script.put(target, dataset::turn(resource_type, turn, values), None);
                }
                2 => {
                    script.delete(target);
                }
                _ => {
                    script.read(target);
                }
            }
        }
        for target in made {
            script.read(target);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        let mut lives: BTreeMap<u32, Life<'_>> = BTreeMap::new();
        for event in &trace.events {
            let made = event.step.command.target().unwrap_or(event.step.id);
            match &event.step.command {
                Command::Read { .. } => {
                    if let Some(life) = lives.get(&made)
                        && life.state != State::Open
                    {
                        judgement.weighed += 1;
                        judgement.violations.extend(judge(life, event));
                    }
                }
                command if command.writes() => {
                    let state = after(lives.get(&made), event);
                    lives.insert(made, Life { state, event });
                }
                _ => {}
            }
        }
        judgement
    }
}

/// Fewest and most commands of a life.
const LEAST: u32 = 6;
const MOST: u32 = 18;

/// What is known of a resource: the last step that decided it, and what it is since then.
struct Life<'a> {
    state: State<'a>,
    event: &'a Event,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State<'a> {
    /// There, with the content of this mark.
    Holds(&'a str),
    /// Deleted.
    Gone,
    /// The last answer leaves it open.
    Open,
}

fn after<'a>(before: Option<&Life<'a>>, event: &'a Event) -> State<'a> {
    match (event.reply(), &event.step.command) {
        (Reply::Accepted(_), Command::Delete { .. }) => State::Gone,
        (Reply::Accepted(_), command) => command
            .payload()
            .and_then(life::mark)
            .map_or(State::Open, State::Holds),
        // What is refused changes nothing.
        (Reply::Refused(_), _) => before.map_or(State::Open, |life| life.state),
        (Reply::Unknown | Reply::Absent, _) => State::Open,
    }
}

fn judge(life: &Life<'_>, read: &Event) -> Option<Violation> {
    let shown = [life.event, read];
    match life.state {
        State::Open => None,
        State::Gone => {
            read.accepted()?;
            let title = "A resource is read after its delete was acknowledged";
            let expected = "410 or 404";
            let found = life::violation(&SPEC, title, expected, life::says(read), "status", &shown);
            Some(found.signed("back"))
        }
        State::Holds(mark) => {
            let Some(exchange) = read.accepted() else {
                let title = "A resource is not read after its write was acknowledged";
                let found = life::violation(
                    &SPEC,
                    title,
                    "status 200",
                    life::says(read),
                    "status",
                    &shown,
                );
                return Some(found.signed("lost"));
            };
            let body = exchange.json()?;
            let found = life::mark(&body);
            (found != Some(mark)).then(|| {
                let actual = Phrase::say("").data(found.unwrap_or("no mark"));
                let title = "A read shows another content than the last acknowledged write";
                life::violation(
                    &SPEC,
                    title,
                    Phrase::say("").data(mark),
                    actual,
                    "content",
                    &shown,
                )
                .signed("stale")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn patient(mark: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "name": [{"text": mark}]})
    }

    fn judge(reads: [(u16, &str); 3]) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("a"));
        stage.read(made, reads[0].0, patient(reads[0].1));
        stage.put(made, patient("b"), 200);
        stage.read(made, reads[1].0, patient(reads[1].1));
        let delete = Command::Delete {
            target: made,
            if_match: None,
        };
        stage.push(delete, Some("Patient/1"), vec![(204, json!({}))]);
        stage.read(made, reads[2].0, patient(reads[2].1));
        LifeFollowsModel
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    #[test]
    fn a_life_without_surprises_is_silent() {
        assert_eq!(judge([(200, "a"), (200, "b"), (410, "")]), []);
    }

    #[test]
    fn stale_lost_and_returning_contents_are_found() {
        let signed = |reads| judge(reads)[0].signature[0].clone();
        assert_eq!(signed([(200, "a"), (200, "a"), (410, "")]), "stale");
        assert_eq!(signed([(404, ""), (200, "b"), (410, "")]), "lost");
        assert_eq!(signed([(200, "a"), (200, "b"), (200, "b")]), "back");
    }
}
