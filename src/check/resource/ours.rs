//! What we sent broken ourselves is not held against a server, wherever and whenever it comes back.
//! Not what a server made of it: a flaw at another place is its own.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use serde_json::Value;

use super::examine::Examiner;
use super::flaw::Identity;
use super::written::note_writes;
use crate::fhir::{Key, bundle, definitions, resource};
use crate::http::{Exchange, Method};

/// Resources whose flaws as sent are kept at most.
const MAX_SENT: usize = 100_000;

/// Flaws that are ours.
#[derive(Debug, Default)]
pub(super) struct Ours {
    /// Of what we sent, by the key that it was given.
    sent: HashMap<Key, BTreeSet<Identity>>,
    /// Of what we sent and what was stored under a key that no answer told.
    anywhere: BTreeSet<Identity>,
    /// Resources that we patched: what they are now is partly ours, and not to be told apart.
    patched: BTreeSet<Key>,
    /// Types of which we patched a resource that no answer told.
    patched_types: BTreeSet<String>,
}

impl Ours {
    /// True if a flaw of a resource is, or may be, ours.
    pub fn has(&self, identity: &Identity, key: Option<&Key>) -> bool {
        if self.anywhere.contains(identity) {
            return true;
        }
        let Some(key) = key else { return false };
        self.patched.contains(key)
            || self.patched_types.contains(&key.resource_type)
            || self
                .sent
                .get(key)
                .is_some_and(|flaws| is_at_place_of(identity, flaws))
    }

    /// What each resource that an exchange wrote had wrong when it was sent.
    pub fn note(&mut self, exchange: &Exchange, examiner: &mut Examiner) {
        match exchange.request.method {
            Method::Patch => self.note_patch(exchange),
            Method::Post | Method::Put => self.note_write(exchange, examiner),
            _ => {}
        }
    }

    /// What a resource had wrong that we loaded.
    pub fn note_loaded(&mut self, key: &Key, sent: &Value, examiner: &mut Examiner) {
        let flaws = identities(sent, examiner);
        if !flaws.is_empty() {
            self.sent.entry(key.clone()).or_default().extend(flaws);
        }
    }

    fn note_patch(&mut self, exchange: &Exchange) {
        if is_refused(exchange) {
            return;
        }
        let answered = exchange.json().as_ref().and_then(Key::of);
        let told = answered.or_else(|| exchange.header("location").and_then(Key::from_reference));
        self.note_patched(&exchange.request.url, told.is_some());
        self.patched.extend(told);
    }

    /// A URL that names no resource chose one by search.
    fn note_patched(&mut self, url: &str, is_told: bool) {
        let path = url.split('?').next().unwrap_or_default();
        match Key::from_reference(path) {
            Some(key) => {
                self.patched.insert(key);
            }
            None if !is_told => {
                let name = path.rsplit('/').next().unwrap_or_default();
                if definitions::is_resource_type(name) {
                    self.patched_types.insert(name.to_owned());
                }
            }
            None => {}
        }
    }

    fn note_write(&mut self, exchange: &Exchange, examiner: &mut Examiner) {
        let Some(sent) = resource::of_body(&exchange.request.body) else {
            return;
        };
        let mut written = IndexMap::new();
        note_writes(exchange, &mut written);
        let mut untold = stores(exchange, &sent);
        for entry in bundle::entries(&sent) {
            let word = |name: &str| entry.get("request")?.get(name)?.as_str();
            if word("method") == Some("PATCH") {
                self.note_patched(word("url").unwrap_or_default(), false);
            }
        }
        for (key, stored) in written {
            untold = untold.saturating_sub(1);
            let flaws = identities(&stored, examiner);
            if !flaws.is_empty() && self.sent.len() < MAX_SENT {
                self.sent.entry(key).or_default().extend(flaws);
            }
        }
        if untold > 0 {
            self.anywhere.extend(identities(&sent, examiner));
        }
    }
}

/// True if one of the flaws stands where this one does: a number too large that comes back as null is still ours.
pub(super) fn is_at_place_of(identity: &Identity, flaws: &BTreeSet<Identity>) -> bool {
    flaws.iter().any(|flaw| flaw.place == identity.place)
}

fn identities(sent: &Value, examiner: &mut Examiner) -> BTreeSet<Identity> {
    let parts = examiner.examine(sent);
    let flaws = parts.iter().flat_map(|part| part.flaws.iter());
    flaws.map(|flaw| flaw.identity.clone()).collect()
}

fn is_refused(exchange: &Exchange) -> bool {
    let status = exchange.status();
    status.is_some_and(|status| !(200..300).contains(&status))
}

/// How many resources a request stores that was not refused; one without an answer may have stored all of them.
fn stores(exchange: &Exchange, sent: &Value) -> usize {
    let status = exchange.status();
    let is_operation = exchange.request.url.contains('$');
    if is_operation || is_refused(exchange) {
        return 0;
    }
    if exchange.request.method == Method::Put {
        return 1;
    }
    if resource::resource_type(sent) == Some("Bundle") && status != Some(201) {
        let writes = bundle::entries(sent).filter(|entry| {
            let method = entry.pointer("/request/method").and_then(Value::as_str);
            matches!(method, Some("POST" | "PUT"))
        });
        return writes.count();
    }
    // A conditional create that finds its resource answers 200 and stores nothing.
    usize::from(status != Some(200))
}
