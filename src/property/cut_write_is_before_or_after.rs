//! `property/cut-write-is-before-or-after`: an update whose connection is cut happened or did not, and a conditional create that
//! is sent again because its answer was lost makes no second resource. Row CC-14.

use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Reply, Trace};
use super::transaction;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::http::fault::Fault;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CutWriteIsBeforeOrAfter;

/// Cases at most: each waits for work that may still be going on.
const MOST_CASES: u32 = 10;
/// What a target gets to finish what it began, in milliseconds, before it is looked at and before it is looked at again.
const PAUSES: [u32; 2] = [250, 100];
/// What happens to an update.
const UPDATE_FAULTS: &[Fault] = &[
    Fault::CutRequest(50),
    Fault::CutRequest(98),
    Fault::HangUp,
    Fault::CutResponse(0),
    Fault::CutResponse(60),
    Fault::Duplicate,
];
/// What happens to a create. None of it is anything that the client could know.
const CREATE_FAULTS: &[Fault] = &[
    Fault::CutRequest(50),
    Fault::HangUp,
    Fault::CutResponse(0),
    Fault::CutResponse(60),
    Fault::Duplicate,
];
/// Label of the search for what was created.
const ONE: &str = "one";

static SPEC: PropertySpec = PropertySpec {
    id: "property/cut-write-is-before-or-after",
    title: "A write whose connection is cut happened once or not at all",
    level: Level::Should,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#ccreate",
    sentence: "One Match: The server ignores the post and returns 200 OK",
    family: Family::Concurrency,
    guards: &[Guard::Quiet, Guard::Barrier, Guard::Tag],
    precondition: "a write was cut or doubled on its way, and what it writes was at rest when it was read",
    usual_causes: &[
        "a request is carried out although its body ended too early",
        "work that the client no longer waits for is dropped half way",
        "search and insert of a conditional create are two transactions",
    ],
};

impl Property for CutWriteIsBeforeOrAfter {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "update"])?;
        transaction::disturbable(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let capability = ground.capability;
        let conditional = capability.flag(resource_type, "conditionalCreate")
            && capability.supports(resource_type, "search-type")
            && capability.supports_parameter(resource_type, "identifier");
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        if conditional && values.chance(50) {
            create(&mut script, resource_type, values);
        } else {
            let known = script.create(dataset::turn(resource_type, 0, values));
            let changed = dataset::turn(resource_type, 1, values);
            let update = transaction::update(ground, known, changed, known);
            script.push_faulty(update, *values.pick(UPDATE_FAULTS));
            for ms in PAUSES {
                script.push(Command::Pause { ms });
                script.read(known);
            }
        }
        script.finish()
    }

    fn cases_at_most(&self) -> u32 {
        MOST_CASES
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = known_created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Some(fault) = event.step.fault else {
                continue;
            };
            if event.reply() == Reply::Absent {
                let reason = "nothing can happen to a request on its way to this target";
                judgement.open.push(Open::Unsupported(reason.to_owned()));
                continue;
            }
            let found = match &event.step.command {
                Command::Put { target, .. } => updated(trace, index, event, fault, *target),
                Command::Create { name, .. } => created(trace, index, event, name),
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
        judgement
    }
}

/// A conditional create that something happens to, sent again as a client does that heard nothing. A create before it
/// shows whether the index is prompt.
fn create(script: &mut Script, resource_type: &str, values: &mut Values) {
    script.create(dataset::turn(resource_type, 0, values));
    script.settle(resource_type);
    let name = script.fresh_name();
    let create = Command::Create {
        name: name.clone(),
        resource: dataset::turn(resource_type, 1, values),
        if_none_exist: true,
    };
    script.push_faulty(create.clone(), *values.pick(CREATE_FAULTS));
    script.push(Command::Pause { ms: PAUSES[0] });
    script.push(create);
    script.settle(resource_type);
    let criterion = Criterion::new("identifier", Term::Identifier(name));
    script.search(Search::of(ONE, resource_type, vec![criterion]));
}

/// As `answer::created`, but for the creates that something happened to.
fn known_created(trace: &Trace) -> Result<(), Open> {
    let mut known = trace.clone();
    known.events.retain(|event| event.step.fault.is_none());
    answer::created(&known)
}

