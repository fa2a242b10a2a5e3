//! `property/update-as-create-once`: of updates to an id that nothing has, sent at the same moment, one creates and the
//! others update. Row CC-07.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace, shown_version};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, contest, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct UpdateAsCreateOnce;

/// Fewest and most updates at the same moment.
const LANES: (u32, u32) = (3, 6);
/// Name of what they create.
const NAME: &str = "one";

static SPEC: PropertySpec = PropertySpec {
    id: "property/update-as-create-once",
    title: "Of updates at the same moment to an id that nothing has, one creates",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "the server SHALL return either a 200 OK HTTP status code if the resource was updated, or a 201 Created status code if the resource was created",
    family: Family::Concurrency,
    guards: &[Guard::Unknown],
    precondition: "two updates to an id that nothing had were accepted at the same moment",
    usual_causes: &[
        "whether the resource exists is asked before the write without a lock",
        "two inserts with one id overwrite each other",
    ],
};

impl Property for UpdateAsCreateOnce {
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
        let (least, most) = LANES;
        let mut made = 0;
        for turn in 0..least + values.below(most - least + 1) {
            made = script.push_together(Command::PutNew {
                name: NAME.to_owned(),
                resource: dataset::turn(resource_type, turn, values),
            });
        }
        if ground
            .capability
            .supports(resource_type, "history-instance")
        {
            script.history(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        match life::ready(trace) {
            Err(reason) => Judgement::open(reason),
            Ok(()) => judge(trace).unwrap_or_else(Judgement::open),
        }
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = ground.written(&["update"])?;
    types.retain(|name| ground.capability.flag(name, "updateCreate"));
    if types.is_empty() {
        return Err(Verdict::Skip("not claimed: updateCreate".to_owned()));
    }
    contest::admitted(ground)?;
    Ok(types)
}

fn judge(trace: &Trace) -> Result<Judgement, Open> {
    let updates: Vec<&Event> = trace
        .events
        .iter()
        .filter(|event| matches!(event.step.command, Command::PutNew { .. }))
        .collect();
    let accepted: Vec<&Event> = updates
        .iter()
        .copied()
        .filter(|event| event.accepted().is_some())
        .collect();
    if accepted.is_empty() {
        let refused = updates
            .first()
            .and_then(|event| life::refusal(event, "an update that creates"));
        return refused.map_or(Ok(Judgement::default()), Err);
    }
    let mut judgement = Judgement {
        weighed: u32::from(accepted.len() > 1),
        ..Judgement::default()
    };
    let created: Vec<&Event> = accepted
        .iter()
        .copied()
        .filter(|event| life::status(event) == 201)
        .collect();
    if created.len() > 1 {
        let violation = life::violation(
            &SPEC,
            "Several updates at the same moment say that they created one resource",
            "one 201 Created, 200 OK for the others",
            Phrase::say(format!("{} answers 201", created.len())),
            "status",
            &created,
        );
        judgement.violations.push(violation.signed("created-twice"));
    }
    judgement.violations.extend(shared(&accepted));
    judgement.violations.extend(lost(trace, &accepted)?);
    Ok(judgement)
}

/// Two accepted updates that were answered with one version.
fn shared(accepted: &[&Event]) -> Option<crate::record::Violation> {
    let shown = |event: &Event| event.accepted().and_then(shown_version);
    let (one, other) = accepted.iter().enumerate().find_map(|(index, event)| {
        let version = shown(event)?;
        let mut earlier = accepted[..index].iter();
        let other = earlier.find(|earlier| shown(earlier).as_ref() == Some(&version))?;
        Some((other, event))
    })?;
    let violation = life::violation(
        &SPEC,
        "Two accepted updates with different content are answered with one version",
        "a version of its own for each accepted update",
        Phrase::say("version ").data(shown(one)?).words(" twice"),
        "meta.versionId",
        &[one, other],
    );
    Some(violation.signed("version-shared"))
}

/// An accepted update whose content the history does not hold.
fn lost(trace: &Trace, accepted: &[&Event]) -> Result<Option<crate::record::Violation>, Open> {
    let history = trace
        .events
        .iter()
        .find_map(|event| match event.step.command {
            Command::History { target, .. } => Some(target),
            _ => None,
        });
    let Some(target) = history else {
        return Ok(None);
    };
    let Some((versions, history)) = contest::versions(trace, target)? else {
        return Ok(None);
    };
    let is_lost = |event: &&&Event| {
        let token = event.step.command.payload().and_then(life::mark);
        token.is_some()
            && !versions
                .iter()
                .any(|version| version.token.as_deref() == token)
    };
    let Some(event) = accepted.iter().find(is_lost) else {
        return Ok(None);
    };
    let mut violation = life::violation(
        &SPEC,
        "The history lacks what an accepted update wrote",
        Phrase::say(format!("{} versions", accepted.len())),
        Phrase::say(format!("{} versions", versions.len())),
        "Bundle.entry",
        &[event, history],
    );
    violation.oracle = Some(Completeness::Exact);
    Ok(Some(violation.signed("lost")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, marked};
    use serde_json::json;

    fn judged(answers: [(u16, &str); 2], versions: &[&str]) -> Vec<Vec<String>> {
        let mut stage = Stage::new(SPEC.id);
        let mut made = 0;
        for (turn, (status, version)) in answers.into_iter().enumerate() {
            let mark = format!("turn {turn}");
            let update = Command::PutNew {
                name: NAME.to_owned(),
                resource: marked("x", &mark),
            };
            let body = marked(version, &mark);
            made = stage.push(update, Some("Patient/1"), vec![(status, body)]);
            stage.at(made, turn as u8, 10, 20);
        }
        stage.versions(made, versions);
        let judgement = UpdateAsCreateOnce.check(&stage.trace(), &capability(json!({})));
        let violations = judgement.violations.into_iter();
        violations.map(|violation| violation.signature).collect()
    }

    #[test]
    fn one_that_creates_is_silent() {
        assert!(judged([(201, "1"), (200, "2")], &["1", "2"]).is_empty());
        assert!(judged([(201, "1"), (409, "x")], &["1"]).is_empty());
    }

    #[test]
    fn two_that_create_share_a_version_or_are_lost_are_found() {
        let twice = judged([(201, "1"), (201, "1")], &["1"]);
        assert_eq!(twice, [["created-twice"], ["version-shared"], ["lost"]]);
    }
}
