//! Preflight: one GET of `/metadata` that tells a FHIR R4 endpoint from everything else. A dead or foreign target
//! is one clear sentence here and never a hundred failed cases later.

use std::sync::Arc;

use crate::fhir::capability::Capability;
use crate::fhir::resource;
use crate::http::{Exchange, FailureKind, Request};
use crate::secret::Disclosure;

use super::session::Session;

/// Why a target cannot be tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What kind of obstacle.
    pub kind: Obstacle,
    /// Why, one sentence.
    pub why: String,
    /// What to do.
    pub hint: String,
}

/// Kinds of obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// No answer, or a server error: trying again later may help.
    Unreachable,
    /// An answer, but not from a FHIR R4 endpoint that this configuration may use.
    Unusable,
}

/// R4 as it was published: 4.0.0 and the technical correction 4.0.1. R4B (4.3.0) is another release.
const R4: &str = "4.0.";

/// Asks for the CapabilityStatement and judges whether this is an R4 endpoint.
///
/// # Errors
/// [`Unfit`] with a sentence for people.
pub async fn preflight(session: &Arc<Session>) -> Result<Capability, Unfit> {
    let exchange = session.send(Request::get("metadata")).await;
    read(&exchange)
}

/// An id that no server has: whether it may be asked for is the question, not what it holds.
const NOBODY: &str = "rounds-preflight-nobody";
/// Types that are asked about; credentials that open none of them open nothing.
const MAX_ASKED: usize = 3;

/// Asks for a few resources that are not there. `/metadata` is often open, so that credentials which have expired show
/// only here: a 401 to all of them would otherwise become a run without data.
///
/// # Errors
/// [`Unfit`] when every answer is 401.
pub async fn authorize(session: &Arc<Session>, capability: &Capability) -> Result<(), Unfit> {
    let mut asked = 0;
    for name in capability
        .resource_types()
        .into_iter()
        .filter(|name| capability.supports(name, "read"))
        .take(MAX_ASKED)
    {
        let exchange = session.send(Request::get(format!("{name}/{NOBODY}"))).await;
        if let Err(failure) = &exchange.outcome {
            return Err(no_answer(failure.kind, &failure.message));
        }
        if exchange.status() != Some(401) {
            return Ok(());
        }
        asked += 1;
    }
    if asked == 0 {
        return Ok(());
    }
    Err(unusable(
        "GET metadata is answered, and every read answers 401: the credentials are missing, expired or not known"
            .to_owned(),
        "give a fresh token with --token-env, or let it be renewed with --token-command or `auth` in rounds.yaml",
    ))
}

/// Judges the answer to `GET metadata`; pure.
///
/// # Errors
/// [`Unfit`] with a sentence for people.
pub fn read(exchange: &Exchange) -> Result<Capability, Unfit> {
    let response = match &exchange.outcome {
        Ok(response) => response,
        Err(failure) => return Err(no_answer(failure.kind, &failure.message)),
    };
    match response.status {
        200..=299 => {}
        401 | 403 => {
            return Err(unusable(
                format!(
                    "GET metadata answers {}: the endpoint wants credentials, or other ones",
                    response.status
                ),
                "give a token with --token-env, --token-command or `auth` in rounds.yaml; \
                 where /metadata stays closed, name a `capability` file there",
            ));
        }
        404 | 410 => {
            return Err(unusable(
                format!(
                    "GET metadata answers {}: there is no FHIR endpoint at this URL",
                    response.status
                ),
                "check the path of the base URL (often /fhir, /r4 or /baseR4)",
            ));
        }
        500..=599 => {
            return Err(unreachable(
                format!("GET metadata answers {}", response.status),
                "the server or a gateway before it is in trouble; try again later",
            ));
        }
        status => {
            return Err(unusable(
                format!("GET metadata answers {status}"),
                "check the base URL of the endpoint",
            ));
        }
    }
    let media_type = response.media_type();
    let Ok(parsed) = resource::parse(&response.body) else {
        let what = if media_type.is_empty() {
            "something that is not JSON".to_owned()
        } else {
            Disclosure::nothing().response_field("Content-Type", &media_type)
        };
        return Err(unusable(
            format!("GET metadata answers {what} in place of a CapabilityStatement in JSON"),
            "check the base URL: a web page, a portal or an XML-only server answers here",
        ));
    };
    capability(parsed.value)
}

