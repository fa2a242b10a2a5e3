//! `property/concurrent-updates-are-kept`: each accepted update of several at the same moment has a version of its own,
//! and the history holds what it wrote, once. Row CC-02.

use std::collections::BTreeMap;

use super::case::{Case, Command, Origin, Script};
use super::contest::{self, Contest};
use super::trace::{Event, Trace, shown_version};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ConcurrentUpdatesAreKept;

/// Fewest and most updates at the same moment.
const LANES: (u32, u32) = (3, 6);

static SPEC: PropertySpec = PropertySpec {
    id: "property/concurrent-updates-are-kept",
    title: "Each accepted update of several at the same moment has a version of its own in the history",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "The return content is a Bundle with type set to history containing the specified version history, sorted with oldest versions last, and including deleted resources.",
    family: Family::Concurrency,
    guards: &[Guard::Resolved],
    precondition: "two updates at the same moment were accepted, and the history was read",
    usual_causes: &[
        "the next version number is read before the write without a lock",
        "versions are stored under a key that two writers can share",
        "the history is written after the answer, and is not written if another update comes in between",
    ],
};

impl Property for ConcurrentUpdatesAreKept {
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
        for turn in 1..=least + values.below(most - least + 1) {
            script.push_together(Command::Put {
                target: made,
                resource: dataset::turn(resource_type, turn, values),
                if_match: None,
            });
        }
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let Some(target) = trace.events.first().map(|event| event.step.id) else {
            return Judgement::default();
        };
        // The order of the versions does not matter here, so nothing is asked of it.
        match contest::unordered(trace, target) {
            Err(reason) => Judgement::open(reason),
            Ok(None) => Judgement::default(),
            Ok(Some(contest)) => judge(&contest),
        }
    }
}

fn judge(contest: &Contest<'_>) -> Judgement {
    let accepted: Vec<(&str, &Event)> = contest
        .accepted()
        .into_iter()
        .filter(|(_, event)| event.step.is_concurrent())
        .collect();
    let mut judgement = Judgement {
        weighed: u32::from(accepted.len() > 1),
        ..Judgement::default()
    };
    let mut shown: BTreeMap<String, &Event> = BTreeMap::new();
    for (token, event) in &accepted {
        let held = contest
            .order
            .iter()
            .filter(|version| version.token.as_deref() == Some(token))
            .count();
        if held != 1 {
            let found = kept(contest, event, held, accepted.len());
            judgement.violations.push(found);
        }
        let version = event.accepted().and_then(shown_version);
        if let Some(version) = version
            && let Some(other) = shown.insert(version.clone(), event)
        {
            let violation = life::violation(
                &SPEC,
                "Two accepted updates at the same moment are answered with one version",
                "a version of its own for each accepted update",
                Phrase::say("version ").data(version).words(" twice"),
                "meta.versionId",
                &[other, event, contest.history],
            );
            judgement
                .violations
                .push(violation.signed("version-shared"));
        }
    }
    judgement
        .violations
        .dedup_by(|one, other| one.signature == other.signature);
    judgement
}

/// What an accepted update wrote is not in the history, or more than once.
fn kept(contest: &Contest<'_>, event: &Event, held: usize, accepted: usize) -> Violation {
    let (title, sign) = if held == 0 {
        ("The history lacks what an accepted update wrote", "lost")
    } else {
        (
            "The history holds what one update wrote more than once",
            "repeated",
        )
    };
    let mut violation = life::violation(
        &SPEC,
        title,
        Phrase::say(format!(
            "one version for each of {accepted} accepted updates"
        )),
        Phrase::say(format!(
            "{held} versions with the content of one, {} versions in all",
            contest.order.len()
        )),
        "Bundle.entry",
        &[event, contest.history],
    );
    violation.oracle = Some(Completeness::Exact);
    violation.signed(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judged(second: (&str, u16), versions: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        for (lane, (version, mark, status)) in
            [("2", "turn 1", 200), (second.0, "turn 2", second.1)]
                .into_iter()
                .enumerate()
        {
            let put = stage.versioned_put(target, version, mark, status, None);
            stage.at(put, lane as u8, 10, 20);
        }
        stage.versions(target, versions);
        ConcurrentUpdatesAreKept.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn versions_of_their_own_are_silent_and_a_refusal_is_legal() {
        assert_eq!(judged(("3", 200), &["1", "2", "3"]).violations, []);
        assert_eq!(judged(("x", 409), &["1", "2"]).violations, []);
    }

    #[test]
    fn a_lost_a_shared_and_a_repeated_version_are_found() {
        let signature = |second: &str, versions: &[&str]| {
            judged((second, 200), versions).violations[0]
                .signature
                .clone()
        };
        assert_eq!(signature("3", &["1", "2"]), ["lost"]);
        assert_eq!(signature("2", &["1", "2", "turn 2"]), ["version-shared"]);
        assert_eq!(signature("3", &["1", "2", "3", "turn 2"]), ["repeated"]);
    }

    #[test]
    fn a_lost_answer_may_be_in_the_history_or_not() {
        for versions in [&["1", "2", "turn 2"][..], &["1", "2"]] {
            assert_eq!(judged(("x", 503), versions).violations, []);
        }
    }
}
