//! A trace: what happened when a case was executed, invoke and complete with every exchange. No judgement.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::case::{Command, Origin, Step};
use crate::fhir::{Key, resource};
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
    /// How it went.
    pub outcome: Outcome,
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

    /// Keys of what the case created and did not delete, of one type.
    pub fn live(&self, resource_type: &str) -> Vec<Key> {
        let mut live: Vec<Key> = Vec::new();
        for event in self
            .events
            .iter()
            .filter(|event| event.accepted().is_some())
        {
            let Some(key) = &event.key else { continue };
            match event.step.command {
                Command::Create { .. } if !live.contains(key) => live.push(key.clone()),
                Command::Delete { .. } => live.retain(|known| known != key),
                _ => {}
            }
        }
        live.retain(|key| key.resource_type == resource_type);
        live
    }
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
