//! Does a FHIR R4 server answer at this URL: GET metadata. What it claims is `capability`.

use super::answer::{duration, media_type, outcome, plural};
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::{capability::Capability, resource};
use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// The probe.
pub struct Metadata;

impl Probe for Metadata {
    fn spec(&self) -> Spec {
        Spec {
            id: "metadata",
            title: "the base URL answers with a CapabilityStatement of FHIR R4",
            spec: "http://hl7.org/fhir/R4/http.html#capabilities",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        match (&known.way, seen) {
            (Err(_), _) => Step::Skip("there is no connection".to_owned()),
            (Ok(_), []) => Step::Send(Request::get("metadata")),
            _ => Step::Done,
        }
    }

    fn judge(&self, _known: &Known, seen: &[Exchange]) -> Judgement {
        let Some(exchange) = seen.first() else {
            return Judgement::new(Mark::Skip, "not asked");
        };
        let Some(status) = exchange.status() else {
            return Judgement::new(Mark::Fail, outcome(exchange))
                .next_step("ask the same URL from the server's own network");
        };
        match status {
            200 => judge(exchange),
            401 | 403 => Judgement::new(Mark::Warn, format!("answers {status} without data"))
                .sign(Sign::Unauthorized)
                .next_step("give a token, or open /metadata, which needs none"),
            500.. => Judgement::new(Mark::Fail, format!("answers {status}"))
                .sign(Sign::ServerError)
                .next_step("look at the log of the server"),
            _ => Judgement::new(
                Mark::Fail,
                format!("answers {status}: no FHIR server at this URL"),
            )
            .sign(Sign::NotFhir)
            .next_step("check the base URL: it ends where /metadata is appended"),
        }
    }
}

fn judge(exchange: &Exchange) -> Judgement {
    let body = exchange.json();
    let is_statement =
        body.as_ref().and_then(resource::resource_type) == Some("CapabilityStatement");
    let Some(body) = body.filter(|_| is_statement) else {
        let fact = format!(
            "answers 200 with {}, not with a CapabilityStatement",
            media_type(exchange)
        );
        return Judgement::new(Mark::Fail, fact)
            .sign(Sign::NotFhir)
            .sign_if(media_type(exchange) == "text/html", Sign::HtmlAnswer)
            .next_step("check the base URL: it ends where /metadata is appended");
    };
    let capability = Capability::new(body);
    // Only a version that looks like one is repeated.
    let version = capability
        .fhir_version()
        .filter(|version| is_version(version))
        .unwrap_or("of no version");
    let types = plural(capability.resource_types().len(), "resource type");
    let took = duration(exchange.timings.total);
    let fact = format!("CapabilityStatement in {took}, FHIR {version}, {types}");
    if version.starts_with("4.0.") {
        return Judgement::new(Mark::Pass, fact);
    }
    Judgement::new(Mark::Fail, fact)
        .sign(Sign::NotFhir)
        .next_step("give the URL of the R4 endpoint: other versions have another")
}

/// Digits and dots, and not many.
fn is_version(text: &str) -> bool {
    (1..=12).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}
