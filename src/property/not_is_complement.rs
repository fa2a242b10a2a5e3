//! `property/not-is-complement`: `:not` matches exactly what the value does not match, resources without a value
//! included (SM-04, SM-05). Rows SM-04 and SM-05 of the catalogue.

use std::collections::BTreeSet;

use super::answer;
use super::case::{Case, Criterion, Term};
use super::relation::{self, Ruling, Sets, only, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct NotIsComplement;

/// Values on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/not-is-complement",
    title: ":not matches what the value does not match, resources without a value included",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#token",
    sentence: "return all resources that do not have a matching item. Note that this includes resources that have no value for the parameter",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the value matched some of the resources and :not was answered",
    usual_causes: &[
        ":not compares index rows, so a resource without a row is lost",
        ":not matches a resource that has another value besides the one excluded",
        "the modifier is dropped and :not matches what the value matches",
        "the parameter is shown in the self link and filters nothing",
    ],
};

impl Property for NotIsComplement {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground
            .searched_by(|entry| entry.kind.is_token(), 1)
            .map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground
            .searched_by(|entry| entry.kind.is_token(), 1)
            .unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let with = inquiry.criterion(values);
            let not = Criterion::new(format!("{}:not", with.name), with.value.clone());
            inquiry.ask("with", vec![with]);
            inquiry.ask("not", vec![not]);
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [with, not] = ["with", "not"].map(|label| format!("{label}{turn}"));
    if !are_opposite(trace, &with, &not) {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let (Some(having), Some(lacking)) = (sets.get(&with), sets.get(&not)) else {
        return sets.ruling(false, Vec::new());
    };
    let all = sets.all().clone();
    let (neither, both) = placed(&all, &[&having, &lacking]);
    let foreign = lacking.difference(&all).count();
    let mut violations = Vec::new();
    for (number, title, sign) in [
        (
            both,
            ":not matches a resource that the value matches",
            "both",
        ),
        (
            neither,
            ":not misses a resource that the value does not match",
            sign_of_lost(trace, turn, &all, &having, &lacking),
        ),
        (
            foreign,
            ":not matches what the search without it does not",
            "foreign",
        ),
    ] {
        if number > 0 {
            violations.push(sets.broken(
                title,
                format!(
                    "every one of {} resources in exactly one of the two",
                    all.len()
                ),
                format!(
                    "{} with the value, {} with :not: {number} wrong",
                    having.len(),
                    lacking.len()
                ),
                sign,
            ));
        }
    }
    sets.ruling(!having.is_empty() && !all.is_empty(), violations)
}

/// Whether what is lost has no value at all, which is another fault than losing one of several values.
fn sign_of_lost(
    trace: &Trace,
    turn: usize,
    all: &BTreeSet<Key>,
    having: &BTreeSet<Key>,
    lacking: &BTreeSet<Key>,
) -> &'static str {
    let bodies = answer::bodies(trace, relation::ALL);
    let parameter = relation::parameter_of(trace, &format!("with{turn}"));
    let lost = all
        .iter()
        .filter(|key| !having.contains(key) && !lacking.contains(key));
    let without_value = |key: &Key| {
        let (Some(parameter), Some(body)) = (parameter, bodies.get(key)) else {
            return false;
        };
        parameter.values(body).is_empty()
    };
    if lost.clone().all(without_value) {
        "missing"
    } else {
        "neither"
    }
}

/// The second search excludes what the first one asks for.
fn are_opposite(trace: &Trace, with: &str, not: &str) -> bool {
    let (Some(with), Some(not)) = (only(trace, with), only(trace, not)) else {
        return false;
    };
    not.name == format!("{}:not", with.name)
        && not.value == with.value
        && !matches!(with.value, Term::AnyOf(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(with: &[usize], not: &[usize]) -> Judgement {
        let all = [
            patient("1", json!({"gender": "male"})),
            patient("2", json!({"gender": "female"})),
            patient("3", json!({})),
        ];
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, name: Option<&str>, found: &[usize]| {
            let criteria = name.map(|name| Criterion::new(name, Term::text("male")));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        };
        find("all", None, &[0, 1, 2]);
        find("with0", Some("gender"), with);
        find("not0", Some("gender:not"), not);
        find("again", None, &[0, 1, 2]);
        NotIsComplement.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_complement_is_silent() {
        let judgement = judge(&[0], &[1, 2]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn overlaps_and_gaps_are_found_and_told_apart() {
        let sign =
            |with: &[usize], not: &[usize]| judge(with, not).violations[0].signature[0].clone();
        assert_eq!(sign(&[0], &[1]), "missing");
        assert_eq!(sign(&[0], &[2]), "neither");
        assert_eq!(sign(&[0], &[0, 1, 2]), "both");
    }

    #[test]
    fn a_parameter_that_is_shown_in_the_self_link_and_filters_nothing_is_found() {
        let judgement = judge(&[0, 1, 2], &[0, 1, 2]);
        assert_eq!(judgement.violations[0].signature, ["both"]);
    }
}
