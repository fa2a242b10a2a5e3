//! Does a read name its version: ETag against `meta.versionId`.

use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::resource;
use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// The probe.
pub struct Etag;

impl Probe for Etag {
    fn spec(&self) -> Spec {
        Spec {
            id: "etag",
            title: "ETag names the version that was read",
            spec: "http://hl7.org/fhir/R4/http.html#versioning",
            owner: Owner::Gateway,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        if !seen.is_empty() {
            return Step::Done;
        }
        match known.sample() {
            Some(key) => Step::Send(Request::get(key.to_string())),
            None => Step::Skip("no resource was found to read; --patient ID names one".to_owned()),
        }
    }

    fn judge(&self, _known: &Known, seen: &[Exchange]) -> Judgement {
        let read = seen
            .first()
            .filter(|exchange| exchange.status() == Some(200));
        let Some((exchange, body)) = read.and_then(|exchange| Some((exchange, exchange.json()?)))
        else {
            return Judgement::new(Mark::Skip, "the read was not answered");
        };
        match (exchange.header("etag"), resource::version_id(&body)) {
            (None, None) => Judgement::new(Mark::Info, "no ETag and no meta.versionId in 1 read"),
            (None, Some(_)) => Judgement::new(Mark::Warn, "meta.versionId without ETag in 1 read")
                .sign(Sign::EtagMissing)
                .next_step("let ETag through the gateway: clients need it to update safely"),
            (Some(_), None) => Judgement::new(Mark::Info, "ETag without meta.versionId in 1 read"),
            (Some(etag), Some(version)) if names(etag, version) => {
                Judgement::new(Mark::Pass, "ETag names meta.versionId in 1 of 1 read")
                    .sign(Sign::EtagRight)
            }
            (Some(_), Some(_)) => Judgement::new(
                Mark::Fail,
                "ETag and meta.versionId disagree in 1 of 1 read",
            )
            .sign(Sign::EtagWrong)
            .next_step("find out who writes the ETag: a gateway may hash the body"),
        }
    }
}

/// `W/"3"` names version 3; a strong tag and the suffix that a compressing proxy appends do as well.
fn names(etag: &str, version: &str) -> bool {
    let tag = etag.trim().trim_start_matches("W/").trim_matches('"');
    tag == version
        || ["-gzip", ";gzip", "--gzip", "-br"]
            .iter()
            .any(|suffix| tag.strip_suffix(suffix) == Some(version))
}
