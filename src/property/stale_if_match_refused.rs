//! `property/stale-if-match-refused`: an update that names an older version is refused and changes nothing. Row CC-01.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::version_monotone::versioned_types;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct StaleIfMatchRefused;

/// Most updates between the version that is named and the stale update.
const MAX_BETWEEN: u32 = 3;
/// Fewest and most updates at the same moment.
const LANES: (u32, u32) = (3, 6);

static SPEC: PropertySpec = PropertySpec {
    id: "property/stale-if-match-refused",
    title: "An update that names an older version is refused and changes nothing",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#concurrency",
    sentence: "If the version id given in the If-Match header does not match, the server returns a 412 Precondition Failed status code instead of updating the resource.",
    family: Family::Concurrency,
    guards: &[Guard::Unknown],
    precondition: "a resource had two versions and an update named the older one",
    usual_causes: &[
        "the If-Match header is not read",
        "the check runs before the write without a lock, so that a race lets it through",
        "the header is compared only if it has the exact form W/\"…\"",
    ],
};

impl Property for StaleIfMatchRefused {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        versioned_types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = versioned_types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        let mut named = vec![script.read(made)];
        let between = 1 + values.below(MAX_BETWEEN);
        for turn in 1..=between {
            script.put(made, dataset::turn(resource_type, turn, values), None);
            named.push(script.read(made));
        }
        let stale = *values.pick(&named[..named.len() - 1]);
        script.put(
            made,
            dataset::turn(resource_type, between + 1, values),
            Some(stale),
        );
        let base = script.read(made);
        if ground.concurrency && values.chance(50) {
            let (least, most) = LANES;
            for lane in 0..least + values.below(most - least + 1) {
                script.push_together(Command::Put {
                    target: made,
                    resource: dataset::turn(resource_type, between + 2 + lane, values),
                    if_match: Some(base),
                });
            }
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Put {
                target,
                if_match: Some(named),
                ..
            } = event.step.command
            else {
                continue;
            };
            let Some(versions) = versions(trace, index, target, named) else {
                continue;
            };
            judgement.weighed += 1;
            judgement
                .violations
                .extend(judge(trace, index, event, &versions));
        }
        if judgement.violations.is_empty() {
            judgement.violations.extend(at_once(trace));
        }
        judgement
    }
}

/// The version that the update names, and the current one as the last read before it showed it.
struct Versions {
    named: String,
    current: String,
    read: u32,
}

/// Both versions, if they differ and the last write before the update was read.
fn versions(trace: &Trace, index: usize, target: u32, named: u32) -> Option<Versions> {
    let named = shown_version(trace.event(named)?.accepted()?)?;
    let before = trace.events[..index].iter().rev().find(|event| {
        matches!(event.step.command, Command::Read { target: of } | Command::Put { target: of, .. } if of == target)
    })?;
    if !matches!(before.step.command, Command::Read { .. }) {
        return None;
    }
    let exchange = before.accepted()?;
    let current = shown_version(exchange)?;
    (named != current).then_some(Versions {
        named,
        current,
        read: exchange.number,
    })
}

fn judge(trace: &Trace, index: usize, event: &Event, versions: &Versions) -> Option<Violation> {
    let status = event.last()?.status()?;
    let after = trace.events.get(index + 1).filter(|next| {
        matches!(next.step.command, Command::Read { .. })
            && next.step.command.target() == event.step.command.target()
    });
    let seen = std::iter::once(versions.read)
        .chain(event.numbers())
        .chain(after.into_iter().flat_map(Event::numbers));
    let named = Phrase::say("412, because the current version is ")
        .data(versions.current.as_str())
        .words(" and the update names ")
        .data(versions.named.as_str());
    if (200..300).contains(&status) {
        let violation = Violation::new(
            SPEC.id,
            "An update that names an older version is carried out",
            named,
            Phrase::say("status ").words(status.to_string()),
        );
        return Some(violation.at("If-Match").seen_in(seen).signed("accepted"));
    }
    let now = after.and_then(Event::accepted).and_then(shown_version)?;
    if now != versions.current {
        let violation = Violation::new(
            SPEC.id,
            "An update that was refused changed the resource",
            Phrase::say("version ").data(versions.current.as_str()),
            Phrase::say("version ").data(now),
        );
        return Some(
            violation
                .at("meta.versionId")
                .seen_in(seen)
                .signed("changed"),
        );
    }
    None
}

/// Of updates that name one version and are sent at the same moment, one is carried out at most: for all others
/// the version that they name is no longer the current one.
fn at_once(trace: &Trace) -> Option<Violation> {
    let named = trace
        .events
        .iter()
        .find_map(|event| match event.step.command {
            Command::Put { if_match, .. } if event.step.together => if_match,
            _ => None,
        })?;
    let lanes: Vec<&Event> = trace
        .events
        .iter()
        .filter(|event| event.step.together)
        .filter(|event| {
            matches!(event.step.command, Command::Put { if_match, .. } if if_match == Some(named))
        })
        .collect();
    let accepted = lanes
        .iter()
        .filter(|event| event.accepted().is_some())
        .count();
    if accepted < 2 {
        return None;
    }
    let violation = Violation::new(
        SPEC.id,
        "Updates at the same moment that name one version overwrite each other",
        "at most one carried out, 412 for all others",
        Phrase::say(format!("{accepted} of {} carried out", lanes.len())),
    );
    let numbers = lanes.iter().flat_map(|event| event.numbers());
    Some(
        violation
            .at("If-Match")
            .seen_in(numbers)
            .signed("concurrent"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn patient(version: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}})
    }

    fn judge(second: &str, status: u16, third: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("x"));
        let first = stage.read(made, 200, patient("1"));
        stage.put(made, patient("x"), 200);
        stage.read(made, 200, patient(second));
        let stale = Command::Put {
            target: made,
            resource: patient("x"),
            if_match: Some(first),
        };
        stage.push(stale, Some("Patient/1"), vec![(status, json!({}))]);
        stage.read(made, 200, patient(third));
        StaleIfMatchRefused.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_refusal_that_changes_nothing_is_silent() {
        for status in [412, 409] {
            let judgement = judge("2", status, "2");
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn an_accepted_stale_update_and_a_refusal_that_writes_are_found() {
        assert_eq!(judge("2", 200, "3").violations[0].signature, ["accepted"]);
        assert_eq!(judge("2", 412, "3").violations[0].signature, ["changed"]);
    }

    #[test]
    fn of_updates_at_the_same_moment_one_may_succeed() {
        let judge = |statuses: [u16; 3]| {
            let mut stage = Stage::new(SPEC.id);
            let made = stage.create("Patient/1", patient("x"));
            let read = stage.read(made, 200, patient("1"));
            for status in statuses {
                let put = Command::Put {
                    target: made,
                    resource: patient("x"),
                    if_match: Some(read),
                };
                stage.push_together(put, Some("Patient/1"), status);
            }
            StaleIfMatchRefused
                .check(&stage.trace(), &capability(json!({})))
                .violations
        };
        assert_eq!(judge([412, 200, 412]), []);
        assert_eq!(judge([200, 200, 412])[0].signature, ["concurrent"]);
    }

    #[test]
    fn without_a_second_version_there_is_nothing_to_judge_and_429_is_no_answer() {
        assert_eq!(judge("1", 200, "1").weighed, 0);
        let limited = judge("2", 429, "2");
        assert_eq!(
            (
                limited.violations.len(),
                limited.weighed,
                limited.open.len()
            ),
            (0, 0, 1)
        );
    }
}
