//! `property/crash-keeps-acknowledged`: what was acknowledged is there after the target was killed and started again. Only where
//! we started the target ourselves and its owner says that it is durable.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Outcome, Reply, Trace};
use super::transaction::{self, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct CrashKeepsAcknowledged;

/// Cases at most: each costs a start of the target.
const MOST_CASES: u32 = 4;
/// Most creates before the target is killed.
const MOST_CREATES: u32 = 5;
/// Lanes that write while it is killed, and creates of each.
const LANES: (u8, u32) = (3, 4);
/// How long they may write before, in milliseconds.
const LONGEST: u32 = 12;

static SPEC: PropertySpec = PropertySpec {
    id: "property/crash-keeps-acknowledged",
    title: "What was acknowledged outlasts a crash of the server",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "(paraphrase) A create that is answered with 201 Created has created the resource",
    family: Family::Concurrency,
    guards: &[Guard::Unknown, Guard::Tag],
    precondition: "writes were acknowledged, the target was killed and came back, and they were read",
    usual_causes: &[
        "the answer is sent before the write is on disk",
        "writes are collected in memory and flushed now and then",
        "the log is written and not read again at the start",
    ],
};

impl Property for CrashKeepsAcknowledged {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "update"])?;
        match ground.restart {
            true => Ok(()),
            false => Err(Verdict::Skip(
                "not claimed: `durable` of a target with `start`, which lets it be killed"
                    .to_owned(),
            )),
        }
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let mut made: Vec<u32> = (0..2 + values.below(MOST_CREATES - 1))
            .map(|turn| script.create(dataset::turn(resource_type, turn, values)))
            .collect();
        let changed = dataset::turn(resource_type, 20, values);
        let update = transaction::update(ground, made[0], changed, made[0]);
        script.push(update);
        if ground.capability.supports(resource_type, "delete") && values.chance(50) {
            script.delete(made[1]);
        }
        if values.chance(50) {
            // The one that is written last is the likeliest to be lost.
            made.push(script.create(dataset::turn(resource_type, 30, values)));
        }
        if ground.concurrency && values.chance(50) {
            made.extend(under_load(&mut script, resource_type, values));
        } else {
            script.push(Command::Restart);
        }
        for target in made {
            script.read(target);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        let Some(crash) = trace.events.iter().position(is_crash) else {
            return judgement;
        };
        for event in &trace.events {
            if !event.step.command.creates() || event.accepted().is_none() {
                continue;
            }
            let id = event.step.id;
            let Some(read) = last_read(trace, crash, id) else {
                continue;
            };
            let Some(found) = transaction::state(read) else {
                judgement.open.extend(read.doubt().map(Open::Undecided));
                continue;
            };
            let writes = writes_of(trace, id);
            judgement.weighed += 1;
            if !may_be(&writes, &found) {
                let last = acknowledged(&writes).copied().unwrap_or(event);
                judgement.violations.push(lost(last, read, &found));
            }
        }
        judgement
    }

    fn runs_alone(&self, _case: &Case) -> bool {
        true
    }

    fn cases_at_most(&self) -> u32 {
        MOST_CASES
    }
}

/// Creates in lanes, in the midst of which the target is killed; the numbers of the creates.
fn under_load(script: &mut Script, resource_type: &str, values: &mut Values) -> Vec<u32> {
    let (lanes, creates) = LANES;
    let mut made = Vec::new();
    for lane in 0..lanes {
        for turn in 0..creates {
            let turn = 100 + u32::from(lane) * creates + turn;
            let creation = script.creation(dataset::turn(resource_type, turn, values));
            made.push(script.push_lane(lane, creation));
        }
    }
    let ms = values.below(LONGEST);
    script.push_lane(lanes, Command::Pause { ms });
    script.push_lane(lanes, Command::Restart);
    made
}

fn is_crash(event: &Event) -> bool {
    event.step.command == Command::Restart && event.outcome == Outcome::Done
}

/// The last read of a resource behind the crash.
fn last_read(trace: &Trace, crash: usize, target: u32) -> Option<&Event> {
    trace.events[crash..]
        .iter()
        .rev()
        .find(|event| matches!(event.step.command, Command::Read { target: of } if of == target))
}

/// What was written to a resource, in order.
fn writes_of(trace: &Trace, id: u32) -> Vec<&Event> {
    let is_of = |event: &&Event| {
        event.step.id == id
            || (event.step.command.writes() && event.step.command.target() == Some(id))
    };
    trace.events.iter().filter(is_of).collect()
}

/// The last write that was acknowledged.
fn acknowledged<'a, 'b>(writes: &'b [&'a Event]) -> Option<&'b &'a Event> {
    writes.iter().rev().find(|event| event.accepted().is_some())
}

/// True if a state is that of the last acknowledged write, or of one behind it whose outcome nobody knows.
fn may_be(writes: &[&Event], found: &State) -> bool {
    for event in writes.iter().rev() {
        let effect = transaction::effect(&event.step.command);
        match event.reply() {
            Reply::Accepted(_) => return effect.is_none_or(|effect| effect == *found),
            Reply::Unknown if effect.as_ref() == Some(found) => return true,
            _ => {}
        }
    }
    true
}

fn lost(write: &Event, read: &Event, found: &State) -> Violation {
    let (title, actual, sign) = match (&write.step.command, found) {
        (Command::Delete { .. }, _) => (
            "A delete that was acknowledged is undone after a crash",
            "the resource is there",
            "delete",
        ),
        (_, State::Gone) => (
            "A write that was acknowledged is lost after a crash",
            "no resource",
            "create",
        ),
        (_, State::There(_)) => (
            "An update that was acknowledged is undone after a crash",
            "another content",
            "update",
        ),
    };
    let expected = "what the last acknowledged write left";
    life::violation(&SPEC, title, expected, actual, "resource", &[write, read]).signed(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    fn judge(update: Option<u16>, crash: bool, read: (u16, &str)) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("old"));
        if let Some(status) = update {
            let put = stage.put(made, patient("new"), status);
            if status == 0 {
                stage.lose(put);
            }
        }
        if crash {
            stage.push(Command::Restart, None, Vec::new());
        }
        stage.read(made, read.0, patient(read.1));
        CrashKeepsAcknowledged.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_is_there_after_a_crash_is_silent() {
        for judgement in [
            judge(None, true, (200, "old")),
            judge(Some(200), true, (200, "new")),
            judge(Some(412), true, (200, "old")),
        ] {
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn a_write_without_an_answer_may_be_there_or_not() {
        for found in ["old", "new"] {
            assert_eq!(judge(Some(0), true, (200, found)).violations, []);
        }
        let sign = judge(Some(0), true, (404, "")).violations[0]
            .signature
            .clone();
        assert_eq!(sign, ["create"]);
    }

    #[test]
    fn what_was_acknowledged_and_is_gone_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature.clone();
        assert_eq!(sign(judge(None, true, (404, ""))), ["create"]);
        assert_eq!(sign(judge(Some(200), true, (200, "old"))), ["update"]);
    }

    #[test]
    fn without_a_crash_or_an_answer_nothing_is_weighed() {
        assert_eq!(judge(None, false, (404, "")).weighed, 0);
        assert_eq!(judge(None, true, (503, "")).weighed, 0);
    }
}
