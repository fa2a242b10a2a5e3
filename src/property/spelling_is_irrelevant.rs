//! `property/spelling-is-irrelevant`: the same query with other percent-encoding matches the same (SM-20). Row SM-20 of
//! the catalogue. Not `+` for a space in a URL, which URLs and forms read differently.

use super::case::{Case, Criterion, Spelling, Term};
use super::relation::{self, Ruling, Sets};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer};
use crate::fhir::capability::Capability;
use crate::property::Command;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct SpellingIsIrrelevant;

/// Queries on one population.
const TURNS: usize = 2;

const SPELLINGS: &[(&str, Spelling)] = &[
    ("separators", Spelling::Separators),
    ("small-hex", Spelling::SmallHex),
    ("everything", Spelling::Everything),
];

static SPEC: PropertySpec = PropertySpec {
    id: "property/spelling-is-irrelevant",
    title: "The same query in another percent-encoding matches the same",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#escaping",
    sentence: "Standard % escaping still applies, such that these URLs have the same meaning",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the query matched something and was answered in another spelling",
    usual_causes: &[
        "alternatives are split before the URL is decoded",
        "the query is decoded twice or not at all",
        "a proxy normalises some escapes and a signature or cache key uses the others",
    ],
};

impl Property for SpellingIsIrrelevant {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(|_| true, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(|_| true, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let parameter = inquiry.population.parameter(values);
            let [one, two] = [(), ()].map(|()| inquiry.population.criterion(parameter, values));
            let value = if values.chance(60) {
                Term::AnyOf(vec![one.value, two.value])
            } else {
                one.value
            };
            let criteria = vec![Criterion::new(parameter.code, value)];
            inquiry.ask("usual", criteria.clone());
            for (label, spelling) in SPELLINGS {
                let mut search = inquiry.search(label, criteria.clone());
                search.spelling = *spelling;
                inquiry.add(search);
            }
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let usual = format!("usual{turn}");
    let criteria = answer::criteria(trace, &usual);
    if criteria.is_empty() || spelling_of(trace, &usual) != Some(Spelling::Usual) {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(wanted) = sets.get(&usual) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations = Vec::new();
    let mut weighed = false;
    for (name, spelling) in SPELLINGS {
        let label = format!("{name}{turn}");
        if answer::criteria(trace, &label) != criteria
            || spelling_of(trace, &label) != Some(*spelling)
        {
            continue;
        }
        // Whether the self link shows the criteria is no guard here: a name that is not decoded is what is looked for.
        let found = match answer::whole(trace, &label) {
            Ok(Some(found)) => found,
            Ok(None) | Err(Open::Undecided(_) | Open::Blocked(_)) => continue,
            Err(reason @ Open::Unsupported(_)) => {
                match refused(&sets, trace, &label, name) {
                    Some(violation) => violations.push(violation),
                    None => sets.leave(reason),
                }
                continue;
            }
        };
        weighed |= !wanted.is_empty();
        if found.set() != wanted {
            let violation = sets.broken(
                "A query in another percent-encoding has other matches",
                format!("{} matches, as in the usual spelling", wanted.len()),
                format!(
                    "{} matches: {} missing, {} foreign",
                    found.set().len(),
                    wanted.difference(&found.set()).count(),
                    found.set().difference(&wanted).count()
                ),
                name,
            );
            violations.push(violation.seen_in(found.exchanges));
        }
    }
    sets.ruling(weighed, violations)
}

/// The request is not understood. That something on the way forbids it (403) is no judgement of its meaning.
fn refused(sets: &Sets<'_>, trace: &Trace, label: &str, name: &str) -> Option<Violation> {
    let event = trace.search(label)?;
    let status = event.last().and_then(|exchange| exchange.status())?;
    matches!(status, 400 | 404 | 422).then(|| {
        sets.broken(
            "A query is refused in another percent-encoding",
            "an answer, as in the usual spelling",
            format!("status {status}"),
            &format!("{name}-refused"),
        )
        .seen_in(event.numbers())
    })
}

fn spelling_of(trace: &Trace, label: &str) -> Option<Spelling> {
    match &trace.search(label)?.step.command {
        Command::Search(search) => Some(search.spelling),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, patient};
    use serde_json::json;

    fn judge(other: &[usize], status: u16) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({})));
        let mut stage = Stage::new(SPEC.id);
        let criteria = || vec![Criterion::new("family", Term::text("a,b"))];
        stage.find("all", vec![], &[&all[0], &all[1]]);
        stage.find("usual0", criteria(), &[&all[0]]);
        let found: Vec<_> = other.iter().map(|at| &all[*at]).collect();
        stage.find("separators0", criteria(), &found);
        stage.find("again", vec![], &[&all[0], &all[1]]);
        let mut trace = stage.trace();
        let event = &mut trace.events[2];
        if let Command::Search(search) = &mut event.step.command {
            search.spelling = Spelling::Separators;
        }
        let mut exchange = event.exchanges[0].as_ref().clone();
        if let Ok(response) = &mut exchange.outcome {
            response.status = status;
        }
        event.exchanges = vec![std::sync::Arc::new(exchange)];
        SpellingIsIrrelevant.check(&trace, &capability(json!({})))
    }

    #[test]
    fn the_same_matches_are_silent_and_others_are_found() {
        assert_eq!(judge(&[0], 200).weighed, 1);
        assert!(judge(&[0], 200).violations.is_empty());
        assert_eq!(judge(&[], 200).violations[0].signature, ["separators"]);
        let refused = judge(&[], 400).violations.remove(0);
        assert_eq!(refused.signature, ["separators-refused"]);
        assert!(judge(&[], 503).violations.is_empty());
    }
}
