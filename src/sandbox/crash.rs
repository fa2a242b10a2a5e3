//! What outlasts a crash: everything that was acknowledged. A request is settled before it is answered, and a server
//! that begins again begins with what was settled. How it stands in a file is in `journal`.

use std::sync::Arc;
use std::time::Duration;

use super::defect::Fault;
use super::outcome::Refusal;
use super::server::Server;
use super::store::Version;
use super::turn::{State, Turn};

/// Notes what a turn did; only then may it be answered.
///
/// # Errors
/// The journal cannot be written. What the turn did is taken back, so that a refused write has not happened.
pub fn settle(turn: &mut Turn<'_>) -> Result<(), Refusal> {
    let (from, mut end) = (turn.noted, turn.store.log().len());
    if turn.server.has(Fault::AcknowledgedWriteLost) {
        // What stood there before is noted by the next one that writes.
        end = if end > turn.begun { turn.begun } else { from };
    }
    if from < end
        && let Some(journal) = turn.server.journal()
        && let Err(error) = journal.note(&turn.store.log()[from..end])
    {
        turn.rollback(from);
        let message = format!("the journal cannot be written: {error}");
        return Err(Refusal::new(500, "exception", message));
    }
    turn.noted = from.max(end);
    Ok(())
}

/// Loses what a `kill -9` takes, and begins again with the rest.
pub fn crash(server: &Server) {
    let mut state = server.lock();
    let kept = state.store.log()[..state.noted].to_vec();
    *state = begun(server, kept);
}

/// Begins with versions that were settled before, oldest first; searches see them at once.
pub fn begin_with(server: &Server, versions: Vec<Arc<Version>>) {
    *server.lock() = begun(server, versions);
}

fn begun(server: &Server, versions: Vec<Arc<Version>>) -> State {
    let mut state = server.empty_state();
    for version in versions {
        let version = state.store.restore(version);
        state.index.note(version, Duration::ZERO);
    }
    state.index.flush();
    state.noted = state.store.log().len();
    state
}
