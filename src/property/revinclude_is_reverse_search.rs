//! `property/revinclude-is-reverse-search`: `_revinclude` leaves the matches alone and brings along what a search for
//! references to them finds. Row SM-25 of the catalogue.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Criterion, Script, Search, Term};
use super::contrast::{self, Judged};
use super::inclusion::{self, Inclusion};
use super::linked::{self, Link};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct RevincludeIsReverseSearch;

static SPEC: PropertySpec = PropertySpec {
    id: "property/revinclude-is-reverse-search",
    title: "_revinclude brings along what a search for references to the matches finds",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#revinclude",
    sentence: "For each returned resource, the server identifies the resources that meet the criteria expressed in the join, and adds to the results, with the entry.search.mode set to \"include\"",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a search for references to the matches found something",
    usual_causes: &[
        "only the first resource that refers to a match comes along",
        "what comes along is cut to the page size",
        "what refers to others than the matches comes along",
    ],
};

impl Property for RevincludeIsReverseSearch {
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
        script.search(linked.search("all", Vec::new()));
        let more = match linked.predicate(ground, "Patient", values) {
            Some((parameter, value)) if values.chance(40) => {
                vec![Criterion::new(parameter.code, value)]
            }
            _ => Vec::new(),
        };
        let plain = linked.patients_of("plain", "all", more);
        script.search(plain.clone());
        let found = Criterion::new(linked.link.code, Term::FoundKeys("plain".to_owned()));
        script.search(linked.search("reverse", vec![found]));
        let with = Search {
            label: "with".to_owned(),
            count: values.chance(30).then_some(1),
            ..plain
        };
        script.search(with.with("_revinclude", linked.link.joined()));
        script.search(linked.search("again", Vec::new()));
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
    linked::ground(ground, "_revinclude of Patient", |link: &Link| {
        ground
            .capability
            .supports_include("Patient", true, &link.joined())
    })
}

fn judge(trace: &Trace) -> Judged {
    if !inclusion::is_pair(trace, "_revinclude") || !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(element), Some(reverse)) = (element(trace), contrast::answered(trace, "reverse")?)
    else {
        return Ok(None);
    };
    let referring = bodies::of(trace, "reverse");
    let inclusion = Inclusion {
        rule: SPEC.id,
        option: "_revinclude",
        wanted: &|matches: &BTreeSet<Key>| {
            let of = referring.iter().filter(|(_, body)| {
                bodies::target(body, element).is_some_and(|key| matches.contains(&key))
            });
            of.map(|(key, _)| key.clone()).collect()
        },
        belongs: &|body: &Value, matches| {
            // Where it leads is not always to be read.
            bodies::target(body, element).is_none_or(|key| matches.contains(&key))
        },
    };
    let judged = inclusion::judge(trace, &inclusion)?;
    Ok(judged.map(|violations| {
        let shown = violations.into_iter().map(|mut violation| {
            violation.exchanges.extend(&reverse.exchanges);
            violation
        });
        shown.collect()
    }))
}

/// The element behind the reference by which the search brings along, if the reverse search is by the same.
fn element(trace: &Trace) -> Option<&'static str> {
    let with = contrast::search(trace, "with")?;
    let (_, joined) = with
        .options
        .iter()
        .find(|(name, _)| name == "_revinclude")?;
    let (resource_type, code) = joined.split_once(':')?;
    let reverse = contrast::search(trace, "reverse")?;
    let is_same = reverse.resource_type == resource_type && reverse.names() == [code];
    is_same.then(|| linked::element(resource_type, code))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn referring(keys: &[&str], mode: &str, to: &str) -> Value {
        let link = "Observation?_tag=x&subject=y";
        let mut page = searchset(keys, link);
        for entry in page["entry"].as_array_mut().into_iter().flatten() {
            entry["resource"]["subject"] = json!({"reference": to});
            entry["search"]["mode"] = json!(mode);
        }
        page
    }

    fn judge(along: &[&str], to: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut ask = |search: Search, page: Value| {
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        let both = ["Observation/1", "Observation/2"];
        let all = referring(&both, "match", "Patient/1");
        ask(Search::of("all", "Observation", Vec::new()), all.clone());
        let link = "Patient?_tag=x&_revinclude=Observation:subject";
        let patients = searchset(&["Patient/1"], link);
        ask(Search::of("plain", "Patient", Vec::new()), patients.clone());
        let found = Criterion::new("subject", Term::FoundKeys("plain".to_owned()));
        ask(
            Search::of("reverse", "Observation", vec![found]),
            all.clone(),
        );
        let mut with = patients;
        let along = referring(along, "include", to);
        let entries = along["entry"].as_array().unwrap().clone();
        with["entry"].as_array_mut().unwrap().extend(entries);
        let search = Search::of("with", "Patient", Vec::new());
        ask(search.with("_revinclude", "Observation:subject"), with);
        ask(Search::of("again", "Observation", Vec::new()), all);
        RevincludeIsReverseSearch.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn all_that_refers_to_a_match_comes_along() {
        let judgement = judge(&["Observation/1", "Observation/2"], "Patient/1");
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_is_missing_and_what_refers_to_others_is_found() {
        let kind = |along: &[&str], to| judge(along, to).violations[0].signature[0].clone();
        assert_eq!(kind(&["Observation/1"], "Patient/1"), "missing");
        let both: &[&str] = &["Observation/1", "Observation/2"];
        assert_eq!(kind(both, "Patient/9"), "stranger");
    }
}
