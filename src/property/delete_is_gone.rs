//! `property/delete-is-gone`: what was deleted is neither read nor found, once the index had its time.

use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Reply, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct DeleteIsGone;

static SPEC: PropertySpec = PropertySpec {
    id: "property/delete-is-gone",
    title: "What was deleted is neither read nor found",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#delete",
    sentence: "A delete interaction means that subsequent non-version specific reads of a resource return a 410 HTTP status code and that the resource is no longer found through search interactions.",
    family: Family::Life,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Fresh, Guard::Unknown],
    precondition: "a resource was deleted and then read or searched for",
    usual_causes: &[
        "the search index is not told of deletes",
        "a cache answers reads",
        "resources are only marked as deleted and one code path forgets the mark",
    ],
};

impl Property for DeleteIsGone {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read", "delete"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "delete"], values);
        let searched = ground.capability.supports(resource_type, "search-type");
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let kept = script.create(dataset::turn(resource_type, 0, values));
        let gone = script.create(dataset::turn(resource_type, 1, values));
        if ground.capability.supports(resource_type, "update") {
            for turn in 0..values.below(3) {
                let target = if values.chance(70) { gone } else { kept };
                script.put(target, dataset::turn(resource_type, 2 + turn, values), None);
            }
        }
        if searched {
            script.settle(resource_type);
        }
        script.delete(gone);
        script.read(gone);
        if searched {
            script.settle(resource_type);
            script.search(Search::of("all", resource_type, Vec::new()));
            if ground
                .capability
                .supports_parameter(resource_type, "identifier")
            {
                let term = Term::Identifier(format!("r{gone}"));
                let criteria = vec![Criterion::new("identifier", term)];
                script.search(Search::of("identifier", resource_type, criteria));
            }
            if ground.capability.supports_parameter(resource_type, "_id") {
                let criteria = vec![Criterion::new("_id", Term::Id(gone))];
                script.search(Search::of("id", resource_type, criteria));
            }
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Delete { target, .. } = event.step.command else {
                continue;
            };
            match (event.reply(), &event.key) {
                (Reply::Accepted(_), Some(key)) => {
                    afterwards(trace, index, target, key, &mut judgement);
                }
                (Reply::Refused(exchange), _) => judgement.open.push(Open::Blocked(format!(
                    "the target refuses to delete ({})",
                    exchange.status().unwrap_or_default()
                ))),
                _ => {}
            }
        }
        judgement
    }
}

fn afterwards(trace: &Trace, index: usize, target: u32, key: &Key, judgement: &mut Judgement) {
    let delete = &trace.events[index];
    let mut awaited = false;
    for event in &trace.events[index + 1..] {
        match &event.step.command {
            Command::Put { target: of, .. } if *of == target => return,
            Command::Read { target: of } if *of == target => {
                judgement.weighed += 1;
                if event.accepted().is_some() {
                    judgement
                        .violations
                        .push(still(delete, event, "read", "410 or 404"));
                }
            }
            Command::Settle { .. } => awaited = true,
            Command::Search(search) if awaited => match answer::pages(trace, &search.label) {
                Ok(Some(answer)) => {
                    judgement.weighed += 1;
                    if answer.set().contains(key) {
                        let expected = "the deleted resource is not among the matches";
                        judgement
                            .violations
                            .push(still(delete, event, "search", expected));
                    }
                }
                Ok(None) => {}
                Err(reason) => judgement.open.push(reason),
            },
            _ => {}
        }
    }
}

fn still(delete: &Event, event: &Event, how: &str, expected: &str) -> Violation {
    let (title, actual) = match how {
        "read" => (
            "A deleted resource is still read",
            Phrase::say("status 200 with the resource"),
        ),
        _ => (
            "A deleted resource is still found by search",
            Phrase::say("the deleted resource is a match"),
        ),
    };
    let mut violation = Violation::new(SPEC.id, title, expected, actual)
        .seen_in(delete.numbers().chain(event.numbers()))
        .signed(how);
    violation.oracle = Some(Completeness::Exact);
    violation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(read: u16, found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.push(
            Command::Delete {
                target: made,
                if_match: None,
            },
            Some("Patient/1"),
            vec![(204, json!(null))],
        );
        stage.read(made, read, json!({"resourceType": "Patient", "id": "1"}));
        stage.settle("Patient");
        let search = Search::of("all", "Patient", Vec::new());
        stage.push(
            Command::Search(search),
            None,
            vec![(200, searchset(found, "Patient?_tag=x"))],
        );
        DeleteIsGone.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn gone_is_410_or_404_and_no_match() {
        for status in [410, 404] {
            let judgement = judge(status, &["Patient/2"]);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 2));
        }
    }

    #[test]
    fn a_deleted_resource_that_is_read_or_found_is_a_violation() {
        assert_eq!(judge(200, &[]).violations[0].signature, ["read"]);
        assert_eq!(
            judge(410, &["Patient/1"]).violations[0].signature,
            ["search"]
        );
    }
}
