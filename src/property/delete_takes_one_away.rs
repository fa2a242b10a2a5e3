//! `property/delete-takes-one-away`: after a delete every search has the matches that it had before, without the deleted
//! one. Row SM-32 of the catalogue.

use std::collections::BTreeSet;

use super::before_and_after::{self, Change, TURNS, labels};
use super::case::{Case, Criterion, Origin, Script, Search};
use super::contrast;
use super::trace::{Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::property::Command;
use crate::record::verdict::WRITES_NOT_ALLOWED;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct DeleteTakesOneAway;

static SPEC: PropertySpec = PropertySpec {
    id: "property/delete-takes-one-away",
    title: "A delete takes one resource from every search, and no other",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "A delete interaction means that subsequent non-version specific reads of a resource return a 410 HTTP status code and that the resource is no longer found through search interactions.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Unknown,
    ],
    precondition: "a search matched what was then deleted",
    usual_causes: &[
        "some indexes keep rows of deleted resources",
        "a delete removes index rows by a value that others share",
    ],
};

impl Property for DeleteTakesOneAway {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        written(ground, &["delete"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let on = written(ground, &["delete"]).unwrap_or_default();
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let population = dataset::populate(&mut script, &on, values);
        let number = u32::try_from(population.resources.len()).unwrap_or(1);
        // The population is what the first steps create.
        let victim = values.below(number);
        let mut searches = vec![Vec::new()];
        let held: Vec<_> = population
            .resources
            .get(victim as usize)
            .map(|body| {
                let values_of = |one: &super::parameter::Parameter| one.values(body);
                let held = population.parameters.iter();
                held.filter_map(|one| Some((one.code, values_of(one).into_iter().next()?)))
                    .collect()
            })
            .unwrap_or_default();
        while searches.len() < TURNS && !held.is_empty() {
            let (code, value) = values.pick::<(&str, String)>(&held).clone();
            searches.push(vec![Criterion::new(code, super::case::Term::text(value))]);
        }
        let search = |label: &str, criteria: &Vec<Criterion>| {
            Search::of(label, population.resource_type, criteria.clone())
        };
        for (turn, criteria) in searches.iter().enumerate() {
            script.search(search(&labels(turn)[0], criteria));
        }
        script.delete(victim);
        script.settle(population.resource_type);
        for (turn, criteria) in searches.iter().enumerate() {
            script.search(search(&labels(turn)[1], criteria).until(victim, false));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let gone = match deleted(trace) {
            Ok(Some(key)) => BTreeSet::from([key]),
            Ok(None) => return Judgement::default(),
            Err(reason) => return Judgement::open(reason),
        };
        let change = Change {
            rule: SPEC.id,
            lost: "A search loses more than what was deleted",
            added: "A search finds what was deleted, or what it did not find before",
            gone: &gone,
            needs_gone: true,
        };
        contrast::gather((0..TURNS).map(|turn| before_and_after::judge(trace, turn, &change)))
    }
}

/// Types that may be created, searched and more.
pub(super) fn written(
    ground: &Ground<'_>,
    interactions: &[&str],
) -> Result<super::ground::SearchGround, Verdict> {
    let mut found = ground.searched(1)?;
    if !ground.writes || found.origin != Origin::Created {
        return Err(Verdict::Blocked(WRITES_NOT_ALLOWED.to_owned()));
    }
    let claims = |name: &str| {
        let mut wanted = interactions.iter();
        wanted.all(|interaction| ground.capability.supports(name, interaction))
    };
    found.types.retain(|(name, _)| claims(name));
    match found.types.is_empty() {
        true => Err(Verdict::Skip(format!(
            "not claimed: {} of what can be created and searched",
            interactions.join(", ")
        ))),
        false => Ok(found),
    }
}

/// What was deleted, if it was settled afterwards.
fn deleted(trace: &Trace) -> Result<Option<Key>, Open> {
    let at = trace
        .events
        .iter()
        .position(|event| matches!(event.step.command, Command::Delete { .. }));
    let Some(at) = at else { return Ok(None) };
    let event = &trace.events[at];
    let settled = trace.events[at..]
        .iter()
        .any(|event| matches!(event.step.command, Command::Settle { .. }));
    match event.reply() {
        Reply::Accepted(_) if settled => Ok(event.key.clone()),
        Reply::Refused(exchange) => Err(Open::Blocked(format!(
            "the target refuses to delete ({})",
            exchange.status().unwrap_or_default()
        ))),
        Reply::Unknown => Err(Open::Undecided(event.doubt().unwrap_or_default())),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(after: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let step = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.create("Patient/2", json!({"resourceType": "Patient"}));
        stage.settle("Patient");
        let ask = |stage: &mut Stage, label: &str, keys: &[&str]| {
            let search = Search::of(label, "Patient", Vec::new());
            stage.push(
                Command::Search(search),
                None,
                vec![(200, searchset(keys, "Patient?_tag=x"))],
            );
        };
        ask(&mut stage, "before0", &["Patient/1", "Patient/2"]);
        let delete = Command::Delete {
            target: step,
            if_match: None,
        };
        stage.push(delete, Some("Patient/1"), vec![(204, json!(null))]);
        stage.settle("Patient");
        ask(&mut stage, "after0", after);
        DeleteTakesOneAway.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn only_what_was_deleted_is_gone() {
        let judgement = judge(&["Patient/2"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        assert_eq!(judge(&[]).violations[0].signature, ["lost"]);
        assert_eq!(
            judge(&["Patient/1", "Patient/2"]).violations[0].signature,
            ["added"]
        );
    }
}
