//! `$validate`: what a create or update would say of a resource, without doing it.
//! <http://hl7.org/fhir/R4/resource-operation-validate.html>. Knows no profiles but the base definitions.

use serde_json::{Value, json};

use super::super::defect::Fault;
use super::super::outcome::{Refusal, issue, success};
use super::super::router::Place;
use super::super::turn::{Call, Reply, Turn};
use super::input::{Input, missing};
use crate::fhir::resource::{id, resource_type};

/// What the validation is for, <http://hl7.org/fhir/R4/valueset-resource-validation-mode.html>.
const MODES: [&str; 4] = ["create", "update", "delete", "profile"];

/// Canonical of the base definition of a type, without the type.
const BASE_DEFINITIONS: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Answers 200 with an OperationOutcome, whatever it says.
pub fn validate(turn: &mut Turn<'_>, call: &Call, place: &Place) -> Result<Reply, Refusal> {
    let input = Input::of(call);
    let mode = input.text("mode");
    if mode.as_deref().is_some_and(|mode| !MODES.contains(&mode)) {
        return Err(Refusal::new(400, "value", "mode is none that R4 knows"));
    }
    let stored = match place {
        Place::Instance(key) => Some(turn.living(key)?),
        _ => None,
    };
    if mode.as_deref() == Some("delete") {
        return match stored {
            Some(_) => Ok(Reply::made(200, success("the resource can be deleted"))),
            None => Err(missing("for mode=delete the id of a resource")),
        };
    }
    let offered = input.value("resource").or(input.body());
    let stored = stored
        .as_ref()
        .and_then(|version| version.resource.as_ref());
    let resource = offered.or(stored).ok_or_else(|| missing("a resource"))?;
    let name = place.resource_type().unwrap_or_default();
    if resource_type(resource) != Some(name) {
        let message = format!("the resource is not of type {name}, as the URL says");
        return Err(Refusal::invalid(message));
    }
    let mut issues = Refusal::unprocessable(&crate::fhir::validate::validate(resource)).issues;
    if let (Place::Instance(key), Some("update")) = (place, mode.as_deref())
        && id(resource) != Some(key.id.as_str())
    {
        issues.push(issue(
            "error",
            "invariant",
            "the id of the resource is not the id in the URL",
        ));
    }
    if !turn.server.has(Fault::ValidateUnknownProfileFine) {
        issues.extend(unknown_profiles(&input, name));
    }
    if issues.is_empty() || turn.server.has(Fault::ValidateAlwaysFine) {
        return Ok(Reply::made(200, success("the resource is valid")));
    }
    let outcome = json!({ "resourceType": "OperationOutcome", "issue": issues });
    Ok(Reply::made(200, outcome))
}

/// A profile that is not known cannot be checked, and silence would look like conformance.
fn unknown_profiles(input: &Input, name: &str) -> Vec<Value> {
    let profiles = input.all("profile").filter_map(Value::as_str);
    profiles
        .filter(|profile| profile.strip_prefix(BASE_DEFINITIONS) != Some(name))
        .map(|_| {
            issue(
                "error",
                "not-found",
                "the profile is not known to this server, so nothing is checked against it",
            )
        })
        .collect()
}
