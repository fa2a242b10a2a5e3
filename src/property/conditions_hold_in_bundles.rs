//! `property/conditions-hold-in-bundles`: `ifMatch` and `ifNoneExist` of an entry do what the header fields do. Row TX-08.

use super::case::{Case, Command, Criterion, Entry, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Reply, Trace};
use super::transaction::{self, Fate, State};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ConditionsHoldInBundles;

/// Label of the search for what was created on condition.
const ONE: &str = "one";

static SPEC: PropertySpec = PropertySpec {
    id: "property/conditions-hold-in-bundles",
    title: "Conditions of entries hold as those of requests do",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#transaction",
    sentence: "The actions are subject to the normal processing for each, including the meta element, verification and version aware updates, and transactional integrity",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Barrier, Guard::Tag],
    precondition: "an entry with a condition was answered, and the target heeds the condition outside of Bundles",
    usual_causes: &[
        "entries are carried out below the layer that reads header fields",
        "ifNoneExist is looked up in the database and not in the index, or the other way round",
    ],
};

impl Property for ConditionsHoldInBundles {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let kinds = kinds(ground);
        if kinds.is_empty() {
            return Err(Verdict::Skip(
                "not claimed: batch or transaction".to_owned(),
            ));
        }
        let types = ground.written(&["read", "update"])?;
        if types.iter().any(|name| conditional(ground, name))
            || types
                .iter()
                .any(|name| transaction::has_versions(ground, name))
        {
            return Ok(());
        }
        Err(Verdict::Skip(
            "not claimed: versioning or conditionalCreate".to_owned(),
        ))
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let mut types = ground.written(&["read", "update"]).unwrap_or_default();
        types.retain(|name| conditional(ground, name) || transaction::has_versions(ground, name));
        let resource_type = types.first().copied().unwrap_or("Patient");
        let is_transaction = *values.pick(&kinds(ground));
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let matches = transaction::has_versions(ground, resource_type);
        if matches && !(conditional(ground, resource_type) && values.chance(50)) {
            if_match(&mut script, resource_type, is_transaction, values);
        } else {
            if_none_exist(&mut script, resource_type, is_transaction, values);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            if let Fate::Unknown(reason) = transaction::fate(event) {
                judgement.open.push(reason);
                continue;
            }
            for entry in entries {
                let found = match &entry.command {
                    Command::Put {
                        target,
                        if_match: Some(_),
                        ..
                    } => stale(trace, index, event, entry, *target),
                    Command::Create {
                        name,
                        if_none_exist: true,
                        ..
                    } => doubled(trace, event, name),
                    _ => continue,
                };
                match found {
                    Ok(Some(found)) => {
                        judgement.weighed += 1;
                        judgement.violations.extend(found);
                    }
                    Ok(None) => {}
                    Err(reason) => judgement.open.push(reason),
                }
            }
        }
        judgement
    }
}

/// What may be claimed: `true` for transactions, `false` for batches.
fn kinds(ground: &Ground<'_>) -> Vec<bool> {
    let claims = [(true, "transaction"), (false, "batch")];
    let claimed = claims
        .into_iter()
        .filter(|(_, name)| ground.capability.supports_system(name));
    claimed.map(|(kind, _)| kind).collect()
}

fn conditional(ground: &Ground<'_>, resource_type: &str) -> bool {
    ground.capability.flag(resource_type, "conditionalCreate")
        && ground.capability.supports(resource_type, "search-type")
        && ground
            .capability
            .supports_parameter(resource_type, "identifier")
}

/// An update on a version that is no longer the current one: first as a request, to see that conditions count at all,
/// then as an entry.
fn if_match(script: &mut Script, resource_type: &str, is_transaction: bool, values: &mut Values) {
    let made = script.create(dataset::turn(resource_type, 0, values));
    script.put(made, dataset::turn(resource_type, 1, values), Some(made));
    script.put(made, dataset::turn(resource_type, 2, values), Some(made));
    script.read(made);
    let entry = script.entry(Command::Put {
        target: made,
        resource: dataset::turn(resource_type, 3, values),
        if_match: Some(made),
    });
    script.bundle(is_transaction, vec![entry]);
    script.read(made);
}

/// A conditional create of what there is already.
fn if_none_exist(
    script: &mut Script,
    resource_type: &str,
    is_transaction: bool,
    values: &mut Values,
) {
    let name = script.fresh_name();
    let create = Command::Create {
        name: name.clone(),
        resource: dataset::turn(resource_type, 0, values),
        if_none_exist: true,
    };
    script.push(create.clone());
    script.settle(resource_type);
    script.push(create.clone());
    let entry = script.entry(create);
    script.bundle(is_transaction, vec![entry]);
    script.settle(resource_type);
    let criterion = Criterion::new("identifier", Term::Identifier(name));
    script.search(Search::of(ONE, resource_type, vec![criterion]));
}

