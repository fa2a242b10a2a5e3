//! Do errors say what is wrong in FHIR: a client error with an OperationOutcome. Its media type is `media-type`.

use serde_json::Value;

use super::known::IMPOSSIBLE;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::outcome;
use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// A type that no version of FHIR has.
pub const NO_SUCH_TYPE: &str = "RoundsNoSuchType";

/// The probe.
pub struct ErrorShape;

impl Probe for ErrorShape {
    fn spec(&self) -> Spec {
        Spec {
            id: "error-shape",
            title: "errors are 4xx and carry an OperationOutcome",
            spec: "http://hl7.org/fhir/R4/http.html#Status-Codes",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        match (&known.way, seen.len()) {
            (Err(_), _) => Step::Skip("there is no connection".to_owned()),
            (Ok(_), 0) => Step::Send(Request::get(format!("Patient/{IMPOSSIBLE}"))),
            (Ok(_), 1) => Step::Send(Request::get(format!("{NO_SUCH_TYPE}/{IMPOSSIBLE}"))),
            _ => Step::Done,
        }
    }

    fn judge(&self, _known: &Known, seen: &[Exchange]) -> Judgement {
        let n = seen.len();
        let answered: Vec<(u16, &Exchange)> = seen
            .iter()
            .filter_map(|exchange| Some((exchange.status()?, exchange)))
            .collect();
        let broken = answered.iter().filter(|(status, _)| *status >= 500).count();
        let accepted = answered.iter().filter(|(status, _)| *status < 300).count();
        // 401 and 403 come from whoever checks tokens, before FHIR is spoken.
        let errors: Vec<&Exchange> = answered
            .iter()
            .filter(|(status, _)| (400..500).contains(status) && !matches!(status, 401 | 403))
            .map(|(_, exchange)| *exchange)
            .collect();
        let given = errors
            .iter()
            .filter(|exchange| has_outcome(exchange))
            .count();
        let missing = errors.len() - given;
        let judgement = if broken > 0 {
            Judgement::new(
                Mark::Fail,
                format!("{broken} of {n} requests for what does not exist answer 5xx"),
            )
            .next_step("answer 404; look at the log of the server")
        } else if accepted > 0 {
            Judgement::new(
                Mark::Fail,
                format!("{accepted} of {n} requests for what does not exist answer 2xx"),
            )
            .next_step("find out who answers: a gateway may answer every path alike")
        } else if missing > 0 {
            Judgement::new(
                Mark::Warn,
                format!(
                    "{missing} of {} errors lack an OperationOutcome",
                    errors.len()
                ),
            )
            .next_step("find out who wrote them: the gateway or the server")
        } else if errors.is_empty() {
            Judgement::new(Mark::Skip, "no request got as far as the FHIR server")
        } else {
            let total = errors.len();
            Judgement::new(
                Mark::Pass,
                format!("{given} of {total} errors carry an OperationOutcome"),
            )
        };
        judgement
            .of(n)
            .sign_if(broken > 0, Sign::ServerError)
            .sign_if(missing > 0, Sign::OutcomeMissing)
            .sign_if(given > 0, Sign::OutcomeGiven)
    }
}

/// An OperationOutcome with at least one issue, which the definition demands.
fn has_outcome(exchange: &Exchange) -> bool {
    exchange.json().is_some_and(|body| {
        let has_issue = body
            .get("issue")
            .and_then(Value::as_array)
            .is_some_and(|issues| !issues.is_empty());
        outcome::is_outcome(&body) && has_issue
    })
}
