//! `property/deleted-in-no-search`: what was deleted is in no search that found it before, and in no total.
//! Row CR-09.

use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct DeletedInNoSearch;

static SPEC: PropertySpec = PropertySpec {
    id: "property/deleted-in-no-search",
    title: "What was deleted is in no search and in no total",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "A delete interaction means that subsequent non-version specific reads of a resource return a 410 HTTP status code and that the resource is no longer found through search interactions.",
    family: Family::Search,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Fresh, Guard::Unknown],
    precondition: "a search that a deleted resource matched was answered before and after the delete",
    usual_causes: &[
        "one of several index tables keeps its rows",
        "the total is counted from a table that knows no deletes",
    ],
};

impl Property for DeletedInNoSearch {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let content = dataset::turn(resource_type, 0, values);
        script.create(dataset::turn(resource_type, 1, values));
        let gone = script.create(content.clone());
        script.settle(resource_type);
        let mut searches = vec![Vec::new()];
        for parameter in ground.parameters(resource_type) {
            if let Some(value) = parameter.values(&content).into_iter().next() {
                searches.push(vec![Criterion::new(parameter.code, Term::Text(value))]);
            }
        }
        let searches: Vec<Search> = searches
            .into_iter()
            .enumerate()
            .map(|(number, criteria)| Search::of(&format!("s{number}"), resource_type, criteria))
            .collect();
        for search in &searches {
            let mut before = search.clone();
            before.label = format!("before-{}", search.label);
            script.search(before);
        }
        script.delete(gone);
        script.settle(resource_type);
        for search in searches {
            script.search(search);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        if trace
            .events
            .iter()
            .any(|event| event.outcome == Outcome::Unsettled)
            && !still_listed(trace)
        {
            let reason = "the search index did not show what was written in time";
            return Judgement::open(Open::Undecided(reason.to_owned()));
        }
        let mut judgement = Judgement::default();
        let deletes = |event: &&Event| matches!(event.step.command, Command::Delete { .. });
        let Some(delete) = trace.events.iter().find(deletes) else {
            return judgement;
        };
        for event in &trace.events {
            if let Command::Search(search) = &event.step.command
                && !search.label.starts_with("before-")
            {
                match judge(trace, delete, event, &search.label) {
                    Ok(Some(violations)) => {
                        judgement.weighed += 1;
                        judgement.violations.extend(violations);
                    }
                    Ok(None) => {}
                    Err(reason) => judgement.open.push(reason),
                }
            }
        }
        judgement
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    ground.written(&["delete", "search-type"])
}

/// The wait after the delete ended with the deleted resource still in the list: that is the fault, not a lag, for the
/// wait is as long as the index may lag.
fn still_listed(trace: &Trace) -> bool {
    let deletes = |event: &Event| matches!(event.step.command, Command::Delete { .. });
    let Some(position) = trace.events.iter().position(deletes) else {
        return false;
    };
    let (before, after) = trace.events.split_at(position);
    let unsettled = |event: &&Event| event.outcome == Outcome::Unsettled;
    before.iter().find(unsettled).is_none() && after.iter().any(|event| unsettled(&event))
}

/// Violations of one search after the delete; `None` if the deleted resource did not match it before.
fn judge(
    trace: &Trace,
    delete: &Event,
    event: &Event,
    label: &str,
) -> Result<Option<Vec<Violation>>, Open> {
    let Some(key) = delete.key.as_ref().filter(|_| delete.accepted().is_some()) else {
        return Ok(None);
    };
    let before = format!("before-{label}");
    let (Some(one), Some(other)) = (answer::whole(trace, &before)?, answer::whole(trace, label)?)
    else {
        return Ok(None);
    };
    if !one.set().contains(key)
        || answer::criteria(trace, &before) != answer::criteria(trace, label)
    {
        return Ok(None);
    }
    let mut found = Vec::new();
    let shown = [delete, event];
    if other.set().contains(key) {
        found.push(
            life::violation(
                &SPEC,
                "A deleted resource is still found by search",
                "the deleted resource is not among the matches",
                "it is",
                "Bundle.entry",
                &shown,
            )
            .signed("entry"),
        );
    }
    let total = event.exchanges.first().and_then(|page| page.json());
    if let Some(total) = total.as_ref().and_then(bundle::total)
        && found.is_empty()
        && total != other.set().len() as u64
        && total == other.set().len() as u64 + 1
    {
        found.push(
            life::violation(
                &SPEC,
                "A deleted resource is still counted by search",
                Phrase::say(format!("Bundle.total = {}", other.set().len())),
                Phrase::say(format!("Bundle.total = {total}")),
                "Bundle.total",
                &shown,
            )
            .signed("total"),
        );
    }
    for violation in &mut found {
        violation.oracle = Some(Completeness::Exact);
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::{Value, json};

    fn judge(after: Value) -> (Vec<Violation>, u32) {
        let mut stage = Stage::new(SPEC.id);
        stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let gone = stage.create("Patient/2", json!({"resourceType": "Patient"}));
        stage.settle("Patient");
        let search = |label: &str| Command::Search(Search::of(label, "Patient", Vec::new()));
        let both = searchset(&["Patient/1", "Patient/2"], "Patient");
        stage.push(search("before-s0"), None, vec![(200, both)]);
        let delete = Command::Delete {
            target: gone,
            if_match: None,
        };
        stage.push(delete, Some("Patient/2"), vec![(204, json!({}))]);
        stage.settle("Patient");
        stage.push(search("s0"), None, vec![(200, after)]);
        let judgement = DeletedInNoSearch.check(&stage.trace(), &capability(json!({})));
        (judgement.violations, judgement.weighed)
    }

    #[test]
    fn a_search_without_the_deleted_resource_is_silent() {
        assert_eq!(judge(searchset(&["Patient/1"], "Patient")), (Vec::new(), 1));
    }

    #[test]
    fn a_match_and_a_total_that_stay_are_found() {
        let (found, _) = judge(searchset(&["Patient/1", "Patient/2"], "Patient"));
        assert_eq!(found[0].signature, ["entry"]);
        let mut counted = searchset(&["Patient/1"], "Patient");
        counted["total"] = json!(2);
        assert_eq!(judge(counted).0[0].signature, ["total"]);
    }
}
