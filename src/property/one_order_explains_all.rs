//! `property/one-order-explains-all`: what clients saw and did at the same time has an order in which each operation
//! takes effect at one moment between its call and its answer. Row CC-03.

use super::case::{Case, Command, Origin, Script};
use super::contest::{self, Contest};
use super::order::{self, Contradiction, Kind, Verdict as Decision, sweep};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct OneOrderExplainsAll;

/// Fewest and most clients.
const LANES: (u32, u32) = (3, 4);
/// Turns of one client.
const TURNS: u32 = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/one-order-explains-all",
    title: "Reads and writes of several clients have one order that explains them all",
    level: Level::Should,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#concurrency",
    sentence: "If the version id given in the If-Match header does not match, the server returns a 412 Precondition Failed status code instead of updating the resource.",
    family: Family::Concurrency,
    guards: &[Guard::Resolved, Guard::Fresh],
    precondition: "operations of several clients on one resource overlapped, and its history was read",
    usual_causes: &[
        "a version is checked and written without a lock",
        "reads are served by a replica or a cache that lags",
        "the version number is taken from a read before the write",
    ],
};

impl Property for OneOrderExplainsAll {
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
        let mut turn = 0;
        for lane in 0..lanes as u8 {
            for _ in 0..TURNS {
                turn += 1;
                let put = |if_match, values: &mut Values| Command::Put {
                    target: made,
                    resource: dataset::turn(resource_type, turn, values),
                    if_match,
                };
                match values.weighted(&[1, 1, 2]) {
                    0 => {
                        script.push_lane(lane, Command::Read { target: made });
                    }
                    1 => {
                        let put = put(None, values);
                        script.push_lane(lane, put);
                    }
                    _ => {
                        let read = script.push_lane(lane, Command::Read { target: made });
                        let put = put(Some(read), values);
                        script.push_lane(lane, put);
                    }
                }
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
        match contest::contest(trace, target) {
            Err(reason) => Judgement::open(reason),
            Ok(None) => Judgement::default(),
            Ok(Some(contest)) => judge(&contest),
        }
    }

    fn level_of(&self, violation: &Violation) -> Level {
        let (_, base) = contest::named(Kind::BaseNotCurrent);
        if violation.signature.iter().any(|part| part == base) {
            Level::Shall
        } else {
            SPEC.level
        }
    }
}

fn judge(contest: &Contest<'_>) -> Judgement {
    let resolved = order::resolve(&contest.order, &contest.operations);
    let (places, operations): (Vec<usize>, Vec<_>) = resolved.into_iter().unzip();
    let mut judgement = Judgement::default();
    match sweep::sweep(&contest.order, &operations) {
        Decision::Undecided(reason) => {
            judgement.open.push(Open::Undecided(reason.to_owned()));
        }
        decided => {
            judgement.weighed = u32::from(contest.is_contested());
            if let Decision::Contradicted(found) = decided {
                // What went wrong first: later contradictions follow from it.
                let mut found = found.into_iter();
                let first = found.next().map(|found| Contradiction {
                    operations: found.operations.iter().map(|at| places[*at]).collect(),
                    ..found
                });
                judgement
                    .violations
                    .extend(first.map(|first| violation(contest, &first)));
            }
        }
    }
    judgement
}

fn violation(contest: &Contest<'_>, found: &Contradiction) -> Violation {
    let (title, sign) = contest::named(found.kind);
    let mut actual = Phrase::default();
    for (index, operation) in found.operations.iter().enumerate() {
        let begun = if index == 0 {
            actual
        } else {
            actual.words(", ")
        };
        actual = contest.say(begun, *operation);
    }
    let mut violation = life::violation(
        &SPEC,
        title,
        "operations that one order explains",
        actual,
        "meta.versionId",
        &contest.shown(found),
    );
    violation.oracle = Some(Completeness::Exact);
    violation.signed(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    /// A guarded update of what version 1 was, after another client's update, and what the history then holds.
    fn judged(status: u16, made: &str, versions: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        let read = stage.versioned_read(target, "1", "turn 0");
        stage.at(read, 0, 10, 20);
        let first = stage.versioned_put(target, "2", "turn 1", 200, None);
        stage.at(first, 1, 15, 40);
        let second = stage.versioned_put(target, made, "turn 2", status, Some("1"));
        stage.at(second, 0, 30, 60);
        let last = *versions.last().unwrap();
        let end = stage.versioned_read(target, last, "turn 9");
        stage.at(end, 2, 70, 80);
        stage.versions(target, versions);
        OneOrderExplainsAll.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_refused_update_leaves_an_order() {
        let judgement = judged(412, "x", &["1", "2"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn an_update_upon_an_old_version_is_a_shall() {
        let judgement = judged(200, "3", &["1", "2", "3"]);
        let violation = &judgement.violations[0];
        assert_eq!(violation.signature, ["base-not-current"]);
        assert_eq!(OneOrderExplainsAll.level_of(violation), Level::Shall);
        assert!(violation.exchanges.len() >= 3);
    }

    #[test]
    fn a_lost_answer_is_settled_by_the_history() {
        for versions in [&["1", "2", "turn 2"][..], &["1", "2"]] {
            let judgement = judged(503, "x", versions);
            assert_eq!(judgement.open, []);
            assert_eq!(judgement.weighed, 1);
        }
    }

    #[test]
    fn a_history_that_does_not_begin_with_the_create_decides_nothing() {
        let judgement = judged(412, "x", &["2", "1"]);
        assert_eq!((judgement.violations.len(), judgement.open.len()), (0, 1));
    }
}
