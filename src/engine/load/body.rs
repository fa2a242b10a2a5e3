//! What a success looks like, checked in well under a microsecond: the status, and the type of the resource. Whether
//! an answer is right in all its parts is for conformance suites.

use serde::Deserialize;

use crate::http::{Failure, Response};

use super::tally::Class;

/// Bytes before the `resourceType` that are passed over: white space of a server that prints prettily.
const MAX_SPACE: usize = 64;

/// Status codes and resource type of a success.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    statuses: Vec<u16>,
    body: String,
}

/// The one member that is read from a body whose first member is another one.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource_type: Option<std::borrow::Cow<'a, str>>,
}

impl Wanted {
    pub(super) fn new(statuses: &[u16], body: &str) -> Self {
        Wanted {
            statuses: statuses.to_vec(),
            body: body.to_owned(),
        }
    }

    /// Whether an outcome is a success, or its class.
    pub(super) fn judge(&self, outcome: &Result<Response, Failure>) -> Result<(), Class> {
        match outcome {
            Err(failure) => Err(Class::Failure(failure.kind)),
            Ok(response) if !self.statuses.contains(&response.status) => {
                Err(Class::Status(response.status))
            }
            Ok(response) if self.is_body(&response.body) => Ok(()),
            Ok(_) => Err(Class::WrongBody),
        }
    }

    /// Servers write `resourceType` first; JSON does not make them, so any other order is read in full.
    fn is_body(&self, body: &[u8]) -> bool {
        match first_member(body) {
            Some(name) => name == self.body.as_bytes(),
            None => serde_json::from_slice::<Head<'_>>(body)
                .is_ok_and(|head| head.resource_type.as_deref() == Some(self.body.as_str())),
        }
    }
}

/// The value of `resourceType` if it is the first member of an object.
fn first_member(body: &[u8]) -> Option<&[u8]> {
    let rest = token(body, b"{")?;
    let rest = token(rest, b"\"resourceType\"")?;
    let rest = token(rest, b":")?;
    let rest = token(rest, b"\"")?;
    let end = rest.iter().take(MAX_SPACE).position(|byte| *byte == b'"')?;
    Some(&rest[..end])
}

/// What follows a token, after white space of JSON.
fn token<'a>(text: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = text
        .iter()
        .take(MAX_SPACE)
        .position(|byte| !is_space(byte))?;
    text[start..].strip_prefix(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{FailureKind, Headers};

    fn judged(status: u16, body: &str) -> Result<(), Class> {
        let response = Response {
            status,
            version: "HTTP/1.1",
            headers: Headers::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        Wanted::new(&[200], "Patient").judge(&Ok(response))
    }

    #[test]
    fn the_resource_type_is_found_wherever_it_stands() {
        for body in [
            r#"{"resourceType":"Patient","id":"1"}"#,
            "\n{\n  \"resourceType\" : \"Patient\"\n}",
            r#"{"id":"1","contained":[{"resourceType":"Group"}],"resourceType":"Patient"}"#,
        ] {
            assert_eq!(judged(200, body), Ok(()), "{body}");
        }
    }

    #[test]
    fn an_answer_with_another_resource_is_not_a_success() {
        for body in [
            r#"{"resourceType":"OperationOutcome"}"#,
            r#"{"id":"1","resourceType":"PatientX"}"#,
            r#"{"contained":[{"resourceType":"Patient"}]}"#,
            "<html>Patient</html>",
            "",
        ] {
            assert_eq!(judged(200, body), Err(Class::WrongBody), "{body}");
        }
    }

    #[test]
    fn another_status_is_its_own_class_whatever_the_body() {
        assert_eq!(
            judged(429, r#"{"resourceType":"Patient"}"#),
            Err(Class::Status(429))
        );
        let failure = Failure {
            kind: FailureKind::Timeout,
            message: String::new(),
        };
        assert_eq!(
            Wanted::new(&[200], "Patient").judge(&Err(failure)),
            Err(Class::Failure(FailureKind::Timeout))
        );
    }
}
