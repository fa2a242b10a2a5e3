//! Does the self link say what was searched for. Whether the filter works is `search-filter`.

use super::answer::{is_own, outcome, parameters, searchset};
use super::known::IMPOSSIBLE;
use super::search_filter::declared_filters;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::bundle;
use crate::http::Exchange;
use crate::record::consultation::{Mark, Owner};

/// Searches sent.
const SEARCHES: usize = 2;

/// The probe.
pub struct SearchEcho;

impl Probe for SearchEcho {
    fn spec(&self) -> Spec {
        Spec {
            id: "search-echo",
            title: "the self link names the parameters that were used",
            spec: "http://hl7.org/fhir/R4/search.html#conformance",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        let filters = declared_filters(known);
        let filter = filters.into_iter().take(SEARCHES).nth(seen.len());
        match filter {
            Some((name, code)) => {
                match known.search(name, &[(code, IMPOSSIBLE), ("_count", "1")]) {
                    Ok(request) => Step::Send(request),
                    Err(reason) => Step::Skip(reason),
                }
            }
            None if seen.is_empty() => Step::Skip("no search that can be asked is declared".into()),
            None => Step::Done,
        }
    }

    fn judge(&self, known: &Known, seen: &[Exchange]) -> Judgement {
        let mut complete = 0;
        let mut without = 0;
        let mut foreign = false;
        let mut lacking: Vec<&str> = Vec::new();
        let sets: Vec<_> = seen
            .iter()
            .filter_map(|exchange| Some((exchange, searchset(exchange)?)))
            .collect();
        for (exchange, searchset) in &sets {
            let Some(link) = bundle::link(searchset, "self") else {
                without += 1;
                continue;
            };
            foreign |= !is_own(&known.base, link);
            let echoed = parameters(link);
            match filter_sent(exchange).filter(|code| !echoed.iter().any(|name| name == code)) {
                Some(code) => lacking.push(code),
                None => complete += 1,
            }
        }
        let n = sets.len();
        let judgement = if let Some(code) = lacking.first() {
            let fact = format!(
                "self link lacks {code}=; the server says it searched without it ({} of {n})",
                lacking.len()
            );
            Judgement::new(Mark::Fail, fact)
                .sign(Sign::SelfLinkLacksParameter)
                .sign(Sign::ParameterDeclared)
                .next_step("send the same search to the server behind the gateway")
        } else if without > 0 {
            Judgement::new(
                Mark::Fail,
                format!("{without} of {n} searches have no self link"),
            )
            .next_step("return the parameters that were used in the self link")
        } else if foreign {
            Judgement::new(
                Mark::Warn,
                format!("self link has another base than was asked ({n} searches)"),
            )
            .next_step("set the public base URL of the server, or the forwarded headers")
        } else if n == 0 {
            let answers: Vec<String> = seen.iter().map(outcome).collect();
            Judgement::new(
                Mark::Skip,
                format!("no search was answered ({})", answers.join(", ")),
            )
        } else {
            Judgement::new(
                Mark::Pass,
                format!("self link names every parameter ({n} of {n})"),
            )
        };
        judgement
            .of(n)
            .sign_if(foreign, Sign::ForeignLink)
            .sign_if(complete > 0, Sign::SelfLinkComplete)
    }
}

/// The parameter that this search was about.
fn filter_sent(exchange: &Exchange) -> Option<&'static str> {
    let sent = parameters(&exchange.request.url);
    super::search_filter::FILTERS
        .iter()
        .copied()
        .find(|code| sent.iter().any(|name| name == code))
}
