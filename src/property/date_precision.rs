//! `property/date-precision`: a month means all of its days and a year all of its months (SM-12). Row SM-12 of the
//! catalogue. Not for dates so near the boundary that zones decide, nor for Periods that reach over it.

use super::answer;
use super::case::{Case, Criterion, Form, Term};
use super::dated::{self, Held};
use super::relation::{self, Ruling, Sets, only, parameter_of};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct DatePrecision;

/// Dates on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-precision",
    title: "A month means all of its days, and a year all of its months",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#date",
    sentence: "Dates with the year and month are equivalent to an interval that starts at the first instant of the first day of the month and ends on the last instant of the last day of the month",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with a day of the month or year asked for were searched both ways",
    usual_causes: &[
        "a month or year is filled up with its first day",
        "the last day of the month is left out, or taken for 30 or 31 always",
        "a partial date is refused by the index and matches nothing",
    ],
};

impl Property for DatePrecision {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(dated::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(dated::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let day = inquiry.criterion(values);
            let asked = |criteria: &[Term]| {
                let criteria = criteria.iter().cloned();
                criteria
                    .map(|term| Criterion::new(day.name.clone(), term))
                    .collect()
            };
            let [month, days, year, months] = terms(&day.value);
            inquiry.ask("month", asked(&month));
            inquiry.ask("days", asked(&days));
            inquiry.ask("year", asked(&year));
            inquiry.ask("months", asked(&months));
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

/// What the four searches ask for.
fn terms(day: &Term) -> [Vec<Term>; 4] {
    let shaped = |form: Form| Term::shaped(form, day.clone());
    [
        vec![shaped(Form::Month)],
        vec![
            Term::prefixed("ge", shaped(Form::FirstDay)),
            Term::prefixed("le", shaped(Form::LastDay)),
        ],
        vec![shaped(Form::Year)],
        vec![shaped(Form::Months)],
    ]
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let label = |name: &str| format!("{name}{turn}");
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let mut violations = Vec::new();
    let mut weighed = false;
    for (wide, parts, at, precise, title) in [
        (
            "month",
            "days",
            0,
            "2021-06-01",
            "A month does not match what all of its days match",
        ),
        (
            "year",
            "months",
            2,
            "2021-06",
            "A year does not match what all of its months match",
        ),
    ] {
        if !are_related(trace, &label(wide), &label(parts), at) {
            continue;
        }
        let (Some(a), Some(b)) = (sets.get(&label(wide)), sets.get(&label(parts))) else {
            continue;
        };
        let Some(certain) = certain(trace, &sets, &label(wide), precise) else {
            continue;
        };
        weighed |= certain.iter().any(|key| a.contains(key));
        let differ = |one: &std::collections::BTreeSet<Key>,
                      other: &std::collections::BTreeSet<Key>| {
            let only_one = certain.iter().filter(|key| one.contains(key));
            only_one.filter(|key| !other.contains(key)).count()
        };
        let (more, less) = (differ(&a, &b), differ(&b, &a));
        if more + less > 0 {
            violations.push(sets.broken(
                title,
                format!(
                    "the same of {} dates by {wide} and by {parts}",
                    certain.len()
                ),
                format!("{more} only by {wide}, {less} only by {parts}"),
                &format!("{wide}-{}", if less > 0 { "lost" } else { "added" }),
            ));
        }
    }
    sets.ruling(weighed, violations)
}

/// The two searches ask for one date, the first as a whole and the second by its parts.
fn are_related(trace: &Trace, wide: &str, parts: &str, at: usize) -> bool {
    let Some(Criterion {
        name,
        value: Term::As(_, day),
    }) = only(trace, wide)
    else {
        return false;
    };
    let wanted = terms(day);
    let asked = |label: &str, terms: &[Term]| {
        let criteria = answer::criteria(trace, label);
        let named = criteria.iter().all(|criterion| criterion.name == *name);
        named && criteria.iter().map(|criterion| &criterion.value).eq(terms)
    };
    asked(wide, &wanted[at]) && asked(parts, &wanted[at + 1])
}

/// Resources with a date of at least this precision that lies in what is asked for, or outside of it, in every zone.
fn certain(trace: &Trace, sets: &Sets<'_>, label: &str, precise: &str) -> Option<Vec<Key>> {
    let parameter = parameter_of(trace, label)?;
    let asked = answer::asked(trace, label, parameter.code)?;
    let bodies = sets.bodies();
    let certain = bodies.into_iter().filter(|(_, body)| {
        matches!(dated::held(parameter, body), Held::Date(date)
            if dated::is_point(date, precise) && dated::lies_in(date, &asked).is_some())
    });
    Some(certain.map(|(key, _)| key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(month: &[usize], days: &[usize]) -> Judgement {
        let all = [
            patient("1", json!({"birthDate": "1980-02-01"})),
            patient("2", json!({"birthDate": "1980-02-29"})),
            patient("3", json!({"birthDate": "1980"})),
        ];
        let mut stage = Stage::new(SPEC.id);
        let [as_month, as_days, ..] = terms(&Term::text("1980-02-29"));
        for (label, terms, found) in [
            ("all", vec![], &[0, 1, 2][..]),
            ("month0", as_month, month),
            ("days0", as_days, days),
            ("again", vec![], &[0, 1, 2]),
        ] {
            let criteria = terms
                .into_iter()
                .map(|term| Criterion::new("birthdate", term))
                .collect();
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria, &found);
        }
        DatePrecision.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_month_is_its_days_whatever_a_year_does() {
        let judgement = judge(&[0, 1], &[0, 1, 2]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn a_lost_day_is_found() {
        assert_eq!(judge(&[0], &[0, 1]).violations[0].signature, ["month-lost"]);
        assert_eq!(
            judge(&[0, 1], &[0]).violations[0].signature,
            ["month-added"]
        );
    }
}
