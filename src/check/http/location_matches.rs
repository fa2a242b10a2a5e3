//! The Location of a created resource leads to that resource. Not whether it can be read there.

use super::super::{Check, CheckSpec, Evidence};
use super::relative_path;
use crate::fhir::{Key, definitions, resource};
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/location-matches",
    title: "The Location of a created resource names its type, id and version",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "SHALL also return a Location header which contains the new Logical Id and Version Id of the created resource version",
    usual_causes: &[
        "the header is built from the request in place of what was stored",
        "a proxy rewrites or drops the header",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct LocationMatches;

impl Check for LocationMatches {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        evidence
            .exchanges
            .iter()
            .filter_map(|exchange| judge(exchange, evidence.base))
            .collect()
    }
}

fn judge(exchange: &Exchange, base: &str) -> Option<Violation> {
    if exchange.status() != Some(201) {
        return None;
    }
    let violation = |actual: Phrase, signature: &str| {
        Violation::new(
            SPEC.id,
            "The Location does not name what was created",
            "[base]/[type]/[id]/_history/[vid] of the created resource",
            actual,
        )
        .at("Location")
        .seen_in([exchange.number])
        .signed(signature)
    };
    let requested = relative_path(exchange, base);
    let asked_type = requested.split('/').next().unwrap_or_default();
    // What an operation or another door of the server creates is its own affair.
    if !definitions::is_resource_type(asked_type) || requested.contains('$') {
        return None;
    }
    let Some(location) = exchange.header("location") else {
        // An update that creates SHOULD have one, a create SHALL.
        let is_create =
            exchange.request.method == Method::Post && definitions::is_resource_type(requested);
        return is_create.then(|| violation("no Location".into(), "absent"));
    };
    let Some(key) = Key::from_reference(location) else {
        return Some(violation(
            Phrase::say("Location without type and id: ").url(location),
            "form",
        ));
    };
    if key.resource_type != asked_type {
        return Some(violation(
            Phrase::say("Location of another type: ").url(location),
            "type",
        ));
    }
    let body = exchange.json()?;
    let stored = Key::of(&body).filter(|stored| stored.resource_type == asked_type)?;
    if stored != key {
        return Some(violation(
            Phrase::say("Location ")
                .url(location)
                .words(", and the id in the body is ")
                .data(stored.id),
            "id",
        ));
    }
    let version = version_in(location)?;
    let stored = resource::version_id(&body)?;
    (version != stored).then(|| {
        violation(
            Phrase::say("Location ")
                .url(location)
                .words(", and meta.versionId is ")
                .data(stored),
            "version",
        )
    })
}

/// The version at the end of a versioned URL.
fn version_in(location: &str) -> Option<&str> {
    let (_, version) = location.split_once("/_history/")?;
    Some(version.split(['?', '#', '/']).next().unwrap_or_default())
}
