//! Loading: a population goes into the target by transaction, by PUT with ids, or by POST in order, whatever the
//! target claims, and is read back resource by resource. One canary per type goes first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::fhir::{Key, bundle, outcome, resource};
use crate::http::{Exchange, Method, Request};
use crate::population::stamp;
use crate::record::event::Event;
use crate::record::{Cohort, Completeness, Isolation, Provenance};

use super::super::context::Context;
use super::super::session::TAG_SYSTEM;
use super::{Populated, Stored, isolate, references, unload};

/// Entries of one transaction at most; servers refuse very large ones.
const MAX_ENTRIES: usize = 100;

/// What is to be loaded.
#[derive(Debug)]
pub struct Order {
    /// Resources in dependency order, with generated ids and relative references.
    pub resources: Vec<Value>,
    /// Merge patches (RFC 7396) by type: what this server demands of a create.
    pub overlay: BTreeMap<String, Value>,
}

/// How resources get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Transaction,
    Put,
    Post,
}

/// Loads a population and reads it back as a cohort.
pub async fn load(context: &Context, order: Order) -> Populated {
    let mut loader = Loader::new(context);
    let prepared = loader.prepare(order);
    context.observer.observe(Event::Stage(format!(
        "loading {} resources",
        prepared.len()
    )));
    let keys: Vec<Key> = prepared.iter().filter_map(Key::of).collect();
    let lasting = unload::lasting(context, &keys);
    if lasting > 0 {
        context.observer.observe(Event::Notice(format!(
            "{lasting} of these {} resources will stay: the target does not claim to delete their types",
            keys.len()
        )));
    }
    let (canaries, rest) = loader.split_canaries(prepared);
    for canary in canaries {
        loader.post(canary).await;
    }
    let way = loader.way();
    for chunk in loader.chunks(rest) {
        match way {
            Way::Transaction => loader.transact(chunk).await,
            Way::Put => loader.put(chunk).await,
            Way::Post => {
                for resource in chunk {
                    loader.post(resource).await;
                }
            }
        }
    }
    loader.read_back().await
}

/// What the tag of a cohort adds to the run token.
pub const DATA_TAG: &str = "-data";

struct Loader<'a> {
    context: &'a Context,
    token: String,
    /// Code of the cohort's tag; cases tag what they create with the token alone, so that no search of the cohort
    /// ever sees it.
    tag: String,
    /// Generated key to the server's key.
    keys: IndexMap<Key, Key>,
    /// As sent, by generated key, references still generated.
    sent: IndexMap<Key, Value>,
    refused: BTreeMap<String, String>,
    lost: usize,
    /// A write of unknown outcome, or a read that failed: more or less may be there than is known.
    doubtful: bool,
}

impl<'a> Loader<'a> {
    fn new(context: &'a Context) -> Self {
        let token = context.session.token().to_string();
        Loader {
            context,
            tag: format!("{token}{DATA_TAG}"),
            token,
            keys: IndexMap::new(),
            sent: IndexMap::new(),
            refused: BTreeMap::new(),
            lost: 0,
            doubtful: false,
        }
    }

    /// Types that can be created at all, stamped with the run's tag and overlaid.
    fn prepare(&mut self, order: Order) -> Vec<Value> {
        let mut prepared = Vec::with_capacity(order.resources.len());
        for mut value in order.resources {
            let Some(name) = resource::resource_type(&value).map(str::to_owned) else {
                continue;
            };
            if !self.context.capability.supports(&name, "create") {
                self.refused
                    .entry(name)
                    .or_insert_with(|| "create is not claimed".to_owned());
                continue;
            }
            stamp(&mut value, TAG_SYSTEM, &self.tag, &self.token);
            if let Some(patch) = order.overlay.get(&name) {
                merge_patch(&mut value, patch);
            }
            prepared.push(value);
        }
        prepared
    }

    /// The first resource of each type, with all that it refers to, goes alone.
    fn split_canaries(&self, prepared: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for value in &prepared {
            let name = resource::resource_type(value).unwrap_or_default();
            if seen.insert(name.to_owned()) {
                wanted.extend(Key::of(value).map(|key| key.to_string()));
            }
        }
        // Dependencies come earlier, so one backward pass closes the set.
        for value in prepared.iter().rev() {
            if Key::of(value).is_some_and(|key| wanted.contains(&key.to_string())) {
                wanted.extend(references::references(value));
            }
        }
        prepared
            .into_iter()
            .partition(|value| Key::of(value).is_some_and(|key| wanted.contains(&key.to_string())))
    }

    fn way(&self) -> Way {
        let capability = &self.context.capability;
        if capability.supports_system("transaction") {
            return Way::Transaction;
        }
        let types: BTreeSet<&str> = self
            .sent
            .keys()
            .map(|key| key.resource_type.as_str())
            .collect();
        if types
            .iter()
            .all(|name| capability.flag(name, "updateCreate"))
        {
            Way::Put
        } else {
            Way::Post
        }
    }

