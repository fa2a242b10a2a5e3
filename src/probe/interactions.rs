//! Do declared interactions exist: a search of a few types, then read, vread and history of one resource. What they
//! return is judged elsewhere.

use super::answer::{outcome, plural, searchset};
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::resource;
use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// Types searched of those that touch nobody, and of those about patients.
const TYPES_EACH: usize = 3;

/// The probe.
pub struct Interactions;

impl Probe for Interactions {
    fn spec(&self) -> Spec {
        Spec {
            id: "interactions",
            title: "what the CapabilityStatement declares answers",
            spec: "http://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.interaction",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        if known.capability.is_none() {
            return Step::Skip("there is no CapabilityStatement".to_owned());
        }
        let asked: Vec<&str> = seen
            .iter()
            .filter_map(|exchange| known.searched_type(&exchange.request.url))
            .collect();
        for name in selected(known) {
            if !asked.contains(&name)
                && let Ok(request) = known.search(name, &[("_count", "1")])
            {
                return Step::Send(request);
            }
        }
        let after = seen.len() - asked.len();
        match instance_requests(known).into_iter().nth(after) {
            Some(request) => Step::Send(request),
            None if seen.is_empty() => Step::Skip(reason(known)),
            None => Step::Done,
        }
    }

    fn judge(&self, known: &Known, seen: &[Exchange]) -> Judgement {
        let n = seen.len();
        let missing = count(seen, |exchange| {
            let is_search = known.searched_type(&exchange.request.url).is_some();
            match exchange.status() {
                Some(405 | 501) => true,
                // An instance may have gone since it was found; a type may not.
                Some(404) => is_search,
                _ => false,
            }
        });
        let broken = count(seen, |exchange| {
            exchange
                .status()
                .is_none_or(|status| status >= 500 && status != 501)
        });
        let closed = count(seen, |exchange| {
            matches!(exchange.status(), Some(401 | 403))
        });
        let answered = count(seen, |exchange| exchange.status() == Some(200));
        let judgement = if missing > 0 {
            Judgement::new(
                Mark::Fail,
                format!("{missing} of {n} declared interactions do not exist (404, 405 or 501)"),
            )
            .next_step("drop them from the CapabilityStatement, or route them to the server")
        } else if broken > 0 {
            let example = seen
                .iter()
                .find(|exchange| exchange.status().is_none_or(|status| status >= 500))
                .map(outcome)
                .unwrap_or_default();
            Judgement::new(
                Mark::Fail,
                format!("{broken} of {n} declared interactions break: {example}"),
            )
            .next_step("look at the log of the server")
        } else if answered == 0 && closed > 0 {
            Judgement::new(
                Mark::Warn,
                format!("{closed} of {n} declared interactions answer 401 or 403"),
            )
            .next_step("give a token, or one with the scope for these types")
        } else if answered == 0 {
            let answers: Vec<String> = seen.iter().map(outcome).collect();
            let fact = format!(
                "none of {n} declared interactions answers 200 ({})",
                answers.join(", ")
            );
            // A refusal is legal where the server demands a filter that was not given; nothing is decided.
            Judgement::new(Mark::Info, fact)
        } else {
            let mark = if answered == n {
                Mark::Pass
            } else {
                Mark::Info
            };
            Judgement::new(
                mark,
                format!("{answered} of {n} declared interactions that were asked answer 200"),
            )
        };
        Judgement {
            fact: judgement.fact.clone() + &not_asked(known),
            ..judgement
        }
        .of(n)
        .sign_if(missing > 0, Sign::InteractionMissing)
        .sign_if(broken > 0, Sign::ServerError)
        .sign_if(closed > 0, Sign::Unauthorized)
        .sign_if(answered > 0, Sign::Authorized)
    }
}

/// A few types of each kind, in the order of [`Known::searchable`].
fn selected(known: &Known) -> Vec<&'static str> {
    let (impersonal, clinical): (Vec<_>, Vec<_>) = known
        .searchable()
        .into_iter()
        .partition(|name| Known::is_impersonal(name));
    impersonal
        .into_iter()
        .take(TYPES_EACH)
        .chain(clinical.into_iter().take(TYPES_EACH))
        .collect()
}

/// Declared interactions on the one resource that is used as a sample.
fn instance_requests(known: &Known) -> Vec<Request> {
    let (Some(capability), Some(key)) = (&known.capability, known.sample()) else {
        return Vec::new();
    };
    let declares = |interaction| capability.supports(&key.resource_type, interaction);
    let mut requests = Vec::new();
    if declares("read") {
        requests.push(Request::get(key.to_string()));
    }
    if declares("vread")
        && let Some(version) = version_of(known, &key.to_string())
    {
        requests.push(Request::get(format!("{key}/_history/{version}")));
    }
    if declares("history-instance") {
        requests.push(Request::get(format!("{key}/_history?_count=1")));
    }
    requests
}

/// The version that the newest answer about a resource named.
fn version_of(known: &Known, key: &str) -> Option<String> {
    let is_about = |exchange: &&Exchange| exchange.request.url.ends_with(&format!("/{key}"));
    let body = known.exchanges.iter().rev().find(is_about)?.json()?;
    let version = resource::version_id(&body)?;
    resource::is_id(version).then(|| version.to_owned())
}

fn reason(known: &Known) -> String {
    refusals(known)
        .into_iter()
        .next()
        .unwrap_or_else(|| "no search is declared".to_owned())
}

/// Why types could not be searched, one reason per type.
fn refusals(known: &Known) -> Vec<String> {
    selected(known)
        .into_iter()
        .filter_map(|name| known.search(name, &[]).err())
        .collect()
}

fn not_asked(known: &Known) -> String {
    let refusals = refusals(known);
    match refusals.first() {
        None => String::new(),
        Some(reason) => format!("; {} not asked: {reason}", plural(refusals.len(), "type")),
    }
}

fn count(seen: &[Exchange], is: impl Fn(&Exchange) -> bool) -> usize {
    seen.iter().filter(|exchange| is(exchange)).count()
}

/// Types whose search answered with a Bundle, in the order in which they were asked.
pub(super) fn answering_types(known: &Known) -> Vec<&'static str> {
    let mut types: Vec<&'static str> = Vec::new();
    for exchange in &known.exchanges {
        if let Some(name) = known.searched_type(&exchange.request.url)
            && searchset(exchange).is_some()
            && !types.contains(&name)
        {
            types.push(name);
        }
    }
    types
}
