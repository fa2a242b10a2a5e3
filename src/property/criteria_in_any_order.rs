//! `property/criteria-in-any-order`: neither the order nor the repetition of criteria and alternatives changes what
//! matches (SM-03). Row SM-03 of the catalogue.

use super::answer;
use super::case::{Case, Criterion, Term};
use super::relation::{self, Ruling, Sets, only};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct CriteriaInAnyOrder;

/// Turns on one population: criteria, then alternatives.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/criteria-in-any-order",
    title: "Neither order nor repetition of criteria and alternatives changes what matches",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#combining",
    sentence: "the result of the search operation is the intersection of the resources that match the criteria specified by each individual search parameter",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the search in its first order matched something and was answered in the other order too",
    usual_causes: &[
        "a repeated parameter overwrites the one before",
        "the first criterion chooses an index that the second one cannot use",
        "the answer to another order comes from a cache with too coarse a key",
    ],
};

impl Property for CriteriaInAnyOrder {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(|_| true, 2).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(|_| true, 2).unwrap_or_default();
        let mut turn = 0;
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let parameter = inquiry.population.parameter(values);
            let one = inquiry.population.criterion(parameter, values);
            if turn == 0 {
                let two = inquiry.criterion(values);
                inquiry.ask("first", vec![one.clone(), two.clone()]);
                inquiry.ask("turned", vec![two.clone(), one.clone()]);
                inquiry.ask("doubled", vec![one.clone(), two, one]);
            } else {
                let two = inquiry.population.criterion(parameter, values).value;
                let list = |terms: &[&Term]| {
                    let terms = terms.iter().map(|term| (*term).clone()).collect();
                    vec![Criterion::new(one.name.clone(), Term::AnyOf(terms))]
                };
                inquiry.ask("first", list(&[&one.value, &two]));
                inquiry.ask("turned", list(&[&two, &one.value]));
                inquiry.ask("doubled", list(&[&one.value, &two, &one.value]));
            }
            turn += 1;
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [first, turned, doubled] =
        ["first", "turned", "doubled"].map(|label| format!("{label}{turn}"));
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(wanted) = sets.get(&first) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    let mut compared = false;
    for (label, title) in [
        (&turned, "The order of criteria changes what matches"),
        (&doubled, "A repeated criterion changes what matches"),
    ] {
        if parts(trace, label).is_none() || parts(trace, label) != parts(trace, &first) {
            continue;
        }
        let Some(found) = sets.get(label) else {
            continue;
        };
        compared = true;
        if found != wanted {
            let (lost, added) = (
                wanted.difference(&found).count(),
                found.difference(&wanted).count(),
            );
            violations.push(sets.broken(
                title,
                format!("{} matches, as in the first order", wanted.len()),
                format!("{} matches: {lost} missing, {added} foreign", found.len()),
                if label == &turned {
                    "turned"
                } else {
                    "doubled"
                },
            ));
        }
    }
    sets.ruling(compared && !wanted.is_empty(), violations)
}

/// What is asked for, without order and repetition; `None` if that is nothing.
fn parts(trace: &Trace, label: &str) -> Option<Vec<String>> {
    let text = |name: &str, term: &Term| format!("{name} {term:?}");
    let mut parts: Vec<String> = match only(trace, label) {
        Some(Criterion {
            name,
            value: Term::AnyOf(terms),
        }) => terms.iter().map(|term| text(name, term)).collect(),
        _ => answer::criteria(trace, label)
            .iter()
            .map(|criterion| text(&criterion.name, &criterion.value))
            .collect(),
    };
    parts.sort();
    parts.dedup();
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(turned: &[usize], doubled: &[usize]) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, names: &[&str], found: &[usize]| {
            let criteria = names
                .iter()
                .map(|name| Criterion::new(*name, Term::text("x")))
                .collect();
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria, &found);
        };
        find("all", &[], &[0, 1]);
        find("first0", &["a", "b"], &[0]);
        find("turned0", &["b", "a"], turned);
        find("doubled0", &["a", "b", "a"], doubled);
        find("again", &[], &[0, 1]);
        CriteriaInAnyOrder.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn the_same_matches_are_silent_and_others_are_found() {
        assert_eq!(judge(&[0], &[0]).weighed, 1);
        assert!(judge(&[0], &[0]).violations.is_empty());
        assert_eq!(judge(&[0, 1], &[0]).violations[0].signature, ["turned"]);
        assert_eq!(judge(&[0], &[]).violations[0].signature, ["doubled"]);
    }

    #[test]
    fn searches_for_different_things_are_not_compared() {
        let all = patient("1", json!({}));
        let mut stage = Stage::new(SPEC.id);
        let criterion = |name: &str| vec![Criterion::new(name, Term::text("x"))];
        stage.find("all", vec![], &[&all]);
        stage.find("first0", criterion("a"), &[&all]);
        stage.find("turned0", criterion("b"), &[]);
        stage.find("again", vec![], &[&all]);
        let judgement = CriteriaInAnyOrder.check(&stage.trace(), &capability(json!({})));
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 0));
    }
}
