//! `property/pivot-is-found`: a resource is found by any predicates that its own body meets. Row SM-29 of the catalogue:
//! pivoted query synthesis, after Rigger and Su 2020.

use super::case::{Case, Criterion, Origin, Script, Search, Term};
use super::contrast::{self, Judged, matches, shown_by};
use super::parameter::Parameter;
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, evaluation,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct PivotIsFound;

/// Searches for pivots on one population.
const TURNS: usize = 4;
/// Predicates in one search at most.
const MAX_CRITERIA: usize = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/pivot-is-found",
    title: "A resource is found by the values that it holds",
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
        Guard::Quiet,
    ],
    precondition: "a resource met every predicate of a search by its own body",
    usual_causes: &[
        "several criteria are joined over a table so that only some combinations match",
        "only the first of several values is indexed",
        "an element is not indexed in some resources",
    ],
};

impl Property for PivotIsFound {
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
        let plain = Search::of("all", population.resource_type, Vec::new());
        script.search(plain.clone());
        for turn in 0..TURNS {
            let criteria = match ground.origin {
                Origin::Cohort => {
                    let parameter = population.parameter(values);
                    let pivot = Term::Pivot(values.below(1000));
                    vec![Criterion::new(parameter.code, pivot)]
                }
                Origin::Created => {
                    let pivot = values.pick(&population.resources).clone();
                    let held = population.parameters.iter().copied();
                    let held = held.filter(|one| !one.values(&pivot).is_empty()).collect();
                    predicates(held, &pivot, values)
                }
            };
            if criteria.is_empty() {
                continue;
            }
            script.search(Search {
                label: format!("pivot{turn}"),
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
        contrast::gather((0..TURNS).map(|turn| judge(trace, &format!("pivot{turn}"))))
    }
}

/// Some values of a resource, as criteria that it meets all at once.
fn predicates(
    mut held: Vec<&'static Parameter>,
    pivot: &serde_json::Value,
    values: &mut Values,
) -> Vec<Criterion> {
    let number = 1 + values.below(MAX_CRITERIA as u32) as usize;
    let mut criteria = Vec::new();
    while criteria.len() < number && !held.is_empty() {
        let at = values.below(u32::try_from(held.len()).unwrap_or(1)) as usize;
        let parameter = held.remove(at);
        let value = values.pick(&parameter.values(pivot)).clone();
        criteria.push(Criterion::new(parameter.code, Term::text(value)));
    }
    criteria
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let Some(evaluation) = evaluation::evaluate(trace, label) else {
        return Ok(None);
    };
    if evaluation.must.is_empty() || !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(all), Some(pivot)) = (
        contrast::answered(trace, "all")?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    let found = pivot.set();
    let lost: Vec<&Key> = evaluation.must.difference(&found).collect();
    if lost.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let several = answer::criteria(trace, label).len() > 1;
    let violation = Violation::new(
        SPEC.id,
        "A resource is not found by the values that it holds",
        Phrase::say(matches(evaluation.must.len())),
        Phrase::say(format!("{} of them missing", lost.len())),
    )
    .at("Bundle.entry")
    .signed(if several { "several" } else { "one" });
    Ok(Some(vec![shown_by(violation, trace, &[&all, &pivot])]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut all = searchset(&["Patient/1", "Patient/2"], "Patient?_tag=x");
        all["entry"][0]["resource"]["gender"] = json!("male");
        let plain = |label: &str| Command::Search(Search::of(label, "Patient", Vec::new()));
        stage.push(plain("all"), None, vec![(200, all.clone())]);
        let male = Criterion::new("gender", Term::text("male"));
        let search = Search::of("pivot0", "Patient", vec![male]);
        let url = "http://h/fhir/Patient?_tag=x&gender=male";
        stage.push(
            Command::Search(search),
            None,
            vec![(200, searchset(found, url))],
        );
        stage.asking(url);
        stage.push(plain("again"), None, vec![(200, all)]);
        PivotIsFound.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_pivot_that_is_found_is_silent_whatever_else_is_found() {
        let judgement = judge(&["Patient/1", "Patient/2"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn a_pivot_that_is_not_found_is_a_fault() {
        assert_eq!(judge(&["Patient/2"]).violations[0].signature, ["one"]);
    }
}
