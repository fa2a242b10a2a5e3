//! `property/or-is-union`: two alternatives match what either of them matches alone, each resource once (SM-02). Row
//! SM-02 of the catalogue. Not for `:not`, where alternatives exclude together.

use std::collections::BTreeSet;

use super::answer;
use super::case::{Case, Criterion, Term};
use super::relation::{self, Ruling, Sets, only};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct OrIsUnion;

/// Pairs of alternatives on one population.
const TURNS: usize = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/or-is-union",
    title: "Two alternatives match what either of them matches alone, each resource once",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#combining",
    sentence: "This is known as an OR search parameter, since the server is expected to respond with results which match either value.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "both alternatives matched something",
    usual_causes: &[
        "only the first or the last alternative is applied",
        "the list is taken for one value with commas in it",
        "a join over several index rows returns a resource once for each that matches",
    ],
};

impl Property for OrIsUnion {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(|_| true, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(|_| true, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let parameter = inquiry.population.parameter(values);
            let [one, two] = [(), ()].map(|()| inquiry.population.criterion(parameter, values));
            let either = Term::AnyOf(vec![one.value.clone(), two.value.clone()]);
            inquiry.ask("one", vec![one]);
            inquiry.ask("two", vec![two]);
            inquiry.ask("either", vec![Criterion::new(parameter.code, either)]);
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [one, two, either] = ["one", "two", "either"].map(|label| format!("{label}{turn}"));
    if !are_related(trace, &one, &two, &either) {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let (Some(a), Some(b)) = (sets.get(&one), sets.get(&two)) else {
        return sets.ruling(false, Vec::new());
    };
    let Some(found) = sets.get(&either) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    let wanted: BTreeSet<Key> = a.union(&b).cloned().collect();
    let (lost, added) = (
        wanted.difference(&found).count(),
        found.difference(&wanted).count(),
    );
    if lost + added > 0 {
        violations.push(sets.broken(
            "Two alternatives do not match what either of them matches",
            format!(
                "the union of {} and {} matches: {}",
                a.len(),
                b.len(),
                wanted.len()
            ),
            format!("{} matches: {lost} missing, {added} foreign", found.len()),
            if added > 0 { "added" } else { "lost" },
        ));
    }
    let repeated = repeated_on_a_page(trace, &either);
    if repeated > 0 && repeated_on_a_page(trace, &one) + repeated_on_a_page(trace, &two) == 0 {
        violations.push(sets.broken(
            "A search with alternatives returns a resource more than once",
            format!("each of {} resources once", found.len()),
            format!("{repeated} entries repeat a resource"),
            "repeated",
        ));
    }
    sets.ruling(!a.is_empty() && !b.is_empty(), violations)
}

/// Entries that repeat a resource of the same page: over pages that is a fault of paging.
fn repeated_on_a_page(trace: &Trace, label: &str) -> usize {
    let answer = answer::whole(trace, label).ok().flatten();
    let pages = answer.map(|answer| answer.pages).unwrap_or_default();
    pages
        .iter()
        .map(|page| page.len() - page.iter().collect::<BTreeSet<_>>().len())
        .sum()
}

/// The third search has the values of the other two as alternatives.
fn are_related(trace: &Trace, one: &str, two: &str, either: &str) -> bool {
    let (Some(one), Some(two), Some(either)) =
        (only(trace, one), only(trace, two), only(trace, either))
    else {
        return false;
    };
    let alternatives = Term::AnyOf(vec![one.value.clone(), two.value.clone()]);
    one.name == two.name && one.name == either.name && either.value == alternatives
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(either: &[usize], by: &str) -> Judgement {
        let all = ["1", "2", "3"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, value: Option<Term>, found: &[usize]| {
            let criteria = value.map(|value| Criterion::new(by, value));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        };
        let (x, y) = (Term::text("x"), Term::text("y"));
        find("all", None, &[0, 1, 2]);
        find("one0", Some(x.clone()), &[0]);
        find("two0", Some(y.clone()), &[0, 1]);
        find("either0", Some(Term::AnyOf(vec![x, y])), either);
        find("again", None, &[2, 1, 0]);
        OrIsUnion.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn the_union_is_silent() {
        let judgement = judge(&[1, 0], "given");
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn lost_foreign_and_repeated_matches_are_found() {
        let signs = |either: &[usize]| judge(either, "given").violations[0].signature.clone();
        assert_eq!(signs(&[0]), ["lost"]);
        assert_eq!(signs(&[0, 1, 2]), ["added"]);
        assert_eq!(signs(&[0, 1, 0]), ["repeated"]);
    }
}
