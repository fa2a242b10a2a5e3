//! `property/no-read-is-torn`: while large contents replace each other, each read shows one of them, not parts of two.
//! Row CC-11.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, contest, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct NoReadIsTorn;

/// Elements of one content that carry its token.
const PARTS: usize = 60;
/// Clients that read, and reads of each.
const READERS: u8 = 3;
const READS: u32 = 3;
/// Fewest and most updates of each of the two writers.
const UPDATES: (u32, u32) = (2, 3);
/// What each token begins with.
const TOKEN: &str = "content ";

static SPEC: PropertySpec = PropertySpec {
    id: "property/no-read-is-torn",
    title: "A read shows one content, not parts of two",
    level: Level::Should,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#read",
    sentence: "(paraphrase) The read interaction accesses the current contents of a resource",
    family: Family::Concurrency,
    guards: &[Guard::Fresh, Guard::Mask],
    precondition: "a resource was read while another client replaced its content",
    usual_causes: &[
        "elements are stored in rows of their own and read without a transaction",
        "the content is changed in place while it is written out",
    ],
};

impl Property for NoReadIsTorn {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let types = ground.written(&["read", "update"])?;
        if !types.contains(&"Patient") {
            return Err(Verdict::Skip(
                "not claimed: create, read, update of Patient".to_owned(),
            ));
        }
        contest::admitted(ground)
    }

    fn generate(&self, _ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(content(0));
        let (least, most) = UPDATES;
        let updates = least + values.below(most - least + 1);
        for writer in 0..2 {
            for update in 0..updates {
                let put = Command::Put {
                    target: made,
                    resource: content(1 + writer * updates + update),
                    if_match: None,
                };
                script.push_lane(writer as u8, put);
            }
        }
        for reader in 0..READERS {
            for _ in 0..READS {
                script.push_lane(2 + reader, Command::Read { target: made });
            }
        }
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        let is_written = trace
            .events
            .iter()
            .any(|event| event.step.is_concurrent() && event.step.command.writes());
        for event in &trace.events {
            if !matches!(event.step.command, Command::Read { .. }) || !is_written {
                continue;
            }
            let Some(body) = event.accepted().and_then(|exchange| exchange.json()) else {
                continue;
            };
            judgement.weighed += 1;
            judgement.violations.extend(judge(trace, event, &body));
        }
        judgement.violations.truncate(1);
        judgement
    }
}

/// A Patient whose elements all carry one token.
fn content(number: u32) -> Value {
    let token = format!("{TOKEN}{number}");
    let telecom: Vec<Value> = (0..PARTS)
        .map(|_| json!({ "system": "other", "value": token }))
        .collect();
    json!({ "resourceType": "Patient", "name": [{ "text": token, "family": token }], "telecom": telecom,
        "address": [{ "line": [token], "city": token }] })
}

/// Tokens in a body, outside of what a server may write itself.
fn tokens(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.starts_with(TOKEN) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| tokens(item, found)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "meta" | "contained" | "div"))
            .for_each(|(_, item)| tokens(item, found)),
        _ => {}
    }
}

fn judge(trace: &Trace, read: &Event, body: &Value) -> Option<Violation> {
    let mut found = BTreeSet::new();
    tokens(body, &mut found);
    if found.len() < 2 {
        return None;
    }
    // The writes whose contents are mixed, and the read.
    let wrote = |event: &&Event| {
        let mut sent = BTreeSet::new();
        if let Some(payload) = event.step.command.payload() {
            tokens(payload, &mut sent);
        }
        !sent.is_disjoint(&found)
    };
    let shown: Vec<&Event> = trace.events.iter().filter(wrote).chain([read]).collect();
    let mut violation = life::violation(
        &SPEC,
        "A read shows parts of several contents that were written one after the other",
        "one content throughout",
        Phrase::say(format!("elements of {} contents", found.len())),
        "Patient",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    Some(violation.signed("torn"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};

    fn judged(body: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.create("Patient/1", content(0));
        let put = stage.put(target, content(1), 200);
        stage.at(put, 0, 10, 30);
        let read = stage.read(target, 200, body);
        stage.at(read, 1, 10, 30);
        NoReadIsTorn.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn either_content_is_silent_and_what_the_server_adds_is_not_counted() {
        assert_eq!(judged(content(0)).violations, []);
        let mut told = content(1);
        told["text"] = json!({"status": "generated", "div": "content 0"});
        assert_eq!(judged(told).violations, []);
        assert_eq!(judged(content(1)).weighed, 1);
    }

    #[test]
    fn parts_of_two_contents_are_found() {
        let mut torn = content(1);
        torn["telecom"][3]["value"] = json!("content 0");
        assert_eq!(judged(torn).violations[0].signature, ["torn"]);
    }
}
