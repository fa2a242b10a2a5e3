//! `property/quantity-unit-narrows`: a number with system and code matches no more than with the code alone, and that
//! no more than the number alone (SM-15). Row SM-15 of the catalogue. Not for resources in another unit, which a server
//! may convert.

use std::collections::BTreeSet;

use super::answer;
use super::case::{Case, Criterion, Form, Term};
use super::relation::{self, Ruling, Sets, only, parameter_of};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, amount};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct QuantityUnitNarrows;

/// Quantities on one population.
const TURNS: usize = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/quantity-unit-narrows",
    title: "A quantity with its unit matches no more than the number alone",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#quantity",
    sentence: "Search for all the observations with a value of 5.4(+/-0.05) irrespective of the unit",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the quantity with its unit matched something in that unit and was answered without",
    usual_causes: &[
        "a number without a unit matches only quantities without a unit",
        "number||code is read as an empty system",
        "the unit changes how precisely the number is compared",
    ],
};

impl Property for QuantityUnitNarrows {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(amount::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(amount::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let both = inquiry.criterion(values);
            let shaped = |form: Form| {
                let value = Term::shaped(form, both.value.clone());
                vec![Criterion::new(both.name.clone(), value)]
            };
            inquiry.ask("both", vec![both.clone()]);
            inquiry.ask("code", shaped(Form::AnySystem));
            inquiry.ask("number", shaped(Form::Number));
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let label = |name: &str| format!("{name}{turn}");
    let Some(both) = only(trace, &label("both")) else {
        return Ok(None);
    };
    let is_shaped = |name: &str, form: Form| {
        only(trace, &label(name)).is_some_and(|criterion| {
            criterion.name == both.name && criterion.value == Term::shaped(form, both.value.clone())
        })
    };
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(narrow) = sets.get(&label("both")) else {
        return sets.ruling(false, Vec::new());
    };
    let narrow = in_unit(trace, &sets, &label("both"), &narrow);
    let mut violations = Vec::new();
    let mut compared = false;
    for (name, form, title) in [
        (
            "code",
            Form::AnySystem,
            "A number with the code of its unit misses what it matches with the system too",
        ),
        (
            "number",
            Form::Number,
            "A number without a unit misses what it matches with one",
        ),
    ] {
        if !is_shaped(name, form) {
            continue;
        }
        let Some(wide) = sets.get(&label(name)) else {
            continue;
        };
        compared = true;
        let lost = narrow.difference(&wide).count();
        if lost > 0 {
            violations.push(sets.broken(
                title,
                format!("at least the {} matches in the unit", narrow.len()),
                format!("{} matches: {lost} missing", wide.len()),
                name,
            ));
        }
    }
    sets.ruling(compared && !narrow.is_empty(), violations)
}

/// Those of the matches that are stored in the unit asked for: others were converted.
fn in_unit(trace: &Trace, sets: &Sets<'_>, label: &str, found: &BTreeSet<Key>) -> BTreeSet<Key> {
    let asked = parameter_of(trace, label)
        .and_then(|parameter| Some((parameter, answer::asked(trace, label, parameter.code)?)));
    let Some((parameter, sent)) = asked else {
        return BTreeSet::new();
    };
    let code = sent.rsplit_once('|').map_or("", |(_, code)| code);
    let bodies = sets.bodies();
    let stored = |key: &&Key| {
        let held = bodies
            .get(*key)
            .and_then(|body| amount::held(parameter, body));
        held.is_some_and(|held| held.code == code)
    };
    found.iter().filter(stored).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(code: &[usize], number: &[usize]) -> Judgement {
        let quantity = |id: &str, value: f64, code: &str| {
            json!({"resourceType": "Observation", "id": id,
                "valueQuantity": {"value": value, "system": "urn:u", "code": code}})
        };
        let all = [quantity("1", 5.4, "mg"), quantity("2", 0.0054, "g")];
        let mut stage = Stage::new(SPEC.id);
        let both = Term::text("5.4|urn:u|mg");
        let shaped = |form: Form| Some(Term::shaped(form, both.clone()));
        for (label, value, found) in [
            ("all", None, &[0, 1][..]),
            ("both0", Some(both.clone()), &[0, 1]),
            ("code0", shaped(Form::AnySystem), code),
            ("number0", shaped(Form::Number), number),
            ("again", None, &[0, 1]),
        ] {
            let criteria = value.map(|value| Criterion::new("value-quantity", value));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        let mut trace = stage.trace();
        for event in &mut trace.events {
            if let Command::Search(search) = &mut event.step.command {
                search.resource_type = "Observation".to_owned();
            }
        }
        QuantityUnitNarrows.check(&trace, &capability(json!({})))
    }

    #[test]
    fn what_is_converted_need_not_match_without_the_unit() {
        let judgement = judge(&[0], &[0]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_is_lost_without_the_unit_is_found() {
        assert_eq!(judge(&[], &[0]).violations[0].signature, ["code"]);
        assert_eq!(judge(&[0], &[1]).violations[0].signature, ["number"]);
    }
}
