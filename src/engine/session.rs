//! A session: numbers and records exchanges, notes what was created before and after it is sent, and removes it.
//! It judges nothing and retries nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::fhir::{Key, definitions, resource};
use crate::http::{Exchange, FHIR_JSON, FHIR_XML, FailureKind, Method, Request, Transport};
use crate::secret::Disclosure;
use crate::seed::RunToken;

/// System of the tag that every resource created by a run carries; the code is the run token.
pub const TAG_SYSTEM: &str = "urn:rounds:run";

/// What a run did to a target, one entry per line of `created.jsonl`; enough for `rounds clean`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalEntry {
    /// A writing run begins: where, and under which tag.
    Begun {
        /// Base URL of the target.
        target: String,
        /// Run token, the code of the run's tag.
        token: String,
    },
    /// A write is about to be sent: method and URL relative to the base.
    Intent {
        /// Method.
        method: Method,
        /// URL relative to the base.
        url: String,
    },
    /// A resource exists because of us.
    Created {
        /// `Type/id`.
        key: String,
    },
    /// A resource of ours is gone.
    Removed {
        /// `Type/id`.
        key: String,
    },
}

/// Where journal entries go; the file version flushes each line before the request is sent.
pub trait Journal: Send + Sync {
    /// Records one entry.
    fn record(&self, entry: &JournalEntry);
}

/// Keeps no journal: for read-only targets and for the in-process sandbox, which is gone when the run ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn record(&self, _entry: &JournalEntry) {}
}

/// The target of a run as the engines see it.
pub struct Session {
    transport: Arc<dyn Transport>,
    /// The same target for others than the usual identity, by name.
    identities: BTreeMap<String, Arc<dyn Transport>>,
    disclosure: Disclosure,
    token: RunToken,
    journal: Box<dyn Journal>,
    next_number: AtomicU32,
    requests: AtomicU64,
    refused: AtomicU64,
    created: Mutex<indexmap::IndexSet<Key>>,
}

impl Session {
    /// A session over a transport.
    pub fn new(
        transport: Arc<dyn Transport>,
        disclosure: Disclosure,
        token: RunToken,
        journal: Box<dyn Journal>,
    ) -> Self {
        definitions::vocabulary().for_each(|word| disclosure.learn(word));
        transport
            .base()
            .path()
            .split('/')
            .for_each(|segment| disclosure.learn(segment));
        media_types().for_each(|label| disclosure.learn(label));
        disclosure.learn(TAG_SYSTEM);
        disclosure.learn(token.to_string());
        Session {
            transport,
            identities: BTreeMap::new(),
            disclosure,
            token,
            journal,
            next_number: AtomicU32::new(1),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            created: Mutex::new(indexmap::IndexSet::new()),
        }
    }

    /// The same session with further identities.
    #[must_use]
    pub fn with_identities(mut self, identities: BTreeMap<String, Arc<dyn Transport>>) -> Self {
        self.identities = identities;
        self
    }

    /// Names of the further identities.
    pub fn identities(&self) -> Vec<&str> {
        self.identities.keys().map(String::as_str).collect()
    }

    /// The target's base URL without a trailing slash, as text.
    pub fn base(&self) -> String {
        self.transport
            .base()
            .as_str()
            .trim_end_matches('/')
            .to_owned()
    }

    /// What may be shown.
    pub fn disclosure(&self) -> &Disclosure {
        &self.disclosure
    }

