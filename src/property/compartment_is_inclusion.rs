//! `property/compartment-is-inclusion`: a search in the compartment of a patient finds what a search by the parameters
//! finds that define the compartment. Row SM-35 of the catalogue.

use std::collections::BTreeSet;

use super::case::{Case, Criterion, Script, Search, Term};
use super::contrast::{self, Judged, matches, shown_by};
use super::linked;
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::fhir::definitions::patient_compartment;
use crate::fhir::oracle::{Known, Match};
use crate::fhir::query::Query;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CompartmentIsInclusion;

/// Patients whose compartments are searched: one that is referred to, and another.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/compartment-is-inclusion",
    title: "A search in a compartment finds what the search by its parameters finds",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/compartmentdefinition.html",
    sentence: "The outcome of a compartment search is the same as the equivalent normal search.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the search by reference, or the search in the compartment, found something",
    usual_causes: &[
        "the compartment is not applied and everything of the type is found",
        "criteria of a compartment search are dropped",
        "only one of the parameters that define the compartment is used",
    ],
};

impl Property for CompartmentIsInclusion {
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
        let found = script.search(linked.patients_of("patients", "all", Vec::new()));
        let whose = [linked.patients.first(), linked.patients.last()];
        for (turn, patient) in whose.into_iter().enumerate().take(TURNS) {
            let step = patient.map_or(found, |patient| patient.step);
            let by = Criterion::new(linked.link.code, Term::Key(step));
            script.search(linked.search(&format!("by{turn}"), vec![by]));
            script.search(Search {
                compartment: Some(step),
                ..linked.search(&format!("within{turn}"), Vec::new())
            });
        }
        script.search(linked.search("again", Vec::new()));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, turn)))
    }
}

fn linked_ground(ground: &Ground<'_>) -> Result<linked::LinkedGround, Verdict> {
    linked::ground(ground, "search in the compartment of a patient", |link| {
        ground.capability.supports_compartment("Patient")
            && patient_compartment(link.resource_type).contains(&link.code)
    })
}

fn judge(trace: &Trace, turn: usize) -> Judged {
    let (by, within) = (format!("by{turn}"), format!("within{turn}"));
    let Some(patient) = patient(trace, &by, &within) else {
        return Ok(None);
    };
    if !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(referring), Some(compartment)) = (
        contrast::answered(trace, &by)?,
        contrast::answered(trace, &within)?,
    ) else {
        return Ok(None);
    };
    let (wanted, found) = (referring.set(), compartment.set());
    if wanted.is_empty() && found.is_empty() {
        return Ok(None);
    }
    let lost = wanted.difference(&found).count();
    let strangers = strangers(trace, &within, &patient);
    let (title, sign, number) = match (lost, strangers) {
        (0, 0) => return Ok(Some(Vec::new())),
        (0, number) => (
            "A search in a compartment finds what does not belong to it",
            "added",
            number,
        ),
        (number, _) => (
            "A search in a compartment misses what refers to its patient",
            "lost",
            number,
        ),
    };
    let violation = Violation::new(
        SPEC.id,
        title,
        Phrase::say(format!("{} by the reference", matches(wanted.len()))),
        Phrase::say(format!("{}, {number} {sign}", matches(found.len()))),
    )
    .at("Bundle.entry")
    .signed(sign);
    Ok(Some(vec![shown_by(
        violation,
        trace,
        &[&referring, &compartment],
    )]))
}

/// The patient, if the two searches are still about the same one.
fn patient(trace: &Trace, by: &str, within: &str) -> Option<String> {
    let [
        Criterion {
            name,
            value: Term::Key(step),
        },
    ] = answer::criteria(trace, by)
    else {
        return None;
    };
    let inside = contrast::search(trace, within)?;
    if inside.compartment != Some(*step) || !inside.criteria.is_empty() {
        return None;
    }
    let sent = bodies::sent(trace, by);
    // What confines the searches of a cohort may have the same name: then the two agree.
    let mut values = sent.into_iter().filter(|(known, _)| known == name);
    values.next_back().map(|(_, key)| key)
}

/// Matches whose bodies show that no parameter of the compartment leads to the patient.
fn strangers(trace: &Trace, within: &str, patient: &str) -> usize {
    let stored = bodies::of(trace, within);
    let known = Known::new(stored.values()).at(&trace.base);
    let outside: BTreeSet<&Key> = stored
        .iter()
        .filter(|(key, body)| {
            let codes = patient_compartment(&key.resource_type);
            !codes.is_empty()
                && codes.iter().all(|code| {
                    let pair = ((*code).to_owned(), patient.to_owned());
                    Query::parse(Some(&key.resource_type), &[pair])
                        .is_ok_and(|query| known.judge(body, &query) == Match::No)
                })
        })
        .map(|(key, _)| key)
        .collect();
    outside.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::{Value, json};

    fn referring(keys: &[&str]) -> Value {
        let mut page = searchset(keys, "Observation?_tag=x&subject=y");
        for entry in page["entry"].as_array_mut().into_iter().flatten() {
            let patient = match entry["resource"]["id"].as_str() {
                Some("3") => "Patient/2",
                _ => "Patient/1",
            };
            entry["resource"]["subject"] = json!({"reference": patient});
        }
        page
    }

    fn judge(within: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let step = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.settle("Patient");
        let all = referring(&["Observation/1", "Observation/2", "Observation/3"]);
        let plain = |label: &str| Search::of(label, "Observation", Vec::new());
        stage.push(
            Command::Search(plain("all")),
            None,
            vec![(200, all.clone())],
        );
        let by = Criterion::new("subject", Term::Key(step));
        let search = Search::of("by0", "Observation", vec![by]);
        let found = referring(&["Observation/1", "Observation/2"]);
        stage.push(Command::Search(search), None, vec![(200, found)]);
        stage.asking("http://h/fhir/Observation?_tag=x&subject=Patient/1");
        let search = Search {
            compartment: Some(step),
            ..plain("within0")
        };
        stage.push(
            Command::Search(search),
            None,
            vec![(200, referring(within))],
        );
        stage.push(Command::Search(plain("again")), None, vec![(200, all)]);
        CompartmentIsInclusion.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_compartment_holds_what_refers_to_its_patient() {
        let judgement = judge(&["Observation/2", "Observation/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_is_missing_and_what_belongs_to_others_is_found() {
        assert_eq!(judge(&["Observation/1"]).violations[0].signature, ["lost"]);
        let all = judge(&["Observation/1", "Observation/2", "Observation/3"]);
        assert_eq!(all.violations[0].signature, ["added"]);
    }
}
