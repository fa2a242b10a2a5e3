//! A trace: what happened when a case was executed, invoke and complete with every exchange. No judgement.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::case::{Command, Entry, Origin, Step};
use crate::fhir::{Key, bundle, resource};
use crate::http::Exchange;

/// One execution of one case.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Base URL of the target, without a trailing slash.
    pub base: String,
    /// Whose resources the case worked on.
    pub ground: Origin,
    /// What kept the whole execution from its purpose (a parameter that could not be supplied).
    pub obstacle: Option<String>,
    /// One event per step, in the order of the case.
    pub events: Vec<Event>,
}

/// One step as it happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// The step.
    pub step: Step,
    /// The resource it acted on or created.
    pub key: Option<Key>,
    /// When it was invoked, since the origin of the run's clock.
    pub called: Duration,
    /// When it was complete; `None` if it was never sent or its outcome is unknown.
    pub returned: Option<Duration>,
    /// Exchanges in order: one, or the polls or pages of the step.
    pub exchanges: Vec<Arc<Exchange>>,
    /// What the entries of a Bundle came to, in their order.
    pub parts: Vec<Part>,
    /// Resources of the cohort that the terms of a search stand for.
    pub named: Vec<Key>,
    /// How it went.
    pub outcome: Outcome,
}

/// What one entry of a batch or transaction came to, as the response Bundle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The entry's number.
    pub id: u32,
    /// The resource it created or acted on.
    pub key: Option<Key>,
    /// Status of the entry's response, its first three digits.
    pub status: Option<u16>,
    /// The entity tag of the entry's response.
    pub etag: Option<String>,
}

/// How a step went, beyond its exchanges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Carried out; the exchanges say how.
    Done,
    /// Not sent: what it needs is not there.
    Skipped,
    /// The index shows what was written, after so many polls.
    Settled {
        /// Polls, at least 1.
        polls: u32,
    },
    /// The index did not show what was written within its time.
    Unsettled,
    /// The pages did not end within the limit.
    Endless,
}

/// What the answer to a step means for an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// 2xx.
    Accepted(&'a Exchange),
    /// 4xx except 429: the target said no.
    Refused(&'a Exchange),
    /// 5xx, 429, no answer: it may or may not have happened.
    Unknown,
    /// Not sent.
    Absent,
}

impl Event {
    /// The last exchange.
    pub fn last(&self) -> Option<&Exchange> {
        self.exchanges.last().map(Arc::as_ref)
    }

    /// What the last answer means.
    pub fn reply(&self) -> Reply<'_> {
        let Some(exchange) = self.last() else {
            return Reply::Absent;
        };
        match exchange.status() {
            Some(200..=299) => Reply::Accepted(exchange),
            Some(429) => Reply::Unknown,
            Some(400..=499) => Reply::Refused(exchange),
            _ => Reply::Unknown,
        }
    }

    /// The exchange, if the step was accepted.
    pub fn accepted(&self) -> Option<&Exchange> {
        match self.reply() {
            Reply::Accepted(exchange) => Some(exchange),
            _ => None,
        }
    }

    /// The body that was sent, as JSON.
    pub fn sent(&self) -> Option<Value> {
        serde_json::from_slice(&self.last()?.request.body).ok()
    }

    /// Numbers of the exchanges.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.exchanges.iter().map(|exchange| exchange.number)
    }

    /// Why the outcome of the step is unknown, without values.
    pub fn doubt(&self) -> Option<String> {
        let exchange = self.last()?;
        match &exchange.outcome {
            Err(failure) => Some(failure.message.clone()),
            Ok(response) if response.status == 429 || response.status >= 500 => Some(format!(
                "{} was answered with {}",
                exchange.request.method, response.status
            )),
            Ok(_) => None,
        }
    }
}

impl Trace {
    /// The event of a step.
    pub fn event(&self, step: u32) -> Option<&Event> {
        self.events.iter().find(|event| event.step.id == step)
    }

    /// The event of a search by its label.
    pub fn search(&self, label: &str) -> Option<&Event> {
        self.events.iter().find(
            |event| matches!(&event.step.command, Command::Search(search) if search.label == label),
        )
    }

    /// Why the trace cannot be judged: the first step whose outcome is unknown.
    pub fn doubt(&self) -> Option<String> {
        self.events.iter().find_map(Event::doubt)
    }

    /// Numbers of all exchanges.
    pub fn requests(&self) -> usize {
        self.events.iter().map(|event| event.exchanges.len()).sum()
    }

    /// The resource that a step or an entry created or acted on.
    pub fn key(&self, step: u32) -> Option<&Key> {
        key_in(&self.events, step)
    }

    /// Keys of what went by a conditional delete or by an entry of a Bundle: nobody was told by its own URL.
    pub fn removed_unseen(&self) -> Vec<Key> {
        let mut removed: Vec<Key> = self
            .events
            .iter()
            .filter(|event| !matches!(event.step.command, Command::Delete { .. }))
            .flat_map(|event| event.effects(&self.events))
            .filter(|(_, lives)| !lives)
            .map(|(key, _)| key)
            .collect();
        removed.sort();
        removed.dedup();
        removed
    }

