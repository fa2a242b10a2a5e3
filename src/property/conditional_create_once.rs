//! `property/conditional-create-once`: a conditional create whose criteria match creates nothing, and several sent at
//! once create one resource. R4 promises the first; the second it does not, so that is a SHOULD here.
//! Row CC-05.

use super::answer;
use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ConditionalCreateOnce;

/// Fewest and most creates at the same moment.
const LANES: (u32, u32) = (4, 8);
/// Name of what is created one after the other.
const IN_ORDER: &str = "one";
/// Name of what is created at the same moment.
const AT_ONCE: &str = "many";
/// Part of the signature of a violation that needs no concurrency.
const SEQUENTIAL: &str = "sequential";

static SPEC: PropertySpec = PropertySpec {
    id: "property/conditional-create-once",
    title: "Conditional creates with one criterion create one resource",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#ccreate",
    sentence: "One Match: The server ignores the post and returns 200 OK",
    family: Family::Concurrency,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Unknown],
    precondition: "a conditional create was accepted, and its like was sent again",
    usual_causes: &[
        "the If-None-Exist header is not read",
        "search and insert are two transactions, so creates at the same moment do not see each other",
        "the criteria are matched against an index that lags",
    ],
};

impl Property for ConditionalCreateOnce {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let resource = dataset::turn(resource_type, 0, values);
        let create = |name: &str| Command::Create {
            name: name.to_owned(),
            resource: resource.clone(),
            if_none_exist: true,
        };
        let search = |name: &str| {
            let criteria = vec![Criterion::new(
                "identifier",
                Term::Identifier(name.to_owned()),
            )];
            Search::of(name, resource_type, criteria)
        };
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        script.push(create(IN_ORDER));
        script.settle(resource_type);
        script.push(create(IN_ORDER));
        script.settle(resource_type);
        script.search(search(IN_ORDER));
        if ground.concurrency {
            let (least, most) = LANES;
            for _ in 0..least + values.below(most - least + 1) {
                script.push_together(create(AT_ONCE));
            }
            script.settle(resource_type);
            script.search(search(AT_ONCE));
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        if trace
            .events
            .iter()
            .any(|event| event.outcome == Outcome::Unsettled)
        {
            let reason = "the search index did not show what was written in time";
            return Judgement::open(Open::Undecided(reason.to_owned()));
        }
        let mut judgement = Judgement::default();
        for name in [IN_ORDER, AT_ONCE] {
            if name == AT_ONCE && !is_prompt(trace) {
                // The criteria are met by an index that shows a resource only later: R4 allows that.
                judgement
                    .open
                    .push(Open::Unsupported("the search index lags".to_owned()));
                continue;
            }
            match judge(trace, name) {
                Ok(Some(violation)) => {
                    judgement.weighed += 1;
                    judgement.violations.extend(violation);
                }
                Ok(None) => {}
                Err(reason) => judgement.open.push(reason),
            }
        }
        judgement
    }

