//! `property/contained-kept`: contained resources are read back, and references to and from them still lead there. Row
//! RT-12. A server may give contained resources other ids, if the references follow.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::{Difference, Numbers, differences};
use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct ContainedKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/contained-kept",
    title: "Contained resources are read back, and references to them still lead there",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a contained one was accepted and read back",
    usual_causes: &[
        "contained resources are stored apart and not put back",
        "a reference that begins with # is resolved against the base URL",
        "ids of contained resources are replaced, and references to them are not",
    ],
};

/// Part of the signature of a contained resource that is gone.
const LOST: &str = "lost";

impl Property for ContainedKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut resource = document::bare(resource_type);
        let clinic = json!({ "resourceType": "Organization", "id": "clinic", "name": "Clinic" });
        let part = json!({ "resourceType": "Organization", "id": "ward", "name": "Ward",
            "partOf": { "reference": "#clinic" } });
        let back = match resource_type {
            "Observation" => {
                json!({ "resourceType": "Observation", "id": "part", "status": "final",
                "code": { "text": "part" }, "partOf": [{ "reference": "#" }] })
            }
            _ => json!({ "resourceType": "Person", "id": "same",
                "link": [{ "target": { "reference": "#" } }] }),
        };
        let refers = |target: &str| match resource_type {
            "Observation" => ("performer", json!([{ "reference": target }])),
            _ => ("managingOrganization", json!({ "reference": target })),
        };
        let (contained, target) = match values.below(5) {
            0..=1 => (json!([clinic]), Some("#clinic")),
            // A contained resource that refers to another.
            2..=3 => (json!([clinic, part]), Some("#ward")),
            // Only from the contained resource to the one around it.
            _ if resource_type == "Patient" => (json!([back]), None),
            _ => (json!([part, clinic]), Some("#ward")),
        };
        resource["contained"] = contained;
        if let Some(target) = target {
            let (name, reference) = refers(target);
            resource[name] = reference;
        }
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in document::kept(trace, &mut judgement) {
            if pair.sent.get("contained").is_none() {
                continue;
            }
            judgement.weighed += 1;
            let (sent, found) = (renamed(&pair.sent), renamed(&pair.found));
            let all = differences(&sent, &found, &trace.base, Numbers::Present);
            let concern = |difference| kind(difference).map(|kind| (difference, kind));
            // Where the resource is lost, its references lead nowhere for no other reason.
            let lost = all
                .iter()
                .filter_map(concern)
                .find(|(_, kind)| kind.0 == LOST);
            let first = lost.or_else(|| all.iter().find_map(concern));
            if let Some((difference, kind)) = first {
                let violation = document::violation(&SPEC, difference, kind);
                judgement.violations.push(violation.seen_in(pair.exchanges));
            }
        }
        judgement
    }
}

/// The resource with its contained resources named by their position, wherever the names stand.
fn renamed(resource: &Value) -> Value {
    let contained = resource.get("contained").and_then(Value::as_array);
    let names: BTreeMap<String, String> = contained
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, inner)| {
            let id = inner.get("id")?.as_str()?.trim_start_matches('#');
            Some((id.to_owned(), format!("c{index}")))
        })
        .collect();
    let mut renamed = resource.clone();
    if let Some(inner) = renamed.get_mut("contained").and_then(Value::as_array_mut) {
        for (index, inner) in inner.iter_mut().enumerate() {
            if inner.get("id").is_some() {
                inner["id"] = json!(format!("c{index}"));
            }
        }
    }
    rename_references(&mut renamed, &names);
    renamed
}

fn rename_references(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| rename_references(item, names)),
        Value::Object(members) => {
            for (name, item) in members.iter_mut() {
                let local = item.as_str().and_then(|text| text.strip_prefix('#'));
                match local.and_then(|id| names.get(id)) {
                    Some(id) if name == "reference" => *item = json!(format!("#{id}")),
                    _ => rename_references(item, names),
                }
            }
        }
        _ => {}
    }
}

fn kind(difference: &Difference) -> Option<Kind> {
    let is_inside = difference.path.contains(".contained");
    let is_local = difference.path.ends_with(".reference") && difference.sent.starts_with('#')
        || difference.sent.contains("\"reference\":\"#");
    Some(match difference.kind {
        _ if is_local && !difference.path.ends_with(".contained") => (
            "reference",
            "A reference to or from a contained resource no longer leads there",
        ),
        "lost" if is_inside => (LOST, "A contained resource or a part of it is lost"),
        _ if is_inside => (
            "changed",
            "A contained resource is read back other than it was written",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn patient(id: &str, reference: &str) -> Value {
        json!({"resourceType": "Patient", "managingOrganization": {"reference": reference},
            "contained": [{"resourceType": "Organization", "id": id, "name": "Clinic"}]})
    }

    fn judge(found: Value) -> Judgement {
        judged(&ContainedKept, patient("clinic", "#clinic"), found)
    }

    #[test]
    fn kept_and_consistently_renamed_resources_are_silent() {
        assert_faithful(&ContainedKept, patient("clinic", "#clinic"));
        assert_eq!(signs(&judge(patient("x1", "#x1"))).len(), 0);
    }

    #[test]
    fn lost_resources_and_broken_references_are_told_apart() {
        let lost =
            json!({"resourceType": "Patient", "managingOrganization": {"reference": "#clinic"}});
        assert_eq!(signs(&judge(lost)), ["lost"]);
        assert_eq!(signs(&judge(patient("x1", "#clinic"))), ["reference"]);
        let resolved = patient("clinic", "http://h/fhir/#clinic");
        assert_eq!(signs(&judge(resolved)), ["reference"]);
        let mut changed = patient("clinic", "#clinic");
        changed["contained"][0]["name"] = json!("CLINIC");
        assert_eq!(signs(&judge(changed)), ["changed"]);
    }

    #[test]
    fn a_resource_without_one_says_nothing() {
        let bare = document::bare("Patient");
        assert_eq!(judged(&ContainedKept, bare.clone(), bare).weighed, 0);
    }
}
