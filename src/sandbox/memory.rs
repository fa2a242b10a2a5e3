//! What a server with a planted fault remembers and an honest one does not: answers that are used again though they are
//! no longer true. Nothing is ever taken out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::page::Snapshot;
use super::store::Version;
use crate::fhir::Key;

/// How long an answer to a search is used again.
const LIFETIME: Duration = Duration::from_secs(60);

/// Copies of what was answered.
#[derive(Default)]
pub struct Memory {
    answers: BTreeMap<String, (Duration, Arc<Snapshot>)>,
    /// Resources as they were last read.
    pub reads: BTreeMap<Key, Arc<Version>>,
    /// Searches that are being answered.
    pub running: BTreeSet<String>,
}

impl Memory {
    /// Keeps what a search found; `now` is of the monotonic clock.
    pub fn keep(&mut self, search: String, now: Duration, found: Arc<Snapshot>) {
        self.answers.insert(search, (now + LIFETIME, found));
    }

    /// What the same search found less than a minute ago.
    pub fn recall(&self, search: &str, now: Duration) -> Option<Arc<Snapshot>> {
        let (until, found) = self.answers.get(search)?;
        (now < *until).then(|| Arc::clone(found))
    }
}