    fn level_of(&self, violation: &Violation) -> Level {
        if violation.signature.iter().any(|part| part == SEQUENTIAL) {
            Level::Shall
        } else {
            SPEC.level
        }
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = ground.written(&["search-type"])?;
    types.retain(|name| {
        ground.capability.flag(name, "conditionalCreate")
            && ground.capability.supports_parameter(name, "identifier")
    });
    if types.is_empty() {
        return Err(Verdict::Skip(
            "not claimed: conditionalCreate with identifier".to_owned(),
        ));
    }
    Ok(types)
}

/// True if a create before the concurrent ones was found at once: only then may they be expected to see each other.
pub(super) fn is_prompt(trace: &Trace) -> bool {
    let before = trace.events.iter().take_while(|event| !event.step.together);
    let polls: Vec<u32> = before
        .filter_map(|event| match event.outcome {
            Outcome::Settled { polls } => Some(polls),
            _ => None,
        })
        .collect();
    !polls.is_empty() && polls.iter().all(|polls| *polls == 1)
}

/// True if the index was awaited between the creates where they follow each other, and before the search.
fn is_awaited(trace: &Trace, name: &str) -> bool {
    let marks: Vec<char> = trace
        .events
        .iter()
        .filter_map(|event| match &event.step.command {
            Command::Create { name: of, .. } if of == name => Some('c'),
            Command::Settle { .. } => Some('s'),
            Command::Search(search) if search.label == name => Some('?'),
            _ => None,
        })
        .collect();
    let marks: String = marks.into_iter().collect();
    let between = name == AT_ONCE || !marks.contains("cc");
    between && marks.contains("cs?")
}

/// The search that counts asks for nothing but the identifier.
fn counts(trace: &Trace, name: &str) -> bool {
    let wanted = [Criterion::new(
        "identifier",
        Term::Identifier(name.to_owned()),
    )];
    answer::criteria(trace, name) == wanted
}

/// The outer `None`: nothing to judge; the inner: nothing wrong.
fn judge(trace: &Trace, name: &str) -> Result<Option<Option<Violation>>, Open> {
    let creates: Vec<&Event> = trace
        .events
        .iter()
        .filter(
            |event| matches!(&event.step.command, Command::Create { name: of, .. } if of == name),
        )
        .filter(|event| !event.exchanges.is_empty())
        .collect();
    let accepted: Vec<&Event> = creates
        .iter()
        .copied()
        .filter(|event| event.accepted().is_some())
        .collect();
    if accepted.is_empty() {
        return match creates
            .first()
            .and_then(|event| event.last())
            .and_then(|last| last.status())
        {
            Some(status) => Err(Open::Blocked(format!(
                "the target refuses a conditional create ({status})"
            ))),
            None => Ok(None),
        };
    }
    let Some(answer) = answer::whole(trace, name)? else {
        return Ok(None);
    };
    if creates.len() < 2 || !is_awaited(trace, name) || !counts(trace, name) {
        return Ok(None);
    }
    let mut made: Vec<Key> = accepted
        .iter()
        .filter(|event| event.last().and_then(|last| last.status()) == Some(201))
        .filter_map(|event| event.key.clone())
        .collect();
    made.sort();
    made.dedup();
    // Whatever the answers claimed, the search for the identifier says what exists.
    let exist = answer.set().len();
    if exist <= 1 {
        return Ok(Some(None));
    }
    let sequential = name == IN_ORDER;
    let title = if sequential {
        "A conditional create whose criteria match creates another resource"
    } else {
        "Conditional creates at the same moment create several resources"
    };
    let exchanges = creates
        .iter()
        .flat_map(|event| event.numbers())
        .chain(answer.exchanges);
    let mut violation = Violation::new(
        SPEC.id,
        title,
        Phrase::say(format!(
            "one resource after {} conditional creates",
            creates.len()
        )),
        Phrase::say(format!(
            "{exist} resources, {} answers 201 with an id of their own",
            made.len()
        )),
    )
    .at("If-None-Exist")
    .seen_in(exchanges)
    .signed(if sequential { SEQUENTIAL } else { "concurrent" });
    violation.oracle = Some(Completeness::Exact);
    Ok(Some(Some(violation)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(second: (&str, u16), found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        for (key, status) in [("Patient/1", 201), second] {
            let create = Command::Create {
                name: IN_ORDER.to_owned(),
                resource: json!({"resourceType": "Patient"}),
                if_none_exist: true,
            };
            stage.push(create, Some(key), vec![(status, json!({}))]);
            stage.settle("Patient");
        }
        let criteria = vec![Criterion::new(
            "identifier",
            Term::Identifier(IN_ORDER.to_owned()),
        )];
        let search = Search::of(IN_ORDER, "Patient", criteria);
        stage.push(
            Command::Search(search),
            None,
            vec![(200, searchset(found, "Patient?identifier=x"))],
        );
        ConditionalCreateOnce.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn one_resource_is_silent_whatever_the_second_answer_is() {
        for second in [("Patient/1", 200), ("Patient/1", 412)] {
            let judgement = judge(second, &["Patient/1"]);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn a_second_resource_is_found_and_a_matching_criterion_is_a_shall() {
        let judgement = judge(("Patient/2", 201), &["Patient/1", "Patient/2"]);
        assert_eq!(judgement.violations[0].signature, [SEQUENTIAL]);
        assert_eq!(
            ConditionalCreateOnce.level_of(&judgement.violations[0]),
            Level::Shall
        );
    }

    #[test]
    fn a_lost_answer_leaves_everything_open() {
        let judgement = judge(("Patient/2", 503), &["Patient/1", "Patient/2"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 0));
    }
}
