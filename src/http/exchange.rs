//! An exchange: one request as it was sent, its response or failure, and the timings. Plain data, no judgement.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::message::{Request, Response};
use super::parsed;

/// Why there is no response. The request may or may not have been carried out; see [`Failure::is_unknown`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// One lower-case fragment for people, without URL or values.
    pub message: String,
}

/// Kinds of transport failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// The host name did not resolve.
    Dns,
    /// No TCP connection.
    Connect,
    /// The TLS handshake failed: unknown authority, wrong name, expired.
    Tls,
    /// No complete response within the time limit.
    Timeout,
    /// The connection broke after the request was sent.
    Broken,
    /// The same on a connection that had been idle and was used again, before the head of an answer was there: the
    /// server may have closed it without having seen the request (RFC 9112, section 9.3.1).
    Stale,
    /// The response body is larger than the limit.
    TooLarge,
    /// What came back is not HTTP.
    Protocol,
    /// A redirect that the policy does not follow (another host, too many).
    Redirect,
    /// The policy refused the request before it was sent (write on a read-only target, budget spent, foreign host).
    Refused,
    /// No token could be had.
    Auth,
}

impl Failure {
    /// True when a write may have happened although no response was seen.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Timeout
                | FailureKind::Broken
                | FailureKind::Stale
                | FailureKind::TooLarge
                | FailureKind::Protocol
        )
    }
}

/// Phases of one exchange, each from the start of the exchange; `None` where the client cannot see the phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Start, since the origin of the run's clock.
    pub started: Duration,
    /// Time spent waiting for the rate limit before the request was sent; not part of `total`.
    pub queued: Duration,
    /// Until the response head was there.
    pub head: Option<Duration>,
    /// Until the last byte of the body or the failure.
    pub total: Duration,
}

/// One request with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Number within the run, from 1; 0 until a session has recorded it.
    pub number: u32,
    /// As really sent: `url` absolute, every header field present (secrets included: never print, see `secret`).
    pub request: Request,
    /// What came back.
    pub outcome: Result<Response, Failure>,
    /// When and how long.
    pub timings: Timings,
    /// The body of the response as FHIR JSON where it came as FHIR XML; a session fills it in, for the words of FHIR
    /// are not known here. The bytes in `outcome` stay what was received.
    pub translated: Option<Arc<Value>>,
}

impl Exchange {
    /// The response, if there was one.
    pub fn response(&self) -> Option<&Response> {
        self.outcome.as_ref().ok()
    }

    /// Status code, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// The body as JSON (numbers keep their text), if it is JSON or was translated to it.
    pub fn json(&self) -> Option<Value> {
        self.parsed().map(Arc::unwrap_or_clone)
    }

    /// As [`Exchange::json`], for those who only look at it: judges that follow each other share one.
    pub fn parsed(&self) -> Option<Arc<Value>> {
        if self.translated.is_some() {
            return self.translated.clone();
        }
        parsed::json(&self.response()?.body)
    }

    /// A header field of the response.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response()?.headers.get(name)
    }
}
