//! `property/conditional-update-once`: conditional updates that match nothing, sent at the same moment, create one
//! resource. R4 does not speak of the same moment, so this is a SHOULD. Row CC-06.

use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer,
    conditional_create_once, contest, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct ConditionalUpdateOnce;

/// Fewest and most updates at the same moment.
const LANES: (u32, u32) = (3, 6);
/// Name of what they create.
const NAME: &str = "many";

static SPEC: PropertySpec = PropertySpec {
    id: "property/conditional-update-once",
    title: "Conditional updates at the same moment create one resource at most",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#cond-update",
    sentence: "(paraphrase) If one resource matches the criteria, the server performs the update against it",
    family: Family::Concurrency,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Unknown],
    precondition: "conditional updates at the same moment were accepted, and the index does not lag",
    usual_causes: &[
        "search and insert are two transactions, so updates at the same moment do not see each other",
        "the criteria are matched against an index that lags",
    ],
};

impl Property for ConditionalUpdateOnce {
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
        script.create(dataset::turn(resource_type, 0, values));
        script.settle(resource_type);
        let (least, most) = LANES;
        for turn in 1..=least + values.below(most - least + 1) {
            script.push_together(Command::PutWhere {
                name: NAME.to_owned(),
                resource: dataset::turn(resource_type, turn, values),
            });
        }
        script.settle(resource_type);
        let criterion = Criterion::new("identifier", Term::Identifier(NAME.to_owned()));
        script.search(Search::of(NAME, resource_type, vec![criterion]));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        if trace
            .events
            .iter()
            .any(|event| event.outcome == Outcome::Unsettled)
        {
            let reason = "the search index did not show what was written in time";
            return Judgement::open(Open::Undecided(reason.to_owned()));
        }
        if !conditional_create_once::is_prompt(trace) {
            // The criteria are met by an index that shows a resource only later: R4 allows that.
            return Judgement::open(Open::Unsupported("the search index lags".to_owned()));
        }
        judge(trace).unwrap_or_else(Judgement::open)
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = ground.written(&["update", "search-type"])?;
    types.retain(|name| {
        ground.capability.flag(name, "conditionalUpdate")
            && ground.capability.supports_parameter(name, "identifier")
    });
    if types.is_empty() {
        return Err(Verdict::Skip(
            "not claimed: conditionalUpdate with identifier".to_owned(),
        ));
    }
    contest::admitted(ground)?;
    Ok(types)
}

fn judge(trace: &Trace) -> Result<Judgement, Open> {
    let updates: Vec<&Event> = trace
        .events
        .iter()
        .filter(|event| matches!(event.step.command, Command::PutWhere { .. }))
        .collect();
    let accepted = updates.iter().filter(|event| event.accepted().is_some());
    if accepted.count() == 0 {
        let refused = updates
            .first()
            .and_then(|event| life::refusal(event, "a conditional update"));
        return refused.map_or(Ok(Judgement::default()), Err);
    }
    let is_settled = trace
        .events
        .iter()
        .rev()
        .take_while(|event| !event.step.is_concurrent())
        .any(|event| matches!(event.step.command, Command::Settle { .. }));
    let wanted = [Criterion::new(
        "identifier",
        Term::Identifier(NAME.to_owned()),
    )];
    let Some(answer) = answer::whole(trace, NAME)? else {
        return Ok(Judgement::default());
    };
    if updates.len() < 2 || !is_settled || answer::criteria(trace, NAME) != wanted {
        return Ok(Judgement::default());
    }
    answer::heeded(trace, NAME)?;
    let mut judgement = Judgement {
        weighed: 1,
        ..Judgement::default()
    };
    let exist = answer.set().len();
    if exist > 1 {
        let mut violation = life::violation(
            &SPEC,
            "Conditional updates at the same moment create several resources",
            Phrase::say(format!(
                "one resource after {} conditional updates",
                updates.len()
            )),
            Phrase::say(format!("{exist} resources")),
            "identifier",
            &updates,
        )
        .seen_in(answer.exchanges)
        .signed("several");
        violation.oracle = Some(Completeness::Exact);
        judgement.violations.push(violation);
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judged(found: &[&str], polls: u32) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        stage.create("Patient/0", json!({"resourceType": "Patient"}));
        stage.settle_after("Patient", polls);
        for key in ["Patient/1", "Patient/2"] {
            let update = Command::PutWhere {
                name: NAME.to_owned(),
                resource: json!({"resourceType": "Patient"}),
            };
            stage.push_together(update, Some(key), 201);
        }
        stage.settle("Patient");
        let criterion = Criterion::new("identifier", Term::Identifier(NAME.to_owned()));
        stage.push(
            Command::Search(Search::of(NAME, "Patient", vec![criterion])),
            None,
            vec![(200, searchset(found, "Patient?identifier=x"))],
        );
        ConditionalUpdateOnce.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn one_resource_is_silent_and_two_are_found() {
        assert_eq!(judged(&["Patient/1"], 1).weighed, 1);
        assert_eq!(judged(&["Patient/1"], 1).violations, []);
        let found = judged(&["Patient/1", "Patient/2"], 1);
        assert_eq!(found.violations[0].signature, ["several"]);
    }

    #[test]
    fn an_index_that_lags_decides_nothing() {
        let judgement = judged(&["Patient/1", "Patient/2"], 3);
        assert_eq!((judgement.violations.len(), judgement.open.len()), (0, 1));
    }
}
