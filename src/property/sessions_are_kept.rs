//! `property/sessions-are-kept`: each client sees its own writes, its writes keep their order, and they follow what it
//! had read, while others write too. Row CC-10.

use super::case::{Case, Command, Origin, Script};
use super::contest;
use super::order::session::Guarantee;
use super::reads_never_go_back::judge;
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct SessionsAreKept;

/// Fewest and most clients.
const LANES: (u32, u32) = (2, 3);
/// Turns of one client.
const TURNS: u32 = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/sessions-are-kept",
    title: "Each client sees its own writes, in their order, while others write",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#read",
    sentence: "(paraphrase) The read interaction accesses the current contents of a resource",
    family: Family::Concurrency,
    guards: &[Guard::Fresh, Guard::Resolved],
    precondition: "several clients read and updated one resource at the same time, and its history was read",
    usual_causes: &[
        "reads are served by a replica or a cache that lags",
        "writes are queued and applied in another order than they were accepted",
    ],
};

impl Property for SessionsAreKept {
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
        for lane in 0..least + values.below(most - least + 1) {
            for turn in 0..TURNS {
                // A write, and mostly a read behind it.
                let put = Command::Put {
                    target: made,
                    resource: dataset::turn(resource_type, 1 + lane * TURNS + turn, values),
                    if_match: None,
                };
                script.push_lane(lane as u8, put);
                if values.chance(70) {
                    script.push_lane(lane as u8, Command::Read { target: made });
                }
            }
        }
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let guarantees = [
            Guarantee::ReadYourWrites,
            Guarantee::MonotonicWrites,
            Guarantee::WritesFollowReads,
        ];
        judge(&SPEC, trace, &guarantees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    /// Two writes of one client, a write of another, and a read of the first.
    fn judged(first: &str, second: &str, seen: &str, lane: u8) -> Vec<Vec<String>> {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        let own = stage.versioned_put(target, first, "a", 200, None);
        stage.at(own, 0, 10, 20);
        let later = stage.versioned_put(target, second, "b", 200, None);
        stage.at(later, 0, 30, 40);
        let read = stage.versioned_read(target, seen, "x");
        stage.at(read, lane, 39, 60);
        stage.versions(target, &["1", "2", "3"]);
        let judgement = SessionsAreKept.check(&stage.trace(), &capability(json!({})));
        assert!(judgement.open.is_empty());
        let violations = judgement.violations.into_iter();
        violations.map(|violation| violation.signature).collect()
    }

    #[test]
    fn a_client_that_sees_its_own_writes_is_silent_and_others_may_see_less() {
        assert!(judged("2", "3", "3", 0).is_empty());
        assert!(judged("2", "3", "1", 1).is_empty());
    }

    #[test]
    fn a_write_that_is_not_seen_and_writes_that_are_swapped_are_found() {
        assert_eq!(judged("2", "3", "2", 0), [["own-write-not-read"]]);
        assert_eq!(judged("3", "2", "3", 0), [["writes-swapped"]]);
    }
}