    fn chunks(&self, rest: Vec<Value>) -> Vec<Vec<Value>> {
        let mut chunks: Vec<Vec<Value>> = Vec::new();
        for value in rest {
            match chunks.last_mut() {
                Some(chunk) if chunk.len() < MAX_ENTRIES => chunk.push(value),
                _ => chunks.push(vec![value]),
            }
        }
        chunks
    }

    /// Leaves out what was refused as a type and members that refer to something that is not there.
    fn admit(&self, value: Value, together: &BTreeSet<Key>) -> Option<(Key, Value)> {
        let key = Key::of(&value)?;
        if self.refused.contains_key(&key.resource_type) {
            return None;
        }
        let is_there = |reference: &str| {
            Key::from_reference(reference)
                .is_none_or(|key| self.keys.contains_key(&key) || together.contains(&key))
        };
        references::without(value, &is_there).map(|value| (key, value))
    }

    async fn post(&mut self, value: Value) {
        let Some((key, value)) = self.admit(value, &BTreeSet::new()) else {
            self.lost += 1;
            return;
        };
        let mut body = value.clone();
        references::remap(&mut body, &self.keys);
        if let Some(members) = body.as_object_mut() {
            members.shift_remove("id");
        }
        let request = Request::new(Method::Post, key.resource_type.clone()).with_json(&body);
        let exchange = self.context.session.send(request).await;
        let located = exchange.header("location").and_then(Key::from_reference);
        match (
            exchange.status(),
            located.or_else(|| exchange.json().as_ref().and_then(Key::of)),
        ) {
            (Some(200..=299), Some(server)) => self.keep(key, server, value),
            _ => self.refuse(&key.resource_type, &exchange),
        }
    }

    async fn put(&mut self, chunk: Vec<Value>) {
        for value in chunk {
            let Some((key, value)) = self.admit(value, &BTreeSet::new()) else {
                self.lost += 1;
                continue;
            };
            let server = Key::new(key.resource_type.clone(), self.run_unique(&key.id));
            let mut body = value.clone();
            references::remap(&mut body, &self.keys);
            body["id"] = json!(server.id);
            let exchange = self
                .context
                .session
                .send(Request::new(Method::Put, server.to_string()).with_json(&body))
                .await;
            if matches!(exchange.status(), Some(200..=299)) {
                self.keep(key, server, value);
            } else {
                self.refuse(&key.resource_type, &exchange);
            }
        }
    }

    /// Two runs with one seed must not meet in one id: the run token takes the first half.
    fn run_unique(&self, id: &str) -> String {
        let tail: String = id
            .chars()
            .rev()
            .take(40)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        format!("{}-{tail}", self.token)
    }

    async fn transact(&mut self, chunk: Vec<Value>) {
        let together: BTreeSet<Key> = chunk.iter().filter_map(Key::of).collect();
        let mut admitted: Vec<(Key, Value)> = Vec::with_capacity(chunk.len());
        for value in chunk {
            match self.admit(value, &together) {
                Some(pair) => admitted.push(pair),
                None => self.lost += 1,
            }
        }
        let urns: IndexMap<Key, String> = admitted
            .iter()
            .map(|(key, _)| (key.clone(), urn(&format!("{}{key}", self.token))))
            .collect();
        let entries: Vec<Value> = admitted
            .iter()
            .map(|(key, value)| {
                let mut body = value.clone();
                references::rewrite(&mut body, &|reference| {
                    let target = Key::from_reference(reference)?;
                    urns.get(&target)
                        .cloned()
                        .or_else(|| self.keys.get(&target).map(ToString::to_string))
                });
                if let Some(members) = body.as_object_mut() {
                    members.shift_remove("id");
                }
                json!({ "fullUrl": urns[key], "resource": body,
                        "request": { "method": "POST", "url": key.resource_type } })
            })
            .collect();
        let transaction =
            json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let exchange = self
            .context
            .session
            .send(Request::new(Method::Post, "").with_json(&transaction))
            .await;
        let answer = exchange.json().filter(|_| exchange.status() == Some(200));
        let locations: Vec<Option<Key>> = answer.as_ref().map(locations).unwrap_or_default();
        if locations.len() != admitted.len() || locations.iter().any(Option::is_none) {
            self.refuse("transaction", &exchange);
            self.lost += admitted.len();
            return;
        }
        for ((key, value), server) in admitted.into_iter().zip(locations.into_iter().flatten()) {
            self.keep(key, server, value);
        }
    }

    fn keep(&mut self, generated: Key, server: Key, value: Value) {
        self.keys.insert(generated.clone(), server);
        self.sent.insert(generated, value);
    }

