//! `property/last-updated-partition`: `_lastUpdated` before an instant and not before it divide the resources, and far
//! from it each is on the side that it shows (SM-34). Row SM-34 of the catalogue. Not the instant itself, where R4
//! leaves the precision to the server.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::answer;
use super::case::{Case, Criterion, Origin, Script, Term};
use super::dataset::Population;
use super::ground::SearchGround;
use super::relation::{self, Ruling, Sets, by_prefix, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, parameter, variety};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct LastUpdatedPartition;

/// Instants on one population.
const TURNS: usize = 2;

/// Resources of a population.
const POPULATION: u32 = 5;

/// Within so many milliseconds of the instant the side is the server's choice.
const MARGIN_MS: i64 = 2_000;

const NAME: &str = "_lastUpdated";

/// Sign of a resource on both sides: what a server with a coarser boundary may well return to be safe.
const ON_BOTH: &str = "and";

static SPEC: PropertySpec = PropertySpec {
    id: "property/last-updated-partition",
    title: "_lastUpdated before an instant and not before it divide the resources",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#lastUpdated",
    sentence: "The search parameter _lastUpdated can be used to select resources based on the last time they were changed",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources were searched from both sides of an instant at which one of them was changed",
    usual_causes: &[
        "the stored instant is more precise than the one compared",
        "the zone of the instant is lost",
        "the index keeps the first lastUpdated of a resource",
    ],
};

fn ground_of(ground: &Ground<'_>) -> Result<SearchGround, Verdict> {
    let mut found = ground.searched(0)?;
    found.types.retain(|(name, _)| {
        let known = ground.capability.supports_parameter(name, NAME);
        let held = parameter::find(name, NAME).is_some_and(|parameter| {
            ground
                .cohort
                .of_type(name)
                .any(|(_, resource)| !parameter.values(resource).is_empty())
        });
        known && (found.origin == Origin::Created || held)
    });
    if found.types.is_empty() {
        return Err(Verdict::Skip(format!("not claimed: search by {NAME}")));
    }
    Ok(found)
}

impl Property for LastUpdatedPartition {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground_of(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground_of(ground).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let (resource_type, parameters) = values.pick(&ground.types).clone();
        let mut made = Vec::new();
        if ground.origin == Origin::Created {
            for _ in 0..POPULATION {
                made.push(script.create(variety::member(resource_type, values)));
            }
            script.settle(resource_type);
        }
        let population = Population {
            resource_type,
            parameters,
            resources: Vec::new(),
        };
        relation::related(script, population, values, TURNS, |inquiry, values| {
            let instant = if made.is_empty() {
                Term::Cohort(values.below(1000))
            } else {
                Term::Moment(*values.pick(&made), 0)
            };
            for prefix in ["lt", "ge", "gt", "le"] {
                let value = Term::prefixed(prefix, instant.clone());
                inquiry.ask(prefix, vec![Criterion::new(NAME, value)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }

    fn level_of(&self, violation: &Violation) -> Level {
        if violation.signature.iter().any(|sign| sign == ON_BOTH) {
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
    for (below, above) in [("lt", "ge"), ("le", "gt")] {
        let [first, second] = [below, above].map(|prefix| format!("{prefix}{turn}"));
        if by_prefix(trace, &[(&first, below), (&second, above)]).is_none() {
            continue;
        }
        let (Some(a), Some(b)) = (sets.get(&first), sets.get(&second)) else {
            continue;
        };
        let all = sets.all().clone();
        weighed |= !all.is_empty();
        let (none, several) = placed(&all, &[&a, &b]);
        let misplaced = misplaced(trace, &sets, &first, below, &a, &b);
        for (number, title, sign) in [
            (
                none,
                "A resource was last updated neither before an instant nor from then on",
                "nor",
            ),
            (
                several,
                "A resource was last updated both before an instant and from then on",
                ON_BOTH,
            ),
            (
                misplaced,
                "A resource is on the other side of an instant than its meta.lastUpdated",
                "misplaced",
            ),
        ] {
            if number > 0 {
                violations.push(sets.broken(
                    title,
                    format!(
                        "each of {} resources in one of {below} and {above}",
                        all.len()
                    ),
                    format!(
                        "{} with {below}, {} with {above}: {number} wrong",
                        a.len(),
                        b.len()
                    ),
                    sign,
                ));
            }
        }
    }
    sets.ruling(weighed, violations)
}

/// Resources that are clearly on one side, as they show, and not matched there.
fn misplaced(
    trace: &Trace,
    sets: &Sets<'_>,
    label: &str,
    prefix: &str,
    below: &BTreeSet<Key>,
    above: &BTreeSet<Key>,
) -> usize {
    let asked = answer::asked(trace, label, NAME);
    let instant = asked.and_then(|text| text.strip_prefix(prefix)?.parse::<Timestamp>().ok());
    let Some(instant) = instant else { return 0 };
    let wrong = |key: &Key, body: &Value| {
        let shown = body.get("meta").and_then(|meta| meta.get("lastUpdated"));
        let shown = shown.and_then(Value::as_str)?.parse::<Timestamp>().ok()?;
        let after = shown.as_millisecond() - instant.as_millisecond();
        // What is in both or in neither is reported as such.
        Some(match (below.contains(key), above.contains(key)) {
            (true, false) => after >= MARGIN_MS,
            (false, true) => after <= -MARGIN_MS,
            _ => false,
        })
    };
    let bodies = sets.bodies();
    bodies
        .iter()
        .filter(|(key, body)| wrong(key, body) == Some(true))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(lt: &[usize], ge: &[usize]) -> Judgement {
        let all = [0, 3].map(|minute| {
            let updated = format!("2024-05-01T10:0{minute}:00.000Z");
            patient(
                &minute.to_string(),
                json!({"meta": {"lastUpdated": updated}}),
            )
        });
        let mut stage = Stage::new(SPEC.id);
        for (label, prefix, found) in [
            ("all", None, &[0, 1][..]),
            ("lt0", Some("lt"), lt),
            ("ge0", Some("ge"), ge),
            ("again", None, &[0, 1]),
        ] {
            let criteria = prefix.map(|prefix| {
                let instant = Term::text("2024-05-01T10:03:00.000Z");
                Criterion::new(NAME, Term::prefixed(prefix, instant))
            });
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        LastUpdatedPartition.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn two_sides_are_silent_and_others_are_found() {
        assert_eq!(judge(&[0], &[1]).weighed, 1);
        assert!(judge(&[0], &[1]).violations.is_empty());
        let first = |lt: &[usize], ge: &[usize]| judge(lt, ge).violations.remove(0);
        assert_eq!(first(&[0], &[]).signature, ["nor"]);
        assert_eq!(first(&[1], &[0]).signature, ["misplaced"]);
        let both = first(&[0, 1], &[1]);
        assert_eq!(LastUpdatedPartition.level_of(&both), Level::Should);
    }

    #[test]
    fn what_was_changed_at_the_instant_may_be_on_either_side() {
        assert!(judge(&[0, 1], &[]).violations.is_empty());
    }
}
