//! The URLs that a server gives of itself lead to where it was asked: links to other pages, and the Location of what was
//! created. Not what is there.

use url::Url;

use super::super::{Check, CheckSpec, Evidence};
use crate::fhir::bundle;
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/urls-lead-here",
    title: "Page links and Location lead to the endpoint that was asked",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#root",
    sentence: "All the logical interactions are defined relative to the service root URL",
    usual_causes: &[
        "the server is behind a proxy and builds URLs from the address that the proxy asks",
        "the base URL is not configured, and the server takes localhost",
    ],
    passive: true,
};

/// Links that a client follows.
const FOLLOWED: [&str; 6] = ["first", "last", "next", "prev", "previous", "self"];

/// See the sentence of its specification.
pub struct UrlsLeadHere;

impl Check for UrlsLeadHere {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let Ok(base) = Url::parse(evidence.base) else {
            return Vec::new();
        };
        evidence
            .exchanges
            .iter()
            .filter_map(|exchange| judge(exchange, &base))
            .collect()
    }
}

fn judge(exchange: &Exchange, base: &Url) -> Option<Violation> {
    let status = exchange.status()?;
    if !(200..300).contains(&status) {
        return None;
    }
    if status == 201
        && let Some(location) = exchange.header("location")
        && leads_away(base, location)
    {
        return Some(violation(exchange, "Location", location));
    }
    let body = exchange.parsed()?;
    let is_list = matches!(body["type"].as_str(), Some("searchset" | "history"));
    if body["resourceType"] != "Bundle" || !is_list {
        return None;
    }
    let link = FOLLOWED
        .iter()
        .filter_map(|relation| bundle::link(&body, relation))
        .find(|link| leads_away(base, link))?;
    Some(violation(exchange, "Bundle.link", link))
}

/// True for the URL of another scheme, host or port; a relative one stays here.
fn leads_away(base: &Url, text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && (url.scheme() != base.scheme()
                || url.host() != base.host()
                || url.port_or_known_default() != base.port_or_known_default())
    })
}

fn violation(exchange: &Exchange, place: &str, found: &str) -> Violation {
    Violation::new(
        SPEC.id,
        "A URL of the server's own leads to another host",
        "a URL of the endpoint that was asked",
        Phrase::say("").url(found),
    )
    .at(place)
    .seen_in([exchange.number])
    .signed(place)
}
