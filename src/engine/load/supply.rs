//! From operations and the cohort to requests, ready to be sent, before the clock runs. Pure; it also says for which
//! operations there is nothing to send, and why.

use jiff::Timestamp;

use crate::fhir::capability::Capability;
use crate::fhir::path::{self, Item};
use crate::fhir::{Key, query};
use crate::http::Request;
use crate::record::{Cohort, Verdict};
use crate::seed::{Rng, Seed};
use crate::suite::request::with_parameters;
use crate::suite::template::Bindings;

use super::body::Wanted;
use super::plan::{Operation, Source, VALUE, is_instance};
use crate::engine::confine;
use crate::engine::context::Requirements;

/// Different requests of one operation at most; more would be memory and no other load.
const MAX_REQUESTS: usize = 10_000;

/// The requests of one operation, sent in a cycle, and what a success looks like.
#[derive(Debug, Clone)]
pub(super) struct Supply {
    pub(super) requests: Vec<Request>,
    pub(super) wanted: Wanted,
}

/// What requests are made of.
pub(super) struct Ground<'a> {
    pub(super) capability: &'a Capability,
    pub(super) cohort: &'a Cohort,
    pub(super) requirements: &'a Requirements,
    pub(super) seed: Seed,
    pub(super) now: Timestamp,
}

impl<'a> Ground<'a> {
    /// The requests of an operation in the order of the seed.
    ///
    /// # Errors
    /// The verdict of its cases if nothing can be sent: not claimed, no data, or requirements that cannot be met.
    pub(super) fn supply(&self, operation: &Operation) -> Result<Supply, Verdict> {
        if let Some(missing) = unclaimed(self.capability, operation) {
            return Err(Verdict::Skip(format!("not claimed: {missing}")));
        }
        let mut requests = Vec::new();
        match &operation.source {
            None => requests.push(self.request(operation, None)?),
            Some(source) => {
                for (key, value) in self.values(source) {
                    requests.push(self.request(operation, Some((key, value)))?);
                }
                if requests.is_empty() {
                    return Err(Verdict::Vacuous(lacking(source)));
                }
            }
        }
        shuffle(&mut requests, self.seed.derive(&operation.name));
        Ok(Supply {
            requests,
            wanted: Wanted::new(&operation.statuses, &operation.body),
        })
    }

    /// Resources that will do, with their values.
    fn values(&self, source: &Source) -> Vec<(&'a Key, String)> {
        self.cohort
            .resources
            .iter()
            .filter(|(key, _)| key.resource_type == source.resource_type)
            .filter_map(|(key, resource)| {
                let context = path::Context {
                    resource,
                    variables: &[],
                    now: self.now,
                };
                if let Some(condition) = &source.condition
                    && !condition.test(&context).ok()?
                {
                    return None;
                }
                let items = source.value.evaluate(&context).ok()?;
                let value = items.first().map(Item::to_json)?;
                let text = match value {
                    serde_json::Value::String(text) => text,
                    serde_json::Value::Number(number) => number.to_string(),
                    _ => return None,
                };
                (!text.trim().is_empty()).then_some((key, text))
            })
            .take(MAX_REQUESTS)
            .collect()
    }

    /// One request; a search is confined and gets the company that the target requires.
    fn request(
        &self,
        operation: &Operation,
        value: Option<(&Key, String)>,
    ) -> Result<Request, Verdict> {
        let mut bindings = Bindings::new();
        let mut witnesses = Vec::new();
        if let Some((key, value)) = value {
            bindings.bind(VALUE, value);
            witnesses.push(key.clone());
        }
        let url = operation.url.fill_url(&bindings).map_err(Verdict::Error)?;
        let request = Request::get(url);
        let (path, text) = split(&request.url);
        let Some(resource_type) = confine::searched_type(path) else {
            return Ok(request);
        };
        let company = confine::company(
            resource_type,
            &query::decode_pairs(text),
            self.cohort,
            self.requirements,
            &witnesses,
            self.now,
        )
        .map_err(Verdict::Blocked)?;
        Ok(with_parameters(request, &company))
    }
}

/// What the CapabilityStatement does not declare although the operation needs it.
fn unclaimed(capability: &Capability, operation: &Operation) -> Option<String> {
    let (path, text) = split(operation.url.text());
    if let Some(resource_type) = confine::searched_type(path) {
        if !capability.supports(resource_type, "search-type") {
            return Some(format!("{resource_type}.search-type"));
        }
        let names = query::decode_pairs(text).into_iter().map(|(name, _)| name);
        return names
            .map(|name| name.split([':', '.']).next().unwrap_or_default().to_owned())
            .find(|name| {
                let is_result_parameter = name.starts_with('_') && name != "_id";
                !is_result_parameter && !capability.supports_parameter(resource_type, name)
            })
            .map(|name| format!("{resource_type}.search.{name}"));
    }
    let (resource_type, rest) = path.split_once('/')?;
    (is_instance(rest) && !capability.supports(resource_type, "read"))
        .then(|| format!("{resource_type}.read"))
}

fn split(url: &str) -> (&str, &str) {
    url.split_once('?').unwrap_or((url, ""))
}

fn lacking(source: &Source) -> String {
    let condition = source
        .condition
        .as_ref()
        .map_or_else(String::new, |condition| {
            format!(" where {}", condition.text())
        });
    format!(
        "the cohort holds no {}{condition} with a value for {}",
        source.resource_type,
        source.value.text()
    )
}

/// Fisher and Yates; a pool of ten thousand has a bias below 2^-50.
fn shuffle(requests: &mut [Request], seed: Seed) {
    let mut stream = seed.stream();
    for position in (1..requests.len()).rev() {
        let other = (u128::from(stream.next_u64()) * (position as u128 + 1)) >> 64;
        requests.swap(position, other as usize);
    }
}

#[cfg(test)]
mod tests;
