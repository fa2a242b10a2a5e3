//! Steps that are refused: the one that prepares keeps a case from being decided, the one under test breaks its rule.

use super::*;
use crate::http::{FHIR_JSON, Method, Response};

/// Creates whatever it is sent, and answers every PATCH with a status.
fn refusing(status: u16) -> Arc<Scripted> {
    Scripted::new(BASE, move |_, method, _| {
        let patient = json!({"resourceType": "Patient", "id": "a", "gender": "other"});
        let (status, body) = match method {
            Method::Post => (201, patient),
            Method::Patch => (
                status,
                json!({"resourceType": "OperationOutcome", "issue": []}),
            ),
            _ => (200, patient),
        };
        Response {
            status,
            version: "HTTP/1.1",
            headers: [("content-type", FHIR_JSON)].into_iter().collect(),
            body: body.to_string().into(),
        }
    })
}

/// What becomes of a case whose patch, which another step looks at, is answered with a status.
async fn patched(field: &str, judged: bool, status: u16) -> Verdict {
    let text = format!(
        "
kind: conformance
title: One patch
cases:
  - id: patch/one
    title: A patch is carried out
    spec: http://hl7.org/fhir/R4/http.html#patch
    sentence: clients can perform a patch operation
    level: SHALL
    severity: major
    steps:
      - post: Patient
        body: {{ resourceType: Patient }}
        expect: {{ status: 201 }}
        capture: {{ made: created-id }}
      - patch: Patient/${{made}}
        headers: {{ {field} }}
        body: []
        decides: {judged}
        expect: {{ status: [200, 204] }}
      - get: Patient/${{made}}
        expect: {{ status: 200, path: gender = 'other' }}
"
    );
    let suite = suite(&text);
    let context = context(Completeness::Exact, refusing(status));
    let (record, _) = case::execute(&context, &suite, &suite.cases()[0]).await;
    record.verdict
}

const PLAIN: &str = "Prefer: return=minimal";

#[tokio::test]
async fn a_preparing_step_that_is_refused_blocks_and_says_which() {
    let reason = "a preparing PATCH was refused with 400".to_owned();
    assert_eq!(patched(PLAIN, false, 400).await, Verdict::Blocked(reason));
    assert_eq!(patched(PLAIN, false, 204).await, Verdict::Pass);
}

#[tokio::test]
async fn a_judged_step_that_is_refused_fails_the_target() {
    for status in [400, 405, 415, 422] {
        assert_eq!(
            patched(PLAIN, true, status).await,
            Verdict::Fail,
            "{status}"
        );
    }
    assert_eq!(patched(PLAIN, true, 200).await, Verdict::Pass);
}

#[tokio::test]
async fn a_judged_step_may_be_refused_for_want_of_a_right_or_of_a_version() {
    for status in [403, 412, 428] {
        let verdict = patched(PLAIN, true, status).await;
        assert!(matches!(verdict, Verdict::Blocked(_)), "{verdict:?}");
    }
    assert_eq!(patched("If-Match: W/1", true, 412).await, Verdict::Fail);
}
