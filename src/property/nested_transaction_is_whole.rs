//! `property/nested-transaction-is-whole`: a transaction that is an entry of a batch is carried out as a whole or refused. R4
//! says of a batch that each entry is treated as an interaction of its own; whether a server takes a Bundle there is
//! up to it. Row TX-10.

use super::case::{Case, Command, Origin, Raw, RawBody, Script};
use super::trace::{Event, Trace, shown_version};
use super::transaction::{self, Fate};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset, life,
};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict, Violation};
use serde_json::{Value, json};

/// See the module.
pub struct NestedTransactionIsWhole;

static SPEC: PropertySpec = PropertySpec {
    id: "property/nested-transaction-is-whole",
    title: "A transaction within a batch happens as a whole or not at all",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#transaction",
    sentence: "In the case of a batch each entry is treated as if an individual interaction or operation",
    family: Family::Transaction,
    guards: &[Guard::Unknown, Guard::Tag],
    precondition: "a batch with a transaction that cannot be carried out was answered",
    usual_causes: &["a nested transaction is carried out entry by entry, as part of the batch"],
};

impl Property for NestedTransactionIsWhole {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        transaction::admitted(ground, "transaction", &["read", "update"])?;
        transaction::admitted(ground, "batch", &["read", "update"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read", "update"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let known = script.create(dataset::turn(resource_type, 0, values));
        let mut changed = dataset::turn(resource_type, 1, values);
        changed["id"] = json!(format!("${{id:{known}}}"));
        let mut inner = vec![
            json!({ "resource": changed,
                "request": { "method": "PUT", "url": format!("${{key:{known}}}"), "ifMatch": format!("${{etag:{known}}}") } }),
            json!({ "resource": { "resourceType": "NoSuchResource" },
                "request": { "method": "POST", "url": "NoSuchResource" } }),
        ];
        if !transaction::has_versions(ground, resource_type)
            && let Some(request) = inner[0]["request"].as_object_mut()
        {
            request.remove("ifMatch");
        }
        transaction::shuffle(&mut inner, values);
        let nested = script.entry(Command::Raw(Raw {
            method: Method::Post,
            url: "/".to_owned(),
            headers: Vec::new(),
            body: RawBody::Json(
                json!({ "resourceType": "Bundle", "type": "transaction", "entry": inner }),
            ),
            name: None,
        }));
        let reading = script.entry(Command::Read { target: known });
        script.read(known);
        script.bundle(false, vec![nested, reading]);
        script.read(known);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event, entries) in transaction::bundles(trace) {
            let nested = entries.iter().find_map(|entry| target(&entry.command));
            match transaction::fate(event) {
                Fate::Unknown(reason) => judgement.open.push(reason),
                Fate::Absent => {}
                Fate::Done(_) | Fate::Refused(_) => {
                    let changed = nested.and_then(|target| changed(trace, index, event, target));
                    judgement.weighed += u32::from(changed.is_some());
                    judgement.violations.extend(changed.flatten());
                }
            }
        }
        judgement
    }
}

/// What the nested transaction updates.
fn target(command: &Command) -> Option<u32> {
    let Command::Raw(raw) = command else {
        return None;
    };
    let RawBody::Json(bundle) = &raw.body else {
        return None;
    };
    let urls = crate::fhir::bundle::entries(bundle)
        .filter_map(|entry| entry.pointer("/request/url").and_then(Value::as_str));
    urls.flat_map(super::place::steps).next()
}

/// A violation if the update of a transaction that cannot be carried out took effect; `None` if nobody looked.
fn changed(trace: &Trace, index: usize, event: &Event, target: u32) -> Option<Option<Violation>> {
    let before = transaction::read_before(trace, index, target)?;
    let after = transaction::read_after(trace, index, target)?;
    let (one, other) = (before.accepted()?, after.accepted()?);
    let changed = shown_version(one) != shown_version(other)
        || transaction::mark_of(one) != transaction::mark_of(other);
    Some(changed.then(|| {
        life::violation(
            &SPEC,
            "Half of a transaction within a batch took effect",
            "version and content as before",
            "another version or content",
            "meta.versionId",
            &[before, event, after],
        )
        .signed("partial")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Entry;
    use crate::property::staging::{Stage, capability, response};

    fn judge(status: u16, version: &str) -> Judgement {
        let patient =
            |version: &str| json!({"resourceType": "Patient", "meta": {"versionId": version}});
        let mut stage = Stage::new(SPEC.id);
        let known = stage.create("Patient/1", patient("1"));
        stage.read(known, 200, patient("1"));
        let inner = json!({"request": {"method": "PUT", "url": "${key:0}"}});
        let nested = Command::Raw(Raw {
            method: Method::Post,
            url: "/".to_owned(),
            headers: Vec::new(),
            body: RawBody::Json(json!({"resourceType": "Bundle", "entry": [inner]})),
            name: None,
        });
        let entries = vec![Entry {
            id: 100,
            command: nested,
        }];
        stage.bundle(entries, status, response(&[("400", "")]), &[]);
        stage.read(known, 200, patient(version));
        NestedTransactionIsWhole.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_nested_transaction_without_effect_is_silent() {
        for status in [200, 400] {
            let judgement = judge(status, "1");
            assert_eq!((judgement.violations, judgement.weighed), (Vec::new(), 1));
        }
    }

    #[test]
    fn half_a_nested_transaction_is_found() {
        assert_eq!(judge(200, "2").violations[0].signature, ["partial"]);
    }

    #[test]
    fn a_lost_answer_decides_nothing() {
        assert_eq!(judge(503, "2").weighed, 0);
    }
}
