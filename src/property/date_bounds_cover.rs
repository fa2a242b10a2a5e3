//! `property/date-bounds-cover`: whatever date or Period a resource has, `lt` or `ge` matches it, and `gt` or `le`
//! (SM-08). Row SM-08 of the catalogue. No more than that: a Period may lie on both sides.

use super::case::{Case, Criterion, Term};
use super::dated::{self, Held};
use super::parameter::Parameter;
use super::relation::{self, Ruling, Sets, by_prefix, parameter_of, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct DateBoundsCover;

/// Bounds on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-bounds-cover",
    title: "Any date or Period lies before a bound or not before it, after it or not after it",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#date",
    sentence: "Implicitly, a missing lower boundary is \"less than\" any actual date. A missing upper boundary is \"greater than\" any actual date.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with a date or Period were searched from both sides of a bound",
    usual_causes: &[
        "a Period without start or end has no row in the index",
        "only the start of a Period is compared",
        "ge and le want the whole Period on their side",
    ],
};

/// Elements that may hold a Period, where the type has one.
fn suits(parameter: &Parameter) -> bool {
    dated::suits_with_time(parameter)
}

fn ground_of(ground: &Ground<'_>) -> Result<super::ground::SearchGround, Verdict> {
    ground
        .searched_by(suits, 1)
        .or_else(|_| ground.searched_by(dated::suits, 1))
}

impl Property for DateBoundsCover {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground_of(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground_of(ground).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let bound = inquiry.criterion(values);
            for prefix in ["lt", "ge", "gt", "le"] {
                let value = Term::prefixed(prefix, bound.value.clone());
                inquiry.ask(prefix, vec![Criterion::new(bound.name.clone(), value)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
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
        let Some(parameter) = parameter_of(trace, &first) else {
            continue;
        };
        let having: Vec<Key> = sets
            .bodies()
            .into_iter()
            .filter(|(_, body)| has_range(parameter, body))
            .map(|(key, _)| key)
            .collect();
        weighed |= !having.is_empty();
        let (none, _) = placed(&having, &[&a, &b]);
        if none > 0 {
            violations.push(sets.broken(
                "A date or Period is on neither side of a bound",
                format!(
                    "each of {} resources with a date in {one} or {other}",
                    having.len()
                ),
                format!(
                    "{} with {one}, {} with {other}: {none} in neither",
                    a.len(),
                    b.len()
                ),
                &format!("{one}-nor-{other}"),
            ));
        }
    }
    sets.ruling(weighed, violations)
}

/// A date, or a Period with a bound: what other types and extensions mean is left open.
fn has_range(parameter: &Parameter, body: &serde_json::Value) -> bool {
    match dated::held(parameter, body) {
        Held::Date(_) => true,
        Held::Nothing => false,
        Held::Other => {
            let stem = parameter.path[0].trim_end_matches("DateTime");
            let period = body.get(format!("{stem}Period"));
            let bound = |name: &str| period.and_then(|period| period.get(name));
            bound("start").or_else(|| bound("end")).is_some()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn judge(lt: &[usize], ge: &[usize]) -> Judgement {
        let observation = |id: &str, members: Value| {
            let mut value = json!({"resourceType": "Observation", "id": id});
            value
                .as_object_mut()
                .unwrap()
                .extend(members.as_object().unwrap().clone());
            value
        };
        let all = [
            observation("1", json!({"effectiveDateTime": "2021-06-01"})),
            observation("2", json!({"effectivePeriod": {"end": "2021-06-01"}})),
            observation("3", json!({"_effectiveDateTime": {"extension": []}})),
        ];
        let mut stage = Stage::new(SPEC.id);
        for (label, prefix, found) in [
            ("all", None, &[0, 1, 2][..]),
            ("lt0", Some("lt"), lt),
            ("ge0", Some("ge"), ge),
            ("again", None, &[0, 1, 2]),
        ] {
            let criteria = prefix.map(|prefix| {
                Criterion::new("date", Term::prefixed(prefix, Term::text("2021-06-01")))
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
        DateBoundsCover.check(&trace, &capability(json!({})))
    }

    #[test]
    fn a_cover_is_silent_and_a_gap_is_found() {
        assert_eq!(judge(&[1], &[0]).weighed, 1);
        assert!(judge(&[1], &[0, 1]).violations.is_empty());
        assert_eq!(judge(&[], &[0]).violations[0].signature, ["lt-nor-ge"]);
    }
}
