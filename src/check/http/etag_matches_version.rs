//! The ETag names the version in the body. Not whether there is an ETag at all: a case asks for that.

use super::super::{Check, CheckSpec, Evidence};
use super::single_resource;
use crate::fhir::resource;
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/etag-matches-version",
    title: "The ETag is the version id of the resource in the body",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#concurrency",
    sentence: "If provided, the value of the ETag SHALL match the value of the version id for the resource",
    usual_causes: &[
        "the ETag is computed from the bytes of the body by a proxy or framework",
        "the response is built before the new version is assigned",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct EtagMatchesVersion;

impl Check for EtagMatchesVersion {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        evidence
            .exchanges
            .iter()
            .filter_map(|exchange| judge(exchange))
            .collect()
    }
}

fn judge(exchange: &Exchange) -> Option<Violation> {
    let body = single_resource(exchange)?;
    let version = resource::version_id(&body)?;
    let etag = exchange.header("etag")?.trim();
    let opaque = etag.strip_prefix("W/").unwrap_or(etag);
    let unquoted = opaque
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(opaque);
    if unquoted == version {
        return None;
    }
    Some(
        Violation::new(
            SPEC.id,
            "The ETag and meta.versionId name different versions",
            Phrase::say("ETag W/\"").data(version).words("\""),
            Phrase::say("ETag ").data(etag),
        )
        .at("ETag, meta.versionId")
        .seen_in([exchange.number])
        .signed(exchange.request.method.as_str()),
    )
}
