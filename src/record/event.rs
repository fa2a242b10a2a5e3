//! Progress events: for the eyes of whoever waits. Reports never read them; they read the finished `Run`.

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
