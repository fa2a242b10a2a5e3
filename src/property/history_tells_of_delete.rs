//! `property/history-tells-of-delete`: the entry of a delete in a history says DELETE and holds no resource. Row VH-05.

use super::case::{Case, Command, Origin, Script};
use super::chronicle;
use super::trace::{Event, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct HistoryTellsOfDelete;

static SPEC: PropertySpec = PropertySpec {
    id: "property/history-tells-of-delete",
    title: "The entry of a delete in a history says DELETE and holds no resource",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "no resource included for a delete",
    family: Family::History,
    guards: &[Guard::Unknown],
    precondition: "a resource was deleted, and its history read",
    usual_causes: &[
        "the last content is repeated as the version of the delete",
        "every version but the first is said to be a PUT",
        "a delete removes the row and writes no version",
    ],
};

const INTERACTIONS: &[&str] = &["delete", "history-instance"];

impl Property for HistoryTellsOfDelete {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        chronicle::types(ground, INTERACTIONS).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = chronicle::types(ground, INTERACTIONS).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        if values.chance(50) {
            script.put(made, dataset::turn(resource_type, 1, values), None);
        }
        script.delete(made);
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        for event in &trace.events {
            match &event.step.command {
                Command::History { target, options } if options.is_empty() => {
                    judge(trace, event, *target, &mut judgement);
                }
                _ => {}
            }
        }
        judgement
    }

    /// That a delete is in the history at all is more than how it is told.
    fn level_of(&self, violation: &Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == "absent" => Level::Robust,
            _ => SPEC.level,
        }
    }
}

fn judge(trace: &Trace, event: &Event, target: u32, judgement: &mut Judgement) {
    let writes = chronicle::writes(trace, target, event);
    let deletes: Vec<_> = writes.iter().filter(|write| write.is_delete).collect();
    let [delete] = deletes.as_slice() else {
        return;
    };
    let Some(listed) = chronicle::chapters(event) else {
        return;
    };
    judgement.weighed += 1;
    // The version of the delete if its answer named one, else whatever tells of a delete.
    let named = listed
        .iter()
        .find(|chapter| delete.version.is_some() && chapter.version == delete.version);
    let chapter = named.or_else(|| listed.iter().find(|chapter| chapter.is_delete()));
    let says_delete = |method: &Option<String>| method.as_deref() == Some("DELETE");
    let (kind, actual) = match chapter {
        None => (
            ("absent", "The history does not tell of a delete"),
            Phrase::say("no entry of a delete"),
        ),
        Some(chapter) if !says_delete(&chapter.method) => (
            ("method", "The entry of a delete does not say DELETE"),
            match &chapter.method {
                Some(method) => Phrase::say("method ").data(method.as_str()),
                None => Phrase::say("no method"),
            },
        ),
        Some(chapter) if chapter.has_resource => (
            ("resource", "The entry of a delete holds a resource"),
            Phrase::say("a resource"),
        ),
        Some(_) => return,
    };
    let expected = "an entry with the method DELETE and no resource";
    let numbers = delete.event.numbers().chain(event.numbers());
    judgement.violations.push(
        chronicle::broken(&SPEC, kind, expected, actual)
            .at("Bundle.entry.request.method")
            .seen_in(numbers),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::chronicle::testing::{bundle, delete, version};
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    const AT: &str = "2020-01-01T00:00:00Z";

    fn judge(entries: Vec<Value>) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let gone = Command::Delete {
            target: made,
            if_match: None,
        };
        let versioned = json!({"meta": {"versionId": "2"}});
        stage.push(gone, Some("Patient/1"), vec![(200, versioned)]);
        let history = Command::History {
            target: made,
            options: Vec::new(),
        };
        stage.push(history, Some("Patient/1"), vec![(200, bundle(entries))]);
        HistoryTellsOfDelete.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn an_entry_of_a_delete_is_silent() {
        let judgement = judge(vec![delete("2"), version("1", AT)]);
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_is_wrong_with_it_is_told_apart() {
        let mut full = delete("2");
        full["resource"] = json!({"resourceType": "Patient", "id": "1"});
        for (first, sign) in [
            (full, "resource"),
            (version("2", AT), "method"),
            (version("1", AT), "absent"),
        ] {
            assert_eq!(signs(&judge(vec![first])), [sign]);
        }
    }
}
