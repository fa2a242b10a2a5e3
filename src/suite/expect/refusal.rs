//! Refusals of requests that a target need not answer, however well they are made: its right, or a fact worth knowing.
//! Not of those that a case expects or is about: their status is judged like any other.

use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

use super::super::ir::Refusal;
use super::{Judgement, Standing};

/// Rule of a refusal of what is claimed.
pub(super) const RULE: &str = "expect/refused";

/// The access that a server grants is its own affair, whatever it claims.
const FORBIDDEN: u16 = 403;

/// The judgement on an exchange if it is such a refusal.
pub(super) fn judged(refusal: &Refusal, exchange: &Exchange) -> Option<Judgement> {
    let status = exchange.status()?;
    if !is_refusal(exchange.request.method, status) {
        return None;
    }
    match refusal {
        Refusal::Expected | Refusal::Judged => None,
        Refusal::NotClaimed(reason) => Some(Judgement {
            not_claimed: Some(reason.clone()),
            ..Judgement::default()
        }),
        Refusal::Noted if status == FORBIDDEN => Some(Judgement::undecided(format!(
            "the request was refused with {status}"
        ))),
        Refusal::Noted => Some(Judgement::broken(noted(exchange, status))),
    }
}

/// 404 and 405 to a search by POST say that this way is not there; by GET they deny what is claimed.
fn is_refusal(method: Method, status: u16) -> bool {
    match status {
        404 | 405 => method == Method::Post,
        _ => matches!(status, 400 | FORBIDDEN | 413 | 414 | 422 | 501),
    }
}

fn noted(exchange: &Exchange, status: u16) -> Violation {
    Violation::new(
        RULE,
        "A search is refused though the target claims each of its parameters",
        "the matches of all parameters together",
        Phrase::say(format!("refused with {status}")),
    )
    .at("status")
    .seen_in([exchange.number])
    .signed(status.to_string())
}

/// No sentence of R4 obliges a server to support every combination of what it supports.
pub(super) fn standing() -> Standing {
    Standing {
        level: Level::May,
        severity: Severity::Minor,
        spec: "http://hl7.org/fhir/R4/search.html#combining".to_owned(),
        sentence: "the result of the search operation is the intersection of the resources that match the criteria \
                   specified by each individual search parameter"
            .to_owned(),
        usual_causes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Request, Response, Timings};

    fn answered(method: Method, status: u16) -> Exchange {
        Exchange {
            number: 7,
            request: Request::new(method, "Patient"),
            outcome: Ok(Response {
                status,
                version: "HTTP/1.1",
                headers: Headers::new(),
                body: Vec::new().into(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    #[test]
    fn what_is_not_claimed_may_be_refused() {
        let refusal = Refusal::NotClaimed("not claimed: _sort".to_owned());
        for status in [400, 403, 422, 501] {
            let judgement = judged(&refusal, &answered(Method::Get, status)).unwrap();
            assert_eq!(judgement.not_claimed.as_deref(), Some("not claimed: _sort"));
            assert!(!judgement.holds());
        }
        assert!(judged(&refusal, &answered(Method::Post, 405)).is_some());
        for status in [200, 404, 405, 500] {
            assert!(judged(&refusal, &answered(Method::Get, status)).is_none());
        }
    }

    #[test]
    fn what_is_claimed_one_by_one_and_refused_together_is_noted() {
        let judgement = judged(&Refusal::Noted, &answered(Method::Get, 400)).unwrap();
        assert_eq!(judgement.violations[0].rule, RULE);
        assert_eq!(standing().level, Level::May);
        let forbidden = judged(&Refusal::Noted, &answered(Method::Get, 403)).unwrap();
        assert!(forbidden.violations.is_empty() && !forbidden.undecided.is_empty());
    }

    #[test]
    fn other_steps_are_judged_by_their_expectations() {
        let refused = answered(Method::Get, 400);
        assert!(judged(&Refusal::Expected, &refused).is_none());
        assert!(judged(&Refusal::Judged, &refused).is_none());
    }
}
