//! `property/unrelated-changes-nothing`: a new resource that a search does not match leaves the matches as they were. Row
//! SM-33 of the catalogue.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::before_and_after::{self, Change, TURNS, labels};
use super::case::{Case, Criterion, Origin, Script, Search};
use super::contrast;
use super::delete_takes_one_away::written;
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset};
use crate::fhir::capability::Capability;
use crate::property::Command;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct UnrelatedChangesNothing;

static SPEC: PropertySpec = PropertySpec {
    id: "property/unrelated-changes-nothing",
    title: "A new resource that a search does not match leaves its matches as they were",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#Introduction",
    sentence: "The server determines which of the set of resources it serves meet the specific criteria, and returns the results in the HTTP response as a bundle",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Unknown,
    ],
    precondition: "a search had matches before the new resource was written",
    usual_causes: &[
        "results are cut to a number that the new resource counts towards",
        "a resource without a value matches every value",
        "a cache or an index is rebuilt without some of its rows",
    ],
};

impl Property for UnrelatedChangesNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        written(ground, &["create"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let on = written(ground, &["create"]).unwrap_or_default();
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let population = dataset::populate(&mut script, &on, values);
        let searches: Vec<Vec<Criterion>> = (0..TURNS)
            .map(|_| vec![population.criterion(population.parameter(values), values)])
            .collect();
        let search = |label: &str, criteria: &Vec<Criterion>| {
            Search::of(label, population.resource_type, criteria.clone())
        };
        for (turn, criteria) in searches.iter().enumerate() {
            script.search(search(&labels(turn)[0], criteria));
        }
        for _ in 0..1 + values.below(2) {
            script.create(bare(population.resource_type));
        }
        script.settle(population.resource_type);
        for (turn, criteria) in searches.iter().enumerate() {
            script.search(search(&labels(turn)[1], criteria));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| {
            // Only a criterion can make a new resource a stranger.
            if answer::criteria(trace, &labels(turn)[0]).is_empty() || !is_bare_only(trace) {
                return Ok(None);
            }
            let change = Change {
                rule: SPEC.id,
                lost: "A search loses matches when an unrelated resource is written",
                added: "A search gains matches when an unrelated resource is written",
                gone: &BTreeSet::new(),
                needs_gone: false,
            };
            before_and_after::judge(trace, turn, &change)
        }))
    }
}

/// A resource without any of the values for which a population is searched.
fn bare(resource_type: &str) -> Value {
    match resource_type {
        "Observation" => json!({ "resourceType": "Observation", "status": "cancelled",
            "code": { "coding": [{ "system": "http://example.org/codes", "code": "unrelated" }] } }),
        name => json!({ "resourceType": name }),
    }
}

/// True if what was written after the first search is still without such values.
fn is_bare_only(trace: &Trace) -> bool {
    let searched = trace
        .events
        .iter()
        .position(|event| matches!(event.step.command, Command::Search(_)));
    let later = trace.events.iter().skip(searched.unwrap_or_default());
    let created: Vec<&Value> = later
        .filter(|event| event.step.command.writes())
        .filter_map(|event| event.step.command.payload())
        .collect();
    let is_bare = |body: &&Value| {
        let name = body.get("resourceType").and_then(Value::as_str);
        name.is_some_and(|name| **body == bare(name))
    };
    searched.is_some() && !created.is_empty() && created.iter().all(is_bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Term;
    use crate::property::staging::{Stage, capability, searchset};

    fn judge(unrelated: Value, after: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        stage.create(
            "Patient/1",
            json!({"resourceType": "Patient", "gender": "male"}),
        );
        stage.settle("Patient");
        let ask = |stage: &mut Stage, label: &str, keys: &[&str]| {
            let male = Criterion::new("gender", Term::text("male"));
            let search = Search::of(label, "Patient", vec![male]);
            let page = searchset(keys, "Patient?_tag=x&gender=male");
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        ask(&mut stage, "before0", &["Patient/1"]);
        stage.create("Patient/2", unrelated);
        stage.settle("Patient");
        ask(&mut stage, "after0", after);
        UnrelatedChangesNothing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_does_not_match_changes_nothing() {
        let judgement = judge(bare("Patient"), &["Patient/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        assert_eq!(
            judge(bare("Patient"), &[]).violations[0].signature,
            ["lost"]
        );
        let both = judge(bare("Patient"), &["Patient/1", "Patient/2"]);
        assert_eq!(both.violations[0].signature, ["added"]);
    }

    #[test]
    fn what_may_match_is_not_unrelated() {
        let male = json!({"resourceType": "Patient", "gender": "male"});
        assert_eq!(judge(male, &["Patient/1", "Patient/2"]).weighed, 0);
    }
}