    /// The run token.
    pub fn token(&self) -> RunToken {
        self.token
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that a guard refused in flight: a foreign host, a spent budget, a write that is not allowed.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The transport, for engines that need their own pacing.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// A recorder for one case.
    pub fn scope(self: &Arc<Self>) -> Scope {
        Scope {
            session: Arc::clone(self),
            exchanges: Mutex::new(Vec::new()),
        }
    }

    /// Sends one request, numbers the exchange, and notes what it created.
    pub async fn send(&self, request: Request) -> Exchange {
        self.send_over(&self.transport, request).await
    }

    /// As [`Session::send`], for another identity; `None` if it is not configured.
    pub async fn send_as(&self, identity: &str, request: Request) -> Option<Exchange> {
        let transport = self.identities.get(identity)?;
        Some(self.send_over(transport, request).await)
    }

    async fn send_over(&self, transport: &Arc<dyn Transport>, request: Request) -> Exchange {
        let writes = is_write(&request);
        if writes {
            self.journal.record(&JournalEntry::Intent {
                method: request.method,
                url: self.relative(&request.url),
            });
            if let Some(body) = resource::of_body(&request.body) {
                self.disclosure.learn_resource(&body);
            }
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut exchange = transport.send(request).await;
        if exchange
            .outcome
            .as_ref()
            .is_err_and(|failure| failure.kind == FailureKind::Refused)
        {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        exchange.translated = translation(&exchange);
        exchange.number = self.next_number.fetch_add(1, Ordering::Relaxed);
        if writes {
            self.note_writes(&exchange);
        }
        self.learn_answer(&exchange);
        exchange
    }

    /// Sends requests, at most `jobs` at a time, and gives the exchanges in the order of the requests.
    pub async fn send_all(self: &Arc<Self>, requests: Vec<Request>, jobs: usize) -> Vec<Exchange> {
        let mut waiting = requests.into_iter().enumerate();
        let mut running = tokio::task::JoinSet::new();
        let mut done: Vec<(usize, Exchange)> = Vec::new();
        loop {
            while running.len() < jobs.max(1)
                && let Some((position, request)) = waiting.next()
            {
                let session = Arc::clone(self);
                running.spawn(async move { (position, session.send(request).await) });
            }
            match running.join_next().await {
                Some(ended) => done.push(ended.expect("sending neither panics nor is aborted")),
                None => break,
            }
        }
        done.sort_by_key(|(position, _)| *position);
        done.into_iter().map(|(_, exchange)| exchange).collect()
    }

    /// A URL relative to the base, if it lies under it.
    pub fn relative(&self, url: &str) -> String {
        let base = self.base();
        url.strip_prefix(&base)
            .map_or(url, |rest| rest.trim_start_matches('/'))
            .to_owned()
    }

    fn note_writes(&self, exchange: &Exchange) {
        removed_by(exchange).iter().for_each(|key| self.forget(key));
        created_by(exchange)
            .into_iter()
            .for_each(|key| self.note_created(key));
    }

    /// What the server says of resources that this run created is ours to show: versions, dates, links.
    fn learn_answer(&self, exchange: &Exchange) {
        if self.disclosure.is_everything() {
            return;
        }
        let Some(body) = exchange.parsed() else {
            return;
        };
        let is_ours = |value: &serde_json::Value| {
            Key::of(value).is_some_and(|key| {
                self.created
                    .lock()
                    .expect("no panic while held")
                    .contains(&key)
            })
        };
        if is_ours(&body) {
            self.disclosure.learn_resource(&body);
        }
        for value in crate::fhir::bundle::entries(&body).filter_map(crate::fhir::bundle::resource) {
            if is_ours(value) {
                self.disclosure.learn_resource(value);
            }
        }
    }

    /// Notes a resource that exists because of this run.
    pub fn note_created(&self, key: Key) {
        self.disclosure.learn(key.id.as_str());
        if self
            .created
            .lock()
            .expect("no panic while held")
            .insert(key.clone())
        {
            self.journal.record(&JournalEntry::Created {
                key: key.to_string(),
            });
        }
    }

    fn forget(&self, key: &Key) {
        self.journal.record(&JournalEntry::Removed {
            key: key.to_string(),
        });
        self.created
            .lock()
            .expect("no panic while held")
            .retain(|known| known != key);
    }

    /// What this run created and has not removed, oldest first.
    pub fn created(&self) -> Vec<Key> {
        self.created
            .lock()
            .expect("no panic while held")
            .iter()
            .cloned()
            .collect()
    }
}

/// Labels of FHIR bodies and values of `_format`, as servers and clients write them: nobody's data.
fn media_types() -> impl Iterator<Item = String> {
    let types = [
        FHIR_JSON,
        FHIR_XML,
        "application/json",
        "application/xml",
        "text/json",
        "text/xml",
        "json",
        "xml",
    ];
    let parameters = [
        "",
        ";charset=utf-8",
        "; charset=utf-8",
        ";charset=UTF-8",
        "; charset=UTF-8",
    ];
    types
        .into_iter()
        .flat_map(move |media_type| parameters.map(|parameter| format!("{media_type}{parameter}")))
}

/// The JSON form of an answer in FHIR XML, for everything that judges by content.
fn translation(exchange: &Exchange) -> Option<Arc<serde_json::Value>> {
    let body = &exchange.response()?.body;
    let resource = resource::is_markup(body).then(|| resource::of_body(body))?;
    resource.map(Arc::new)
}

/// Resources that are not there any more after an exchange, as far as its answer says so.
pub fn removed_by(exchange: &Exchange) -> Vec<Key> {
    let is_gone = |status: u16| matches!(status, 200 | 204 | 404 | 410);
    if exchange.request.method == Method::Delete {
        let key = Key::from_reference(&exchange.request.url);
        let key = key.filter(|_| exchange.status().is_some_and(is_gone));
        return key.into_iter().collect();
    }
    let (Some(answer), Some(asked)) = (
        exchange
            .parsed()
            .filter(|_| exchange.request.method == Method::Post),
        resource::of_body(&exchange.request.body),
    ) else {
        return Vec::new();
    };
    let asked = crate::fhir::bundle::entries(&asked);
    let pairs = asked.zip(crate::fhir::bundle::entries(&answer));
    pairs
        .filter(|(entry, answer)| {
            let text = |value: &serde_json::Value, at: &str| {
                value
                    .pointer(at)
                    .and_then(|value| value.as_str().map(str::to_owned))
            };
            let status = text(answer, "/response/status");
            let status = status.and_then(|status| status.get(..3)?.parse().ok());
            text(entry, "/request/method").as_deref() == Some("DELETE")
                && status.is_some_and(is_gone)
        })
        .filter_map(|(entry, _)| Key::from_reference(entry.pointer("/request/url")?.as_str()?))
        .collect()
}

/// Resources that an exchange brought into being, as far as its answer says so.
pub fn created_by(exchange: &Exchange) -> Vec<Key> {
    let Some(response) = exchange
        .response()
        .filter(|response| (200..300).contains(&response.status))
    else {
        return Vec::new();
    };
    if !is_write(&exchange.request) || exchange.request.method == Method::Delete {
        return Vec::new();
    }
    let mut keys: Vec<Key> = Vec::new();
    let body = exchange.parsed();
    if response.status == 201 {
        let put = exchange.request.method == Method::Put;
        let named = put
            .then(|| Key::from_reference(&exchange.request.url))
            .flatten();
        keys.extend(exchange.header("location").and_then(Key::from_reference));
        keys.extend(named);
        keys.extend(
            body.as_deref()
                .and_then(Key::of)
                .filter(|key| key.resource_type != "OperationOutcome"),
        );
    }
    let entries = body
        .as_deref()
        .map(crate::fhir::bundle::entries)
        .into_iter()
        .flatten();
    for answer in entries.filter_map(|entry| entry.get("response")) {
        let text = |name: &str| answer.get(name).and_then(serde_json::Value::as_str);
        if text("status").is_some_and(|status| status.starts_with("201")) {
            keys.extend(text("location").and_then(Key::from_reference));
        }
    }
    // In the order of the answer: what refers stands after what it refers to, and goes first when it is removed.
    let mut seen = std::collections::BTreeSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

/// True for requests that may change the target: everything but safe methods and POST searches.
pub fn is_write(request: &Request) -> bool {
    let path = request.url.split('?').next().unwrap_or_default();
    !(request.method.is_safe() || (request.method == Method::Post && path.ends_with("/_search")))
}

/// The exchanges of one case.
pub struct Scope {
    session: Arc<Session>,
    exchanges: Mutex<Vec<Arc<Exchange>>>,
}

impl Scope {
    /// Sends and records.
    pub async fn send(&self, request: Request) -> Arc<Exchange> {
        let exchange = Arc::new(self.session.send(request).await);
        self.exchanges
            .lock()
            .expect("no panic while held")
            .push(Arc::clone(&exchange));
        exchange
    }

    /// As [`Scope::send`], for another identity; `None` if it is not configured.
    pub async fn send_as(&self, identity: &str, request: Request) -> Option<Arc<Exchange>> {
        let exchange = Arc::new(self.session.send_as(identity, request).await?);
        self.exchanges
            .lock()
            .expect("no panic while held")
            .push(Arc::clone(&exchange));
        Some(exchange)
    }

    /// Sends several requests, at most `jobs` at a time, and records them in the order of the requests.
    pub async fn send_all(&self, requests: Vec<Request>, jobs: usize) -> Vec<Arc<Exchange>> {
        let exchanges: Vec<Arc<Exchange>> = self
            .session
            .send_all(requests, jobs)
            .await
            .into_iter()
            .map(Arc::new)
            .collect();
        let mut recorded = self.exchanges.lock().expect("no panic while held");
        recorded.extend(exchanges.iter().cloned());
        exchanges
    }

    /// The session behind it.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// What was exchanged so far, in order of completion.
    pub fn exchanges(&self) -> Vec<Arc<Exchange>> {
        self.exchanges.lock().expect("no panic while held").clone()
    }
}