/// A violation if an update is neither there nor not; `None` if that cannot be said.
fn updated(
    trace: &Trace,
    index: usize,
    event: &Event,
    fault: Fault,
    target: u32,
) -> Result<Option<Option<Violation>>, Open> {
    let before = trace
        .event(target)
        .and_then(|event| transaction::written(&event.step.command));
    let (Some(before), Some(after)) = (before, transaction::written(&event.step.command)) else {
        return Ok(None);
    };
    let Some((found, read)) = transaction::at_rest(trace, index, target)? else {
        return Ok(None);
    };
    let violation = |title: &str, expected: &'static str, sign: &str| {
        let shown = [event, read];
        life::violation(
            &SPEC,
            title,
            expected,
            "another content",
            "resource",
            &shown,
        )
        .signed(sign)
    };
    Ok(Some(if fault.is_unheard() && found != before {
        Some(violation(
            "An update that was cut before the target had all of it took effect",
            "the content before",
            "unheard",
        ))
    } else if found != before && found != after {
        Some(violation(
            "An update whose connection was cut left neither the content before nor its own",
            "the content before or that of the update",
            "neither",
        ))
    } else if event.accepted().is_some() && found != after {
        Some(violation(
            "An update that was doubled on its way and accepted is not there",
            "the content of the update",
            "lost",
        ))
    } else {
        None
    }))
}

/// A violation if there are two of what was created on condition; `None` if that cannot be said.
fn created(
    trace: &Trace,
    index: usize,
    event: &Event,
    name: &str,
) -> Result<Option<Option<Violation>>, Open> {
    let retry = trace.events[index + 1..].iter().find(|event| {
        matches!(&event.step.command, Command::Create { name: of, if_none_exist: true, .. } if of == name)
    });
    let search = trace.search(ONE);
    let (Some(retry), Some(search)) = (retry, search) else {
        return Ok(None);
    };
    if retry.accepted().is_none() {
        let reason = retry.doubt();
        return reason.map_or(Ok(None), |reason| Err(Open::Undecided(reason)));
    }
    if !is_prompt(&trace.events[..index]) {
        // The criteria are met by an index that shows a resource only later: R4 allows that.
        return Err(Open::Unsupported("the search index lags".to_owned()));
    }
    let Some(found) = answer::whole(trace, ONE)? else {
        return Ok(None);
    };
    answer::heeded(trace, ONE)?;
    let count = found.set().len();
    Ok(Some((count > 1).then(|| {
        let mut violation = life::violation(
            &SPEC,
            "A conditional create that was sent again after its answer was lost made a second resource",
            "1 match",
            Phrase::say(format!("{count} matches")),
            "Bundle.entry",
            &[event, retry, search],
        )
        .signed("doubled");
        violation.oracle = Some(Completeness::Exact);
        violation
    })))
}

/// True if a create before was found at once.
fn is_prompt(before: &[Event]) -> bool {
    let polls: Vec<u32> = before
        .iter()
        .filter_map(|event| match event.outcome {
            Outcome::Settled { polls } => Some(polls),
            _ => None,
        })
        .collect();
    !polls.is_empty() && polls.iter().all(|polls| *polls == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::{Value, json};

    fn patient(text: &str) -> Value {
        json!({"resourceType": "Patient", "name": [{"text": text}]})
    }

    fn judge_update(fault: Fault, first: &str, again: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("old"));
        let cut = stage.put(made, patient("new"), 200);
        stage.spoil(cut, fault);
        stage.read(made, 200, patient(first));
        stage.read(made, 200, patient(again));
        CutWriteIsBeforeOrAfter.check(&stage.trace(), &capability(json!({})))
    }

    fn judge_create(fault: Fault, found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        stage.create("Patient/0", patient("old"));
        stage.settle("Patient");
        let create = || Command::Create {
            name: "r9".to_owned(),
            resource: patient("new"),
            if_none_exist: true,
        };
        let cut = stage.push(create(), None, vec![(201, json!({}))]);
        stage.spoil(cut, fault);
        stage.push(create(), Some("Patient/1"), vec![(200, json!({}))]);
        stage.settle("Patient");
        let search = Search::of(ONE, "Patient", Vec::new());
        let answer = searchset(found, "Patient");
        stage.push(Command::Search(search), None, vec![(200, answer)]);
        CutWriteIsBeforeOrAfter.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_write_that_happened_once_or_not_at_all_is_silent() {
        for judgement in [
            judge_update(Fault::HangUp, "old", "old"),
            judge_update(Fault::HangUp, "new", "new"),
            judge_update(Fault::CutRequest(50), "old", "old"),
            judge_update(Fault::Duplicate, "new", "new"),
            judge_create(Fault::HangUp, &["Patient/1"]),
        ] {
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn what_was_not_heard_mixed_or_doubled_is_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature.clone();
        let unheard = judge_update(Fault::CutRequest(98), "new", "new");
        assert_eq!(sign(unheard), ["unheard"]);
        assert_eq!(sign(judge_update(Fault::HangUp, "x", "x")), ["neither"]);
        assert_eq!(sign(judge_update(Fault::Duplicate, "old", "old")), ["lost"]);
        let two = ["Patient/1", "Patient/2"];
        assert_eq!(sign(judge_create(Fault::CutResponse(0), &two)), ["doubled"]);
    }

    #[test]
    fn a_write_still_at_work_decides_nothing() {
        let judgement = judge_update(Fault::HangUp, "old", "new");
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
