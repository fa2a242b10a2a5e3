//! The words of HTTP as the rest of the program uses them: method, headers, request, response. Not the wire.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A request method of RFC 9110 section 9.3 (PATCH: RFC 5789).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// Upper-case name as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// RFC 9110 section 9.2.1: the client does not ask for a change of state.
    pub fn is_safe(self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Header fields in the order in which they were sent or received; names compare without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No header fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, keeping others of the same name.
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets a field, dropping others of the same name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.0.push((name.to_owned(), value.into()));
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Headers(
            fields
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// One request, target-free: `url` is relative to the target's base (`Patient/1`, `Patient?name=x`, empty for the
/// base itself) or absolute (a `next` link), in which case the client pins scheme, host and port to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Relative to the base, or absolute; already percent-encoded.
    pub url: String,
    /// Fields of the request; the client adds `Accept`, `User-Agent` and authorization where absent.
    pub headers: Headers,
    /// Body; empty for none.
    pub body: Bytes,
}

impl Request {
    /// A request without body and fields.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Request {
            method,
            url: url.into(),
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }

    /// GET of a relative or absolute URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::Get, url)
    }

    /// Sets a header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// Sets a body and its `Content-Type`.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.set("Content-Type", content_type);
        self.body = body.into();
        self
    }

    /// Sets a FHIR JSON body (`application/fhir+json`).
    #[must_use]
    pub fn with_json(self, body: &serde_json::Value) -> Self {
        self.with_body(
            FHIR_JSON,
            serde_json::to_vec(body).expect("a JSON value is written without error"),
        )
    }
}

/// Media type of FHIR JSON, <http://hl7.org/fhir/R4/http.html#mime-type>.
pub const FHIR_JSON: &str = "application/fhir+json";

/// Media type of FHIR XML, <http://hl7.org/fhir/R4/http.html#mime-type>.
pub const FHIR_XML: &str = "application/fhir+xml";

/// One complete response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code, 100 to 599.
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// Fields as received.
    pub headers: Headers,
    /// Body after content decoding, read up to the limit of the client.
    pub body: Bytes,
}

impl Response {
    /// Media type of `Content-Type` in lower case, without parameters; empty if absent.
    pub fn media_type(&self) -> String {
        let value = self.headers.get("content-type").unwrap_or_default();
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }
}
