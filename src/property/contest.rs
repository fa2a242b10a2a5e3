//! What several clients did to one resource at the same time, read from a trace for the judges in `order`: the versions
//! in the order of the history, and operations with their times. It judges nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Command, Step};
use super::ground::Ground;
use super::order::{Action, Contradiction, Kind, Operation, Version};
use super::trace::{Event, Outcome, Reply, Trace, etag_version, shown_version};
use super::version_monotone::versioned_types;
use super::{Open, answer, life};
use crate::fhir::{bundle, resource};
use crate::http::Exchange;
use crate::record::Verdict;
use crate::record::verdict::WRITES_NOT_ALLOWED;
use crate::secret::Phrase;

/// The lane of what happened before and after the clients acted.
const ALONE: u16 = u16::MAX;
/// Lanes of steps that are sent together without a lane begin here.
const TOGETHER: u16 = 1_000;
/// What a write made that showed no version and whose content the history does not hold.
const NOT_SHOWN: &str = "(not shown)";

/// A resource under concurrent operations.
pub struct Contest<'a> {
    /// Its versions, oldest first.
    pub order: Vec<Version>,
    /// The operations, in the order of the case.
    pub operations: Vec<Operation>,
    /// The step of each operation.
    pub steps: Vec<&'a Event>,
    /// The step that read the history.
    pub history: &'a Event,
}

/// True if several clients may act at the same time.
///
/// # Errors
/// The verdict that says why not.
pub fn admitted(ground: &Ground<'_>) -> Result<(), Verdict> {
    if ground.concurrency {
        return Ok(());
    }
    Err(Verdict::Blocked(format!(
        "{WRITES_NOT_ALLOWED} by several clients at the same time"
    )))
}

/// Types whose versions can be put in order: they are kept, and the history shows them.
///
/// # Errors
/// As [`Ground::written`].
pub fn ordered_types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = versioned_types(ground)?;
    types.retain(|name| ground.capability.supports(name, "history-instance"));
    if types.is_empty() {
        return Err(Verdict::Skip("not claimed: history-instance".to_owned()));
    }
    admitted(ground)?;
    Ok(types)
}

/// The client of a step.
pub fn lane(step: &Step) -> u16 {
    match step.lane {
        Some(lane) => u16::from(lane),
        None if step.together => {
            TOGETHER.saturating_add(u16::try_from(step.id).unwrap_or(u16::MAX / 2))
        }
        None => ALONE,
    }
}

/// The versions of what a step created, oldest first and whatever their order is worth, and the step that read them;
/// `None` if the case reads no history.
///
/// # Errors
/// Why they are not known.
pub fn versions(trace: &Trace, target: u32) -> Result<Option<(Vec<Version>, &Event)>, Open> {
    let undecided = |reason: &str| Err(Open::Undecided(reason.to_owned()));
    let event = trace.events.iter().rfind(|event| {
        matches!(&event.step.command, Command::History { target: of, options } if *of == target && options.is_empty())
    });
    let Some(event) = event else { return Ok(None) };
    match event.reply() {
        Reply::Absent => return Ok(None),
        Reply::Unknown => return undecided(&event.doubt().unwrap_or_default()),
        Reply::Refused(exchange) => {
            return Err(Open::Blocked(format!(
                "the target refuses the history ({})",
                exchange.status().unwrap_or_default()
            )));
        }
        Reply::Accepted(_) => {}
    }
    if event.outcome == Outcome::Endless {
        return undecided("the history has more pages than a case may read");
    }
    let mut order = Vec::new();
    for exchange in &event.exchanges {
        let Some(page) = exchange.json() else {
            return undecided("the history is no Bundle");
        };
        for entry in bundle::entries(&page) {
            match version(entry, order.len()) {
                Some(version) => order.push(version),
                None => return undecided("an entry of the history shows no version"),
            }
        }
    }
    order.reverse();
    Ok(Some((order, event)))
}

fn version(entry: &Value, number: usize) -> Option<Version> {
    let response = entry.get("response");
    let etag = response
        .and_then(|response| response.get("etag"))
        .and_then(Value::as_str)
        .map(|etag| etag_version(etag).to_owned());
    let Some(held) = bundle::resource(entry) else {
        return Some(Version {
            id: etag.unwrap_or_else(|| format!("(deletion {number})")),
            deleted: true,
            token: None,
        });
    };
    Some(Version {
        id: resource::version_id(held).map(str::to_owned).or(etag)?,
        deleted: false,
        token: life::mark(held).map(str::to_owned),
    })
}

