//! `property/token-system-narrows`: `system|code` matches no more than `code` and than `system|`, and `|code` only what
//! has no system (SM-16). Row SM-16 of the catalogue. Not case, which code systems decide.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Criterion, Form, Term};
use super::relation::{self, Ruling, Sets, only, parameter_of};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::property::parameter::{Kind, Parameter};
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct TokenSystemNarrows;

/// Values on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/token-system-narrows",
    title: "A token with its system matches no more than the code alone and the system alone",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#token",
    sentence: "the value of [code] matches a Coding.code or Identifier.value irrespective of the value of the system property",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "system|code matched something and code or system| was answered",
    usual_causes: &[
        "a code without a system is looked up with an empty system",
        "system| is taken for a code that is empty",
        "|code ignores the bar and matches codes of every system",
    ],
};

fn suits(entry: &Parameter) -> bool {
    matches!(entry.kind, Kind::Coding | Kind::Identifier)
}

impl Property for TokenSystemNarrows {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let both = inquiry.criterion(values);
            let shaped = |form: Form| {
                let value = Term::shaped(form, both.value.clone());
                vec![Criterion::new(both.name.clone(), value)]
            };
            inquiry.ask("both", vec![both.clone()]);
            inquiry.ask("code", shaped(Form::Code));
            inquiry.ask("system", shaped(Form::System));
            inquiry.ask("bare", shaped(Form::Bare));
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
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(narrow) = sets.get(&label("both")) else {
        return sets.ruling(false, Vec::new());
    };
    let is_shaped = |name: &str, form: Form| {
        only(trace, &label(name)).is_some_and(|criterion| {
            criterion.name == both.name && criterion.value == Term::shaped(form, both.value.clone())
        })
    };
    let mut violations = Vec::new();
    let mut compared = false;
    for (name, form, title) in [
        (
            "code",
            Form::Code,
            "A code without its system misses what system|code matches",
        ),
        (
            "system",
            Form::System,
            "A system without a code misses what system|code matches",
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
                format!("at least the {} matches of system|code", narrow.len()),
                format!("{} matches: {lost} missing", wide.len()),
                name,
            ));
        }
    }
    if is_shaped("bare", Form::Bare)
        && let Some(bare) = sets.get(&label("bare"))
    {
        compared = true;
        violations.extend(with_system(trace, turn, &sets, &bare));
    }
    sets.ruling(compared && !narrow.is_empty(), violations)
}

/// `|code` must not match what has a system wherever it has the code.
fn with_system(
    trace: &Trace,
    turn: usize,
    sets: &Sets<'_>,
    bare: &BTreeSet<Key>,
) -> Option<Violation> {
    let label = format!("bare{turn}");
    let parameter = parameter_of(trace, &label)?;
    let asked = answer::asked(trace, &label, parameter.code)?;
    let code = asked.strip_prefix('|')?.to_lowercase();
    let bodies = sets.bodies();
    let wrong = bare
        .iter()
        .filter_map(|key| bodies.get(key))
        .filter(|body| !holds_bare(parameter, body, &code))
        .count();
    (wrong > 0).then(|| {
        sets.broken(
            "|code matches a resource that has no such code without a system",
            format!(
                "{} matches that have the code without a system",
                bare.len() - wrong
            ),
            format!("{} matches: {wrong} foreign", bare.len()),
            "bare",
        )
    })
}

fn holds_bare(parameter: &Parameter, body: &Value, code: &str) -> bool {
    parameter
        .values(body)
        .iter()
        .any(|value| value.to_lowercase() == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(code: &[usize], system: &[usize], bare: &[usize]) -> Judgement {
        let with = |identifier: Value| json!({"identifier": [identifier]});
        let all = [
            patient("1", with(json!({"system": "urn:a", "value": "x"}))),
            patient("2", with(json!({"value": "x"}))),
            patient("3", with(json!({"system": "urn:a", "value": "y"}))),
        ];
        let mut stage = Stage::new(SPEC.id);
        let mut find = |label: &str, value: Option<Term>, found: &[usize]| {
            let criteria = value.map(|value| Criterion::new("identifier", value));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        };
        let both = Term::text("urn:a|x");
        let shaped = |form: Form| Some(Term::shaped(form, both.clone()));
        find("all", None, &[0, 1, 2]);
        find("both0", Some(both.clone()), &[0]);
        find("code0", shaped(Form::Code), code);
        find("system0", shaped(Form::System), system);
        find("bare0", shaped(Form::Bare), bare);
        find("again", None, &[0, 1, 2]);
        TokenSystemNarrows.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn wider_tokens_are_silent() {
        let judgement = judge(&[0, 1], &[0, 2], &[1]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn each_form_that_misses_or_adds_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge(&[1], &[0, 2], &[1])), "code");
        assert_eq!(sign(judge(&[0, 1], &[2], &[1])), "system");
        assert_eq!(sign(judge(&[0, 1], &[0, 2], &[0, 1])), "bare");
    }
}
