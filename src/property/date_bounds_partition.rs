//! `property/date-bounds-partition`: dates as precise as the bound are either before it (`lt`) or not (`ge`), and
//! either after it (`gt`) or not (`le`) (SM-07). Row SM-07 of the catalogue. Not Periods and less precise dates: those
//! may lie on both sides.

use std::collections::BTreeSet;

use super::case::{Case, Criterion, Form, Term};
use super::dated::{self, Held};
use super::relation::{self, Ruling, Sets, by_prefix, parameter_of, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct DateBoundsPartition;

/// Bounds on one population.
const TURNS: usize = 2;

/// Sign of a date that is both after the bound and not after it. R4 can be read so that the range above a day begins
/// with the day itself, and then this is no breach of the letter.
const AFTER_AND_NOT: &str = "gt-and-le";

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-bounds-partition",
    title: "A date is either before a bound or not, and either after it or not",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#prefix",
    sentence: "the range above the search value intersects (i.e. overlaps) with the range of the target value, or the range of the search value fully contains the range of the target value",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with a date as precise as the bound were searched from both sides of it",
    usual_causes: &[
        "ge or le leaves out what lies on the bound, or lt or gt includes it",
        "a day is compared as its first instant only",
        "the end of an interval is rounded to the second or kept inclusive",
    ],
};

impl Property for DateBoundsPartition {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(dated::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(dated::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let parameter = inquiry.population.parameter(values);
            let mut bound = inquiry.population.criterion(parameter, values);
            if dated::suits_with_time(parameter) && values.chance(30) {
                bound.value = Term::shaped(Form::Noon(0), bound.value);
            }
            for prefix in ["lt", "ge", "gt", "le"] {
                let value = Term::prefixed(prefix, bound.value.clone());
                inquiry.ask(prefix, vec![Criterion::new(parameter.code, value)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }

    fn level_of(&self, violation: &Violation) -> Level {
        if violation.signature.iter().any(|part| part == AFTER_AND_NOT) {
            Level::Should
        } else {
            SPEC.level
        }
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let mut violations = Vec::new();
    let mut weighed = false;
    for (one, other) in [("lt", "ge"), ("gt", "le")] {
        let [first, second] = [one, other].map(|prefix| format!("{prefix}{turn}"));
        let asked = [(first.as_str(), one), (second.as_str(), other)];
        if by_prefix(trace, &asked).is_none() {
            continue;
        }
        let (Some(a), Some(b)) = (sets.get(&first), sets.get(&second)) else {
            continue;
        };
        let Some((points, without)) = sorted(trace, &sets, &first, one) else {
            continue;
        };
        weighed |= !points.is_empty();
        let (none, several) = placed(&points, &[&a, &b]);
        let valueless = without
            .iter()
            .filter(|key| a.contains(key) || b.contains(key))
            .count();
        let wrong = [
            (
                none,
                "A date is on neither side of a bound",
                format!("{one}-nor-{other}"),
            ),
            (
                several,
                "A date is on both sides of a bound",
                format!("{one}-and-{other}"),
            ),
            (
                valueless,
                "A resource without a date is on a side of a bound",
                format!("{one}-{other}-without"),
            ),
        ];
        for (number, title, sign) in wrong {
            if number > 0 {
                violations.push(sets.broken(
                    title,
                    format!(
                        "each of {} dates in one of {one} and {other}, and nothing else",
                        points.len()
                    ),
                    format!(
                        "{} with {one}, {} with {other}: {number} wrong",
                        a.len(),
                        b.len()
                    ),
                    &sign,
                ));
            }
        }
    }
    sets.ruling(weighed, violations)
}

/// Resources with a date as precise as the bound, and those without any value.
fn sorted(
    trace: &Trace,
    sets: &Sets<'_>,
    label: &str,
    prefix: &str,
) -> Option<(BTreeSet<Key>, BTreeSet<Key>)> {
    let parameter = parameter_of(trace, label)?;
    let sent = answer::asked(trace, label, parameter.code)?;
    let bound = sent.strip_prefix(prefix)?.to_owned();
    let mut points = BTreeSet::new();
    let mut without = BTreeSet::new();
    for (key, body) in sets.bodies() {
        match dated::held(parameter, &body) {
            Held::Date(date) if dated::is_point(date, &bound) => points.insert(key),
            Held::Nothing => without.insert(key),
            Held::Date(_) | Held::Other => false,
        };
    }
    Some((points, without))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(found: [&[usize]; 4]) -> Judgement {
        let all = [
            patient("1", json!({"birthDate": "1980-02-01"})),
            patient("2", json!({"birthDate": "1980-02-02"})),
            patient("3", json!({"birthDate": "1980"})),
            patient("4", json!({})),
        ];
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, prefix: Option<&str>, found: &[usize]| {
            let criteria = prefix.map(|prefix| {
                let value = Term::prefixed(prefix, Term::text("1980-02-02"));
                Criterion::new("birthdate", value)
            });
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        };
        find("all", None, &[0, 1, 2, 3]);
        for (prefix, found) in ["lt", "ge", "gt", "le"].iter().zip(found) {
            find(&format!("{prefix}0"), Some(prefix), found);
        }
        find("again", None, &[0, 1, 2, 3]);
        DateBoundsPartition.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn both_sides_are_silent_and_a_year_may_be_on_both() {
        let judgement = judge([&[0, 2], &[1, 2], &[2], &[0, 1, 2]]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_lies_on_the_bound_is_found_wherever_it_is_wrong() {
        let first = |found: [&[usize]; 4]| judge(found).violations.remove(0);
        let sign = |found: [&[usize]; 4]| first(found).signature[0].clone();
        assert_eq!(sign([&[0, 2], &[2], &[2], &[0, 1, 2]]), "lt-nor-ge");
        assert_eq!(sign([&[0, 1], &[1, 2], &[2], &[0, 1, 2]]), "lt-and-ge");
        assert_eq!(sign([&[0], &[1], &[], &[0, 1, 3]]), "gt-le-without");
        let unsure = first([&[0], &[1], &[1], &[0, 1]]);
        assert_eq!(unsure.signature, [AFTER_AND_NOT]);
        assert_eq!(DateBoundsPartition.level_of(&unsure), Level::Should);
    }
}