/// True if the order of a history can be relied on. R4 orders versions by age; a server that goes by `lastUpdated` may
/// show versions of one moment in any order, and is taken at its word only where ids that count say the same.
fn is_certain(order: &[Version], history: &Event) -> bool {
    let numbers: Option<Vec<u64>> = order
        .iter()
        .filter(|version| !version.deleted)
        .map(|version| version.id.parse().ok())
        .collect();
    if numbers.is_some_and(|numbers| numbers.is_sorted()) {
        return true;
    }
    let mut moments = BTreeSet::new();
    let pages = history.exchanges.iter().filter_map(|page| page.json());
    for page in pages {
        for entry in bundle::entries(&page) {
            let held = bundle::resource(entry).and_then(resource::last_updated);
            let answered = || entry.get("response")?.get("lastModified")?.as_str();
            if let Some(moment) = held.or_else(answered)
                && !moments.insert(moment.to_owned())
            {
                return false;
            }
        }
    }
    true
}

/// The versions of what a step created, in an order that is certain; `None` if the case reads no history.
///
/// # Errors
/// Why they are not known, or in no certain order.
pub fn ordered(trace: &Trace, target: u32) -> Result<Option<(Vec<Version>, &Event)>, Open> {
    let Some((order, history)) = versions(trace, target)? else {
        return Ok(None);
    };
    let first = trace
        .event(target)
        .and_then(Event::accepted)
        .and_then(shown_version);
    let begins = |version: &Version| first.as_ref().is_none_or(|first| *first == version.id);
    if !order.first().is_some_and(begins) || !is_certain(&order, history) {
        let reason = "the order of versions is not certain in the history";
        return Err(Open::Unsupported(reason.to_owned()));
    }
    Ok(Some((order, history)))
}

/// What was done to the resource that a step created; `None` if the case reads no history, or creates nothing.
///
/// # Errors
/// Why nothing can be concluded: its creation or its history is in doubt, or its versions have no certain order.
pub fn contest(trace: &Trace, target: u32) -> Result<Option<Contest<'_>>, Open> {
    answer::created(trace)?;
    match ordered(trace, target)? {
        Some(_) => unordered(trace, target),
        None => Ok(None),
    }
}

/// The same, where the order of the versions does not matter.
///
/// # Errors
/// Why nothing can be concluded: the creation or the history is in doubt.
pub fn unordered(trace: &Trace, target: u32) -> Result<Option<Contest<'_>>, Open> {
    answer::created(trace)?;
    if trace.event(target).and_then(Event::accepted).is_none() {
        return Ok(None);
    }
    let Some((order, history)) = versions(trace, target)? else {
        return Ok(None);
    };
    let mut contest = Contest {
        operations: Vec::new(),
        steps: Vec::new(),
        history,
        order,
    };
    for event in &trace.events {
        let Some(action) = action(event, target, &contest.order) else {
            continue;
        };
        contest.operations.push(Operation {
            lane: lane(&event.step),
            called: nanoseconds(event.called),
            returned: event.returned.map(nanoseconds),
            action,
        });
        contest.steps.push(event);
    }
    Ok(Some(contest))
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a step did to the resource; `None` if it did nothing that the judges know.
fn action(event: &Event, target: u32, order: &[Version]) -> Option<Action> {
    let command = &event.step.command;
    let exchange = event.last()?;
    let is_made = event.step.id == target && command.creates();
    if command.target() != Some(target) && !is_made {
        return None;
    }
    let based_on = base(exchange);
    match (command, event.reply()) {
        (Command::Read { .. }, Reply::Accepted(_)) => Some(Action::Read {
            saw: Some(shown_version(exchange)?),
        }),
        (Command::Read { .. }, Reply::Refused(exchange)) => {
            matches!(exchange.status(), Some(404 | 410)).then_some(Action::Read { saw: None })
        }
        (Command::Create { .. } | Command::PutNew { .. } | Command::Put { .. }, reply) => {
            let token = command.payload().and_then(life::mark)?;
            match reply {
                Reply::Accepted(exchange) => {
                    let held = order
                        .iter()
                        .find(|version| version.token.as_deref() == Some(token));
                    let made = shown_version(exchange)
                        .or_else(|| held.map(|version| version.id.clone()))
                        .unwrap_or_else(|| NOT_SHOWN.to_owned());
                    Some(Action::Write { made, based_on })
                }
                Reply::Unknown => Some(Action::Unknown {
                    token: token.to_owned(),
                    based_on,
                }),
                Reply::Refused(_) | Reply::Absent => None,
            }
        }
        (Command::Delete { .. }, Reply::Accepted(exchange)) => Some(Action::Delete {
            made: shown_version(exchange),
            based_on,
        }),
        _ => None,
    }
}

