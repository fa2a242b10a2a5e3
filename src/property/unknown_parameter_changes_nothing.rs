//! `property/unknown-parameter-changes-nothing`: a parameter that no server knows is refused or ignored; if it is
//! ignored, the matches are those without it and the self link does not show it (SM-37). Row SM-37 of the catalogue.
//! Which of the two is done is the server's choice, whatever `Prefer` says.

use std::collections::BTreeSet;

use super::answer;
use super::case::{Case, Criterion, Term};
use super::relation::{self, Ruling, Sets};
use super::trace::{Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values};
use crate::fhir::capability::Capability;
use crate::fhir::{bundle, query};
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct UnknownParameterChangesNothing;

/// Searches on one population.
const TURNS: usize = 2;

/// A name that is nobody's.
const UNKNOWN: &str = "no-such-parameter";

/// Sign of an ignored parameter in the self link.
const SHOWN: &str = "shown";

static SPEC: PropertySpec = PropertySpec {
    id: "property/unknown-parameter-changes-nothing",
    title: "An unknown parameter is refused, or it changes nothing and the self link does not show it",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#errors",
    sentence: "In general, servers SHOULD ignore unknown or unsupported parameters",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the search matched something and was answered or refused with an unknown parameter",
    usual_causes: &[
        "an unknown parameter matches nothing in the index",
        "the first unknown parameter ends the reading of the query, so that the others are lost",
        "the self link is the URL of the request",
    ],
};

impl Property for UnknownParameterChangesNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched_by(|_| true, 1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched_by(|_| true, 1).unwrap_or_default();
        relation::inquire(&SPEC, &ground, values, TURNS, |inquiry, values| {
            let known = inquiry.criterion(values);
            let unknown = Criterion::new(UNKNOWN, Term::text("x"));
            inquiry.ask("known", vec![known.clone()]);
            let mut criteria = vec![unknown.clone(), known.clone()];
            if values.chance(50) {
                criteria.reverse();
            }
            inquiry.ask("strict", criteria.clone());
            let mut lenient = inquiry.search("lenient", criteria);
            lenient.lenient = true;
            inquiry.add(lenient);
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        relation::judge(TURNS, |turn| judge(trace, turn))
    }
}

fn judge(trace: &Trace, turn: usize) -> Ruling {
    let known = format!("known{turn}");
    let criteria = answer::criteria(trace, &known);
    if criteria.is_empty() {
        return Ok(None);
    }
    let Some(mut sets) = Sets::of(trace, &SPEC)? else {
        return Ok(None);
    };
    let Some(wanted) = sets.get(&known) else {
        return sets.ruling(false, Vec::new());
    };
    let mut violations: Vec<Violation> = Vec::new();
    let mut weighed = false;
    for handling in ["strict", "lenient"] {
        let label = format!("{handling}{turn}");
        let Some(event) = trace.search(&label) else {
            continue;
        };
        let rest = answer::criteria(trace, &label).iter();
        let rest: Vec<_> = rest.filter(|known| known.name != UNKNOWN).collect();
        let has_unknown = rest.len() < answer::criteria(trace, &label).len();
        if !has_unknown || !rest.into_iter().eq(criteria) {
            continue;
        }
        if let Reply::Refused(_) = event.reply() {
            weighed |= !wanted.is_empty();
            continue;
        }
        let Ok(Some(found)) = answer::whole(trace, &label) else {
            continue;
        };
        weighed |= !wanted.is_empty();
        if found.set() != wanted {
            let violation = sets.broken(
                "A search with an unknown parameter has other matches than without it",
                format!("{} matches, as without it, or a refusal", wanted.len()),
                format!(
                    "{} matches: {} missing, {} foreign",
                    found.set().len(),
                    wanted.difference(&found.set()).count(),
                    found.set().difference(&wanted).count()
                ),
                if found.set().is_subset(&wanted) {
                    "lost"
                } else {
                    "added"
                },
            );
            violations.push(violation.seen_in(found.exchanges));
        } else if names_in_self_link(trace, &label).contains(UNKNOWN) {
            let violation = sets.broken(
                "The self link shows a parameter that was ignored",
                "a self link with the parameters that were used",
                "a self link with the unknown parameter",
                SHOWN,
            );
            violations.push(violation.seen_in(found.exchanges));
        }
    }
    violations.dedup_by(|one, other| one.signature == other.signature);
    sets.ruling(weighed, violations)
}

fn names_in_self_link(trace: &Trace, label: &str) -> BTreeSet<String> {
    let first = trace
        .search(label)
        .and_then(|event| event.exchanges.first());
    let page = first.and_then(|exchange| exchange.json());
    let link = page.as_ref().and_then(|page| bundle::link(page, "self"));
    let pairs = link.and_then(|link| link.split_once('?'));
    pairs
        .map(|(_, text)| query::decode_pairs(text))
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::case::Search;
    use crate::property::staging::{Stage, capability, patient, searchset};
    use serde_json::json;

    fn judge(status: u16, found: &[&str], link: &str) -> Judgement {
        let all = ["1", "2"].map(|id| patient(id, json!({})));
        let known = Criterion::new("gender", Term::text("male"));
        let unknown = Criterion::new(UNKNOWN, Term::text("x"));
        let mut stage = Stage::new(SPEC.id);
        stage.find("all", vec![], &[&all[0], &all[1]]);
        stage.find("known0", vec![known.clone()], &[&all[0]]);
        let search = Search::of("lenient0", "Patient", vec![unknown, known]);
        let answers = vec![(status, searchset(found, link))];
        stage.push(Command::Search(search), None, answers);
        stage.find("again", vec![], &[&all[0], &all[1]]);
        UnknownParameterChangesNothing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_refusal_and_an_ignored_parameter_are_silent() {
        let ignored = judge(200, &["Patient/1"], "Patient?gender=male");
        for judgement in [judge(400, &[], ""), ignored] {
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn other_matches_and_a_parameter_that_is_shown_are_found() {
        let sign =
            |found: &[&str], link: &str| judge(200, found, link).violations[0].signature[0].clone();
        assert_eq!(sign(&[], "Patient?gender=male"), "lost");
        assert_eq!(sign(&["Patient/1", "Patient/2"], "Patient"), "added");
        assert_eq!(sign(&["Patient/1"], "Patient?no-such-parameter=x"), SHOWN);
    }
}
