//! Hand-made exchanges for tests of probes and of their engine.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::Known;
use crate::http::dial::{Facts, Way};
use crate::http::{Exchange, Request, Response, Timings};

pub(crate) const BASE: &str = "https://fhir.example.org/r4";

/// Knowledge at the beginning, at noon, on a plain way.
pub(crate) fn known() -> Known {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    Known::new(Url::parse(BASE).unwrap(), Ok(way()), None, now, now)
}

/// A way without TLS facts.
pub(crate) fn way() -> Way {
    Way::Direct(Box::new(Facts {
        addresses: vec!["203.0.113.10".parse().unwrap()],
        resolved_in: Duration::from_millis(3),
        connected_to: "203.0.113.10:443".parse().unwrap(),
        connected_in: Duration::from_millis(12),
        tls: None,
    }))
}

/// Knowledge with a CapabilityStatement.
pub(crate) fn informed() -> Known {
    let mut known = known();
    known.note(&exchange("metadata", 200, &capability()));
    known
}

/// A small CapabilityStatement without fault.
pub(crate) fn capability() -> Value {
    let type_of = |name: &str, codes: &[&str]| {
        let parameters: Vec<Value> = codes
            .iter()
            .map(|code| json!({ "name": code, "type": "string" }))
            .collect();
        json!({
            "type": name,
            "interaction": [
                { "code": "read" }, { "code": "vread" },
                { "code": "history-instance" }, { "code": "search-type" },
            ],
            "searchParam": parameters,
        })
    };
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active", "date": "2026-01-01", "kind": "capability",
        "fhirVersion": "4.0.1", "format": ["json"],
        "rest": [{
            "mode": "server",
            "resource": [
                type_of("Organization", &["name", "identifier"]),
                type_of("Patient", &["family", "identifier"]),
                type_of("Observation", &["code", "patient", "category"]),
            ],
        }],
    })
}

/// GET of a URL relative to the base, answered with JSON in 10 ms at the beginning.
pub(crate) fn exchange(url: &str, status: u16, body: &Value) -> Exchange {
    answered(
        url,
        status,
        &[("content-type", "application/fhir+json")],
        &body.to_string(),
    )
}

/// GET of a URL relative to the base, answered with anything.
pub(crate) fn answered(url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
    let url = if url.contains("://") {
        url.to_owned()
    } else {
        format!("{BASE}/{url}")
    };
    Exchange {
        number: 0,
        request: Request::get(url),
        outcome: Ok(Response {
            status,
            version: "HTTP/1.1",
            headers: headers.iter().copied().collect(),
            body: body.to_owned().into(),
        }),
        timings: Timings {
            started: Duration::ZERO,
            queued: Duration::ZERO,
            head: Some(Duration::from_millis(8)),
            total: Duration::from_millis(10),
        },
        translated: None,
    }
}

/// A searchset with matches of a type and links.
pub(crate) fn searchset(name: &str, ids: &[&str], links: &[(&str, &str)]) -> Value {
    let entries: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "resource": { "resourceType": name, "id": id }, "search": { "mode": "match" } }))
        .collect();
    let links: Vec<Value> = links
        .iter()
        .map(|(relation, url)| json!({ "relation": relation, "url": url }))
        .collect();
    json!({
        "resourceType": "Bundle", "type": "searchset", "total": ids.len(),
        "link": links, "entry": entries,
    })
}