/// The version that a request was conditional on, as it was sent.
pub fn base(exchange: &Exchange) -> Option<String> {
    let sent = exchange.request.headers.get("if-match")?;
    Some(etag_version(sent).to_owned())
}

impl Contest<'_> {
    /// The steps that show a contradiction, with the history.
    pub fn shown(&self, contradiction: &Contradiction) -> Vec<&Event> {
        let steps = contradiction.operations.iter();
        steps
            .map(|operation| self.steps[*operation])
            .chain([self.history])
            .collect()
    }

    /// Says what an operation did.
    pub fn say(&self, phrase: Phrase, operation: usize) -> Phrase {
        let version = |words: &str, version: &str| phrase.clone().words(words).data(version);
        match &self.operations[operation].action {
            Action::Read { saw: Some(saw) } => version("a read of version ", saw),
            Action::Read { saw: None } => phrase.words("a read that found nothing"),
            Action::Write {
                made,
                based_on: Some(base),
            } => version("an update to version ", made)
                .words(" that named version ")
                .data(base.as_str()),
            Action::Write { made, .. } => version("a write of version ", made),
            Action::Delete { .. } => phrase.words("a delete"),
            Action::Refused { based_on } => version("a refusal of version ", based_on),
            Action::Unknown { .. } => phrase.words("a write whose answer was lost"),
        }
    }

    /// Accepted writes with the token that each wrote.
    pub fn accepted(&self) -> Vec<(&str, &Event)> {
        let writes = self.steps.iter().zip(&self.operations);
        writes
            .filter(|(_, operation)| matches!(operation.action, Action::Write { .. }))
            .filter_map(|(event, _)| {
                let token = event.step.command.payload().and_then(life::mark)?;
                Some((token, *event))
            })
            .collect()
    }

    /// Writes whose answer was lost.
    pub fn lost(&self) -> usize {
        let actions = self.operations.iter().map(|operation| &operation.action);
        actions
            .filter(|action| matches!(action, Action::Unknown { .. }))
            .count()
    }

    /// True if operations of two clients were under way at the same moment.
    pub fn is_contested(&self) -> bool {
        let timed = || {
            let with_steps = self.operations.iter().zip(&self.steps);
            with_steps.filter(|(_, event)| event.step.is_concurrent())
        };
        timed().any(|(one, _)| {
            timed().any(|(other, _)| {
                one.lane != other.lane
                    && one.called <= other.called
                    && one.returned.is_none_or(|returned| other.called <= returned)
            })
        })
    }
}

/// What a contradiction says is wrong, as a title and as the part of a fingerprint.
pub fn named(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::OneVersionTwice => (
            "Two accepted writes are answered with one version",
            "version-shared",
        ),
        Kind::ReadOutsideHistory => (
            "A read shows a version that the history does not hold",
            "read-outside-history",
        ),
        Kind::WriteLost => (
            "An accepted write made a version that the history does not hold",
            "write-lost",
        ),
        Kind::BaseNotCurrent => (
            "An update is carried out although the version that it names was not the current one",
            "base-not-current",
        ),
        Kind::CurrentBaseRefused => (
            "An update is refused although the version that it names was the current one",
            "current-refused",
        ),
        Kind::StaleRead => (
            "A read shows an older version than one that was there before it began",
            "stale-read",
        ),
        Kind::ReadBeforeWrite => (
            "A read shows a version before the write that made it began",
            "read-before-write",
        ),
        Kind::WriteOutOfTime => (
            "A write stands in the history before one that had ended before it began",
            "write-out-of-time",
        ),
        Kind::NoOrder => ("No order explains the operations", "no-order"),
    }
}
