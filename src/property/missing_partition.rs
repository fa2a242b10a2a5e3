//! `property/missing-partition`: `:missing=true` and `:missing=false` divide the resources between them.

use super::answer;
use super::case::{Case, Command, Criterion, Script, Search, Term};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset, parameter,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct MissingPartition;

/// Parameters asked for on one population.
const PARAMETERS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/missing-partition",
    title: ":missing=true and :missing=false divide the resources between them",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#modifiers",
    sentence: "Searching for gender:missing=true will return all the resources that don't have a value for the gender parameter",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with and without a value were searched with the modifier",
    usual_causes: &[
        ":missing is answered from an index that has no rows for resources without a value",
        "true and false are exchanged, or the modifier is taken for a value",
    ],
};

impl Property for MissingPartition {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched(1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched(1).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let all = |label: &str| Search::of(label, population.resource_type, Vec::new());
        script.search(all("all"));
        for turn in 0..PARAMETERS {
            let code = population.parameter(values).code;
            for (label, flag) in [("without", "true"), ("with", "false")] {
                let mut search = all(&format!("{label}{turn}"));
                let value = Term::Text(flag.to_owned());
                search
                    .criteria
                    .push(Criterion::new(format!("{code}:missing"), value));
                script.search(search);
            }
        }
        script.search(all("again"));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for turn in 0..PARAMETERS {
            match judge(trace, turn) {
                Ok(Some(violation)) => {
                    judgement.weighed += 1;
                    judgement.violations.extend(violation);
                }
                Ok(None) => {}
                Err(reason) => judgement.open.push(reason),
            }
        }
        judgement
    }
}

/// The outer `None`: nothing to judge; the inner: nothing wrong.
fn judge(trace: &Trace, turn: usize) -> Result<Option<Option<Violation>>, Open> {
    let [without, with] = ["without", "with"].map(|label| format!("{label}{turn}"));
    if !is_pair(trace, &without, &with) {
        return Ok(None);
    }
    if !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    answer::heeded(trace, &without)?;
    answer::heeded(trace, &with)?;
    let (Some(all), Some(without), Some(with), Some(again)) = (
        answer::whole(trace, "all")?,
        answer::whole(trace, &without)?,
        answer::whole(trace, &with)?,
        answer::whole(trace, "again")?,
    ) else {
        return Ok(None);
    };
    let (everything, lacking, having) = (all.set(), without.set(), with.set());
    if everything.is_empty() {
        return Ok(None);
    }
    if lacking == everything && having == everything {
        let reason = "the modifier :missing changes nothing: it is ignored";
        return Err(Open::Unsupported(reason.to_owned()));
    }
    let both = lacking.intersection(&having).count();
    let neither = everything
        .iter()
        .filter(|key| !lacking.contains(key) && !having.contains(key))
        .count();
    let foreign = lacking
        .union(&having)
        .filter(|key| !everything.contains(key))
        .count();
    let found = [
        (
            both,
            "A resource matches both :missing=true and :missing=false",
            "both",
        ),
        (
            neither,
            "A resource matches neither :missing=true nor :missing=false",
            "neither",
        ),
        (
            foreign,
            ":missing matches what the search without it does not",
            "foreign",
        ),
    ]
    .into_iter()
    .find(|(number, _, _)| *number > 0);
    let exchanges = [
        &all.exchanges[..],
        &without.exchanges,
        &with.exchanges,
        &again.exchanges,
    ]
    .concat();
    let wrong = |title: &str, actual: String, sign: &str| {
        let expected = format!(
            "every one of {} resources in exactly one of the two",
            everything.len()
        );
        let mut violation = Violation::new(SPEC.id, title, expected.as_str(), Phrase::say(actual))
            .at("Bundle.entry")
            .seen_in(exchanges.clone())
            .signed(sign);
        violation.oracle = Some(answer::completeness(trace));
        violation
    };
    if let Some((number, title, sign)) = found {
        let actual = format!(
            "{} with true, {} with false: {number} {sign}",
            lacking.len(),
            having.len()
        );
        return Ok(Some(Some(wrong(title, actual, sign))));
    }
    let known = known_lacking(trace, turn);
    let misplaced = known.iter().filter(|key| having.contains(key)).count();
    if misplaced > 0 {
        let title = "A resource without a value matches :missing=false";
        let actual =
            format!("{misplaced} resources that were written without a value match :missing=false");
        return Ok(Some(Some(wrong(title, actual, "misplaced"))));
    }
    Ok(Some(None))
}

