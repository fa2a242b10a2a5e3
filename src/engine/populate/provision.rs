//! Provision: our own data, loaded by other means, is looked up by identifier. Nothing is written.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::fhir::{Key, bundle, query, resource};
use crate::http::Request;
use crate::record::event::Event;
use crate::record::{Cohort, Completeness, Isolation, Provenance};

use super::super::context::Context;
use super::{Populated, Stored, references};

/// Finds each resource that has an identifier on the target and maps its id; resources of types without identifiers
/// are left out and counted.
pub async fn provision(context: &Context, resources: Vec<Value>) -> Populated {
    let mut wanted: Vec<(Key, Value, String)> = Vec::new();
    let mut unidentified = 0;
    for value in resources {
        if is_ours(&value) {
            context.session.disclosure().learn_resource(&value);
        }
        match (Key::of(&value), identifier(&value)) {
            (Some(key), Some(token)) => wanted.push((key, value, token)),
            _ => unidentified += 1,
        }
    }
    context.observer.observe(Event::Stage(format!(
        "looking for {} resources by identifier",
        wanted.len()
    )));
    let requests = wanted.iter().map(|(key, _, token)| {
        let pairs = [("identifier".to_owned(), token.clone())];
        Request::get(format!(
            "{}?{}",
            key.resource_type,
            query::encode_pairs(&pairs)
        ))
    });
    let exchanges = context
        .session
        .send_all(requests.collect(), context.jobs)
        .await;
    let mut cohort = Cohort {
        provenance: Provenance::Provisioned,
        completeness: Completeness::Sample,
        isolation: Isolation::None,
        ..Cohort::empty()
    };
    let mut keys: IndexMap<Key, Key> = IndexMap::new();
    let mut found: Vec<(Key, Value, std::sync::Arc<crate::http::Exchange>)> = Vec::new();
    let mut absent: BTreeMap<String, usize> = BTreeMap::new();
    for ((generated, sent, _), exchange) in wanted.into_iter().zip(exchanges) {
        let hits: Vec<Value> = exchange
            .json()
            .map(|body| bundle::matches(&body).cloned().collect())
            .unwrap_or_default();
        match hits.as_slice() {
            [value] if resource::resource_type(value) == Some(&generated.resource_type) => {
                let Some(key) = Key::of(value) else { continue };
                context.session.disclosure().learn(key.id.as_str());
                keys.insert(generated, key.clone());
                cohort.resources.insert(key.clone(), value.clone());
                found.push((key, sent, std::sync::Arc::new(exchange)));
            }
            _ => *absent.entry(generated.resource_type).or_default() += 1,
        }
    }
    let mut stored = Vec::with_capacity(found.len());
    for (key, mut sent, exchange) in found {
        references::remap(&mut sent, &keys);
        sent["id"] = json!(key.id);
        if key.resource_type == "Patient" {
            cohort.patients.push(key.id.clone());
        }
        cohort.sent.insert(key, sent.clone());
        stored.push(Stored { sent, exchange });
    }
    let mut causes: Vec<String> = absent
        .into_iter()
        .map(|(name, count)| {
            format!("{count} {name} of the cohort are not on the target, or not once")
        })
        .collect();
    if unidentified > 0 {
        causes.push(format!(
            "{unidentified} resources of the cohort have no identifier to be found by"
        ));
    }
    Populated {
        cohort,
        causes,
        stored,
    }
}

/// True for a resource of a population of ours; a folder may hold anything, and what is not ours stays masked.
fn is_ours(resource: &Value) -> bool {
    identifier(resource).is_some_and(|token| token.starts_with("urn:rounds:"))
}

/// `system|value` of the first identifier that has both.
fn identifier(resource: &Value) -> Option<String> {
    let list = match resource.get("identifier")? {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    list.iter().find_map(|identifier| {
        let text = |name: &str| identifier.get(name).and_then(Value::as_str);
        Some(format!("{}|{}", text("system")?, text("value")?))
    })
}
