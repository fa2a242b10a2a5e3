//! `property/conditional-create-by-matches`: a conditional create creates, leaves alone or is refused, by the number of matches.
//! Row CR-15.

use super::case::{Case, Command};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life, matches,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct ConditionalCreateByMatches;

static SPEC: PropertySpec = PropertySpec {
    id: "property/conditional-create-by-matches",
    title: "A conditional create creates, leaves alone or is refused by the number of matches",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#ccreate",
    sentence: "Multiple matches: The server returns a 412 Precondition Failed error indicating the client's criteria were not selective enough",
    family: Family::Life,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Unknown],
    precondition: "a conditional create whose matches are known was answered",
    usual_causes: &[
        "the criteria are not evaluated",
        "the first of several matches is taken",
    ],
};

impl Property for ConditionalCreateByMatches {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_default();
        let (script, _) = matches::script(&SPEC, &types, values, |resource_type, values| {
            Command::Create {
                name: matches::NAME.to_owned(),
                resource: dataset::turn(resource_type, 5, values),
                if_none_exist: true,
            }
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        matches::judge(
            trace,
            |command| {
                matches!(
                    command,
                    Command::Create {
                        if_none_exist: true,
                        ..
                    }
                )
            },
            |index, event| judge(trace, index, event),
        )
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    matches::types(
        ground,
        &[],
        |name| ground.capability.flag(name, "conditionalCreate"),
        "conditionalCreate",
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

fn judge(trace: &Trace, index: usize, event: &Event) -> matches::Judged {
    let Some(before) = matches::before(trace, index)? else {
        return Ok(None);
    };
    let status = life::status(event);
    let search = trace.search(matches::BEFORE);
    let shown: Vec<&Event> = search.into_iter().chain([event]).collect();
    let says = || life::says(event);
    let by_status = match (before.len(), status) {
        (_, 0 | 429 | 500..) => return Ok(None),
        (0, 200..=299) | (1, 200) | (2.., 400..) => None,
        (0, _) => return Ok(None),
        (1, 201) => Some(found(
            "A conditional create whose criteria match creates",
            "status 200 and nothing created",
            says(),
            "status",
            &shown,
            "one",
        )),
        (1, _) => return Ok(None),
        (count, _) => Some(found(
            "A conditional create whose criteria match several is carried out",
            Phrase::say(format!("412 for {count} matches")),
            says(),
            "status",
            &shown,
            "several",
        )),
    };
    if by_status.is_some() {
        return Ok(Some(by_status));
    }
    let Some(after) = matches::after(trace, index)? else {
        return Ok(Some(None));
    };
    let wanted = before.len().max(1);
    let shown: Vec<&Event> = shown
        .into_iter()
        .chain(trace.search(matches::AFTER))
        .collect();
    Ok(Some((after.len() != wanted).then(|| {
        found(
            "A conditional create leaves another number of resources than its answer says",
            Phrase::say(format!("{wanted} with the identifier")),
            Phrase::say(format!("{}", after.len())),
            "Bundle.entry",
            &shown,
            "count",
        )
    })))
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
        let command = Command::Create {
            name: matches::NAME.to_owned(),
            resource: json!({"resourceType": "Patient"}),
            if_none_exist: true,
        };
        stage.push(command, None, vec![(status, json!({}))]);
        stage.settle("Patient");
        let answer = searchset(after, "Patient");
        stage.push(search(matches::AFTER), None, vec![(200, answer)]);
        ConditionalCreateByMatches
            .check(&stage.trace(), &capability(json!({})))
            .violations
    }

    const TWO: &[&str] = &["Patient/1", "Patient/2"];
    const ONE: &[&str] = &["Patient/1"];

    #[test]
    fn each_number_of_matches_has_its_answer() {
        assert_eq!(judge(&[], 201, ONE), []);
        assert_eq!(judge(ONE, 200, ONE), []);
        assert_eq!(judge(TWO, 412, TWO), []);
    }

    #[test]
    fn duplicates_and_wrong_answers_are_found() {
        assert_eq!(judge(ONE, 201, TWO)[0].signature, ["one"]);
        assert_eq!(judge(TWO, 200, TWO)[0].signature, ["several"]);
        assert_eq!(judge(ONE, 200, TWO)[0].signature, ["count"]);
    }
}
