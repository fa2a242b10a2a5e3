//! `property/quantity-bounds-partition`: a quantity is either below a number (`lt`) or not (`ge`), and either above it
//! (`gt`) or not (`le`) (SM-14). Row SM-14 of the catalogue. Not quantities with a comparator.

use super::case::{Case, Criterion, Form, Term};
use super::relation::{self, Ruling, Sets, by_prefix, parameter_of, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, amount};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct QuantityBoundsPartition;

/// Bounds on one population.
const TURNS: usize = 2;

/// Signs of a quantity on both sides: if the stored number is taken for a range of its own, as the table of prefixes
/// can be read, it may overlap both.
const ON_BOTH: &[&str] = &["lt-and-ge", "gt-and-le"];

static SPEC: PropertySpec = PropertySpec {
    id: "property/quantity-bounds-partition",
    title: "A quantity is either below a number or not, and either above it or not",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#number",
    sentence: "the implicit precision of the number is ignored, and they are treated as if they have arbitrarily high precision",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with a quantity were searched from both sides of a number",
    usual_causes: &[
        "ge or le leaves out the number itself, or lt or gt includes it",
        "the bound is widened by its precision on one side only",
        "numbers are compared as text or as floats",
    ],
};

impl Property for QuantityBoundsPartition {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(amount::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(amount::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let criterion = inquiry.criterion(values);
            let number = Term::shaped(Form::Number, criterion.value);
            for prefix in ["lt", "ge", "gt", "le"] {
                let value = Term::prefixed(prefix, number.clone());
                inquiry.ask(prefix, vec![Criterion::new(criterion.name.clone(), value)]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }

    fn level_of(&self, violation: &Violation) -> Level {
        let signs = &violation.signature;
        if signs.iter().any(|sign| ON_BOTH.contains(&sign.as_str())) {
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
        // A bound with a unit says nothing of other units.
        let is_number = by_prefix(trace, &asked)
            .is_some_and(|(_, value)| matches!(value, Term::As(Form::Number, _)));
        if !is_number {
            continue;
        }
        let (Some(a), Some(b)) = (sets.get(&first), sets.get(&second)) else {
            continue;
        };
        let Some(parameter) = parameter_of(trace, &first) else {
            continue;
        };
        let bodies = sets.bodies();
        let exact: Vec<&Key> = bodies
            .iter()
            .filter(|(_, body)| amount::held(parameter, body).is_some())
            .map(|(key, _)| key)
            .collect();
        weighed |= !exact.is_empty();
        let (none, several) = placed(exact.iter().copied(), &[&a, &b]);
        let valueless = bodies
            .iter()
            .filter(|(_, body)| parameter.is_missing(body))
            .filter(|(key, _)| a.contains(*key) || b.contains(*key))
            .count();
        for (number, title, sign) in [
            (
                none,
                "A quantity is on neither side of a number",
                format!("{one}-nor-{other}"),
            ),
            (
                several,
                "A quantity is on both sides of a number",
                format!("{one}-and-{other}"),
            ),
            (
                valueless,
                "A resource without a quantity is on a side of a number",
                format!("{one}-{other}-without"),
            ),
        ] {
            if number > 0 {
                violations.push(sets.broken(
                    title,
                    format!(
                        "each of {} quantities in one of {one} and {other}, and nothing else",
                        exact.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(lt: &[usize], ge: &[usize]) -> Judgement {
        let all = [
            json!({"resourceType": "Observation", "id": "1", "valueQuantity": {"value": 5}}),
            json!({"resourceType": "Observation", "id": "2", "valueQuantity": {"value": 6}}),
            json!({"resourceType": "Observation", "id": "3"}),
        ];
        let mut stage = Stage::new(SPEC.id);
        for (label, prefix, found) in [
            ("all", None, &[0, 1, 2][..]),
            ("lt0", Some("lt"), lt),
            ("ge0", Some("ge"), ge),
            ("again", None, &[0, 1, 2]),
        ] {
            let number = Term::shaped(Form::Number, Term::text("6"));
            let criteria = prefix
                .map(|prefix| Criterion::new("value-quantity", Term::prefixed(prefix, number)));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        let mut trace = stage.trace();
        for event in &mut trace.events {
            if let Command::Search(search) = &mut event.step.command {
                search.resource_type = "Observation".to_owned();
            }
        }
        QuantityBoundsPartition.check(&trace, &capability(json!({})))
    }

    #[test]
    fn two_sides_are_silent_and_gaps_and_overlaps_are_found() {
        assert_eq!(judge(&[0], &[1]).weighed, 1);
        assert!(judge(&[0], &[1]).violations.is_empty());
        let first = |lt: &[usize], ge: &[usize]| judge(lt, ge).violations.remove(0);
        assert_eq!(first(&[0], &[]).signature, ["lt-nor-ge"]);
        assert_eq!(first(&[0], &[1, 2]).signature, ["lt-ge-without"]);
        let both = first(&[0, 1], &[1]);
        assert_eq!(QuantityBoundsPartition.level_of(&both), Level::Should);
    }
}