/// Judges a CapabilityStatement, as answered or as given in a file.
///
/// # Errors
/// [`Unfit`] when it is no CapabilityStatement of an R4 server, or claims nothing.
pub fn capability(value: serde_json::Value) -> Result<Capability, Unfit> {
    match resource::resource_type(&value) {
        Some("CapabilityStatement") => {}
        Some("Conformance") => {
            return Err(unusable(
                "this is a DSTU2 endpoint (it has a Conformance resource); rounds tests R4 (4.0.1)"
                    .to_owned(),
                "use the R4 base URL of the server, if it has one",
            ));
        }
        _ => {
            return Err(unusable(
                "GET metadata answers JSON that is not a CapabilityStatement".to_owned(),
                "check the path of the base URL (often /fhir, /r4 or /baseR4)",
            ));
        }
    }
    let capability = Capability::new(value);
    match capability.fhir_version() {
        Some(version) if version.starts_with(R4) => {}
        Some(version) => {
            let version: String = version
                .chars()
                .take(12)
                .filter(|c| c.is_ascii_graphic())
                .collect();
            return Err(unusable(
                format!("the endpoint speaks FHIR {version}; rounds tests R4 (4.0.1)"),
                "use the R4 base URL of the server, if it has one",
            ));
        }
        None => {
            return Err(unusable(
                "the CapabilityStatement has no fhirVersion, so it is not known what the endpoint speaks".to_owned(),
                "name a corrected CapabilityStatement as `capability` in rounds.yaml",
            ));
        }
    }
    if capability.resource_types().is_empty() {
        return Err(unusable(
            "the CapabilityStatement claims no resource type (rest with mode server), so there is nothing to test"
                .to_owned(),
            "name a corrected CapabilityStatement as `capability` in rounds.yaml",
        ));
    }
    Ok(capability)
}

fn no_answer(kind: FailureKind, message: &str) -> Unfit {
    match kind {
        FailureKind::Dns => unreachable(
            message.to_owned(),
            "check the host name; is a VPN or proxy needed?",
        ),
        FailureKind::Tls => unreachable(
            message.to_owned(),
            "for a private certificate authority use --cacert FILE (or `cacert` in rounds.yaml)",
        ),
        FailureKind::Timeout => {
            unreachable(message.to_owned(), "raise --timeout, or try again later")
        }
        FailureKind::Auth => unusable(
            message.to_owned(),
            "check `auth` in rounds.yaml, or the token command",
        ),
        FailureKind::Refused | FailureKind::Redirect => {
            unusable(message.to_owned(), "use the final base URL of the endpoint")
        }
        FailureKind::Protocol | FailureKind::TooLarge => unusable(
            message.to_owned(),
            "check scheme and port of the base URL: does HTTP answer there?",
        ),
        FailureKind::Connect | FailureKind::Broken | FailureKind::Stale => unreachable(
            message.to_owned(),
            "is the server up, and are host and port right?",
        ),
    }
}

fn unusable(why: String, hint: &str) -> Unfit {
    Unfit {
        kind: Obstacle::Unusable,
        why,
        hint: hint.to_owned(),
    }
}

fn unreachable(why: String, hint: &str) -> Unfit {
    Unfit {
        kind: Obstacle::Unreachable,
        why,
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Failure, Headers, Response, Timings};

    fn answer(status: u16, media_type: &str, body: &str) -> Exchange {
        Exchange {
            number: 1,
            request: Request::get("http://h/fhir/metadata"),
            outcome: Ok(Response {
                status,
                version: "HTTP/1.1",
                headers: Headers::from_iter([("Content-Type", media_type)]),
                body: body.as_bytes().to_vec().into(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    #[test]
    fn an_r4_capability_statement_is_fit() {
        let body = json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
            "rest": [{ "mode": "server", "resource": [{ "type": "Patient" }] }] });
        assert!(read(&answer(200, "application/fhir+json", &body.to_string())).is_ok());
    }

    #[test]
    fn a_web_page_is_named_as_such() {
        let unfit = read(&answer(200, "text/html; charset=utf-8", "<html></html>")).unwrap_err();
        assert_eq!(unfit.kind, Obstacle::Unusable);
        assert!(unfit.why.contains("text/html"), "{}", unfit.why);
    }

    #[test]
    fn stu3_r4b_and_r5_are_one_sentence() {
        for version in ["3.0.2", "4.3.0", "5.0.0"] {
            let body = json!({ "resourceType": "CapabilityStatement", "fhirVersion": version });
            let unfit = read(&answer(200, "application/fhir+json", &body.to_string())).unwrap_err();
            assert_eq!(
                unfit.why,
                format!("the endpoint speaks FHIR {version}; rounds tests R4 (4.0.1)")
            );
        }
    }

    #[test]
    fn an_empty_capability_statement_says_that_nothing_is_claimed() {
        let body = json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1" });
        let unfit = read(&answer(200, "application/fhir+json", &body.to_string())).unwrap_err();
        assert!(
            unfit.why.contains("claims no resource type"),
            "{}",
            unfit.why
        );
    }

    #[test]
    fn a_refused_connection_is_worth_a_retry_and_a_401_is_not() {
        let mut dead = answer(200, "", "");
        dead.outcome = Err(Failure {
            kind: FailureKind::Connect,
            message: "connection refused".into(),
        });
        assert_eq!(read(&dead).unwrap_err().kind, Obstacle::Unreachable);
        assert_eq!(
            read(&answer(401, "", "")).unwrap_err().kind,
            Obstacle::Unusable
        );
        assert_eq!(
            read(&answer(503, "", "")).unwrap_err().kind,
            Obstacle::Unreachable
        );
    }
}