/// True if the two searches are the two halves of one parameter and the whole has no criterion.
fn is_pair(trace: &Trace, without: &str, with: &str) -> bool {
    let flag = |label: &str| match answer::criteria(trace, label) {
        [
            Criterion {
                name,
                value: Term::Text(flag),
            },
        ] if name.ends_with(":missing") => Some((name.as_str(), flag.as_str())),
        _ => None,
    };
    let (Some(without), Some(with)) = (flag(without), flag(with)) else {
        return false;
    };
    without.0 == with.0
        && (without.1, with.1) == ("true", "false")
        && answer::criteria(trace, "all").is_empty()
}

/// Resources that the case wrote without anything at the place of the parameter.
fn known_lacking(trace: &Trace, turn: usize) -> Vec<Key> {
    let parameter =
        trace
            .search(&format!("with{turn}"))
            .and_then(|event| match &event.step.command {
                Command::Search(search) => {
                    let name = &search.criteria.first()?.name;
                    parameter::find(&search.resource_type, name)
                }
                _ => None,
            });
    let Some(parameter) = parameter else {
        return Vec::new();
    };
    trace
        .events
        .iter()
        .filter(|event| event.accepted().is_some())
        .filter_map(|event| match &event.step.command {
            Command::Create { resource, .. } if parameter.is_missing(resource) => event.key.clone(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(without: &[&str], with: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        stage.create(
            "Patient/1",
            json!({"resourceType": "Patient", "gender": "male"}),
        );
        stage.create("Patient/2", json!({"resourceType": "Patient"}));
        stage.settle("Patient");
        let all: &[&str] = &["Patient/1", "Patient/2"];
        let mut ask = |label: &str, flag: Option<&str>, keys: &[&str]| {
            let mut search = Search::of(label, "Patient", Vec::new());
            let mut link = "Patient?_tag=x".to_owned();
            if let Some(flag) = flag {
                search.criteria.push(Criterion::new(
                    "gender:missing",
                    Term::Text(flag.to_owned()),
                ));
                link.push_str("&gender:missing=");
            }
            stage.push(
                Command::Search(search),
                None,
                vec![(200, searchset(keys, &link))],
            );
        };
        ask("all", None, all);
        ask("without0", Some("true"), without);
        ask("with0", Some("false"), with);
        ask("again", None, all);
        MissingPartition.check(&stage.trace(), &capability(json!({})))
    }

    fn sign(without: &[&str], with: &[&str]) -> String {
        judge(without, with).violations[0].signature[0].clone()
    }

    #[test]
    fn a_partition_is_silent() {
        let judgement = judge(&["Patient/2"], &["Patient/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn overlaps_gaps_and_exchanged_halves_are_found() {
        assert_eq!(sign(&["Patient/1", "Patient/2"], &["Patient/1"]), "both");
        assert_eq!(sign(&[], &["Patient/1"]), "neither");
        assert_eq!(sign(&["Patient/2", "Patient/9"], &["Patient/1"]), "foreign");
        assert_eq!(sign(&["Patient/1"], &["Patient/2"]), "misplaced");
    }

    #[test]
    fn an_ignored_modifier_is_not_judged() {
        let all: &[&str] = &["Patient/1", "Patient/2"];
        assert_eq!(
            (judge(all, all).violations.len(), judge(all, all).weighed),
            (0, 0)
        );
    }
}
