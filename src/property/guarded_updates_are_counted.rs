//! `property/guarded-updates-are-counted`: several clients read, and update what they read under If-Match; the versions
//! that come to be are as many as the updates that were accepted. Row CC-04.

use super::case::{Case, Command, Origin, Script};
use super::contest::{self, Contest};
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
    let made = contest.order.len().saturating_sub(1);
    let (least, most) = (guarded.len(), guarded.len() + contest.lost());
    if (least..=most).contains(&made) {
        return judgement;
    }
    let (title, sign) = if made < least {
        (
            "Fewer versions than accepted updates under If-Match",
            "too-few",
        )
    } else {
        (
            "More versions than accepted updates under If-Match",
            "too-many",
        )
    };
    let expected = if least == most {
        format!("{least} versions after the first")
    } else {
        format!("{least} to {most} versions after the first")
    };
    let shown = guarded.iter().copied().chain([contest.history]);
    let shown: Vec<&Event> = shown.collect();
    let actual = Phrase::say(format!("{made} versions after the first"));
    let mut violation = life::violation(
        &SPEC,
        title,
        Phrase::say(expected),
        actual,
        "Bundle.entry",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    judgement.violations.push(violation.signed(sign));
    judgement
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
    fn a_lost_answer_widens_what_is_expected() {
        assert_eq!(judged([200, 504], &["1", "2"]).violations, []);
        assert_eq!(judged([200, 504], &["1", "2", "3"]).violations, []);
    }
}
