//! Crawl: learns a cohort by reading, bounded by patients, types, pages and requests, in memory only. The way of
//! most production endpoints, which forbid writing, unfiltered searches, or both.

mod everything;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;

use crate::fhir::capability::Capability;
use crate::fhir::{Key, bundle, definitions, query, resource};
use crate::http::{Exchange, Request};
use crate::record::event::Event;
use crate::record::{Cohort, Completeness, Isolation, Provenance};

use super::super::context::Context;
use super::super::require;
use super::{Populated, Stored};

/// How far a crawl may go.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Patients read at most.
    pub patients: usize,
    /// Types read per patient at most.
    pub types: usize,
    /// Pages per search at most.
    pub pages: usize,
    /// Requests in all at most.
    pub requests: u64,
    /// Patients named by the operator; none are looked for if there are some.
    pub named: Vec<String>,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            patients: 5,
            types: 14,
            pages: 3,
            requests: 200,
            named: Vec::new(),
        }
    }
}

/// Types that a crawl reads first, most useful first; others that the target claims follow in alphabetical order.
const FIRST: &[&str] = &[
    "Observation",
    "Condition",
    "Encounter",
    "MedicationRequest",
    "AllergyIntolerance",
    "Immunization",
    "Procedure",
    "DiagnosticReport",
    "DocumentReference",
    "CarePlan",
    "CareTeam",
    "Goal",
    "ServiceRequest",
    "Coverage",
];

/// Types that are read of a patient before one of whom nothing is there is left for the next.
const PROBED: usize = 4;

/// Resources of one search page asked for; a server may cap it.
const PAGE: u32 = 50;

/// Reads patients and what belongs to them.
pub async fn crawl(context: &Context, bounds: &Bounds) -> Populated {
    let mut crawler = Crawler {
        context,
        bounds,
        left: bounds.requests,
        resources: IndexMap::new(),
        causes: Vec::new(),
        reference: None,
    };
    let candidates = crawler.patients().await;
    let wanted = bounds.patients.min(candidates.len());
    context
        .observer
        .observe(Event::Stage(format!("reading {wanted} patients")));
    let is_all = bounds.named.is_empty() && candidates.len() <= bounds.patients;
    let patients = crawler.records(candidates).await;
    let completeness = match is_all && crawler.everything().await {
        true => Completeness::Snapshot,
        false => Completeness::Sample,
    };
    let isolation = match bounds.named.is_empty() {
        true => Isolation::None,
        false => {
            let reference = crawler.reference.unwrap_or(Reference::Id);
            to_named(&context.capability, &patients, reference)
        }
    };
    let cohort = Cohort {
        resources: crawler.resources,
        sent: IndexMap::new(),
        provenance: Provenance::Crawled,
        completeness,
        isolation,
        patients,
    };
    Populated {
        cohort,
        causes: crawler.causes,
        stored: Vec::<Stored>::new(),
    }
}

/// How searches keep to the patients that the operator named: others may not be his to read.
fn to_named(capability: &Capability, patients: &[String], reference: Reference) -> Isolation {
    let ids = patients.join(",");
    let references: Vec<String> = patients.iter().map(|id| reference.to(id)).collect();
    let references = references.join(",");
    let confined = |name: &str| {
        let (code, value) = match name {
            "Patient" => ("_id", &ids),
            _ => ("patient", &references),
        };
        let is_way = !patients.is_empty()
            && capability.supports_parameter(name, code)
            && definitions::search_parameter(name, code).is_some();
        is_way.then(|| (name.to_owned(), (code.to_owned(), value.clone())))
    };
    let types = capability.resource_types();
    Isolation::Named {
        by_type: types.into_iter().filter_map(confined).collect(),
    }
}

struct Crawler<'a> {
    context: &'a Context,
    bounds: &'a Bounds,
    /// Requests that may still be sent.
    left: u64,
    resources: IndexMap<Key, Value>,
    causes: Vec<String>,
    /// The form by which something was found.
    reference: Option<Reference>,
}

/// How a search names the patient. R4 has both forms; a target that finds nothing by the one is asked by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    /// `patient=1`
    Id,
    /// `patient=Patient/1`
    TypeAndId,
}

impl Reference {
    fn to(self, patient: &str) -> String {
        match self {
            Reference::Id => patient.to_owned(),
            Reference::TypeAndId => format!("Patient/{patient}"),
        }
    }
}

