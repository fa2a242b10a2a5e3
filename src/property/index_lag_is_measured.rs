//! `property/index-lag-is-measured`: how long after an accepted write a search shows it, as a number; and that what a
//! search has shown once it goes on showing. R4 allows a lag, so this accuses nobody of one. Row SM-LAG.

use std::time::Duration;

use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct IndexLagIsMeasured;

/// Resources of one case.
const WRITES: u32 = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/index-lag-is-measured",
    title: "A search shows a write at once, and goes on showing it",
    level: Level::May,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#search",
    sentence: "(paraphrase) The results of a search are current at the time when it is carried out",
    family: Family::Search,
    guards: &[Guard::Tag, Guard::Fresh, Guard::Unknown],
    precondition: "a write was accepted and a search showed it",
    usual_causes: &[
        "searches go to replicas of different age",
        "the index is refreshed at intervals",
    ],
};

impl Property for IndexLagIsMeasured {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["search-type"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["search-type"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        for turn in 0..WRITES {
            let made = script.create(dataset::turn(resource_type, turn, values));
            script.settle(resource_type);
            let criterion = Criterion::new("_id", Term::Id(made));
            let has_id = ground.capability.supports_parameter(resource_type, "_id");
            let criteria = if has_id { vec![criterion] } else { Vec::new() };
            script.search(Search::of(&format!("s{turn}"), resource_type, criteria));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        if let Some(reason) = &trace.obstacle {
            return Judgement::open(Open::Blocked(reason.clone()));
        }
        let lags = lags(trace);
        if trace
            .events
            .iter()
            .any(|event| event.outcome == Outcome::Unsettled)
        {
            let reason = "the search index did not show what was written in time";
            return Judgement::open(Open::Undecided(reason.to_owned()));
        }
        let mut judgement = Judgement::default();
        judgement.violations.extend(vanished(trace));
        if lags.iter().any(|lag| !lag.is_zero()) {
            judgement.open.push(Open::Unsupported(said(&lags)));
        } else {
            judgement.weighed = u32::try_from(lags.len()).unwrap_or(u32::MAX);
        }
        judgement
    }
}

/// How long after each answer the search showed what was created; nothing where the first search did.
fn lags(trace: &Trace) -> Vec<Duration> {
    let events = trace.events.windows(2);
    events
        .filter_map(|pair| {
            let written = matches!(pair[0].step.command, Command::Create { .. })
                && pair[0].accepted().is_some();
            match pair[1].outcome {
                Outcome::Settled { polls: 1 } if written => Some(Duration::ZERO),
                Outcome::Settled { .. } if written => {
                    Some(pair[1].returned?.saturating_sub(pair[0].returned?))
                }
                _ => None,
            }
        })
        .collect()
}

/// The measure, for people. Its resolution is that of the pauses between polls.
fn said(lags: &[Duration]) -> String {
    let mut sorted: Vec<u128> = lags.iter().map(Duration::as_millis).collect();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let most = sorted.last().copied().unwrap_or_default();
    format!(
        "a search right after a write; the index shows it {median} ms later (median of {}, at most {most} ms)",
        sorted.len()
    )
}

/// A search for what the index had shown that does not show it any longer.
fn vanished(trace: &Trace) -> Option<Violation> {
    for pair in trace.events.windows(2) {
        let (settled, search) = (&pair[0], &pair[1]);
        let Command::Search(asked) = &search.step.command else {
            continue;
        };
        let Some(Criterion {
            value: Term::Id(made),
            ..
        }) = asked.criteria.first()
        else {
            continue;
        };
        if !matches!(settled.outcome, Outcome::Settled { .. })
            || answer::heeded(trace, &asked.label).is_err()
        {
            continue;
        }
        let (Some(key), Ok(Some(found))) = (trace.key(*made), answer::whole(trace, &asked.label))
        else {
            continue;
        };
        if !found.set().contains(key) {
            let shown: Vec<&Event> = vec![settled, search];
            let mut violation = life::violation(
                &SPEC,
                "A search does not show any longer what an earlier search showed",
                "the resource, which the search before showed",
                Phrase::say(format!("{} matches without it", found.set().len())),
                "Bundle.entry",
                &shown,
            )
            .signed("vanished");
            violation.oracle = Some(Completeness::Exact);
            return Some(violation);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judged(polls: u32, found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.settle_after("Patient", polls);
        stage.took(made + 1, 10, 130);
        stage.took(made, 0, 10);
        let search = Search::of("s0", "Patient", vec![Criterion::new("_id", Term::Id(made))]);
        let page = searchset(found, "Patient?_id=1");
        stage.push(Command::Search(search), None, vec![(200, page)]);
        IndexLagIsMeasured.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn an_index_without_lag_passes() {
        let judgement = judged(1, &["Patient/1"]);
        assert_eq!((judgement.weighed, judgement.open.len()), (1, 0));
    }

    #[test]
    fn a_lag_is_said_as_a_number_and_is_no_violation() {
        let judgement = judged(4, &["Patient/1"]);
        assert_eq!(judgement.violations, []);
        let Open::Unsupported(said) = &judgement.open[0] else {
            panic!("{:?}", judgement.open);
        };
        assert!(said.contains("120 ms later"), "{said}");
    }

    #[test]
    fn what_vanishes_again_is_found() {
        assert_eq!(judged(1, &[]).violations[0].signature, ["vanished"]);
    }
}
