//! `property/transaction-links-are-resolved`: references between the entries of a transaction, cycles included, and conditional
//! references point to what they name once it is stored. Row TX-04.

use std::collections::BTreeMap;

use super::case::{Case, Command, Entry, Origin, Script};
use super::trace::{Event, Trace};
use super::transaction::{self, Fate};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::{Value, json};

/// See the module.
pub struct TransactionLinksAreResolved;

/// Where a resource of these cases refers to another.
const PLACES: &[&str] = &["/subject/reference", "/link/0/other/reference"];

static SPEC: PropertySpec = PropertySpec {
    id: "property/transaction-links-are-resolved",
    title: "References within a transaction point to what they name",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#trules",
    sentence: "it SHALL also update any references to that resource in the same bundle as they are processed",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Barrier],
    precondition: "a transaction whose entries refer to each other was accepted and read",
    usual_causes: &[
        "references are replaced while entries are stored, so that a later entry is not known yet",
        "a cycle is cut where it closes",
        "a conditional reference is stored as it stands",
    ],
};

impl Property for TransactionLinksAreResolved {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let types = transaction::admitted(ground, "transaction", &["read"])?;
        match types.contains(&"Patient") {
            true => Ok(()),
            false => Err(Verdict::Skip(
                "not claimed: create and read of Patient".to_owned(),
            )),
        }
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let observed = ground.capability.supports("Observation", "create")
            && ground.capability.supports("Observation", "read");
        let mut entries = patients(&mut script, values);
        if observed {
            let subject = entries[values.below(2) as usize].id;
            let observation = observation(&format!("${{key:{subject}}}"), values);
            let creation = script.creation(observation);
            entries.push(script.entry(creation));
        }
        transaction::shuffle(&mut entries, values);
        send(&mut script, entries);
        let searched = ground.capability.supports("Patient", "search-type")
            && ground
                .capability
                .supports_parameter("Patient", "identifier");
        if observed && searched && values.chance(50) {
            by_condition(&mut script, values);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            match transaction::fate(event) {
                Fate::Done(_) => {
                    for entry in entries {
                        links(trace, index, event, entry, &mut judgement);
                    }
                }
                Fate::Refused(status) => judgement.open.push(Open::Blocked(format!(
                    "the target refuses the transaction ({status})"
                ))),
                Fate::Unknown(reason) => judgement.open.push(reason),
                Fate::Absent => {}
            }
        }
        judgement
    }
}

/// Two patients that refer to each other.
fn patients(script: &mut Script, values: &mut Values) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..2)
        .map(|turn| {
            let creation = script.creation(dataset::turn("Patient", 10 + turn, values));
            script.entry(creation)
        })
        .collect();
    let ids = [entries[1].id, entries[0].id];
    for (entry, other) in entries.iter_mut().zip(ids) {
        if let Some(patient) = entry.command.payload_mut() {
            let other = json!({ "reference": format!("${{key:{other}}}") });
            patient["link"] = json!([{ "other": other, "type": "seealso" }]);
        }
    }
    entries
}

fn observation(subject: &str, values: &mut Values) -> Value {
    let mut observation = dataset::turn("Observation", 20, values);
    observation["subject"] = json!({ "reference": subject });
    observation
}

/// A transaction with a reference by identifier to a patient that is there already.
fn by_condition(script: &mut Script, values: &mut Values) {
    let name = script.fresh_name();
    script.create(dataset::turn("Patient", 30, values));
    script.settle("Patient");
    let subject = format!("Patient?identifier=${{identifier:{name}}}");
    let creation = script.creation(observation(&subject, values));
    let entry = script.entry(creation);
    send(script, vec![entry]);
}

fn send(script: &mut Script, entries: Vec<Entry>) {
    let ids: Vec<u32> = entries.iter().map(|entry| entry.id).collect();
    script.bundle(true, entries);
    for id in ids {
        script.read(id);
    }
}