/// A violation if an update on a stale version took effect; `None` if that cannot be said.
fn stale(
    trace: &Trace,
    index: usize,
    event: &Event,
    entry: &Entry,
    target: u32,
) -> Result<Option<Option<Violation>>, Open> {
    let refused = trace.events[..index].iter().any(|event| {
        matches!(&event.step.command, Command::Put { if_match: Some(_), .. })
            && matches!(event.reply(), Reply::Refused(exchange) if matches!(exchange.status(), Some(409 | 412)))
    });
    let before = transaction::read_before(trace, index, target).and_then(transaction::state);
    let after = transaction::read_after(trace, index, target);
    let (Some(before), Some(read)) = (before, after) else {
        return Ok(None);
    };
    let wrote = transaction::written(&entry.command);
    if !refused || wrote.as_ref() == Some(&before) || before == State::Gone {
        let reason = "the target takes an update on a stale version outside of Bundles too";
        return match refused {
            true => Ok(None),
            false => Err(Open::Unsupported(reason.to_owned())),
        };
    }
    let Some(after) = transaction::state(read) else {
        return Ok(None);
    };
    let violation = (Some(&after) == wrote.as_ref()).then(|| {
        life::violation(
            &SPEC,
            "An entry with ifMatch of a stale version took effect",
            "the content as before, and an error",
            "the content of the entry",
            "Bundle.entry.request.ifMatch",
            &[event, read],
        )
        .signed("if-match")
    });
    Ok(Some(violation))
}

/// A violation if a conditional create made a second resource; `None` if that cannot be said.
fn doubled(trace: &Trace, event: &Event, name: &str) -> Result<Option<Option<Violation>>, Open> {
    let heeded = trace.events.iter().any(|event| {
        let is_same = matches!(&event.step.command, Command::Create { name: of, if_none_exist: true, .. } if of == name);
        is_same && life::status(event) == 200
    });
    if !heeded {
        let reason = "the target does not answer a conditional create with what there is";
        return Err(Open::Unsupported(reason.to_owned()));
    }
    let settled = trace
        .events
        .iter()
        .take_while(|other| other.step.id != event.step.id)
        .any(|event| matches!(event.outcome, Outcome::Settled { .. }));
    let Some(found) = answer::whole(trace, ONE)?.filter(|_| settled) else {
        return Ok(None);
    };
    answer::heeded(trace, ONE)?;
    let count = found.set().len();
    let Some(search) = trace.search(ONE) else {
        return Ok(None);
    };
    Ok(Some((count > 1).then(|| {
        let mut violation = life::violation(
            &SPEC,
            "An entry with ifNoneExist made a resource although there was a match",
            "1 match",
            Phrase::say(format!("{count} matches")),
            "Bundle.entry.request.ifNoneExist",
            &[event, search],
        )
        .signed("if-none-exist");
        violation.oracle = Some(Completeness::Exact);
        violation
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, response, searchset};
    use serde_json::{Value, json};

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    fn judge_match(control: u16, after: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("turn 0"));
        let put = |text: &str| Command::Put {
            target: made,
            resource: patient(text),
            if_match: Some(made),
        };
        stage.push(put("turn 2"), Some("Patient/1"), vec![(control, json!({}))]);
        stage.read(made, 200, patient("turn 1"));
        let entry = Entry {
            id: 100,
            command: put("turn 3"),
        };
        let answer = response(&[("412", "")]);
        stage.bundle(vec![entry], 200, answer, &[(made, "Patient/1")]);
        stage.read(made, 200, patient(after));
        ConditionsHoldInBundles.check(&stage.trace(), &capability(json!({})))
    }

    fn judge_create(control: u16, found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let create = || Command::Create {
            name: "r0".to_owned(),
            resource: patient("turn 0"),
            if_none_exist: true,
        };
        stage.push(create(), Some("Patient/1"), vec![(201, json!({}))]);
        stage.settle("Patient");
        stage.push(create(), Some("Patient/1"), vec![(control, json!({}))]);
        let entry = Entry {
            id: 100,
            command: create(),
        };
        stage.bundle(vec![entry], 200, response(&[("200", "Patient/1")]), &[]);
        let search = Search::of(ONE, "Patient", Vec::new());
        stage.push(
            Command::Search(search),
            None,
            vec![(200, searchset(found, "Patient"))],
        );
        ConditionsHoldInBundles.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn conditions_that_hold_are_silent() {
        for judgement in [
            judge_match(412, "turn 1"),
            judge_create(200, &["Patient/1"]),
        ] {
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn conditions_that_are_not_read_are_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature.clone();
        assert_eq!(sign(judge_match(412, "turn 3")), ["if-match"]);
        let two = ["Patient/1", "Patient/2"];
        assert_eq!(sign(judge_create(200, &two)), ["if-none-exist"]);
    }

    #[test]
    fn a_target_that_heeds_no_conditions_at_all_is_another_properties_business() {
        for judgement in [
            judge_match(200, "turn 3"),
            judge_create(201, &["Patient/1", "Patient/2"]),
        ] {
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 0));
        }
    }
}
