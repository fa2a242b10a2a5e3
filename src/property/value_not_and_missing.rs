//! `property/value-not-and-missing`: a value, `:not` among those that have one, and `:missing=true` divide the
//! resources between them (SM-05). Row SM-05 of the catalogue. Not the value and `:not` alone.

use super::case::{Case, Criterion, Term};
use super::relation::{self, Ruling, Sets, only, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct ValueNotAndMissing;

/// Values on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/value-not-and-missing",
    title: "A value, :not among those that have one, and :missing divide the resources between them",
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
    precondition: "the value matched something and both modifiers were answered",
    usual_causes: &[
        "of two criteria on one parameter with different modifiers only one is applied",
        ":missing is answered from an index that has no rows for resources without a value",
        ":not in company excludes by rows and not by resources",
    ],
};

fn suits(entry: &super::parameter::Parameter) -> bool {
    entry.kind.is_token() && entry.code != "identifier"
}

impl Property for ValueNotAndMissing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let with = inquiry.criterion(values);
            let not = Criterion::new(format!("{}:not", with.name), with.value.clone());
            let missing =
                |flag: &str| Criterion::new(format!("{}:missing", with.name), Term::text(flag));
            let (lacking, having) = (missing("true"), missing("false"));
            inquiry.ask("with", vec![with]);
            inquiry.ask("other", vec![not, having]);
            inquiry.ask("missing", vec![lacking]);
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [with, other, missing] = ["with", "other", "missing"].map(|label| format!("{label}{turn}"));
    if !are_related(trace, &with, &other, &missing) {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let (Some(a), Some(b)) = (sets.get(&with), sets.get(&other)) else {
        return sets.ruling(false, Vec::new());
    };
    let Some(c) = sets.get(&missing) else {
        return sets.ruling(false, Vec::new());
    };
    let all = sets.all().clone();
    if !all.is_empty() && c == all && b == all {
        let reason = "the modifiers :not and :missing change nothing: they are ignored";
        return Err(Open::Unsupported(reason.to_owned()));
    }
    let (none, several) = placed(&all, &[&a, &b, &c]);
    let wrong = [
        (
            none,
            "A resource matches neither the value nor :not nor :missing",
            "none",
        ),
        (
            several,
            "A resource matches more than one of the value, :not and :missing",
            "several",
        ),
    ];
    let violations: Vec<_> = wrong
        .into_iter()
        .filter(|(number, _, _)| *number > 0)
        .map(|(number, title, sign)| {
            sets.broken(
                title,
                format!(
                    "every one of {} resources in exactly one of the three",
                    all.len()
                ),
                format!(
                    "{} with the value, {} with another, {} without: {number} wrong",
                    a.len(),
                    b.len(),
                    c.len()
                ),
                sign,
            )
        })
        .collect();
    sets.ruling(!a.is_empty(), violations)
}

fn are_related(trace: &Trace, with: &str, other: &str, missing: &str) -> bool {
    let (Some(with), Some(missing)) = (only(trace, with), only(trace, missing)) else {
        return false;
    };
    let flag = |flag: &str| Criterion::new(format!("{}:missing", with.name), Term::text(flag));
    let not = Criterion::new(format!("{}:not", with.name), with.value.clone());
    *missing == flag("true") && answer::criteria(trace, other) == [not, flag("false")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(with: &[usize], other: &[usize], missing: &[usize]) -> Judgement {
        let all = ["1", "2", "3"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, criteria: &[(&str, &str)], found: &[usize]| {
            let criteria = criteria
                .iter()
                .map(|(name, value)| Criterion::new(*name, Term::text(*value)))
                .collect();
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria, &found);
        };
        find("all", &[], &[0, 1, 2]);
        find("with0", &[("gender", "male")], with);
        let company = [("gender:not", "male"), ("gender:missing", "false")];
        find("other0", &company, other);
        find("missing0", &[("gender:missing", "true")], missing);
        find("again", &[], &[0, 1, 2]);
        ValueNotAndMissing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn three_parts_are_silent_and_others_are_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(judge(&[0], &[1], &[2]).weighed, 1);
        assert!(judge(&[0], &[1], &[2]).violations.is_empty());
        assert_eq!(sign(judge(&[0], &[], &[2])), "none");
        assert_eq!(sign(judge(&[0], &[1, 2], &[2])), "several");
    }
}
