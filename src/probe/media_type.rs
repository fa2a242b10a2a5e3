//! Are answers labelled as what was asked for: `application/fhir+json`. Looks at every answer of the consultation.

use super::answer::media_type;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::http::{Exchange, FHIR_JSON};
use crate::record::consultation::{Mark, Owner};

/// The probe.
pub struct MediaType;

impl Probe for MediaType {
    fn spec(&self) -> Spec {
        Spec {
            id: "media-type",
            title: "answers to Accept: application/fhir+json are labelled so",
            spec: "http://hl7.org/fhir/R4/http.html#mime-type",
            owner: Owner::Gateway,
        }
    }

    fn next(&self, known: &Known, _seen: &[Exchange]) -> Step {
        match known.way {
            Err(_) => Step::Skip("there is no connection".to_owned()),
            Ok(_) => Step::Done,
        }
    }

    fn judge(&self, known: &Known, _seen: &[Exchange]) -> Judgement {
        let labelled: Vec<&Exchange> = known
            .exchanges
            .iter()
            .filter(|exchange| {
                exchange
                    .response()
                    .is_some_and(|response| !response.body.is_empty())
            })
            .collect();
        let n = labelled.len();
        let is_json = |exchange: &&&Exchange| {
            matches!(
                media_type(exchange),
                "application/json" | "application/json+fhir"
            )
        };
        let wrong: Vec<&&Exchange> = labelled
            .iter()
            .filter(|exchange| media_type(exchange) != FHIR_JSON && !is_json(exchange))
            .collect();
        let plain = labelled.iter().filter(is_json).count();
        let is_html = wrong
            .iter()
            .any(|exchange| media_type(exchange) == "text/html");
        if let Some(first) = wrong.first() {
            let fact = format!(
                "answers {} to Accept: {FHIR_JSON} on {} ({} of {n} answers)",
                media_type(first),
                first.status().unwrap_or_default(),
                wrong.len()
            );
            return Judgement::new(Mark::Fail, fact)
                .of(wrong.len())
                .sign_if(is_html, Sign::HtmlAnswer)
                .next_step("find out who wrote that answer: the gateway or the server");
        }
        if plain > 0 {
            return Judgement::new(
                Mark::Warn,
                format!("{plain} of {n} answers are labelled application/json"),
            )
            .of(plain)
            .next_step("label them application/fhir+json");
        }
        if n == 0 {
            return Judgement::new(Mark::Skip, "no answer had a body");
        }
        Judgement::new(Mark::Pass, format!("{n} of {n} answers are {FHIR_JSON}")).of(n)
    }
}
