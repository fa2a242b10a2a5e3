//! What planted races remember of other requests while their window is open. An honest server remembers nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::defect::Fault;
use super::outcome::Refusal;
use super::turn::Turn;
use crate::fhir::Key;

/// Faults that open a window, in which requests sleep.
pub const FAULTS: [Fault; 8] = [
    Fault::BundleAnswersMixed,
    Fault::BundleDeadlock,
    Fault::ConditionalCreateRace,
    Fault::IfMatchRace,
    Fault::SearchCacheRace,
    Fault::TransactionNotIsolated,
    Fault::UpdateDeadlock,
    Fault::UpdateSticks,
];

/// What is going on in windows that are open.
#[derive(Default)]
pub struct Races {
    updating: Vec<Key>,
    stuck: BTreeSet<Key>,
    bundles: Vec<BTreeSet<String>>,
    answers: Option<Vec<Value>>,
}

/// What happens to an update that meets another one of the same resource.
pub fn update(turn: &mut Turn<'_>, key: &Key) -> Result<(), Refusal> {
    if turn.server.has(Fault::UpdateDeadlock) && !turn.atomic {
        if turn.races.updating.contains(key) {
            return Err(Refusal::crashed());
        }
        turn.races.updating.push(key.clone());
        turn.open_race_window(Fault::UpdateDeadlock);
        turn.races.updating.retain(|known| known != key);
    }
    if turn.server.has(Fault::UpdateSticks) {
        let position = |turn: &Turn<'_>| turn.store.newest(key).map(|version| version.position);
        let before = position(turn);
        turn.open_race_window(Fault::UpdateSticks);
        if position(turn) != before {
            turn.races.stuck.insert(key.clone());
        }
        if turn.races.stuck.contains(key) {
            let message = "the resource was changed by another request";
            return Err(Refusal::new(409, "conflict", message));
        }
    }
    Ok(())
}

/// What happens to a transaction that meets another one that writes the same ids.
pub fn transaction(turn: &mut Turn<'_>, entries: &[Value]) -> Result<(), Refusal> {
    if !turn.server.has(Fault::BundleDeadlock) {
        return Ok(());
    }
    let member = |entry: &Value, name: &str| {
        let value = entry.get("request").and_then(|request| request.get(name));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    let writes = entries.iter().filter(|entry| {
        matches!(
            member(entry, "method").as_deref(),
            Some("PUT" | "PATCH" | "DELETE")
        )
    });
    let own: BTreeSet<String> = writes.filter_map(|entry| member(entry, "url")).collect();
    if turn
        .races
        .bundles
        .iter()
        .any(|other| !other.is_disjoint(&own))
    {
        return Err(Refusal::crashed());
    }
    turn.races.bundles.push(own.clone());
    turn.open_race_window(Fault::BundleDeadlock);
    if let Some(at) = turn.races.bundles.iter().position(|known| *known == own) {
        turn.races.bundles.swap_remove(at);
    }
    Ok(())
}

/// Lets others look between two entries of a transaction.
pub fn between_entries(turn: &mut Turn<'_>) {
    if turn.server.has(Fault::TransactionNotIsolated) {
        turn.atomic = false;
        turn.open_race_window(Fault::TransactionNotIsolated);
        turn.atomic = true;
    }
}

/// The answers of a Bundle, or of the one that was answered in the meantime.
pub fn answers(turn: &mut Turn<'_>, own: Vec<Value>) -> Vec<Value> {
    if !turn.server.has(Fault::BundleAnswersMixed) {
        return own;
    }
    turn.races.answers = Some(own.clone());
    turn.open_race_window(Fault::BundleAnswersMixed);
    turn.races.answers.take().unwrap_or(own)
}
