//! `property/chain-is-two-steps`: a chained search has the matches of two searches, the first of which finds what the
//! second refers to. Row SM-26 of the catalogue. Not for chains over several references.

use std::collections::BTreeSet;

use super::case::{Case, Criterion, Script, Term};
use super::contrast::{self, Equal, Judged};
use super::linked::{self, Linked};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct ChainIsTwoSteps;

/// Chains on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/chain-is-two-steps",
    title: "A chained search has the matches of two searches, one after the other",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#chaining",
    sentence: "In order to save a client from performing a series of search operations, reference parameters may be \"chained\" by appending them with a period (.) followed by the name of a search parameter defined for the target resource.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "something was referred to, and the search for what is referred to was answered",
    usual_causes: &[
        "the criterion behind the reference is dropped and any reference matches",
        "the chain is joined to another parameter or type than the one named",
        "references are compared as text, so that absolute or versioned ones are lost",
    ],
};

impl Property for ChainIsTwoSteps {
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
        for turn in 0..TURNS {
            write_turn(&mut script, &linked, ground, turn, values);
        }
        script.search(linked.search("again", Vec::new()));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, turn)))
    }
}

fn linked_ground(ground: &Ground<'_>) -> Result<linked::LinkedGround, Verdict> {
    linked::ground(ground, "search by a reference to Patient", |_| {
        linked::is_divided(ground, "Patient")
    })
}

fn write_turn(
    script: &mut Script,
    linked: &Linked,
    ground: &Ground<'_>,
    turn: usize,
    values: &mut Values,
) {
    let Some((parameter, value)) = linked.predicate(ground, "Patient", values) else {
        return;
    };
    let plain = Criterion::new(parameter.code, value.clone());
    let [targets, two, chain] = labels(turn);
    script.search(linked.patients_of(&targets, "all", vec![plain]));
    let found = Criterion::new(linked.link.code, Term::FoundKeys(targets));
    script.search(linked.search(&two, vec![found]));
    let name = format!("{}.{}", linked.link.chained(), parameter.code);
    script.search(linked.search(&chain, vec![Criterion::new(name, value)]));
}

fn labels(turn: usize) -> [String; 3] {
    ["targets", "two", "chain"].map(|label| format!("{label}{turn}"))
}

fn judge(trace: &Trace, turn: usize) -> Judged {
    let [targets, two, chain] = labels(turn);
    if !is_pair(trace, [&targets, &two, &chain]) || !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(all), Some(first), Some(chained)) = (
        contrast::answered(trace, "all")?,
        contrast::answered(trace, &targets)?,
        contrast::answered(trace, &chain)?,
    ) else {
        return Ok(None);
    };
    let wanted: BTreeSet<Key> = if first.set().is_empty() {
        BTreeSet::new()
    } else {
        match contrast::answered(trace, &two)? {
            Some(second) => second.set(),
            None => return Ok(None),
        }
    };
    let referred = bodies::of(trace, "all");
    if wanted.is_empty() && referred.values().all(|body| !has_patient(body)) {
        return Ok(None);
    }
    let second = answer::whole(trace, &two)?.unwrap_or_else(|| first.clone());
    let violation = Equal {
        rule: SPEC.id,
        lost: "A chained search misses what two searches find",
        added: "A chained search finds what two searches do not",
        wanted: &wanted,
        found: &chained.set(),
    }
    .violation();
    let shown = violation
        .map(|violation| contrast::shown_by(violation, trace, &[&all, &first, &second, &chained]));
    Ok(Some(shown.into_iter().collect()))
}

fn has_patient(body: &serde_json::Value) -> bool {
    ["subject", "patient"]
        .iter()
        .filter_map(|element| bodies::target(body, element))
        .any(|key| key.resource_type == "Patient")
}

/// True if the searches are still the two steps and their chain.
fn is_pair(trace: &Trace, [targets, two, chain]: [&str; 3]) -> bool {
    let (Some(step), [Criterion { name, value }], [joined]) = (
        answer::criteria(trace, targets).last(),
        answer::criteria(trace, chain),
        answer::criteria(trace, two),
    ) else {
        return false;
    };
    let (Some((reference, code)), Term::FoundKeys(of)) = (name.split_once('.'), &joined.value)
    else {
        return false;
    };
    let code_of_reference = reference.split(':').next().unwrap_or(reference);
    *of == targets && code == step.name && *value == step.value && joined.name == code_of_reference
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::{Command, Search};
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(targets: &[&str], two: Option<&[&str]>, chain: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut all = searchset(&["Observation/1", "Observation/2"], "Observation?_tag=x");
        all["entry"][0]["resource"]["subject"] = json!({"reference": "Patient/1"});
        let search = |label: &str, of: &str, name: &str, value: Term| {
            Command::Search(Search::of(label, of, vec![Criterion::new(name, value)]))
        };
        let plain = |label: &str| Command::Search(Search::of(label, "Observation", Vec::new()));
        stage.push(plain("all"), None, vec![(200, all.clone())]);
        let name = Term::text("Ansel");
        stage.push(
            search("targets0", "Patient", "family", name.clone()),
            None,
            vec![(200, searchset(targets, "Patient?family=Ansel"))],
        );
        let found = Term::FoundKeys("targets0".to_owned());
        let answers = two.map(|keys| (200, searchset(keys, "Observation?subject=x")));
        stage.push(
            search("two0", "Observation", "subject", found),
            None,
            answers.into_iter().collect(),
        );
        stage.push(
            search("chain0", "Observation", "subject:Patient.family", name),
            None,
            vec![(
                200,
                searchset(chain, "Observation?subject:Patient.family=x"),
            )],
        );
        stage.push(plain("again"), None, vec![(200, all)]);
        ChainIsTwoSteps.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_chain_that_finds_what_two_steps_find_is_silent() {
        let judgement = judge(&["Patient/1"], Some(&["Observation/1"]), &["Observation/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        let nothing = judge(&[], None, &[]);
        assert_eq!((nothing.violations.len(), nothing.weighed), (0, 1));
    }

    #[test]
    fn what_a_chain_loses_or_adds_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(
            sign(judge(&["Patient/1"], Some(&["Observation/1"]), &[])),
            "lost"
        );
        assert_eq!(sign(judge(&[], None, &["Observation/1"])), "added");
    }
}
