//! `property/date-eq-and-ne`: a date is either equal to a value or not, and no prefix means `eq` (SM-09). Row SM-09 of
//! the catalogue. Only for elements that do not repeat; whether `ne` matches what has no date is left open.

use super::case::{Case, Criterion, Term};
use super::dated::{self, Held};
use super::relation::{self, Ruling, Sets, only, parameter_of, placed};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct DateEqAndNe;

/// Values on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/date-eq-and-ne",
    title: "A date is either equal to a value or not, and no prefix means eq",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#prefix",
    sentence: "the range of the search value does not fully contain the range of the target value",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "resources with a date were searched with eq and with ne",
    usual_causes: &[
        "eq compares a day with an instant and finds nothing",
        "ne wants the whole value outside of the range",
        "ne is not known and taken for eq",
    ],
};

impl Property for DateEqAndNe {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(dated::suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(dated::suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let plain = inquiry.criterion(values);
            let behind = |prefix: &str| {
                let value = Term::prefixed(prefix, plain.value.clone());
                vec![Criterion::new(plain.name.clone(), value)]
            };
            inquiry.ask("plain", vec![plain.clone()]);
            inquiry.ask("eq", behind("eq"));
            inquiry.ask("ne", behind("ne"));
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let [plain, eq, ne] = ["plain", "eq", "ne"].map(|label| format!("{label}{turn}"));
    let Some(asked) = only(trace, &plain) else {
        return Ok(None);
    };
    let is_behind = |label: &str, prefix: &str| {
        only(trace, label).is_some_and(|criterion| {
            criterion.name == asked.name
                && criterion.value == Term::prefixed(prefix, asked.value.clone())
        })
    };
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(equal) = sets.get(&plain) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    let mut weighed = false;
    if is_behind(&ne, "ne")
        && let Some(unequal) = sets.get(&ne)
        && let Some(parameter) = parameter_of(trace, &plain)
    {
        let (mut having, mut without) = (Vec::new(), Vec::new());
        for (key, body) in sets.bodies() {
            match dated::held(parameter, &body) {
                Held::Nothing => without.push(key),
                Held::Date(_) => having.push(key),
                Held::Other => {}
            }
        }
        weighed |= !having.is_empty();
        let (none, several) = placed(&having, &[&equal, &unequal]);
        let valueless = count(&without, &equal);
        for (number, title, sign) in [
            (
                none,
                "A date is neither equal to a value nor not",
                "neither",
            ),
            (several, "A date is both equal to a value and not", "both"),
            (
                valueless,
                "A resource without a date is equal to a value",
                "without",
            ),
        ] {
            if number > 0 {
                violations.push(sets.broken(
                    title,
                    format!("each of {} dates in one of eq and ne", having.len()),
                    format!(
                        "{} with eq, {} with ne: {number} wrong",
                        equal.len(),
                        unequal.len()
                    ),
                    sign,
                ));
            }
        }
    }
    if is_behind(&eq, "eq")
        && let Some(named) = sets.get(&eq)
    {
        weighed |= !equal.is_empty();
        if named != equal {
            violations.push(sets.broken(
                "A date behind eq matches other resources than the date alone",
                format!("{} matches, as without a prefix", equal.len()),
                format!("{} matches", named.len()),
                "prefix",
            ));
        }
    }
    sets.ruling(weighed, violations)
}

fn count(keys: &[Key], within: &std::collections::BTreeSet<Key>) -> usize {
    keys.iter().filter(|key| within.contains(key)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(plain: &[usize], eq: &[usize], ne: &[usize]) -> Judgement {
        let all = [
            patient("1", json!({"birthDate": "1980-02-01"})),
            patient("2", json!({"birthDate": "1980"})),
            patient("3", json!({})),
        ];
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, value: Option<Term>, found: &[usize]| {
            let criteria = value.map(|value| Criterion::new("birthdate", value));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        };
        let value = Term::text("1980-02-01");
        find("all", None, &[0, 1, 2]);
        find("plain0", Some(value.clone()), plain);
        find("eq0", Some(Term::prefixed("eq", value.clone())), eq);
        find("ne0", Some(Term::prefixed("ne", value)), ne);
        find("again", None, &[0, 1, 2]);
        DateEqAndNe.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn equal_or_not_is_silent_and_resources_without_a_date_may_be_unequal() {
        assert_eq!(judge(&[0], &[0], &[1]).weighed, 1);
        assert!(judge(&[0], &[0], &[1, 2]).violations.is_empty());
    }

    #[test]
    fn gaps_overlaps_and_another_default_are_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge(&[], &[], &[1])), "neither");
        assert_eq!(sign(judge(&[0, 1], &[0, 1], &[1])), "both");
        assert_eq!(sign(judge(&[0, 2], &[0, 2], &[1])), "without");
        assert_eq!(sign(judge(&[0], &[], &[1])), "prefix");
    }
}
