//! `property/include-is-superset`: `_include` leaves the matches alone and brings along what they refer to, once, and
//! nothing else. Row SM-24 of the catalogue. Not `:iterate`, whose depth is left to the server.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Script, Search};
use super::contrast::{self, Judged};
use super::inclusion::{self, Inclusion};
use super::linked::{self, Link};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct IncludeIsSuperset;

/// Page size of half of the searches: what comes along belongs to its page.
const PAGE: u32 = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/include-is-superset",
    title: "_include leaves the matches alone and brings along what they refer to",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#include",
    sentence: "For each returned resource, the server identifies the resources that meet the criteria expressed in the join, and adds to the results, with the entry.search.mode set to \"include\"",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a match referred to a patient that a search finds",
    usual_causes: &[
        "what comes along is counted or marked as a match",
        "includes are resolved for the first page only",
        "what several matches refer to comes along several times, or only with the first of them",
    ],
};

impl Property for IncludeIsSuperset {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        linked_ground(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let on = linked_ground(ground).unwrap_or_default();
        let mut script = Script::new(SPEC.id, on.origin, values.below(1000));
        let linked = linked::populate(&mut script, &on, values);
        let plain = linked.search("plain", Vec::new());
        script.search(plain.clone());
        script.search(linked.patients_of("patients", "plain", Vec::new()));
        let with = Search {
            label: "with".to_owned(),
            count: values.chance(50).then_some(PAGE),
            ..plain.clone()
        };
        script.search(with.with("_include", linked.link.joined()));
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather([judge(trace)])
    }

    fn level_of(&self, violation: &Violation) -> Level {
        inclusion::level_of(violation, SPEC.level)
    }
}

fn linked_ground(ground: &Ground<'_>) -> Result<linked::LinkedGround, Verdict> {
    linked::ground(ground, "_include of a Patient", |link: &Link| {
        ground
            .capability
            .supports_include(link.resource_type, false, &link.joined())
    })
}

fn judge(trace: &Trace) -> Judged {
    if !inclusion::is_pair(trace, "_include") || !answer::steady(trace, "plain", "again")? {
        return Ok(None);
    }
    let (Some(element), Some(patients)) = (element(trace), contrast::answered(trace, "patients")?)
    else {
        return Ok(None);
    };
    let known = bodies::of(trace, "plain");
    if !bodies::are_literal(&known, element) {
        return Ok(None);
    }
    let referred = |matches: &BTreeSet<Key>| -> BTreeSet<Key> {
        let of = matches.iter().filter_map(|key| known.get(key));
        of.filter_map(|body| bodies::target(body, element))
            .collect()
    };
    let there = patients.set();
    let inclusion = Inclusion {
        rule: SPEC.id,
        option: "_include",
        wanted: &|matches| &referred(matches) & &there,
        belongs: &|body: &Value, matches| {
            Key::of(body).is_some_and(|key| referred(matches).contains(&key))
        },
    };
    inclusion::judge(trace, &inclusion)
}

/// The element behind the reference that the search includes.
fn element(trace: &Trace) -> Option<&'static str> {
    let with = contrast::search(trace, "with")?;
    let (_, joined) = with.options.iter().find(|(name, _)| name == "_include")?;
    let (resource_type, code) = joined.split_once(':')?;
    linked::element(resource_type, code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn referring(keys: &[&str]) -> Value {
        let mut page = searchset(keys, "Observation?_tag=x&_include=Observation:subject");
        for entry in page["entry"].as_array_mut().into_iter().flatten() {
            entry["resource"]["subject"] = json!({"reference": "Patient/1"});
        }
        page
    }

    /// `with` as pages of matches and of what comes along.
    fn judge(with: &[(&[&str], &[&str])]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let all = referring(&["Observation/1", "Observation/2"]);
        let plain = Search::of("plain", "Observation", Vec::new());
        let again = Search::of("again", "Observation", Vec::new());
        let patients = Search::of("patients", "Patient", Vec::new());
        stage.push(
            Command::Search(plain.clone()),
            None,
            vec![(200, all.clone())],
        );
        let found = searchset(&["Patient/1", "Patient/2"], "Patient?_tag=x");
        stage.push(Command::Search(patients), None, vec![(200, found)]);
        let pages = with.iter().map(|(matches, along)| {
            let mut page = referring(matches);
            for entry in searchset(along, "x")["entry"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                entry["search"]["mode"] = json!("include");
                page["entry"].as_array_mut().unwrap().push(entry.clone());
            }
            (200, page)
        });
        let search = Search {
            label: "with".to_owned(),
            ..plain
        };
        let search = search.with("_include", "Observation:subject");
        stage.push(Command::Search(search), None, pages.collect());
        stage.push(Command::Search(again), None, vec![(200, all)]);
        IncludeIsSuperset.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_belongs_to_a_page_comes_along_with_it() {
        let both: &[&str] = &["Observation/1", "Observation/2"];
        let judgement = judge(&[(both, &["Patient/1"])]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        let paged = judge(&[(&both[..1], &["Patient/1"]), (&both[1..], &["Patient/1"])]);
        assert_eq!(paged.violations, []);
    }

    #[test]
    fn altered_matches_strangers_and_what_is_missing_are_found() {
        let both: &[&str] = &["Observation/1", "Observation/2"];
        let kind = |pages: &[(&[&str], &[&str])]| judge(pages).violations[0].signature[0].clone();
        assert_eq!(kind(&[(&both[..1], &["Patient/1"])]), "lost");
        assert_eq!(kind(&[(&[both[0], both[1], "Patient/1"], &[])]), "added");
        assert_eq!(kind(&[(both, &[])]), "missing");
        assert_eq!(kind(&[(both, &["Patient/1", "Patient/1"])]), "twice");
        assert_eq!(kind(&[(both, &["Patient/1", "Patient/2"])]), "stranger");
        let late = judge(&[(&both[..1], &["Patient/1"]), (&both[1..], &[])]);
        assert_eq!(late.violations[0].signature, [inclusion::ELSEWHERE]);
        assert_eq!(
            IncludeIsSuperset.level_of(&late.violations[0]),
            Level::Should
        );
    }
}
