//! `property/id-list-is-these`: a search for a list of ids finds the resources with these ids, each once. Row SM-28 of
//! the catalogue, first half.

use std::collections::BTreeSet;

use super::case::{Case, Criterion, Origin, Script, Search, Term};
use super::contrast::{self, Equal, Judged, shown_by};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct IdListIsThese;

/// Lists on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/id-list-is-these",
    title: "A search for a list of ids finds the resources with these ids",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#id",
    sentence: "This search finds the patient resource with the given id (there can only be one resource for a given id).",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "at least one resource of the list was there",
    usual_causes: &[
        "only the first or the last id of a list is used",
        "an id that occurs twice in the list gives its resource twice",
        "an id is looked up without its type",
    ],
};

impl Property for IdListIsThese {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_with("_id").map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_with("_id").unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let plain = Search::of("all", population.resource_type, Vec::new());
        script.search(plain.clone());
        for turn in 0..TURNS {
            let number = 1 + values.below(4);
            let list = match ground.origin {
                Origin::Cohort => vec![Term::Pool(values.below(1000), number)],
                // The population is what the first steps create. An id may come twice, as it may from a client.
                Origin::Created => {
                    let last = u32::try_from(population.resources.len()).unwrap_or(1);
                    (0..number).map(|_| Term::Id(values.below(last))).collect()
                }
            };
            let criteria = vec![Criterion::new("_id", Term::AnyOf(list))];
            script.search(Search {
                label: format!("list{turn}"),
                criteria,
                ..plain.clone()
            });
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, &format!("list{turn}"))))
    }
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let Some(listed) = listed(trace, label) else {
        return Ok(None);
    };
    if !answer::criteria(trace, "all").is_empty() || !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(all), Some(list)) = (
        contrast::answered(trace, "all")?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    // What is gone from the cohort since it was read is no loss of this search.
    let wanted: BTreeSet<Key> = listed.intersection(&all.set()).cloned().collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let known: BTreeSet<Key> = list
        .set()
        .into_iter()
        .filter(|key| !listed.contains(key) || wanted.contains(key))
        .collect();
    let equal = Equal {
        rule: SPEC.id,
        lost: "A search for a list of ids misses one of them",
        added: "A search for a list of ids finds a resource with another id",
        wanted: &wanted,
        found: &known,
    };
    let repeated = list.repeated();
    let found = equal.violation().or_else(|| {
        (repeated > 0).then(|| {
            let title = "A search for a list of ids finds a resource twice";
            let actual = Phrase::say(format!("{repeated} of them again"));
            Violation::new(SPEC.id, title, "each of them once", actual)
                .at("Bundle.entry")
                .signed("repeated")
        })
    });
    let shown = found.map(|violation| shown_by(violation, trace, &[&all, &list]));
    Ok(Some(shown.into_iter().collect()))
}

/// The resources whose ids a search lists.
fn listed(trace: &Trace, label: &str) -> Option<BTreeSet<Key>> {
    let [Criterion { name, value }] = answer::criteria(trace, label) else {
        return None;
    };
    let Term::AnyOf(terms) = value else {
        return None;
    };
    let mut keys: BTreeSet<Key> = trace.search(label)?.named.iter().cloned().collect();
    for term in terms {
        if let Term::Id(step) = term {
            keys.insert(trace.key(*step)?.clone());
        }
    }
    (name == "_id").then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let patient = json!({"resourceType": "Patient"});
        let keys = ["Patient/1", "Patient/2", "Patient/3"];
        let steps = keys.map(|key| stage.create(key, patient.clone()));
        stage.settle("Patient");
        let mut ask = |label: &str, criteria: Vec<Criterion>, keys: &[&str]| {
            let page = searchset(keys, "Patient?_tag=x&_id=y");
            let search = Search::of(label, "Patient", criteria);
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        ask("all", Vec::new(), &keys);
        let list = Term::AnyOf(vec![Term::Id(steps[0]), Term::Id(steps[1])]);
        ask("list0", vec![Criterion::new("_id", list)], found);
        ask("again", Vec::new(), &keys);
        IdListIsThese.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn these_and_no_others_each_once() {
        let judgement = judge(&["Patient/2", "Patient/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        let sign = |found: &[&str]| judge(found).violations[0].signature[0].clone();
        assert_eq!(sign(&["Patient/1"]), "lost");
        assert_eq!(sign(&["Patient/1", "Patient/2", "Patient/3"]), "added");
        assert_eq!(sign(&["Patient/1", "Patient/2", "Patient/1"]), "repeated");
    }
}