    /// Keys of what the case created and did not delete, of one type, in the order of the answers.
    pub fn live(&self, resource_type: &str) -> Vec<Key> {
        let mut events: Vec<&Event> = self.events.iter().collect();
        // Lanes stand one after the other in the case, and acted at the same time.
        events.sort_by_key(|event| event.returned.unwrap_or(event.called));
        let mut live: Vec<Key> = Vec::new();
        for event in events {
            for (key, lives) in event.effects(&self.events) {
                live.retain(|known| *known != key);
                if lives {
                    live.push(key);
                }
            }
        }
        live.retain(|key| key.resource_type == resource_type);
        live
    }
}

/// The resource that a step or an entry of these events created or acted on.
pub fn key_in(events: &[Event], step: u32) -> Option<&Key> {
    let event = events.iter().find(|event| event.step.id == step);
    let part = || {
        let mut parts = events.iter().flat_map(|event| event.parts.iter());
        parts.find(|part| part.id == step)?.key.as_ref()
    };
    event.and_then(|event| event.key.as_ref()).or_else(part)
}

impl Event {
    /// What the step did to which resource, as its answer says: it exists now, or no longer.
    fn effects(&self, all: &[Event]) -> Vec<(Key, bool)> {
        if self.accepted().is_none() {
            return Vec::new();
        }
        match &self.step.command {
            Command::Bundle { entries, .. } => entries
                .iter()
                .zip(&self.parts)
                .filter(|(_, part)| {
                    part.status
                        .is_some_and(|status| (200..300).contains(&status))
                })
                .flat_map(|(entry, part)| effect(&entry.command, part.key.as_ref(), all))
                .collect(),
            command => effect(command, self.key.as_ref(), all),
        }
    }
}

fn effect(command: &Command, key: Option<&Key>, all: &[Event]) -> Vec<(Key, bool)> {
    match command {
        Command::Delete { .. } => key.map(|key| (key.clone(), false)).into_iter().collect(),
        Command::DeleteWhere {
            resource_type,
            name,
        } => all
            .iter()
            .flat_map(|event| keys_named(event, name))
            .filter(|key| key.resource_type == *resource_type)
            .map(|key| (key, false))
            .collect(),
        command if command.writes() => key.map(|key| (key.clone(), true)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Keys of what carries the identifier made from a name.
fn keys_named(event: &Event, name: &str) -> Vec<Key> {
    let own = (event.step.command.name() == Some(name)).then(|| event.key.clone());
    let mut keys: Vec<Key> = own.flatten().into_iter().collect();
    if let Command::Bundle { entries, .. } = &event.step.command {
        let named = entries
            .iter()
            .zip(&event.parts)
            .filter(|(entry, _)| entry.command.name() == Some(name));
        keys.extend(named.filter_map(|(_, part)| part.key.clone()));
    }
    keys
}

/// What the entries of a Bundle came to, from the response Bundle; a response that is none gives entries without
/// status. `known` gives the resource on which an entry acts.
pub fn parts(
    entries: &[Entry],
    response: Option<&Value>,
    known: impl Fn(&Command) -> Option<Key>,
) -> Vec<Part> {
    let answers: Vec<&Value> = response
        .map(|body| bundle::entries(body).collect())
        .unwrap_or_default();
    entries
        .iter()
        .enumerate()
        .map(|(position, entry)| {
            let answer = answers.get(position);
            let response = answer.and_then(|answer| answer.get("response"));
            let text = |name: &str| response?.get(name)?.as_str();
            let made = text("location").and_then(Key::from_reference);
            let shown = || Key::of(answer?.get("resource")?);
            let creates = entry.command.creates();
            let key = if creates {
                made.or_else(shown)
                    .filter(|key| key.resource_type != "OperationOutcome")
            } else {
                None
            };
            Part {
                id: entry.id,
                key: key.or_else(|| known(&entry.command)),
                status: text("status")
                    .and_then(|status| status.get(..3))
                    .and_then(|status| status.parse().ok()),
                etag: text("etag").map(str::to_owned),
            }
        })
        .collect()
}

/// The opaque version in an ETag: `W/"3"` and `"3"` both give `3`.
pub fn etag_version(etag: &str) -> &str {
    etag.trim()
        .trim_start_matches("W/")
        .trim_start_matches("w/")
        .trim_matches('"')
}

/// The version that an answer shows: of its resource, else of its ETag.
pub fn shown_version(exchange: &Exchange) -> Option<String> {
    exchange
        .json()
        .as_ref()
        .and_then(resource::version_id)
        .map(str::to_owned)
        .or_else(|| {
            exchange
                .header("etag")
                .map(|etag| etag_version(etag).to_owned())
        })
}
