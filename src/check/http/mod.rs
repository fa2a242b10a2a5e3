//! Checks on what HTTP says about a resource: status, header fields, media type. Not on what is in the resource.

mod content_type;
mod error_is_outcome;
mod etag_matches_version;
mod last_modified_matches;
mod location_matches;
mod no_server_error;
mod urls_lead_here;

use std::sync::Arc;

use serde_json::Value;

use super::Check;
use crate::fhir::{definitions, resource};
use crate::http::{Exchange, Method};

/// Checks of this area in order of id.
pub static CHECKS: &[&dyn Check] = &[
    &content_type::ContentType,
    &error_is_outcome::ErrorIsOutcome,
    &etag_matches_version::EtagMatchesVersion,
    &last_modified_matches::LastModifiedMatches,
    &location_matches::LocationMatches,
    &no_server_error::NoServerError,
    &urls_lead_here::UrlsLeadHere,
];

/// The one resource that a successful answer is about: not a Bundle, not an OperationOutcome, not a part of one.
fn single_resource(exchange: &Exchange) -> Option<Arc<Value>> {
    let response = exchange.response()?;
    if !(200..300).contains(&response.status) || asks_for_a_part(&exchange.request.url) {
        return None;
    }
    let body = exchange.parsed()?;
    match resource::resource_type(&body)? {
        "Bundle" | "OperationOutcome" | "Parameters" | "CapabilityStatement" => None,
        _ => Some(body),
    }
}

fn asks_for_a_part(url: &str) -> bool {
    ["_summary=", "_elements=", "$"]
        .iter()
        .any(|part| url.contains(part))
}

/// Path of a request without base, query and slashes at the ends.
fn relative_path<'a>(exchange: &'a Exchange, base: &str) -> &'a str {
    let url = exchange.request.url.as_str();
    let path = url.strip_prefix(base).unwrap_or(url);
    path.split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_matches('/')
}

/// True if the request is an interaction of FHIR under the base: a resource type, `metadata`, `_search`, `_history`, or
/// the base itself where it is posted to or searched. Whatever else is there (a welcome page, the token endpoint, a
/// page link through another door) may answer as it likes.
fn is_interaction(exchange: &Exchange, base: &str) -> bool {
    let url = exchange.request.url.as_str();
    let Some(rest) = url
        .strip_prefix(base)
        .or_else(|| (!url.contains("://")).then_some(url))
    else {
        return false;
    };
    let path = relative_path(exchange, base);
    if path.contains('$') {
        return false;
    }
    match path.split('/').next().unwrap_or_default() {
        "" => exchange.request.method == Method::Post || rest.contains('?'),
        first => {
            matches!(first, "metadata" | "_search" | "_history")
                || definitions::is_resource_type(first)
        }
    }
}

/// True if the request names a format other than those of FHIR; then other labels and bodies are right.
fn wants_another_format(exchange: &Exchange) -> bool {
    let mut accepts = exchange.request.headers.all("accept").peekable();
    let is_named = accepts.peek().is_some();
    let takes_fhir = accepts.any(|accepts| {
        ["fhir+json", "fhir+xml", "*/*"]
            .iter()
            .any(|range| accepts.contains(range))
    });
    (is_named && !takes_fhir) || exchange.request.url.contains("_format=")
}
