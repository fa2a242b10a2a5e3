//! One request's turn at the state: the lock, the request as the rooms see it, and the answer before it becomes
//! bytes. No decisions about FHIR.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, MutexGuard};

use serde_json::Value;

use super::body::Body;
use super::defect::{Fault, Faults};
use super::index::Index;
use super::memory::Memory;
use super::outcome::Refusal;
use super::page::Cursors;
use super::races::Races;
use super::router::Route;
use super::server::Server;
use super::smart::Scopes;
use super::store::{Draft, Naming, Store, Version};
use crate::fhir::Key;
use crate::http::message::{Headers, Method};
use crate::seed::Seed;

/// Everything that changes.
pub struct State {
    /// Resources.
    pub store: Store,
    /// What searches look into.
    pub index: Index,
    /// Pages that were promised.
    pub cursors: Cursors,
    /// What only planted faults remember.
    pub memory: Memory,
    /// What planted races remember.
    pub races: Races,
    /// So many versions of the log outlast a crash.
    pub noted: usize,
}

impl State {
    /// Nothing; the index knows the faults that are planted in it.
    pub fn empty(seed: Seed, naming: Naming, base: &str, faults: Faults) -> Self {
        State {
            store: Store::new(seed, naming),
            index: Index::new(base, faults),
            cursors: Cursors::new(seed),
            memory: Memory::default(),
            races: Races::default(),
            noted: 0,
        }
    }
}

/// The state, held for one request; nobody else sees a transaction half done.
pub struct Turn<'a> {
    /// Whose state it is.
    pub server: &'a Server,
    state: Option<MutexGuard<'a, State>>,
    /// Length of the store's log when the turn began.
    pub begun: usize,
    /// True inside a transaction, which is never interrupted.
    pub atomic: bool,
    /// What the token of the request opens, where there are scopes at all.
    pub scopes: Option<Scopes>,
    /// Versions written in this turn.
    pub written: usize,
}

impl<'a> Turn<'a> {
    /// Waits for the state.
    pub fn begin(server: &'a Server) -> Self {
        let state = server.lock();
        Turn {
            server,
            begun: state.store.log().len(),
            state: Some(state),
            atomic: false,
            scopes: None,
            written: 0,
        }
    }

    /// Lets others act between a check and an act: only planted races call it.
    pub(super) fn open_race_window(&mut self, fault: Fault) {
        if self.atomic {
            return;
        }
        self.state = None;
        std::thread::sleep(self.server.window(fault));
        self.state = Some(self.server.lock());
    }

    /// Stores a version and tells the index.
    pub fn write(&mut self, mut draft: Draft) -> Arc<Version> {
        draft.resource = draft
            .resource
            .map(|resource| self.server.stored_form(resource));
        let now = self.server.clock().now();
        let version = self.store.append(draft, now);
        self.written += 1;
        self.index_later(&version);
        version
    }

    /// Changes the newest version of a resource that is there: only a planted fault calls it.
    pub(super) fn overwrite(&mut self, key: &Key, resource: Value) -> Arc<Version> {
        let resource = self.server.stored_form(resource);
        let version = self
            .store
            .overwrite(key, resource)
            .expect("the caller saw the version under this lock");
        self.index_later(&version);
        version
    }

    fn index_later(&mut self, version: &Arc<Version>) {
        let (elapsed, lag) = (self.server.clock().elapsed(), self.server.index_lag());
        self.index.note(Arc::clone(version), elapsed + lag);
        if lag.is_zero() {
            self.index.catch_up(elapsed);
        }
    }

    /// Takes back what was written since the log had `length` entries.
    pub fn rollback(&mut self, length: usize) {
        for key in self.store.rollback(length) {
            let newest = self.store.newest(&key).cloned();
            self.index.restore(&key, newest, length);
        }
    }

    /// The living resource, or why there is none: 404 if it never was, 410 (or 404) if it was deleted.
    pub fn living(&self, key: &Key) -> Result<Arc<Version>, Refusal> {
        match self.store.newest(key) {
            None => Err(Refusal::not_found("there is no such resource")),
            Some(version) if version.is_deletion() => Err(self.server.gone()),
            Some(version) => Ok(Arc::clone(version)),
        }
    }
}

impl Deref for Turn<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state
            .as_deref()
            .expect("the lock is given back only inside open_race_window")
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state
            .as_deref_mut()
            .expect("the lock is given back only inside open_race_window")
    }
}

/// A request that names a place; an entry of a Bundle becomes one too.
#[derive(Debug, Clone)]
pub struct Call {
    /// GET stands for HEAD too.
    pub method: Method,
    /// The place.
    pub route: Route,
    /// Query parameters, decoded, in order.
    pub pairs: Vec<(String, String)>,
    /// Header fields.
    pub headers: Headers,
    /// Body, read and validated.
    pub body: Body,
    /// Logical id that a transaction gave to a create beforehand.
    pub assigned: Option<String>,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum Payload {
    /// No body.
    Nothing,
    /// A stored version, written once.
    Stored(Arc<Version>),
    /// A resource made for this answer.
    Made(Value),
    /// JSON that is not FHIR (token, SMART configuration).
    Plain(Value),
}

/// An answer before it becomes bytes.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Fields.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub payload: Payload,
    /// The version that was read or written, for `Bundle.entry.response`.
    pub version: Option<Arc<Version>>,
}

impl Reply {
    /// An answer without body and fields.
    pub fn empty(status: u16) -> Self {
        Reply {
            status,
            headers: Vec::new(),
            payload: Payload::Nothing,
            version: None,
        }
    }

    /// An answer with a resource made for it.
    pub fn made(status: u16, resource: Value) -> Self {
        Reply {
            payload: Payload::Made(resource),
            ..Reply::empty(status)
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Reply {
            headers: refusal.headers.clone(),
            ..Reply::made(refusal.status, refusal.outcome())
        }
    }
}
