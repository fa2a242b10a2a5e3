//! `property/delete-and-update-agree`: after a delete and updates at the same moment, a read shows what the history shows
//! as the last thing that happened, and none of them ended in an error of the server. Row CC-08.

use super::case::{Case, Command, Origin, Script};
use super::contest;
use super::trace::{Event, Reply, Trace, shown_version};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct DeleteAndUpdateAgree;

/// Fewest and most updates beside the delete.
const UPDATES: (u32, u32) = (1, 3);
/// Part of the signature of a violation that is an error of the server.
const FAILED: &str = "server-error";

static SPEC: PropertySpec = PropertySpec {
    id: "property/delete-and-update-agree",
    title: "After a delete and updates at the same moment, a read shows the last version of the history",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "(paraphrase) A deleted resource is not read any longer; a later update brings it back",
    family: Family::Concurrency,
    guards: &[Guard::Unknown, Guard::Fresh],
    precondition: "a delete and an update at the same moment were accepted, and resource and history were read",
    usual_causes: &[
        "the mark of a deletion and the content are written in two steps",
        "the current version is kept beside the history and not under one lock with it",
    ],
};

impl Property for DeleteAndUpdateAgree {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        let (least, most) = UPDATES;
        for turn in 1..=least + values.below(most - least + 1) {
            script.push_together(Command::Put {
                target: made,
                resource: dataset::turn(resource_type, turn, values),
                if_match: None,
            });
        }
        script.push_together(Command::Delete {
            target: made,
            if_match: None,
        });
        script.read(made);
        script.history(made);
        // What the race left is not known beforehand: this removes it.
        script.delete(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        judgement.violations.extend(failed(trace));
        let Some(target) = trace.events.first().map(|event| event.step.id) else {
            return judgement;
        };
        if let Some(reason) = trace.doubt() {
            judgement.open.push(Open::Undecided(reason));
            return judgement;
        }
        match end(trace, target) {
            Err(reason) => judgement.open.push(reason),
            Ok(None) => {}
            Ok(Some(violation)) => {
                judgement.weighed = 1;
                judgement.violations.extend(violation);
            }
        }
        judgement
    }

