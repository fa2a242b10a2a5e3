//! Retracting: a resource that the target does not delete is marked as entered in error, where R4 has a code for it.
//! The fallback of cleaning up; it stays there, and says that it means nothing.

use serde_json::{Value, json};

use crate::fhir::definitions::allows_code;
use crate::fhir::{Key, resource};
use crate::http::{Exchange, Method, Request};

/// What becomes of a resource of ours that cannot be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnClean {
    /// It stays as it is, and is named.
    #[default]
    Delete,
    /// It is marked as entered in error.
    EnteredInError,
}

const CODE: &str = "entered-in-error";

/// Elements of type code that may hold it, in the types that bind them to a value set with it.
const CODES: &[&str] = &["status", "lifecycleStatus"];

/// Types whose `verificationStatus` holds it, with the system; `clinicalStatus` goes then (con-5, ait-2).
const VERIFIED: &[(&str, &str)] = &[
    (
        "AllergyIntolerance",
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    ),
    (
        "Condition",
        "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    ),
];

/// The resource marked as entered in error; `None` if its type has no way to say so.
pub fn marked(mut resource: Value) -> Option<Value> {
    let name = resource::resource_type(&resource)?.to_owned();
    let members = resource.as_object_mut()?;
    let mut elements = CODES.iter();
    if let Some(element) = elements.find(|element| allows_code(&name, element, CODE) == Some(true))
    {
        members.insert((*element).to_owned(), CODE.into());
        return Some(resource);
    }
    let (_, system) = VERIFIED.iter().find(|(verified, _)| *verified == name)?;
    members.shift_remove("clinicalStatus");
    members.shift_remove("_clinicalStatus");
    let coding = json!({ "coding": [{ "system": system, "code": CODE }] });
    members.insert("verificationStatus".to_owned(), coding);
    Some(resource)
}

/// Reads a resource and writes it back marked. One that is marked already is left alone.
///
/// # Errors
/// Why it is not marked, in a few words.
pub async fn retract(key: &Key, send: impl AsyncFn(Request) -> Exchange) -> Result<(), String> {
    let read = send(Request::get(key.to_string())).await;
    let body = match (read.status(), read.json()) {
        (Some(200), Some(body)) => body,
        (Some(status), _) => return Err(format!("it cannot be read ({status})")),
        (None, _) => return Err("it cannot be read".to_owned()),
    };
    let marked = marked(body.clone()).ok_or("R4 has no code for it")?;
    if marked == body {
        return Ok(());
    }
    let mut request = Request::new(Method::Put, key.to_string()).with_json(&marked);
    if let Some(etag) = read.header("etag") {
        request = request.with_header("If-Match", etag);
    }
    match send(request).await.status() {
        Some(200 | 201 | 204) => Ok(()),
        Some(status) => Err(format!("it cannot be marked ({status})")),
        None => Err("it cannot be marked".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::validate;

    #[test]
    fn what_has_a_status_for_it_is_marked_and_stays_valid() {
        let ours = [
            json!({"resourceType": "Observation", "id": "a", "status": "final", "code": {"text": "x"}}),
            json!({"resourceType": "Goal", "id": "a", "lifecycleStatus": "active",
                "description": {"text": "x"}, "subject": {"display": "x"}}),
            json!({"resourceType": "Condition", "id": "a", "subject": {"display": "x"},
                "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active"}]}}),
        ];
        for resource in ours {
            let marked = marked(resource).expect("there is a code");
            assert!(marked.to_string().contains(CODE), "{marked}");
            assert!(!marked.to_string().contains("clinicalStatus"), "{marked}");
            let issues = validate::validate(&marked);
            assert!(issues.is_empty(), "{issues:?}");
        }
    }

    #[test]
    fn what_has_no_word_for_it_is_left_alone() {
        for name in ["Patient", "Organization", "Location"] {
            assert_eq!(
                marked(json!({"resourceType": name, "status": "active"})),
                None
            );
        }
    }
}
