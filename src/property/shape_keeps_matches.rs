//! `property/shape-keeps-matches`: `_elements` and `_summary` change what is shown of the matches, never which they are
//! (SM-36). Row SM-36 of the catalogue. Not `_summary=count`, which shows none.

use super::answer;
use super::case::{Case, Criterion};
use super::relation::{self, Ruling, Sets};
use super::trace::Trace;
use super::{Command, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct ShapeKeepsMatches;

/// Searches on one population.
const TURNS: usize = 2;

/// Label, option and value. The id is asked for, so that a server that takes the list at its word shows it.
const SHAPES: &[(&str, &str, &str)] = &[
    ("elements", "_elements", "id"),
    ("summary", "_summary", "true"),
    ("text", "_summary", "text"),
    ("data", "_summary", "data"),
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/shape-keeps-matches",
    title: "_elements and _summary never change which resources match",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#summary",
    sentence: "The _summary parameter requests the server to return a subset of the resource.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the search matched something and was answered in another shape",
    usual_causes: &[
        "criteria are evaluated on what is left of the resource",
        "a resource of which nothing is left is dropped",
        "the shape chooses another code path that forgets a criterion or pages",
    ],
};

impl Property for ShapeKeepsMatches {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(|_| true, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(|_| true, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let mut criteria = vec![inquiry.criterion(values)];
            if values.chance(30) {
                criteria = vec![Criterion::new(
                    format!("{}:missing", criteria[0].name),
                    super::case::Term::text("false"),
                )];
            }
            inquiry.ask("plain", criteria.clone());
            for (label, option, value) in SHAPES {
                let search = inquiry.search(label, criteria.clone());
                inquiry.add(search.with(option, *value));
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let plain = format!("plain{turn}");
    if answer::criteria(trace, &plain).is_empty() || options(trace, &plain) != Some(&[]) {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(wanted) = sets.get(&plain) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    let mut weighed = false;
    for (name, option, value) in SHAPES {
        let label = format!("{name}{turn}");
        let asked = [((*option).to_owned(), (*value).to_owned())];
        if answer::criteria(trace, &label) != answer::criteria(trace, &plain)
            || options(trace, &label) != Some(&asked)
        {
            continue;
        }
        let Some(found) = sets.get(&label) else {
            continue;
        };
        if shown(trace, &label) > found.len() {
            sets.leave(Open::Unsupported(format!("{option} leaves out ids")));
            continue;
        }
        weighed |= !wanted.is_empty();
        if found != wanted {
            violations.push(sets.broken(
                "The shape of the answer changes which resources match",
                format!("{} matches, as without {option}", wanted.len()),
                format!(
                    "{} matches: {} missing, {} foreign",
                    found.len(),
                    wanted.difference(&found).count(),
                    found.difference(&wanted).count()
                ),
                name,
            ));
        }
    }
    sets.ruling(weighed, violations)
}

fn options<'a>(trace: &'a Trace, label: &str) -> Option<&'a [(String, String)]> {
    match &trace.search(label)?.step.command {
        Command::Search(search) => Some(&search.options),
        _ => None,
    }
}

/// Matches that are shown, with or without an id.
fn shown(trace: &Trace, label: &str) -> usize {
    let exchanges = trace.search(label).map(|event| &event.exchanges[..]);
    exchanges
        .unwrap_or_default()
        .iter()
        .filter_map(|exchange| exchange.json())
        .map(|page| bundle::matches(&page).count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Term;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::{Value, json};

    fn judge(shaped: &[&Value]) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({"gender": "male"})));
        let criteria = || vec![Criterion::new("gender", Term::text("male"))];
        let mut stage = Stage::new(SPEC.id);
        stage.find("all", vec![], &[&all[0], &all[1]]);
        stage.find("plain0", criteria(), &[&all[0], &all[1]]);
        stage.find("summary0", criteria(), shaped);
        stage.find("again", vec![], &[&all[0], &all[1]]);
        let mut trace = stage.trace();
        if let Command::Search(search) = &mut trace.events[2].step.command {
            *search = search.clone().with("_summary", "true");
        }
        ShapeKeepsMatches.check(&trace, &capability(json!({})))
    }

    #[test]
    fn the_same_resources_are_silent_and_others_are_found() {
        let [one, two] = ["1", "2"].map(|id| patient(id, json!({})));
        assert_eq!(judge(&[&one, &two]).weighed, 1);
        assert!(judge(&[&one, &two]).violations.is_empty());
        assert_eq!(judge(&[&one]).violations[0].signature, ["summary"]);
    }

    #[test]
    fn resources_without_ids_are_not_lost() {
        let nameless = json!({"resourceType": "Patient"});
        let judgement = judge(&[&nameless, &nameless]);
        assert!(judgement.violations.is_empty());
        assert!(matches!(judgement.open[0], Open::Unsupported(_)));
    }
}