    fn level_of(&self, violation: &Violation) -> Level {
        if violation.signature.iter().any(|part| part == FAILED) {
            Level::Robust
        } else {
            SPEC.level
        }
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = contest::ordered_types(ground)?;
    types.retain(|name| ground.capability.supports(name, "delete"));
    if types.is_empty() {
        return Err(Verdict::Skip("not claimed: delete".to_owned()));
    }
    Ok(types)
}

/// A 500 for one of the requests of the race.
fn failed(trace: &Trace) -> Option<Violation> {
    let mut raced = trace
        .events
        .iter()
        .filter(|event| event.step.is_concurrent());
    let failed = raced.find(|event| life::status(event) == 500)?;
    let others = trace
        .events
        .iter()
        .filter(|event| event.step.is_concurrent());
    let shown: Vec<&Event> = others.collect();
    if shown.len() < 2 {
        return None;
    }
    let violation = life::violation(
        &SPEC,
        "A delete and an update at the same moment end in an error of the server",
        "success, or a refusal with 404, 409, 410 or 412",
        life::says(failed),
        "status",
        &shown,
    );
    Some(violation.signed(FAILED))
}

/// What the read and the history say of the end of the race; the inner `None` if they agree.
fn end(trace: &Trace, target: u32) -> Result<Option<Option<Violation>>, Open> {
    let raced = |wanted: fn(&Command) -> bool| {
        let mut events = trace.events.iter();
        events.any(|event| {
            event.step.is_concurrent() && wanted(&event.step.command) && event.accepted().is_some()
        })
    };
    let both = raced(|command| matches!(command, Command::Delete { .. }))
        && raced(|command| matches!(command, Command::Put { .. }));
    let place = trace
        .events
        .iter()
        .rposition(|event| event.step.is_concurrent());
    let Some(place) = place.filter(|_| both) else {
        return Ok(None);
    };
    let Some((versions, history)) = contest::versions(trace, target)? else {
        return Ok(None);
    };
    // Nothing but the read and the history came between the race and the last delete.
    let behind = &trace.events[place + 1..];
    let quiet = behind
        .iter()
        .take_while(|event| !event.step.command.writes());
    let Some(read) = quiet
        .clone()
        .find(|event| matches!(event.step.command, Command::Read { .. }))
    else {
        return Ok(None);
    };
    if !quiet.into_iter().any(|event| std::ptr::eq(event, history)) {
        return Ok(None);
    }
    let Some(last) = versions.last() else {
        return Ok(None);
    };
    let agrees = match read.reply() {
        Reply::Accepted(exchange) => {
            !last.deleted && shown_version(exchange).is_none_or(|shown| shown == last.id)
        }
        Reply::Refused(exchange) => match exchange.status() {
            Some(404 | 410) => last.deleted,
            _ => return Ok(None),
        },
        Reply::Unknown | Reply::Absent => return Ok(None),
    };
    if agrees {
        return Ok(Some(None));
    }
    let expected = if last.deleted {
        Phrase::say("410 or 404, because the history ends with a deletion")
    } else {
        Phrase::say("version ")
            .data(last.id.as_str())
            .words(", the last of the history")
    };
    let mut violation = life::violation(
        &SPEC,
        "After a delete and an update at the same moment, read and history disagree",
        expected,
        life::says(read),
        "status",
        &[read, history],
    );
    let shown = trace
        .events
        .iter()
        .filter(|event| event.step.is_concurrent());
    violation
        .exchanges
        .extend(shown.flat_map(|event| event.numbers()));
    violation.exchanges.sort_unstable();
    violation.oracle = Some(Completeness::Exact);
    Ok(Some(Some(violation.signed("disagree"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, marked};
    use serde_json::{Value, json};

    fn judged(put: u16, read: (u16, &str), last_is_deleted: bool) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        let update = stage.versioned_put(target, "2", "turn 1", put, None);
        stage.at(update, 0, 10, 20);
        let delete = Command::Delete {
            target,
            if_match: None,
        };
        let delete = stage.push(delete, Some("Patient/1"), vec![(204, json!({}))]);
        stage.at(delete, 1, 10, 20);
        stage.read(target, read.0, marked(read.1, "turn 1"));
        let deletion = json!({"request": {"method": "DELETE"}, "response": {"etag": "W/\"3\""}});
        let live = |version: &str| json!({"resource": marked(version, "x")});
        let entries: Vec<Value> = if last_is_deleted {
            vec![deletion, live("2"), live("1")]
        } else {
            vec![live("3"), deletion, live("1")]
        };
        let history = Command::History {
            target,
            options: Vec::new(),
        };
        let bundle = json!({"resourceType": "Bundle", "type": "history", "entry": entries});
        stage.push(history, Some("Patient/1"), vec![(200, bundle)]);
        DeleteAndUpdateAgree.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn either_end_is_silent_if_both_say_so() {
        for (read, deleted) in [((410, "x"), true), ((404, "x"), true), ((200, "3"), false)] {
            let judgement = judged(200, read, deleted);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn a_read_that_disagrees_with_the_history_is_found() {
        for (read, deleted) in [((200, "2"), true), ((410, "x"), false), ((200, "1"), false)] {
            let judgement = judged(200, read, deleted);
            assert_eq!(judgement.violations[0].signature, ["disagree"]);
        }
    }

    #[test]
    fn an_error_of_the_server_is_found_and_an_overload_is_not() {
        let failed = judged(500, (410, "x"), true);
        assert_eq!(failed.violations[0].signature, [FAILED]);
        assert_eq!(
            DeleteAndUpdateAgree.level_of(&failed.violations[0]),
            Level::Robust
        );
        assert_eq!(judged(503, (410, "x"), true).violations, []);
    }
}
