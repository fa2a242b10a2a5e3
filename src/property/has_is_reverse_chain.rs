//! `property/has-is-reverse-chain`: `_has` finds the patients to whom the matches of the search behind it refer. Row
//! SM-27 of the catalogue.

use std::collections::BTreeSet;

use super::case::{Case, Criterion, Origin, Script};
use super::contrast::{self, Equal, Judged};
use super::linked;
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct HasIsReverseChain;

/// Predicates on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/has-is-reverse-chain",
    title: "_has finds those to whom the matches of the search behind it refer",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#has",
    sentence: "This requests the server to return Patient resources, where the patient resource is referred to by at least one Observation where the observation has a code of 1234, and where the Observation refers to the patient resource in the patient search parameter.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the referring resources were found, and they refer to patients",
    usual_causes: &[
        "the criterion behind _has is dropped and any referring resource counts",
        "the reference parameter that _has names is not looked at",
        "only the first referring resource of each patient is looked at",
    ],
};

impl Property for HasIsReverseChain {
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
        script.search(linked.patients_of("patients", "all", Vec::new()));
        let link = linked.link;
        for turn in 0..TURNS {
            let Some((parameter, value)) = linked.predicate(ground, link.resource_type, values)
            else {
                continue;
            };
            let [referring, has] = labels(turn);
            let plain = Criterion::new(parameter.code, value.clone());
            script.search(linked.search(&referring, vec![plain]));
            let name = format!(
                "_has:{}:{}:{}",
                link.resource_type, link.code, parameter.code
            );
            script.search(linked.patients_of(&has, "all", vec![Criterion::new(name, value)]));
        }
        script.search(linked.search("again", Vec::new()));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, turn)))
    }
}

fn linked_ground(ground: &Ground<'_>) -> Result<linked::LinkedGround, Verdict> {
    linked::ground(ground, "search by a reference to Patient", |link| {
        linked::is_divided(ground, link.resource_type)
    })
}

fn labels(turn: usize) -> [String; 2] {
    ["referring", "has"].map(|label| format!("{label}{turn}"))
}

fn judge(trace: &Trace, turn: usize) -> Judged {
    let [referring, has] = labels(turn);
    let Some(element) = element(trace, &referring, &has) else {
        return Ok(None);
    };
    if !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(patients), Some(behind), Some(found)) = (
        contrast::answered(trace, "patients")?,
        contrast::answered(trace, &referring)?,
        contrast::answered(trace, &has)?,
    ) else {
        return Ok(None);
    };
    let there = bodies::of(trace, &referring);
    if !bodies::are_literal(&bodies::of(trace, "all"), element) || patients.set().is_empty() {
        return Ok(None);
    }
    let wanted: BTreeSet<Key> = bodies::targets(&there, element)
        .intersection(&patients.set())
        .cloned()
        .collect();
    let mut seen: BTreeSet<Key> = found.set();
    if !is_whole(trace, &referring) {
        // What else refers to the patients was not looked at, so only what must be there can be judged.
        seen.retain(|key| wanted.contains(key));
    }
    let violation = Equal {
        rule: SPEC.id,
        lost: "_has misses a patient to whom a match of the search behind it refers",
        added: "_has finds a patient to whom no match of the search behind it refers",
        wanted: &wanted,
        found: &seen,
    }
    .violation();
    let shown = violation
        .map(|violation| contrast::shown_by(violation, trace, &[&patients, &behind, &found]));
    Ok(Some(shown.into_iter().collect()))
}

/// True if the search behind `_has` saw all that refers to the patients: all that the case made, or everything of the
/// patient to whom the cohort's searches are confined.
fn is_whole(trace: &Trace, referring: &str) -> bool {
    let Some(search) = contrast::search(trace, referring) else {
        return false;
    };
    let names = search.names();
    trace.ground == Origin::Created
        || bodies::sent(trace, referring).iter().all(|(name, _)| {
            matches!(name.as_str(), "patient" | "subject") || names.contains(&name.as_str())
        })
}

/// The element that refers, if the two searches still belong together.
fn element(trace: &Trace, referring: &str, has: &str) -> Option<&'static str> {
    let plain = answer::criteria(trace, referring);
    let [plain] = plain else { return None };
    let joined = answer::criteria(trace, has).last()?;
    let resource_type = &contrast::search(trace, referring)?.resource_type;
    let rest = joined.name.strip_prefix("_has:")?;
    let (of, rest) = rest.split_once(':')?;
    let (code, name) = rest.split_once(':')?;
    let is_pair = of == resource_type && name == plain.name && joined.value == plain.value;
    if !is_pair || !answer::criteria(trace, "all").is_empty() {
        return None;
    }
    linked::element(resource_type, code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::{Command, Search, Term};
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::{Value, json};

    fn referring(keys: &[&str], link: &str) -> Value {
        let mut page = searchset(keys, link);
        for entry in page["entry"].as_array_mut().into_iter().flatten() {
            entry["resource"]["subject"] = json!({"reference": "Patient/1"});
        }
        page
    }

    fn judge(with_code: &[&str], has: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut ask = |label: &str, of: &str, name: Option<&str>, page: Value| {
            let criteria = name.map(|name| Criterion::new(name, Term::text("8867-4")));
            let search = Search::of(label, of, criteria.into_iter().collect());
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        let all = referring(&["Observation/1", "Observation/2"], "Observation?_tag=x");
        ask("all", "Observation", None, all.clone());
        let patients = searchset(&["Patient/1", "Patient/2"], "Patient?_tag=x");
        ask("patients", "Patient", None, patients);
        let some = referring(with_code, "Observation?code=x");
        ask("referring0", "Observation", Some("code"), some);
        let name = "_has:Observation:subject:code";
        let found = searchset(has, "Patient?_has:Observation:subject:code=x");
        ask("has0", "Patient", Some(name), found);
        ask("again", "Observation", None, all);
        HasIsReverseChain.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn those_who_are_referred_to_are_found_and_no_others() {
        let judgement = judge(&["Observation/1"], &["Patient/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge(&["Observation/1"], &[])), "lost");
        assert_eq!(sign(judge(&[], &["Patient/1"])), "added");
    }
}
