//! What was granted: token responses of endpoints and of commands, read without showing anything of them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::http::exchange::{Failure, FailureKind};
use crate::http::message::Response;
use crate::secret::Secret;

/// Bytes that a token command may print; a token of a SMART server has two or three thousand.
const MAX_TOKEN: usize = 64 << 10;

/// A token as it was granted.
#[derive(Debug)]
pub struct Grant {
    /// The token.
    pub token: Secret<String>,
    /// How long it is good for, if that was said.
    pub expires_in: Option<Duration>,
    /// Scopes as the server said them, space-separated.
    pub scope: Option<String>,
    /// When it was granted, by the clock of whoever granted it.
    pub granted_at: Option<Timestamp>,
}

/// A bare token, or a token response in JSON.
///
/// # Errors
/// It is neither.
pub fn read_printed(printed: &[u8]) -> Result<Grant, Failure> {
    let text = std::str::from_utf8(printed)
        .ok()
        .filter(|text| text.len() <= MAX_TOKEN)
        .map(str::trim)
        .ok_or_else(|| refusal("the token command printed something that is no token"))?;
    if text.starts_with('{') {
        return read_grant(text.as_bytes())
            .ok_or_else(|| refusal("the token command printed JSON without an access_token"));
    }
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err(refusal(
            "the token command printed something that is no token",
        ));
    }
    Ok(Grant {
        token: Secret::new(text.to_owned()),
        expires_in: None,
        scope: None,
        granted_at: None,
    })
}

/// The answer of a token endpoint.
///
/// # Errors
/// It grants nothing; the sentence names the error code, if it is one of RFC 6749.
pub fn read_response(response: &Response) -> Result<Grant, Failure> {
    if response.status == 200 {
        let grant = read_grant(&response.body)
            .ok_or_else(|| refusal("the token endpoint answered 200 without an access_token"))?;
        return Ok(Grant {
            granted_at: date(response),
            ..grant
        });
    }
    Err(refusal(match error_code(response) {
        Some(code) => format!("the token endpoint answered {} ({code})", response.status),
        None => format!("the token endpoint answered {}", response.status),
    }))
}

/// RFC 6749 section 5.2; anything else may hold what was sent.
const CODES: &[&str] = &[
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// The `error` of a refusal, if it is one that the RFC knows.
pub fn error_code(response: &Response) -> Option<&'static str> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let found = body.get("error")?.as_str()?;
    CODES.iter().find(|code| **code == found).copied()
}

/// When the answer was made, by the server's clock.
pub fn date(response: &Response) -> Option<Timestamp> {
    crate::http::date::parse(response.headers.get("date")?.trim())
}

fn read_grant(body: &[u8]) -> Option<Grant> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let token = value.get("access_token")?.as_str()?;
    // Some servers write the number as a string.
    let seconds = match value.get("expires_in") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Grant {
        token: Secret::new(token.to_owned()),
        expires_in: seconds.map(Duration::from_secs),
        scope: value
            .get("scope")
            .and_then(Value::as_str)
            .map(str::to_owned),
        granted_at: None,
    })
}

/// A failure of authorization.
pub fn refusal(message: impl Into<String>) -> Failure {
    Failure {
        kind: FailureKind::Auth,
        message: message.into(),
    }
}
