//! `property/reads-never-go-back`: while others write, no client sees an older version after a newer one. R4 promises
//! no session, and a load balancer without affinity may legally break it, so this is a note. Row CC-09.

use super::case::{Case, Command, Origin, Script};
use super::contest::{self, Contest};
use super::order::session::{self, Breach, Guarantee};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ReadsNeverGoBack;

/// Clients that read, and reads of each.
const READERS: u8 = 2;
const READS: u32 = 4;
/// Fewest and most updates meanwhile.
const UPDATES: (u32, u32) = (3, 5);

static SPEC: PropertySpec = PropertySpec {
    id: "property/reads-never-go-back",
    title: "No client sees an older version after a newer one",
    level: Level::May,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#read",
    sentence: "(paraphrase) The read interaction accesses the current contents of a resource",
    family: Family::Concurrency,
    guards: &[Guard::Fresh, Guard::Resolved],
    precondition: "a client read a resource several times while another updated it, and its history was read",
    usual_causes: &[
        "reads of one client go to replicas of different age",
        "a cache is filled with what a slow request read earlier",
    ],
};

impl Property for ReadsNeverGoBack {
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
        let (least, most) = UPDATES;
        for turn in 1..=least + values.below(most - least + 1) {
            let put = Command::Put {
                target: made,
                resource: dataset::turn(resource_type, turn, values),
                if_match: None,
            };
            script.push_lane(0, put);
        }
        for reader in 1..=READERS {
            for _ in 0..READS {
                script.push_lane(reader, Command::Read { target: made });
            }
        }
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let guarantees = [Guarantee::MonotonicReads];
        judge(&SPEC, trace, &guarantees)
    }
}

/// Judges some guarantees of all clients of the first resource of a trace.
pub(super) fn judge(
    spec: &'static PropertySpec,
    trace: &Trace,
    guarantees: &[Guarantee],
) -> Judgement {
    let Some(target) = trace.events.first().map(|event| event.step.id) else {
        return Judgement::default();
    };
    let contest = match contest::contest(trace, target) {
        Err(reason) => return Judgement::open(reason),
        Ok(None) => return Judgement::default(),
        Ok(Some(contest)) => contest,
    };
    let mut judgement = Judgement {
        weighed: u32::from(contest.is_contested()),
        ..Judgement::default()
    };
    for guarantee in guarantees {
        let found = session::breaches(&contest.order, &contest.operations);
        let breach = found
            .into_iter()
            .find(|breach| breach.guarantee == *guarantee);
        let violation = breach.map(|breach| violation(spec, &contest, breach));
        judgement.violations.extend(violation);
    }
    judgement
}

fn violation(spec: &PropertySpec, contest: &Contest<'_>, breach: Breach) -> Violation {
    let (title, sign) = match breach.guarantee {
        Guarantee::MonotonicReads => (
            "A client sees an older version after a newer one",
            "read-went-back",
        ),
        Guarantee::ReadYourWrites => (
            "A client does not see the version that it made",
            "own-write-not-read",
        ),
        Guarantee::MonotonicWrites => (
            "A client's later write stands before its earlier one in the history",
            "writes-swapped",
        ),
        Guarantee::WritesFollowReads => (
            "A client's write stands in the history before what the client had read",
            "write-before-read",
        ),
    };
    let shown = [
        contest.steps[breach.earlier],
        contest.steps[breach.later],
        contest.history,
    ];
    let first = contest.say(Phrase::default(), breach.earlier);
    let actual = contest.say(first.words(", then by the same client "), breach.later);
    let mut violation = life::violation(
        spec,
        title,
        "versions that do not go back, for one client",
        actual,
        "meta.versionId",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    violation.signed(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judged(seen: [&str; 2], lanes: [u8; 2]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        let put = stage.versioned_put(target, "2", "turn 1", 200, None);
        stage.at(put, 0, 10, 30);
        for (index, (version, lane)) in seen.into_iter().zip(lanes).enumerate() {
            let read = stage.versioned_read(target, version, "x");
            let called = 20 + 10 * index as u64;
            stage.at(read, lane, called, called + 5);
        }
        stage.versions(target, &["1", "2"]);
        ReadsNeverGoBack.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn versions_that_go_on_are_silent_and_other_clients_may_see_less() {
        assert_eq!(judged(["1", "2"], [1, 1]).violations, []);
        assert_eq!(judged(["2", "1"], [1, 2]).violations, []);
        assert_eq!(judged(["1", "2"], [1, 1]).weighed, 1);
    }

    #[test]
    fn a_version_that_goes_back_is_found() {
        let judgement = judged(["2", "1"], [1, 1]);
        assert_eq!(judgement.violations[0].signature, ["read-went-back"]);
        assert_eq!(judgement.violations[0].exchanges.len(), 3);
    }
}
