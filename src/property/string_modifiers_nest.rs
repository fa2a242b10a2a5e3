//! `property/string-modifiers-nest`: what matches exactly matches by its beginning, and that matches anywhere: `:exact`
//! ⊆ default ⊆ `:contains`, and a shorter beginning matches no less (SM-17). Row SM-17 of the catalogue. Only for words
//! of letters, for servers may remove separators as they like.

use super::answer;
use super::case::{Case, Criterion, Form, Term};
use super::parameter::{Kind, Parameter};
use super::relation::{self, Ruling, Sets, only};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct StringModifiersNest;

/// Texts on one population.
const TURNS: usize = 2;

/// Letters of the shorter beginning.
const LETTERS: u8 = 3;

/// The narrower search first.
const NESTED: &[(&str, &str)] = &[
    ("exact", "whole"),
    ("whole", "contains"),
    ("whole", "start"),
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/string-modifiers-nest",
    title: "What matches exactly matches by its beginning, and what matches by that matches anywhere",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#string",
    sentence: "By default, a field matches a string query if the value of the field equals or starts with the supplied parameter value, after both have been normalized by case and combining characters",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a text matched something and was answered with a modifier or by its beginning",
    usual_causes: &[
        "the default search compares whole values",
        ":contains looks behind the first letter only, or in another column than the default",
        ":exact folds case and the default does not",
    ],
};

fn suits(parameter: &Parameter) -> bool {
    parameter.kind == Kind::Text
}

impl Property for StringModifiersNest {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(suits, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(suits, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let whole = inquiry.criterion(values);
            for (label, criterion) in forms(&whole) {
                inquiry.ask(label, vec![criterion]);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

/// What the searches of one turn ask for.
fn forms(whole: &Criterion) -> [(&'static str, Criterion); 4] {
    let modified =
        |modifier: &str| Criterion::new(format!("{}:{modifier}", whole.name), whole.value.clone());
    let start = Term::shaped(Form::Start(LETTERS), whole.value.clone());
    [
        ("whole", whole.clone()),
        ("exact", modified("exact")),
        ("contains", modified("contains")),
        ("start", Criterion::new(whole.name.clone(), start)),
    ]
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let label = |name: &str| format!("{name}{turn}");
    let Some(whole) = only(trace, &label("whole")) else {
        return Ok(None);
    };
    let asked = answer::asked(trace, &label("whole"), &whole.name).unwrap_or_default();
    if asked.is_empty() || !asked.chars().all(char::is_alphabetic) {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let wanted = forms(whole);
    let is_asked = |name: &str| {
        wanted.iter().any(|(known, criterion)| {
            *known == name && only(trace, &label(name)) == Some(criterion)
        })
    };
    let mut violations = Vec::new();
    let mut weighed = false;
    for (narrow, wide) in NESTED {
        if !is_asked(narrow) || !is_asked(wide) {
            continue;
        }
        let (Some(a), Some(b)) = (sets.get(&label(narrow)), sets.get(&label(wide))) else {
            continue;
        };
        weighed |= !a.is_empty();
        let lost = a.difference(&b).count();
        if lost > 0 {
            violations.push(sets.broken(
                "A wider search for a text misses what the narrower one matches",
                format!("at least the {} matches of {narrow}", a.len()),
                format!("{} matches of {wide}: {lost} missing", b.len()),
                &format!("{narrow}-{wide}"),
            ));
        }
    }
    sets.ruling(weighed, violations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(text: &str, exact: &[usize], contains: &[usize], start: &[usize]) -> Judgement {
        let all = ["1", "2", "3"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        stage.find("all", Vec::new(), &[&all[0], &all[1], &all[2]]);
        let whole = Criterion::new("family", Term::text(text));
        for ((label, criterion), found) in
            forms(&whole)
                .into_iter()
                .zip([&[0, 1], exact, contains, start])
        {
            let found: Vec<_> = found.iter().map(|at| &all[*at]).collect();
            stage.find(&format!("{label}0"), vec![criterion], &found);
        }
        stage.find("again", Vec::new(), &[&all[0], &all[1], &all[2]]);
        StringModifiersNest.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn nested_matches_are_silent() {
        let judgement = judge("Ansel", &[0], &[0, 1, 2], &[0, 1]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn a_wider_search_that_misses_is_found_unless_the_text_has_separators() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge("Ansel", &[2], &[0, 1], &[0, 1])), "exact-whole");
        assert_eq!(sign(judge("Ansel", &[0], &[0], &[0, 1])), "whole-contains");
        assert_eq!(sign(judge("Ansel", &[0], &[0, 1], &[1])), "whole-start");
        assert!(judge("Ida-M", &[2], &[], &[]).violations.is_empty());
    }
}
