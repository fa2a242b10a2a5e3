//! `property/guarded-updates-are-counted`: several clients read, and update what they read under If-Match. As many
//! versions come to be as updates were accepted, and the last one builds on all of them: a counter that each client
//! reads and adds one to would show their number. Row CC-04.

use std::collections::BTreeMap;

use super::case::{Case, Command, Origin, Script};
use super::contest::{self, Contest};
use super::order::{self, Action};
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct GuardedUpdatesAreCounted;

/// Fewest and most clients.
const LANES: (u32, u32) = (2, 4);
/// Reads with their updates, per client.
const ROUNDS: u32 = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/guarded-updates-are-counted",
    title: "Of updates under If-Match as many make a version as are accepted",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#concurrency",
    sentence: "If the version id given in the If-Match header does not match, the server returns a 412 Precondition Failed status code instead of updating the resource.",
    family: Family::Concurrency,
    guards: &[Guard::Resolved],
    precondition: "updates of several clients under If-Match were accepted, and the history was read",
    usual_causes: &[
        "the version is compared before the write without a lock",
        "an update is written before it is refused",
        "two updates are merged into one version",
    ],
};

impl Property for GuardedUpdatesAreCounted {
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
        let made = script.create(dataset::turn(resource_type, 0, values));
        let (least, most) = LANES;
        let lanes = least + values.below(most - least + 1);
        for lane in 0..lanes {
            for round in 0..ROUNDS {
                let read = script.push_lane(lane as u8, Command::Read { target: made });
                let turn = 1 + lane * ROUNDS + round;
                let put = Command::Put {
                    target: made,
                    resource: dataset::turn(resource_type, turn, values),
                    if_match: Some(read),
                };
                script.push_lane(lane as u8, put);
            }
        }
        script.read(made);
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let Some(target) = trace.events.first().map(|event| event.step.id) else {
            return Judgement::default();
        };
        match contest::unordered(trace, target) {
            Err(reason) => Judgement::open(reason),
            Ok(None) => Judgement::default(),
            Ok(Some(contest)) => judge(&contest),
        }
    }
}

/// A difference between what was accepted and what is there.
struct Difference {
    title: &'static str,
    sign: &'static str,
    found: usize,
    what: &'static str,
}

fn judge(contest: &Contest<'_>) -> Judgement {
    let guarded: Vec<&Event> = contest
        .accepted()
        .into_iter()
        .map(|(_, event)| event)
        .filter(|event| event.step.is_concurrent())
        .collect();
    let all_guarded = guarded
        .iter()
        .all(|event| event.last().and_then(contest::base).is_some());
    if !all_guarded || contest.order.iter().any(|version| version.deleted) {
        return Judgement::default();
    }
    let mut judgement = Judgement {
        weighed: u32::from(guarded.len() > 1),
        ..Judgement::default()
    };
    let (least, most) = (guarded.len(), guarded.len() + contest.lost());
    let Some(difference) = difference(contest, least, most) else {
        return judgement;
    };
    let expected = if least == most {
        format!("{least} {}", difference.what)
    } else {
        format!("{least} to {most} {}", difference.what)
    };
    let after = contest.steps.iter().copied().filter(|event| is_last(event));
    let shown: Vec<&Event> = guarded
        .iter()
        .copied()
        .chain(after)
        .chain([contest.history])
        .collect();
    let mut violation = life::violation(
        &SPEC,
        difference.title,
        Phrase::say(expected),
        Phrase::say(format!("{} {}", difference.found, difference.what)),
        "Bundle.entry",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    judgement.violations.push(violation.signed(difference.sign));
    judgement
}

fn difference(contest: &Contest<'_>, least: usize, most: usize) -> Option<Difference> {
    let made = contest.order.len().saturating_sub(1);
    let found = |title, sign, found, what| {
        Some(Difference {
            title,
            sign,
            found,
            what,
        })
    };
    if made < least {
        let title = "Fewer versions than accepted updates under If-Match";
        return found(title, "too-few", made, "versions after the first");
    }
    if made > most {
        let title = "More versions than accepted updates under If-Match";
        return found(title, "too-many", made, "versions after the first");
    }
    let count = count(contest)?;
    if count < least {
        let title = "The last version does not build on all accepted updates under If-Match";
        return found(title, "lost-update", count, "updates in the last version");
    }
    None
}

/// A read when all clients were done.
fn is_last(event: &Event) -> bool {
    matches!(event.step.command, Command::Read { .. }) && !event.step.is_concurrent()
}

/// What a counter would show in the last version: how many updates it builds on, each upon what its client had read.
fn count(contest: &Contest<'_>) -> Option<usize> {
    let resolved = order::resolve(&contest.order, &contest.operations);
    let mut bases: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, operation) in &resolved {
        if let Action::Write {
            made,
            based_on: Some(base),
        } = &operation.action
        {
            bases.insert(made, base);
        }
    }
    let read = contest.steps.iter().rposition(|event| is_last(event))?;
    let Action::Read { saw: Some(last) } = &contest.operations[read].action else {
        return None;
    };
    let mut version: &str = last;
    for count in 0..=contest.order.len() {
        match bases.get(version) {
            Some(base) => version = base,
            None => return Some(count),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judged(statuses: [u16; 2], versions: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        for (lane, status) in statuses.into_iter().enumerate() {
            let mark = format!("turn {}", lane + 1);
            let put = stage.versioned_put(target, "2", &mark, status, Some("1"));
            stage.at(put, lane as u8, 10, 20);
        }
        stage.versions(target, versions);
        GuardedUpdatesAreCounted.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn one_version_for_each_accepted_update_is_silent() {
        assert_eq!(judged([200, 412], &["1", "2"]).violations, []);
        assert_eq!(judged([200, 200], &["1", "2", "3"]).weighed, 1);
    }

    #[test]
    fn too_few_and_too_many_versions_are_found() {
        let signature = |statuses, versions: &[&str]| {
            judged(statuses, versions).violations[0].signature.clone()
        };
        assert_eq!(signature([200, 200], &["1", "2"]), ["too-few"]);
        assert_eq!(signature([200, 412], &["1", "2", "3"]), ["too-many"]);
    }

    #[test]
    fn two_updates_upon_one_version_lose_one() {
        let judged = |base: &str| {
            let mut stage = Stage::new(SPEC.id);
            let target = stage.versioned_create("1", "turn 0");
            for (lane, (version, base)) in [("2", "1"), ("3", base)].into_iter().enumerate() {
                let mark = format!("turn {}", lane + 1);
                let put = stage.versioned_put(target, version, &mark, 200, Some(base));
                stage.at(put, lane as u8, 10, 20);
            }
            stage.versioned_read(target, "3", "turn 2");
            stage.versions(target, &["1", "2", "3"]);
            GuardedUpdatesAreCounted.check(&stage.trace(), &capability(json!({})))
        };
        assert_eq!(judged("2").violations, []);
        assert_eq!(judged("1").violations[0].signature, ["lost-update"]);
    }

    #[test]
    fn a_lost_answer_widens_what_is_expected() {
        assert_eq!(judged([200, 504], &["1", "2"]).violations, []);
        assert_eq!(judged([200, 504], &["1", "2", "3"]).violations, []);
    }
}
