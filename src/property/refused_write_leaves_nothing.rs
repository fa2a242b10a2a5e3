//! `property/refused-write-leaves-nothing`: a create or update that was refused leaves no resource, no version and no match behind.
//! Row CR-11.

use super::case::{Case, Command, Criterion, Origin, Raw, RawBody, Script, Search, Term};
use super::trace::{Event, Reply, Trace, shown_version};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;
use serde_json::{Value, json};

/// See the module.
pub struct RefusedWriteLeavesNothing;

static SPEC: PropertySpec = PropertySpec {
    id: "property/refused-write-leaves-nothing",
    title: "A write that was refused leaves nothing behind",
    level: Level::Should,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "When the resource syntax or data is incorrect or invalid, and cannot be used to create a new resource, the server returns a 400 Bad Request HTTP status code",
    family: Family::Life,
    guards: &[Guard::Unknown, Guard::Barrier, Guard::Tag],
    precondition: "a create or update with an invalid body was refused",
    usual_causes: &[
        "the resource is stored before it is validated",
        "an error after the insert is not rolled back",
    ],
};

impl Property for RefusedWriteLeavesNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground
            .written(&["read", "update", "search-type"])
            .map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update", "search-type"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        let name = script.fresh_name();
        script.push(Command::Raw(Raw {
            method: Method::Post,
            url: resource_type.to_owned(),
            headers: Vec::new(),
            body: RawBody::Json(spoilt(dataset::turn(resource_type, 1, values), values)),
            name: Some(name.clone()),
        }));
        script.settle(resource_type);
        let criterion = Criterion::new("identifier", Term::Identifier(name));
        script.search(Search::of(CREATED, resource_type, vec![criterion]));
        script.read(made);
        script.push(Command::Raw(Raw {
            method: Method::Put,
            url: format!("${{key:{made}}}"),
            headers: vec![("If-Match".to_owned(), format!("${{etag:{made}}}"))]
                .into_iter()
                .filter(|_| {
                    ground
                        .capability
                        .member(resource_type, "versioning")
                        .is_some_and(|versioning| versioning == "versioned-update")
                })
                .collect(),
            body: RawBody::Json({
                let mut body = spoilt(dataset::turn(resource_type, 2, values), values);
                body["id"] = json!(format!("${{id:{made}}}"));
                body
            }),
            name: Some(format!("r{made}")),
        }));
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        // A server error to an invalid body says nothing of what was stored, and is another property's business.
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Command::Raw(raw) = &event.step.command else {
                continue;
            };
            let refused = matches!(event.reply(), Reply::Refused(_));
            if !refused {
                continue;
            }
            let found = match raw.method {
                Method::Post => created(trace, event),
                _ => updated(trace, index, event),
            };
            if let Some(found) = found {
                judgement.weighed += 1;
                judgement.violations.extend(found);
            }
        }
        judgement
    }
}

/// Label of the search for what must not have been created.
const CREATED: &str = "created";

/// A resource that R4 does not allow, by one of several faults.
fn spoilt(mut resource: Value, values: &mut Values) -> Value {
    let is_patient = resource.get("resourceType").and_then(Value::as_str) == Some("Patient");
    match values.below(3) {
        0 if is_patient => resource["gender"] = json!(["female"]),
        1 if is_patient => resource["birthDate"] = json!("not a date"),
        0 => resource["status"] = json!({ "code": "final" }),
        1 => resource["effectiveDateTime"] = json!("not a date"),
        _ => resource["notAnElement"] = json!({ "x": 1 }),
    }
    resource
}

/// What came of a refused create: `None` if nobody looked.
fn created(trace: &Trace, event: &Event) -> Option<Option<Violation>> {
    let search = trace.search(CREATED)?;
    let position = |of: &Event| {
        trace
            .events
            .iter()
            .position(|event| event.step.id == of.step.id)
    };
    if position(search)? < position(event)? {
        return None;
    }
    let found = answer::whole(trace, CREATED).ok()??;
    Some((!found.set().is_empty()).then(|| {
        let mut violation = life::violation(
            &SPEC,
            "A create that was refused left a resource behind",
            "no match for the identifier of the refused resource",
            Phrase::say(format!("{} matches", found.set().len())),
            "Bundle.entry",
            &[event, search],
        )
        .signed("created");
        violation.oracle = Some(Completeness::Exact);
        violation
    }))
}

/// What came of a refused update: `None` if the reads around it are not there.
fn updated(trace: &Trace, index: usize, event: &Event) -> Option<Option<Violation>> {
    let target = index
        .checked_sub(1)
        .and_then(|before| trace.events[before].step.command.target())?;
    let before = life::read_before(trace, index, target)?;
    let after = life::read_after(trace, index, target)?;
    let (one, other) = (before.accepted()?, after.accepted()?);
    let mark = |exchange: &crate::http::Exchange| {
        exchange
            .json()
            .as_ref()
            .and_then(life::mark)
            .map(str::to_owned)
    };
    let changed = shown_version(one) != shown_version(other) || mark(one) != mark(other);
    Some(changed.then(|| {
        life::violation(
            &SPEC,
            "An update that was refused changed the resource",
            "version and content as before",
            "another version or content",
            "meta.versionId",
            &[before, event, after],
        )
        .signed("changed")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};

    fn raw(method: Method) -> Command {
        Command::Raw(Raw {
            method,
            url: "Patient".to_owned(),
            headers: Vec::new(),
            body: RawBody::None,
            name: None,
        })
    }

    fn judge(found: &[&str], version: &str) -> Judgement {
        let patient = |version: &str| -> Value {
            json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version}})
        };
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", patient("1"));
        stage.push(raw(Method::Post), None, vec![(422, json!({}))]);
        stage.settle("Patient");
        let search = Search::of(CREATED, "Patient", Vec::new());
        let answer = searchset(found, "Patient");
        stage.push(Command::Search(search), None, vec![(200, answer)]);
        stage.read(made, 200, patient("1"));
        stage.push(raw(Method::Put), None, vec![(400, json!({}))]);
        stage.read(made, 200, patient(version));
        RefusedWriteLeavesNothing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_refusal_that_leaves_everything_as_it_was_is_silent() {
        let judgement = judge(&[], "1");
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 2));
    }

    #[test]
    fn a_resource_left_behind_and_a_changed_one_are_found() {
        assert_eq!(
            judge(&["Patient/2"], "1").violations[0].signature,
            ["created"]
        );
        assert_eq!(judge(&[], "2").violations[0].signature, ["changed"]);
    }
}
