//! `property/and-is-intersection`: two criteria together match what each of them matches alone. Not for chains, where
//! a repeated parameter may be met by different resources.

use std::collections::BTreeSet;

use super::answer;
use super::case::{Case, Criterion, Script, Search};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct AndIsIntersection;

/// Pairs of criteria on one population.
const PAIRS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/and-is-intersection",
    title: "Two criteria together match what each of them matches alone",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#combining",
    sentence: "This is known as an AND search parameter, since the server is expected to respond only with results which match both values.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "both criteria matched something and at least one of them not everything",
    usual_causes: &[
        "only the last or the first of two parameters is applied",
        "criteria are joined with OR",
        "a repeated parameter overwrites its first value",
    ],
};

impl Property for AndIsIntersection {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched(2).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched(2).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let mut first: Option<Search> = None;
        for pair in 0..PAIRS {
            let (one, two) = (population.parameter(values), population.parameter(values));
            let criteria: Vec<Criterion> = [one, two]
                .into_iter()
                .map(|parameter| population.criterion(parameter, values))
                .collect();
            let search = |label: &str, criteria: &[Criterion]| {
                Search::of(
                    &format!("{label}{pair}"),
                    population.resource_type,
                    criteria.to_vec(),
                )
            };
            let one = search("one", &criteria[..1]);
            first.get_or_insert_with(|| one.clone());
            script.search(one);
            script.search(search("two", &criteria[1..]));
            script.search(search("both", &criteria));
        }
        if let Some(mut again) = first {
            again.label = "again".to_owned();
            script.search(again);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in 0..PAIRS {
            match judge(trace, pair) {
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
fn judge(trace: &Trace, pair: usize) -> Result<Option<Option<Violation>>, Open> {
    let [one, two, both] = ["one", "two", "both"].map(|label| format!("{label}{pair}"));
    let together = [answer::criteria(trace, &one), answer::criteria(trace, &two)].concat();
    if answer::criteria(trace, &both) != together {
        return Ok(None);
    }
    // The repetition at the end is of the first pair; it stands for the whole time in between.
    if !answer::steady(trace, "one0", "again")? {
        return Ok(None);
    }
    answer::heeded(trace, &one)?;
    answer::heeded(trace, &two)?;
    let (Some(a), Some(b), Some(ab), Some(again)) = (
        answer::whole(trace, &one)?,
        answer::whole(trace, &two)?,
        answer::whole(trace, &both)?,
        answer::whole(trace, "again")?,
    ) else {
        return Ok(None);
    };
    let wanted: BTreeSet<Key> = a.set().intersection(&b.set()).cloned().collect();
    let found = ab.set();
    if found == wanted {
        let split = !a.set().is_empty() && !b.set().is_empty() && a.set() != b.set();
        return Ok(split.then_some(None));
    }
    let (lost, added) = (
        wanted.difference(&found).count(),
        found.difference(&wanted).count(),
    );
    let title = if added > 0 {
        "Two criteria together match what one of them does not match"
    } else {
        "Two criteria together miss what both of them match"
    };
    let mut violation = Violation::new(
        SPEC.id,
        title,
        Phrase::say(format!(
            "{} matches: those among the {} of the first and the {} of the second",
            wanted.len(),
            a.set().len(),
            b.set().len()
        )),
        Phrase::say(format!(
            "{} matches: {lost} missing, {added} foreign",
            found.len()
        )),
    )
    .at("Bundle.entry")
    .seen_in(
        [
            &a.exchanges[..],
            &b.exchanges,
            &ab.exchanges,
            &again.exchanges,
        ]
        .concat(),
    )
    .signed(if added > 0 { "added" } else { "lost" });
    violation.oracle = Some(answer::completeness(trace));
    Ok(Some(Some(violation)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::case::Term;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(both: &[&str], again: &[&str], self_link: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let criterion = |name: &str| Criterion::new(name, Term::Text("x".to_owned()));
        let mut ask = |label: &str, names: &[&str], keys: &[&str], link: &str| {
            let criteria = names.iter().map(|name| criterion(name)).collect();
            let search = Search::of(label, "Patient", criteria);
            stage.push(
                Command::Search(search),
                None,
                vec![(200, searchset(keys, link))],
            );
        };
        let one = ["Patient/1", "Patient/2"];
        ask("one0", &["gender"], &one, self_link);
        ask(
            "two0",
            &["family"],
            &["Patient/2", "Patient/3"],
            "Patient?family=x",
        );
        ask(
            "both0",
            &["gender", "family"],
            both,
            "Patient?gender=x&family=x",
        );
        ask("again", &["gender"], again, self_link);
        AndIsIntersection.check(&stage.trace(), &capability(json!({})))
    }

    const ONE: &[&str] = &["Patient/2", "Patient/1"];

    #[test]
    fn the_intersection_is_silent() {
        let judgement = judge(&["Patient/2"], ONE, "http://h/fhir/Patient?gender=x");
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn a_union_or_a_lost_match_is_found() {
        let signed =
            |both: &[&str]| judge(both, ONE, "?gender=x").violations[0].signature[0].clone();
        assert_eq!(signed(&["Patient/1", "Patient/2", "Patient/3"]), "added");
        assert_eq!(signed(&[]), "lost");
    }

    #[test]
    fn nothing_is_concluded_from_ignored_parameters_or_moving_data() {
        let ignored = judge(&[], ONE, "Patient?_count=50");
        assert_eq!((ignored.violations.len(), ignored.weighed), (0, 0));
        let moving = judge(&[], &["Patient/1"], "Patient?gender=x");
        assert_eq!((moving.violations.len(), moving.weighed), (0, 0));
    }
}