    fn refuse(&mut self, what: &str, exchange: &Exchange) {
        self.doubtful |= exchange
            .status()
            .is_none_or(|status| !(300..500).contains(&status));
        let reason = match &exchange.outcome {
            Ok(response) => {
                let codes = exchange
                    .json()
                    .map(|body| outcome::codes(&body).join(", "))
                    .unwrap_or_default();
                format!("{} {codes}", response.status).trim_end().to_owned()
            }
            Err(failure) => failure.message.clone(),
        };
        self.refused.entry(what.to_owned()).or_insert(reason);
    }

    async fn read_back(self) -> Populated {
        let context = self.context;
        let mut stored: Vec<Stored> = Vec::with_capacity(self.sent.len());
        let pairs: Vec<(Key, Value)> = self
            .sent
            .iter()
            .map(|(generated, value)| {
                let server = self.keys[generated].clone();
                let mut value = value.clone();
                references::remap(&mut value, &self.keys);
                value["id"] = json!(server.id);
                (server, value)
            })
            .collect();
        let requests = pairs
            .iter()
            .map(|(key, _)| Request::get(key.to_string()))
            .collect();
        let exchanges = context.session.send_all(requests, context.jobs).await;
        let mut cohort = Cohort {
            resources: IndexMap::new(),
            sent: IndexMap::new(),
            provenance: Provenance::Generated,
            completeness: Completeness::Exact,
            isolation: Isolation::None,
            patients: Vec::new(),
        };
        let mut doubtful = self.doubtful;
        for ((key, sent), exchange) in pairs.into_iter().zip(exchanges) {
            let exchange = Arc::new(exchange);
            if let Some(value) = exchange.json().filter(|value| {
                exchange.status() == Some(200) && Key::of(value).as_ref() == Some(&key)
            }) {
                if key.resource_type == "Patient" {
                    cohort.patients.push(key.id.clone());
                }
                cohort.resources.insert(key.clone(), value);
            } else {
                doubtful = true;
            }
            cohort.sent.insert(key, sent.clone());
            stored.push(Stored { sent, exchange });
        }
        let patients: Vec<Key> = cohort
            .patients
            .iter()
            .map(|id| Key::new("Patient", id))
            .collect();
        let proof = if patients.is_empty() {
            cohort.resources.keys().cloned().collect()
        } else {
            patients
        };
        cohort.isolation = isolate::prove(
            &context.session,
            context.clock.as_ref(),
            &proof,
            (TAG_SYSTEM, &self.tag),
            context.index_lag,
        )
        .await;
        let last_of_each: BTreeMap<&str, &Key> = cohort
            .resources
            .keys()
            .map(|key| (key.resource_type.as_str(), key))
            .collect();
        let last: Vec<Key> = last_of_each.into_values().cloned().collect();
        let indexed = isolate::wait_for(
            &context.session,
            context.clock.as_ref(),
            &last,
            &cohort,
            context.index_lag,
        )
        .await;
        // An index that is still behind, or a write of unknown outcome, and no set of matches is exact.
        if cohort.isolation == Isolation::None || doubtful || !indexed {
            cohort.completeness = Completeness::Sample;
        }
        let mut causes: Vec<String> = self
            .refused
            .iter()
            .map(|(what, reason)| format!("{what} could not be loaded: {reason}"))
            .collect();
        if self.lost > 0 {
            causes.push(format!(
                "{} resources were left out because of that",
                self.lost
            ));
        }
        Populated {
            cohort,
            causes,
            stored,
        }
    }
}

/// The server's keys in the order of the request's entries.
fn locations(answer: &Value) -> Vec<Option<Key>> {
    bundle::entries(answer)
        .map(|entry| {
            let location = entry.get("response")?.get("location")?.as_str()?;
            Key::from_reference(location)
        })
        .collect()
}

/// A URN made from a text: version 8 (custom) of RFC 9562, from a SHA-256 digest.
fn urn(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// RFC 7396: objects merge, null removes, everything else replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().expect("made an object above");
    for (name, change) in changes {
        if change.is_null() {
            members.shift_remove(name);
        } else {
            merge_patch(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_adds_replaces_and_removes() {
        let mut target = json!({ "a": 1, "b": { "c": 2, "d": 3 } });
        merge_patch(
            &mut target,
            &json!({ "a": null, "b": { "c": 4 }, "e": [5] }),
        );
        assert_eq!(target, json!({ "b": { "c": 4, "d": 3 }, "e": [5] }));
    }

    #[test]
    fn urns_are_uuids_of_version_eight() {
        let urn = urn("Patient/1");
        assert_eq!(urn.len(), "urn:uuid:".len() + 36);
        assert_eq!(&urn[23..24], "8");
    }
}