/// What the references of an entry became.
fn links(trace: &Trace, index: usize, event: &Event, entry: &Entry, judgement: &mut Judgement) {
    let Some(sent) = entry.command.payload() else {
        return;
    };
    let read = transaction::read_after(trace, index, entry.id);
    let Some((read, stored)) = read.and_then(|read| Some((read, read.accepted()?.json()?))) else {
        return;
    };
    for place in PLACES {
        let Some(named) = sent.pointer(place).and_then(Value::as_str) else {
            continue;
        };
        let Some(wanted) = named_by(trace, named) else {
            continue;
        };
        judgement.weighed += 1;
        let found = stored.pointer(place).and_then(Value::as_str);
        if found.and_then(Key::from_reference).as_ref() != Some(wanted) {
            let kind = if named.contains('?') {
                "conditional"
            } else {
                "entry"
            };
            let what = match found {
                None => "no reference",
                Some(found) if found.starts_with("urn:") => "the URN of the request",
                Some(found) if found.contains('?') => "the condition of the request",
                Some(_) => "a reference to something else",
            };
            let shown = [event, read];
            judgement
                .violations
                .push(unresolved(place, what, &shown).signed(kind));
        }
    }
}

fn unresolved(place: &str, what: &'static str, shown: &[&Event]) -> Violation {
    let path = place.trim_start_matches('/').replace("/0/", ".");
    life::violation(
        &SPEC,
        "A reference of a transaction does not point to what it names",
        "a reference to the resource that the entry or the condition names",
        what,
        &path.replace('/', "."),
        shown,
    )
}

/// The resource that a reference of the request names.
fn named_by<'a>(trace: &'a Trace, reference: &str) -> Option<&'a Key> {
    let inside = |kind: &str| {
        let (_, rest) = reference.split_once(kind)?;
        rest.split_once('}').map(|(inner, _)| inner)
    };
    if let Some(step) = inside("${key:").and_then(|step| step.parse().ok()) {
        return trace.key(step);
    }
    let name = inside("${identifier:")?;
    let named: BTreeMap<&str, &Key> = trace
        .events
        .iter()
        .filter_map(|event| Some((created_name(&event.step.command)?, event.key.as_ref()?)))
        .collect();
    named.get(name).copied()
}

fn created_name(command: &Command) -> Option<&str> {
    match command {
        Command::Create { name, .. } => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, response};

    fn stored(reference: &str) -> Value {
        json!({"resourceType": "Observation", "subject": {"reference": reference}})
    }

    fn creation(id: u32, resource: Value) -> Entry {
        let command = Command::Create {
            name: format!("r{id}"),
            resource,
            if_none_exist: false,
        };
        Entry { id, command }
    }

    fn judge(named: &str, found: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        stage.create("Patient/q", json!({"resourceType": "Patient"}));
        let patient = creation(100, json!({"resourceType": "Patient"}));
        let entries = vec![creation(101, stored(named)), patient];
        let answer = response(&[("201", "Observation/o"), ("201", "Patient/p/_history/1")]);
        stage.bundle(entries, 200, answer, &[]);
        stage.read_entry(101, "Observation/o", 200, stored(found));
        TransactionLinksAreResolved.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn references_that_were_resolved_are_silent_absolute_or_not() {
        for (named, found) in [
            ("${key:100}", "Patient/p"),
            ("${key:100}", "http://h/fhir/Patient/p"),
            ("Patient?identifier=${identifier:r0}", "Patient/q"),
        ] {
            let judgement = judge(named, found);
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn references_that_were_left_or_lead_elsewhere_are_found() {
        let sign = |named, found| judge(named, found).violations[0].signature.clone();
        assert_eq!(sign("${key:100}", "urn:uuid:1"), ["entry"]);
        assert_eq!(sign("${key:100}", "Patient/q"), ["entry"]);
        let condition = "Patient?identifier=${identifier:r0}";
        assert_eq!(sign(condition, "Patient?identifier=x"), ["conditional"]);
    }
}
