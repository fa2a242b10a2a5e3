//! What the sandbox was asked: one line per request, for tests and for people who watch it. No bodies, no values
//! beyond the query string.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::http::message::Method;

/// Requests kept; older ones are forgotten, the counts are not.
pub const KEPT: usize = 100_000;

/// One request as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Method.
    pub method: Method,
    /// Path below the base with ids replaced (`Patient/{id}/_history`); the path itself if it names no place.
    pub path: String,
    /// Query string as sent, without `?`; empty for none.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
    /// True if the request had a body.
    pub has_body: bool,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<Logged>,
    total: u64,
    unsafe_methods: u64,
    mutating: u64,
    throttled: u64,
}

/// The requests of one sandbox in order.
#[derive(Debug, Default)]
pub struct RequestLog {
    lines: Mutex<Lines>,
}

impl RequestLog {
    /// Notes a request; `changed` is true if it asked for a change of state (a `_search` by POST does not).
    pub(super) fn note(&self, line: Logged, changes: bool) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.total += 1;
        lines.unsafe_methods += u64::from(!line.method.is_safe());
        lines.mutating += u64::from(changes);
        lines.throttled += u64::from(line.status == 429);
        if lines.kept.len() == KEPT {
            lines.kept.pop_front();
        }
        lines.kept.push_back(line);
    }

    fn read<T>(&self, of: impl FnOnce(&Lines) -> T) -> T {
        of(&self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The kept requests, oldest first.
    pub fn entries(&self) -> Vec<Logged> {
        self.read(|lines| lines.kept.iter().cloned().collect())
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.read(|lines| lines.total)
    }

    /// Requests that asked for a change of state, whether or not it was granted.
    pub fn mutating(&self) -> u64 {
        self.read(|lines| lines.mutating)
    }

    /// Requests by another method than GET, HEAD and OPTIONS.
    pub fn unsafe_methods(&self) -> u64 {
        self.read(|lines| lines.unsafe_methods)
    }

    /// Requests refused with 429.
    pub fn throttled(&self) -> u64 {
        self.read(|lines| lines.throttled)
    }
}
