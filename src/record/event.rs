//! Progress events: for the eyes of whoever waits. Reports never read them; they read the finished `Run`.

use std::time::Duration;

/// What an engine tells the progress display while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A stage of the run began (`loading 40 patients`).
    Stage(String),
    /// A suite began with so many cases.
    SuiteStarted {
        /// Suite id.
        suite: String,
        /// Selected cases.
        cases: usize,
    },
    /// A case ended.
    CaseEnded {
        /// Suite id.
        suite: String,
        /// Case id.
        case: String,
        /// Verdict name.
        verdict: &'static str,
    },
    /// A finding was seen again and stands; it may still be made smaller.
    Confirmed {
        /// Case id.
        case: String,
        /// Rule id.
        rule: String,
        /// Requests that the run had sent by then.
        requests: u64,
        /// Reading of the run's clock.
        elapsed: Duration,
    },
    /// The case of a confirmed finding was made as small as it gets.
    Shrunk {
        /// Case id.
        case: String,
        /// Rule id.
        rule: String,
        /// Executions that it took.
        executions: u32,
        /// Requests that it took.
        requests: u64,
        /// Steps that are left, waiting for the index not counted.
        steps: usize,
    },
    /// Something that the user should know now.
    Notice(String),
}

/// Takes progress events; implemented by `cli::progress`.
pub trait Observer: Send + Sync {
    /// Called from any task; must not block for long.
    fn observe(&self, event: Event);
}

/// Ignores events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _event: Event) {}
}