impl Crawler<'_> {
    async fn get(&mut self, url: String) -> Option<Exchange> {
        if self.left == 0 {
            self.cause(format!(
                "the crawl ended at its limit of {} requests",
                self.bounds.requests
            ));
            return None;
        }
        self.left -= 1;
        let exchange = self.context.session.send(Request::get(url)).await;
        self.context.survey().add(&exchange);
        Some(exchange)
    }

    fn cause(&mut self, cause: String) {
        if !self.causes.contains(&cause) {
            self.causes.push(cause);
        }
    }

    /// The named patients, or those on the first page of an unfiltered search.
    async fn patients(&mut self) -> Vec<(Key, Value)> {
        let mut found = Vec::new();
        if self.bounds.named.is_empty() {
            let Some(exchange) = self.get(format!("Patient?_count={PAGE}")).await else {
                return found;
            };
            if exchange.status() != Some(200) {
                self.cause(
                    "patients cannot be listed without a filter: name some with --patient ID or `patients` in rounds.yaml"
                        .to_owned(),
                );
                return found;
            }
            let of_page = page(&exchange).into_iter();
            found.extend(of_page.filter(|(key, _)| key.resource_type == "Patient"));
            return found;
        }
        for id in self.bounds.named.iter().take(self.bounds.patients) {
            let Some(exchange) = self.get(format!("Patient/{id}")).await else {
                break;
            };
            match exchange.json().filter(|_| exchange.status() == Some(200)) {
                Some(value) if resource::id(&value) == Some(id) => {
                    found.push((Key::new("Patient", id), value));
                }
                _ => self.cause(format!(
                    "a named patient could not be read: {}",
                    exchange
                        .status()
                        .map_or_else(|| "no answer".to_owned(), |status| status.to_string())
                )),
            }
        }
        found
    }

    /// Reads the records of patients until there are as many as wanted, and gives the ids. A patient of whom nothing is
    /// there tells little, and is taken only where there are no others, or by name.
    async fn records(&mut self, candidates: Vec<(Key, Value)>) -> Vec<String> {
        let mut patients = Vec::new();
        let mut empty = Vec::new();
        for (key, patient) in candidates {
            if patients.len() >= self.bounds.patients {
                break;
            }
            let has_record = self.record(&key.id).await;
            if has_record || !self.bounds.named.is_empty() {
                patients.push(key.id.clone());
                self.resources.insert(key, patient);
            } else {
                empty.push((key, patient));
            }
        }
        let room = self.bounds.patients.saturating_sub(patients.len());
        for (key, patient) in empty.into_iter().take(room) {
            patients.push(key.id.clone());
            self.resources.insert(key, patient);
        }
        patients
    }

    /// Types of the patient compartment that the target lets us search.
    fn types(&self) -> Vec<String> {
        let claimed: BTreeSet<&str> = self
            .context
            .capability
            .resource_types()
            .into_iter()
            .collect();
        let searchable = |name: &str| {
            claimed.contains(name)
                && self.context.capability.supports(name, "search-type")
                && definitions::search_parameter(name, "patient").is_some()
        };
        let mut types: Vec<String> = FIRST
            .iter()
            .filter(|name| searchable(name))
            .map(|name| (*name).to_owned())
            .collect();
        let rest = claimed
            .iter()
            .filter(|name| !FIRST.contains(name) && searchable(name));
        types.extend(rest.map(|name| (*name).to_owned()));
        types.truncate(self.bounds.types);
        types
    }

    /// Reads what belongs to a patient; true if there is something. Until something was found by one form of the
    /// reference, the other is tried too.
    async fn record(&mut self, patient: &str) -> bool {
        let forms = match self.reference {
            Some(known) => vec![known],
            None => vec![Reference::Id, Reference::TypeAndId],
        };
        let may_skip = self.bounds.named.is_empty();
        for form in forms {
            let before = self.resources.len();
            for (position, name) in self.types().into_iter().enumerate() {
                if may_skip && position == PROBED && self.resources.len() == before {
                    break;
                }
                self.compartment(&form.to(patient), &name, false).await;
            }
            if self.resources.len() > before {
                self.reference = Some(form);
                return true;
            }
        }
        false
    }

    async fn compartment(&mut self, patient: &str, name: &str, is_retry: bool) {
        let base = vec![
            ("patient".to_owned(), patient.to_owned()),
            ("_count".to_owned(), PAGE.to_string()),
        ];
        let company = self.context.requirements.of(name);
        let searches = require::companies(name, &company, &base);
        if searches.is_empty() {
            self.cause(format!(
                "{name} could not be read: the server requires category, and none is known to try"
            ));
        }
        for pairs in searches {
            let url = format!("{name}?{}", query::encode_pairs(&pairs));
            let Some(exchange) = self.get(url).await else {
                return;
            };
            match exchange.status() {
                Some(200) => self.walk(exchange).await,
                Some(400 | 403) => {
                    let learned =
                        require::learn(&self.context.requirements, name, &pairs, &exchange);
                    // One more try with the company that the server asked for; what it refuses then stays unread.
                    if learned && !is_retry {
                        Box::pin(self.compartment(patient, name, true)).await;
                    } else {
                        self.cause(format!(
                            "{name} could not be read: {}",
                            exchange.status().unwrap_or_default()
                        ));
                    }
                    return;
                }
                status => {
                    let status =
                        status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                    self.cause(format!("{name} could not be read: {status}"));
                    return;
                }
            }
        }
    }

    async fn walk(&mut self, first: Exchange) {
        let mut exchange = first;
        for _ in 1..self.bounds.pages {
            self.resources.extend(page(&exchange));
            let next = exchange
                .json()
                .as_ref()
                .and_then(|body| bundle::link_url(body, "next", &exchange.request.url));
            let Some(next) = next else { return };
            match self.get(next).await {
                Some(answer) if answer.status() == Some(200) => exchange = answer,
                _ => return,
            }
        }
        self.resources.extend(page(&exchange));
    }
}

fn page(exchange: &Exchange) -> Vec<(Key, Value)> {
    let Some(body) = exchange.json() else {
        return Vec::new();
    };
    bundle::matches(&body)
        .filter_map(|value| Some((Key::of(value)?, value.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
