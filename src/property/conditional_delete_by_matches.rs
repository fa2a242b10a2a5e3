//! `property/conditional-delete-by-matches`: a conditional delete deletes the matches, or is refused and deletes nothing.
//! Row CR-14.

use super::case::{Case, Command, Search};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, life, matches,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ConditionalDeleteByMatches;

static SPEC: PropertySpec = PropertySpec {
    id: "property/conditional-delete-by-matches",
    title: "A conditional delete deletes the matches that it says, and nothing else",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#3.1.0.7.1",
    sentence: "Multiple matches: A server may choose to delete all the matching resources, or it may choose to return a 412 Precondition Failed error indicating the client's criteria were not selective enough",
    family: Family::Life,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Unknown],
    precondition: "a conditional delete whose matches are known was answered",
    usual_causes: &[
        "the criteria are not evaluated and everything of the type is deleted",
        "one of several matches is deleted",
    ],
};

impl Property for ConditionalDeleteByMatches {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_default();
        let (mut script, resource_type) =
            matches::script(&SPEC, &types, values, |resource_type, _| {
                Command::DeleteWhere {
                    resource_type: resource_type.to_owned(),
                    name: matches::NAME.to_owned(),
                }
            });
        script.search(Search::of("others", resource_type, Vec::new()));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        matches::judge(
            trace,
            |command| matches!(command, Command::DeleteWhere { .. }),
            |index, event| judge(trace, index, event),
        )
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    matches::types(
        ground,
        &["delete"],
        |name| claims(ground, name),
        "conditionalDelete",
    )
}

fn found(
    title: &str,
    expected: impl Into<Phrase>,
    actual: impl Into<Phrase>,
    place: &str,
    shown: &[&Event],
    sign: &str,
) -> Violation {
    matches::broken(
        life::violation(&SPEC, title, expected, actual, place, shown),
        sign,
    )
}

fn claims(ground: &Ground<'_>, name: &str) -> bool {
    ground
        .capability
        .member(name, "conditionalDelete")
        .is_some_and(|support| support == "single" || support == "multiple")
}

fn judge(trace: &Trace, index: usize, event: &Event) -> matches::Judged {
    let Some(before) = matches::before(trace, index)? else {
        return Ok(None);
    };
    let accepted = match life::status(event) {
        0 | 429 | 500.. => return Ok(None),
        // Deleting is under way, and nobody says when it will be done.
        202 => return Ok(None),
        status => status < 300,
    };
    let search = trace.search(matches::BEFORE);
    let after = trace.search(matches::AFTER);
    let shown: Vec<&Event> = search.into_iter().chain([event]).chain(after).collect();
    if let Some(others) = others(trace, index, event)? {
        return Ok(Some(Some(others)));
    }
    let Some(left) = matches::after(trace, index)? else {
        return Ok(None);
    };
    if accepted && !left.is_empty() && !before.is_empty() {
        return Ok(Some(Some(found(
            "A conditional delete that was accepted leaves matches",
            "no match left",
            Phrase::say(format!("{} of {} left", left.len(), before.len())),
            "Bundle.entry",
            &shown,
            "left",
        ))));
    }
    Ok(Some((!accepted && left != before).then(|| {
        found(
            "A conditional delete that was refused deletes",
            Phrase::say(format!("{} matches as before", before.len())),
            Phrase::say(format!("{}", left.len())),
            "Bundle.entry",
            &shown,
            "refused",
        )
    })))
}

/// A resource of the case that does not match is gone.
fn others(trace: &Trace, index: usize, event: &Event) -> Result<Option<Violation>, Open> {
    let Some(all) = answer::whole(trace, "others")? else {
        return Ok(None);
    };
    let stranger = trace.events[..index].iter().find(|event| {
        let other = event.step.command.name() != Some(matches::NAME);
        other && matches!(event.step.command, Command::Create { .. }) && event.accepted().is_some()
    });
    let awaited = matches::after(trace, index)?.is_some();
    let Some((stranger, key)) = stranger.and_then(|event| Some((event, event.key.as_ref()?)))
    else {
        return Ok(None);
    };
    Ok((awaited && !all.set().contains(key)).then(|| {
        found(
            "A conditional delete deletes what does not match",
            "the resource with another identifier is still found",
            "it is not",
            "Bundle.entry",
            &[stranger, event],
            "others",
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(before: &[&str], status: u16, after: &[&str]) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        stage.create("Patient/9", json!({"resourceType": "Patient"}));
        stage.settle("Patient");
        let search = |label: &str| Command::Search(matches::search(label, "Patient"));
        let answer = searchset(before, "Patient");
        stage.push(search(matches::BEFORE), None, vec![(200, answer)]);
        let command = Command::DeleteWhere {
            resource_type: "Patient".to_owned(),
            name: matches::NAME.to_owned(),
        };
        stage.push(command, None, vec![(status, json!({}))]);
        stage.settle("Patient");
        let answer = searchset(after, "Patient");
        stage.push(search(matches::AFTER), None, vec![(200, answer)]);
        ConditionalDeleteByMatches
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    const TWO: &[&str] = &["Patient/1", "Patient/2"];
    const ONE: &[&str] = &["Patient/1"];

    #[test]
    fn deleting_all_or_nothing_is_silent() {
        assert_eq!(judge(ONE, 204, &[]), []);
        assert_eq!(judge(TWO, 204, &[]), []);
        assert_eq!(judge(TWO, 412, TWO), []);
        assert_eq!(judge(&[], 404, &[]), []);
    }

    #[test]
    fn matches_that_stay_and_refusals_that_delete_are_found() {
        assert_eq!(judge(TWO, 204, ONE)[0].signature, ["left"]);
        assert_eq!(judge(TWO, 412, ONE)[0].signature, ["refused"]);
    }
}
