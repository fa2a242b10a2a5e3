//! `property/number-precision`: a number with one more zero matches no more, and the same digits in exponential
//! notation match the same (SM-14). Row SM-14 of the catalogue. Not the edges of a range, which R4 draws twice.

use super::case::{Case, Criterion, Form, Term};
use super::relation::{self, Ruling, Sets, only};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, amount};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct NumberPrecision;

/// Numbers on one population.
const TURNS: usize = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/number-precision",
    title: "A more precise number matches no more, and an exponent changes nothing",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#number",
    sentence: "The number of significant digits of the implicit range is the number of digits specified in the search parameter value, excluding leading zeros. So 100 and 1.00e2 both have the same number of significant digits - three",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the number matched something and was answered in another form",
    usual_causes: &[
        "zeros behind the point are lost before the precision is counted",
        "the number is compared as a float or as text",
        "an exponent is not read, or read without the digits before it",
    ],
};

impl Property for NumberPrecision {
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
            let asked = |value: Term| vec![Criterion::new(criterion.name.clone(), value)];
            inquiry.ask("number", asked(number.clone()));
            inquiry.ask("finer", asked(Term::shaped(Form::Finer, number.clone())));
            inquiry.ask("exponent", asked(Term::shaped(Form::Exponent, number)));
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let label = |name: &str| format!("{name}{turn}");
    let Some(asked) = only(trace, &label("number")) else {
        return Ok(None);
    };
    let is_form = |name: &str, form: Form| {
        only(trace, &label(name)).is_some_and(|criterion| {
            criterion.name == asked.name
                && criterion.value == Term::shaped(form, asked.value.clone())
        })
    };
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(whole) = sets.get(&label("number")) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    let mut compared = false;
    if is_form("finer", Form::Finer)
        && let Some(finer) = sets.get(&label("finer"))
    {
        compared = true;
        let added = finer.difference(&whole).count();
        if added > 0 {
            violations.push(sets.broken(
                "A number with one more zero matches what the number does not match",
                format!(
                    "at most the {} matches of the less precise number",
                    whole.len()
                ),
                format!("{} matches: {added} foreign", finer.len()),
                "finer",
            ));
        }
    }
    if is_form("exponent", Form::Exponent)
        && let Some(other) = sets.get(&label("exponent"))
    {
        compared = true;
        if other != whole {
            violations.push(sets.broken(
                "A number in exponential notation has other matches",
                format!("{} matches, as without an exponent", whole.len()),
                format!(
                    "{} matches: {} missing, {} foreign",
                    other.len(),
                    whole.difference(&other).count(),
                    other.difference(&whole).count()
                ),
                "exponent",
            ));
        }
    }
    sets.ruling(compared && !whole.is_empty(), violations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(number: &[usize], finer: &[usize], exponent: &[usize]) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({})));
        let value = Term::shaped(Form::Number, Term::text("100|urn:u|mg"));
        let mut stage = Stage::new(SPEC.id);
        for (label, value, found) in [
            ("all", None, &[0, 1][..]),
            ("number0", Some(value.clone()), number),
            (
                "finer0",
                Some(Term::shaped(Form::Finer, value.clone())),
                finer,
            ),
            (
                "exponent0",
                Some(Term::shaped(Form::Exponent, value)),
                exponent,
            ),
            ("again", None, &[0, 1]),
        ] {
            let criteria = value.map(|value| Criterion::new("value-quantity", value));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        NumberPrecision.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn narrower_ranges_are_silent_and_wider_or_other_ones_are_found() {
        assert_eq!(judge(&[0, 1], &[0], &[0, 1]).weighed, 1);
        assert!(judge(&[0, 1], &[0], &[0, 1]).violations.is_empty());
        assert_eq!(
            judge(&[0], &[0, 1], &[0]).violations[0].signature,
            ["finer"]
        );
        assert_eq!(judge(&[0], &[0], &[]).violations[0].signature, ["exponent"]);
    }
}
