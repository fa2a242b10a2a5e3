//! `property/string-folds`: case and accents of the text make no difference by default, and all of it with `:exact`
//! (SM-18). Row SM-18 of the catalogue. Only for Latin letters, whose case and accents are not in doubt.

use unicode_normalization::UnicodeNormalization;

use super::answer;
use super::case::{Case, Criterion, Form, Term};
use super::parameter::{Kind, Parameter};
use super::relation::{self, Ruling, Sets, only, parameter_of};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct StringFolds;

/// Texts on one population.
const TURNS: usize = 2;

const FOLDED: &[(&str, Form)] = &[
    ("upper", Form::Upper),
    ("lower", Form::Lower),
    ("plain", Form::Plain),
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/string-folds",
    title: "Case and accents make no difference by default, and all of it with :exact",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#string",
    sentence: "This search is insensitive to casing and included combining characters, like accents or other diacritical marks.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a text matched something and was asked for in other letters or with :exact",
    usual_causes: &[
        "the index folds its values and the query is compared as it stands",
        "accents are folded on one side only, or composed and decomposed letters differ",
        ":exact is answered from the folded index",
    ],
};

fn suits(parameter: &Parameter) -> bool {
    parameter.kind == Kind::Text
}

impl Property for StringFolds {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let text = inquiry.criterion(values);
            let exact = Criterion::new(format!("{}:exact", text.name), text.value.clone());
            inquiry.ask("text", vec![text.clone()]);
            for (label, form) in FOLDED {
                let value = Term::shaped(*form, text.value.clone());
                inquiry.ask(label, vec![Criterion::new(text.name.clone(), value)]);
            }
            inquiry.ask("exact", vec![exact]);
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
    let folded = folded(trace, &mut sets, turn);
    let exact = exact(trace, &mut sets, &format!("exact{turn}"));
    for (says, violation) in [folded, exact].into_iter().flatten() {
        weighed |= says;
        violations.extend(violation);
    }
    sets.ruling(weighed, violations)
}

/// Whether the text matched something and was asked for in other letters, and the first of them that match otherwise.
fn folded(trace: &Trace, sets: &mut Sets<'_>, turn: usize) -> Option<(bool, Option<Violation>)> {
    let label = |name: &str| format!("{name}{turn}");
    let text = only(trace, &label("text"))?;
    if !is_latin(&answer::asked(trace, &label("text"), &text.name)?) {
        return None;
    }
    let wanted = sets.get(&label("text"))?;
    let mut compared = false;
    for (name, form) in FOLDED {
        let asked = Criterion::new(text.name.clone(), Term::shaped(*form, text.value.clone()));
        if only(trace, &label(name)) != Some(&asked) {
            continue;
        }
        let Some(found) = sets.get(&label(name)) else {
            continue;
        };
        compared = true;
        if found != wanted {
            let violation = sets.broken(
                "Case or accents of a text change what it matches",
                format!("{} matches, as in the other letters", wanted.len()),
                format!(
                    "{} matches: {} missing, {} foreign",
                    found.len(),
                    wanted.difference(&found).count(),
                    found.difference(&wanted).count()
                ),
                if *name == "plain" { "accents" } else { "case" },
            );
            return Some((true, Some(violation)));
        }
    }
    Some((compared && !wanted.is_empty(), None))
}

/// Letters of which each has one form in each case, and accents that can be taken away.
fn is_latin(text: &str) -> bool {
    let is_simple = |letter: char| {
        let base = letter.to_string().nfd().next();
        let one = |count: usize| count == 1;
        base.is_some_and(|base| base.is_ascii_alphabetic())
            && one(letter.to_uppercase().count())
            && one(letter.to_lowercase().count())
    };
    // Turkish has two letters i, each with its own other case.
    let has_i = text.chars().any(|letter| matches!(letter, 'İ' | 'ı'));
    !text.is_empty() && !has_i && text.nfc().all(is_simple)
}

/// With `:exact` every match has just this text; canonically equivalent characters are the server's own choice.
fn exact(trace: &Trace, sets: &mut Sets<'_>, label: &str) -> Option<(bool, Option<Violation>)> {
    let criterion = only(trace, label).filter(|asked| asked.name.ends_with(":exact"))?;
    let parameter = parameter_of(trace, label)?;
    let sent = answer::asked(trace, label, &criterion.name)?;
    let found = sets.get(label)?;
    let bodies = sets.bodies();
    let same = |text: &String| text.nfc().eq(sent.nfc());
    let wrong = found
        .iter()
        .filter_map(|key| bodies.get(key))
        .filter(|body| !parameter.values(body).iter().any(same))
        .count();
    let violation = (wrong > 0).then(|| {
        sets.broken(
            ":exact matches a text that differs in case or accents",
            "matches with exactly this text only",
            format!("{} matches: {wrong} with other texts only", found.len()),
            "exact",
        )
    });
    Some((!found.is_empty(), violation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(text: &[usize], upper: &[usize], plain: &[usize], exact: &[usize]) -> Judgement {
        let all = ["Änsel", "änsel", "Ansel"]
            .map(|family| patient(family, json!({"name": [{"family": family}]})));
        let mut stage = Stage::new(SPEC.id);
        let value = Term::text("Änsel");
        let shaped = |form: Form| Some(("family", Term::shaped(form, value.clone())));
        for (label, asked, found) in [
            ("all", None, &[0, 1, 2][..]),
            ("text0", Some(("family", value.clone())), text),
            ("upper0", shaped(Form::Upper), upper),
            ("plain0", shaped(Form::Plain), plain),
            ("exact0", Some(("family:exact", value.clone())), exact),
            ("again", None, &[0, 1, 2]),
        ] {
            let criteria = asked.map(|(name, value)| Criterion::new(name, value));
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(label, criteria.into_iter().collect(), &found);
        }
        StringFolds.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn folding_is_silent_and_its_lack_is_found() {
        let all: &[usize] = &[0, 1, 2];
        assert_eq!(judge(all, all, all, &[0]).weighed, 1);
        assert!(judge(all, all, all, &[0]).violations.is_empty());
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge(all, &[0], all, &[0])), "case");
        assert_eq!(sign(judge(&[0, 1], &[0, 1], all, &[0])), "accents");
        assert_eq!(sign(judge(all, all, all, &[0, 1])), "exact");
    }

    #[test]
    fn letters_with_special_cases_are_left_out() {
        for text in ["Straße", "İstanbul", "Ωmega", "a-b", ""] {
            assert!(!is_latin(text), "{text}");
        }
        assert!(is_latin("Änsel"));
    }
}
