//! `property/date-zone-shift`: the same instant in another zone is the same instant, in the search and in the data
//! (SM-13). Row SM-13 of the catalogue. Not dates without a time, which have no zone.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Criterion, Form, Term};
use super::dated::{self, Held};
use super::relation::{self, Ruling, Sets, only, parameter_of};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::fhir::datatype::{Interval, interval};
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct DateZoneShift;

/// Instants on one population.
const TURNS: usize = 2;

/// Minutes ahead of UTC.
const ZONES: &[(&str, i16)] = &[("utc", 0), ("east", 330), ("west", -300)];

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-zone-shift",
    title: "The same instant in another zone matches the same",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#date",
    sentence: "Where possible, the system should correct for time zones when performing queries.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "an instant was asked for in two zones and matched something",
    usual_causes: &[
        "the zone is cut off before dates are compared",
        "a plus in the query is read as a space, so that the zone is lost",
        "dates are compared as text",
    ],
};

impl Property for DateZoneShift {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(dated::suits_with_time, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground
            .searched_by(dated::suits_with_time, 1)
            .unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let day = inquiry.criterion(values);
            let prefix = *values.pick::<&str>(&["ge", "le", "lt", "gt"]);
            for (label, zone) in ZONES {
                let instant = Term::shaped(Form::Noon(*zone), day.value.clone());
                let value = Term::prefixed(prefix, instant);
                inquiry.ask(label, vec![Criterion::new(day.name.clone(), value)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let utc = format!("utc{turn}");
    let Some(asked) = instant_of(trace, &utc) else {
        return Ok(None);
    };
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(wanted) = sets.get(&utc) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    violations.extend(apart(trace, &sets, &utc, &wanted));
    let mut weighed = false;
    for (label, _) in &ZONES[1..] {
        let label = format!("{label}{turn}");
        if instant_of(trace, &label) != Some(asked) {
            continue;
        }
        let Some(found) = sets.get(&label) else {
            continue;
        };
        weighed |= !wanted.is_empty();
        if found != wanted {
            violations.push(sets.broken(
                "A date in another zone matches other resources than the same instant in UTC",
                format!("{} matches, as in UTC", wanted.len()),
                format!(
                    "{} matches: {} missing, {} foreign",
                    found.len(),
                    wanted.difference(&found).count(),
                    found.difference(&wanted).count()
                ),
                "query",
            ));
            break;
        }
    }
    sets.ruling(weighed, violations)
}

/// Name, prefix and day of what is asked for at noon UTC.
fn instant_of<'a>(trace: &'a Trace, label: &str) -> Option<(&'a str, &'a str, &'a Term)> {
    let criterion = only(trace, label)?;
    let Term::Prefixed(prefix, value) = &criterion.value else {
        return None;
    };
    match value.as_ref() {
        Term::As(Form::Noon(_), day) => Some((&criterion.name, prefix, day)),
        _ => None,
    }
}

/// Resources with the same instant of which one is matched and the other is not.
fn apart(trace: &Trace, sets: &Sets<'_>, label: &str, found: &BTreeSet<Key>) -> Option<Violation> {
    let parameter = parameter_of(trace, label)?;
    let mut by_instant: BTreeMap<Interval, [usize; 2]> = BTreeMap::new();
    for (key, body) in sets.bodies() {
        if let Held::Date(date) = dated::held(parameter, &body)
            && date.contains('T')
            && let Some(range) = interval(date, 0)
        {
            by_instant.entry(range).or_default()[usize::from(found.contains(&key))] += 1;
        }
    }
    let torn = by_instant
        .values()
        .filter(|[out, within]| *out > 0 && *within > 0)
        .count();
    (torn > 0).then(|| {
        sets.broken(
            "Of resources with the same instant some match and some do not",
            "resources with the same instant match together",
            format!("{torn} instants of which only a part matches"),
            "data",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(utc: &[usize], east: &[usize]) -> Judgement {
        let all = [
            ("1", "2021-06-01T12:00:00Z"),
            ("2", "2021-06-01T14:00:00+02:00"),
            ("3", "2021-06-02T12:00:00Z"),
        ]
        .map(|(id, date)| {
            json!({"resourceType": "Observation", "id": id, "effectiveDateTime": date})
        });
        let mut stage = Stage::new(SPEC.id);
        for (label, zone, found) in [
            ("all", None, &[0, 1, 2][..]),
            ("utc0", Some(0), utc),
            ("east0", Some(330), east),
            ("again", None, &[0, 1, 2]),
        ] {
            let criteria = zone.map(|zone| {
                let instant = Term::shaped(Form::Noon(zone), Term::text("2021-06-01"));
                Criterion::new("date", Term::prefixed("ge", instant))
            });
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        let mut trace = stage.trace();
        for event in &mut trace.events {
            if let Command::Search(search) = &mut event.step.command {
                search.resource_type = "Observation".to_owned();
            }
        }
        DateZoneShift.check(&trace, &capability(json!({})))
    }

    #[test]
    fn the_same_instant_is_silent_and_a_lost_zone_is_found() {
        assert_eq!(judge(&[0, 1, 2], &[0, 1, 2]).weighed, 1);
        assert!(judge(&[0, 1, 2], &[0, 1, 2]).violations.is_empty());
        assert_eq!(judge(&[0, 1, 2], &[2]).violations[0].signature, ["query"]);
        assert_eq!(judge(&[0, 2], &[0, 2]).violations[0].signature, ["data"]);
    }
}
