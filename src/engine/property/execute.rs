//! The executor: runs a case through a session and writes its trace. It judges nothing and confirms nothing; every
//! execution works on resources of its own, which it removes at the end where the target lets it.

mod disturb;
mod request;
mod search;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::company::{self, Company};
use crate::engine::context::Context;
use crate::engine::precondition;
use crate::engine::require;
use crate::engine::session::Scope;
use crate::fhir::{Key, resource};
use crate::http::{Exchange, Method, Request};
use crate::property::case::{Case, Command, Origin, Step};
use crate::property::trace::{self, Event, Outcome, Part, Trace, shown_version};

/// System of the tags and identifiers that tell one execution from all others.
pub const CASE_SYSTEM: &str = "urn:rounds:case";
/// System of the identifier that all resources of one execution share.
pub const SET_SYSTEM: &str = "urn:rounds:case-set";

/// Deletes in flight while cleaning up.
const CLEAN_UP_JOBS: usize = 4;

/// Numbers executions, so that two of one process never share a tag. It enters tags and identifiers only.
static NEXT_EXECUTION: AtomicU64 = AtomicU64::new(1);

/// Runs cases on the target of a context.
#[derive(Clone)]
pub struct Executor {
    ctx: Context,
    /// `_tag` does not confine searches on this target; the shared identifier is used instead.
    tag_fails: Arc<AtomicBool>,
}

/// A trace with its price.
pub struct Execution {
    /// What happened.
    pub trace: Trace,
    /// Requests sent, removal included.
    pub requests: usize,
}

impl Executor {
    /// An executor for a context.
    pub fn new(ctx: &Context) -> Self {
        Executor {
            ctx: ctx.clone(),
            tag_fails: Arc::default(),
        }
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Executes a case on fresh resources. If the target says that a search needs company, the case is executed once
    /// more with it, because searches with and without company have no relation to each other.
    pub async fn execute(&self, case: &Case) -> Execution {
        let (first, learned) = self.once(case).await;
        if !learned {
            return first;
        }
        let (mut second, _) = self.once(case).await;
        second.requests += first.requests;
        second
    }

    async fn once(&self, case: &Case) -> (Execution, bool) {
        let number = NEXT_EXECUTION.fetch_add(1, Ordering::Relaxed);
        let mut run = Run {
            executor: self.clone(),
            case: Arc::new(case.clone()),
            scope: Arc::new(self.ctx.session.scope()),
            code: format!("{}-{number}", self.ctx.token).into(),
            before: Arc::default(),
            events: Vec::new(),
            obstacle: None,
            learned: false,
        };
        self.ctx.session.disclosure().learn(&*run.code);
        for system in [CASE_SYSTEM, SET_SYSTEM] {
            self.ctx.session.disclosure().learn(system);
        }
        run.obstacle = run.unmet();
        if run.obstacle.is_none() {
            run.steps().await;
        }
        run.clean_up().await;
        run.clean_up_lost().await;
        let exchanges = run.scope.exchanges();
        let mut survey = self.ctx.survey();
        // What others wrote, wrong on purpose among it, is in the history of a type; whoever wrote it is asked for it.
        exchanges
            .iter()
            .filter(|exchange| !is_of_many(&self.ctx.session.relative(&exchange.request.url)))
            .for_each(|exchange| survey.add(exchange));
        drop(survey);
        let requests = exchanges.len();
        let trace = Trace {
            base: self.ctx.session.base(),
            ground: case.ground,
            obstacle: run.obstacle,
            events: run.events,
        };
        (Execution { trace, requests }, run.learned)
    }
}

/// One execution under way, or one lane of it.
#[derive(Clone)]
struct Run {
    executor: Executor,
    case: Arc<Case>,
    scope: Arc<Scope>,
    code: Arc<str>,
    /// What happened before the lane began; empty outside of lanes.
    before: Arc<Vec<Event>>,
    events: Vec<Event>,
    /// What keeps the execution from its purpose.
    obstacle: Option<String>,
    /// The target said that a search needs company.
    learned: bool,
}

impl Run {
    fn ctx(&self) -> &Context {
        &self.executor.ctx
    }

    async fn steps(&mut self) {
        let case = Arc::clone(&self.case);
        let mut rest: &[Step] = &case.steps;
        while let Some(step) = rest.first() {
            let block = rest.iter().take_while(|step| step.is_concurrent()).count();
            if block > 1 {
                self.at_once(&rest[..block]).await;
                rest = &rest[block..];
            } else {
                self.step(step).await;
                rest = &rest[1..];
            }
            if self.learned || self.obstacle.is_some() {
                return;
            }
        }
    }

    /// What searches over the case's own resources would need and cannot have.
    fn unmet(&self) -> Option<String> {
        let searched = self
            .case
            .steps
            .iter()
            .find_map(|step| match &step.command {
                Command::Search(search) => Some(search.resource_type.as_str()),
                _ => None,
            })?;
        match self.case.ground {
            Origin::Cohort => self.company(searched).err(),
            Origin::Created => {
                let confined = ["_tag", "identifier"];
                let missing = require::missing(&self.ctx().requirements, searched, &confined);
                (!missing.is_empty()).then(|| format!("server requires {}", missing.join(" and ")))
            }
        }
    }

    fn company(&self, resource_type: &str) -> Result<Company<'_>, String> {
        let ctx = self.ctx();
        company::company(
            &ctx.cohort,
            &ctx.capability,
            &ctx.requirements,
            resource_type,
            self.case.salt,
        )
    }

    async fn step(&mut self, step: &Step) {
        let prepared = self.prepare(&step.command);
        self.carry_out(step, prepared).await;
    }

    /// Runs the lanes of a block: they are prepared, wait for each other, and begin at the same moment.
    async fn at_once(&mut self, block: &[Step]) {
        let lanes = lanes(block);
        let mut before = self.before.as_ref().clone();
        before.append(&mut self.events.clone());
        let before = Arc::new(before);
        let gate = Arc::new(Barrier::new(lanes.len()));
        let mut running = JoinSet::new();
        for (position, steps) in lanes.into_iter().enumerate() {
            let gate = Arc::clone(&gate);
            let mut lane = Run {
                before: Arc::clone(&before),
                events: Vec::new(),
                ..self.clone()
            };
            running.spawn(async move {
                let mut steps = steps.into_iter();
                if let Some(first) = steps.next() {
                    let prepared = lane.prepare(&first.command);
                    gate.wait().await;
                    lane.carry_out(&first, prepared).await;
                }
                for step in steps {
                    lane.step(&step).await;
                }
                (position, lane)
            });
        }
        let mut done = running.join_all().await;
        done.sort_by_key(|(position, _)| *position);
        for (_, lane) in done {
            self.learned |= lane.learned;
            self.obstacle = self.obstacle.take().or(lane.obstacle);
            self.events.extend(lane.events);
        }
        let order = |event: &Event| block.iter().position(|step| step.id == event.step.id);
        let start = self.events.len() - block.len();
        self.events[start..].sort_by_key(order);
    }

    /// The request of a step that is one request; `None` for others, and if what it needs is not there.
    fn prepare(&self, command: &Command) -> Option<Request> {
        match command {
            Command::Bundle {
                transaction,
                entries,
            } => self.bundle(*transaction, entries),
            command => self.request(command, &[]),
        }
    }

    async fn carry_out(&mut self, step: &Step, prepared: Option<Request>) {
        let called = self.ctx().clock.elapsed();
        let (exchanges, outcome, named) = match (&step.command, prepared) {
            (Command::Settle { resource_type }, _) => plain(self.settle(resource_type).await),
            (Command::Search(search), _) => self.search(search).await,
            (Command::History { target, options }, _) => {
                plain(self.history(*target, options).await)
            }
            (
                Command::HistoryOf {
                    resource_type,
                    options,
                },
                _,
            ) => plain(self.history_of(resource_type.as_deref(), options).await),
            (Command::Follow { of, page, relation }, _) => {
                plain(self.follow(*of, *page, relation).await)
            }
            (Command::Pause { ms }, _) => {
                tokio::time::sleep(Duration::from_millis(u64::from(*ms))).await;
                plain((Vec::new(), Outcome::Done))
            }
            (Command::Restart, _) => plain(self.restart().await),
            (_, Some(request)) if step.fault.is_some() => {
                plain(self.send_faulty(step.fault, request).await)
            }
            (Command::Raw(_), Some(request)) => {
                plain((vec![self.scope.send(request).await], Outcome::Done))
            }
            (_, Some(request)) => plain((vec![self.send(request).await], Outcome::Done)),
            (_, None) => plain((Vec::new(), Outcome::Skipped)),
        };
        self.record(step, called, exchanges, outcome, named);
    }

    /// Sends one request; an update that the server refuses because it names no version is sent again with one.
    async fn send(&self, request: Request) -> Arc<Exchange> {
        let exchange = self.scope.send(request.clone()).await;
        let base = self.ctx().session.base();
        let Some(key) = precondition::demanded(&exchange, &self.ctx().capability, &base) else {
            return exchange;
        };
        match precondition::current(&self.scope, &key).await {
            Some(version) => {
                self.scope
                    .send(request.with_header("If-Match", version))
                    .await
            }
            None => exchange,
        }
    }

    fn record(
        &mut self,
        step: &Step,
        called: Duration,
        exchanges: Vec<Arc<Exchange>>,
        outcome: Outcome,
        named: Vec<Key>,
    ) {
        let last = exchanges.last();
        let answered = last.is_some_and(|exchange| exchange.outcome.is_ok());
        let parts = match &step.command {
            Command::Bundle { entries, .. } => {
                let body = last.and_then(|exchange| exchange.json());
                trace::parts(entries, body.as_ref(), |command| self.acted_on(command))
            }
            _ => Vec::new(),
        };
        let key = match &step.command {
            Command::Bundle { .. } => None,
            command if command.creates() => last
                .and_then(|exchange| self.made(command, exchange))
                .or_else(|| self.acted_on(command)),
            command => self.acted_on(command),
        };
        self.events.push(Event {
            step: step.clone(),
            key,
            called,
            returned: answered.then(|| self.ctx().clock.elapsed()),
            exchanges,
            parts,
            named,
            outcome,
        });
    }

    /// The resource on which a command acts, as far as that is known beforehand.
    fn acted_on(&self, command: &Command) -> Option<Key> {
        match command {
            Command::PutNew { name, resource } => self.key_of_name(name, resource),
            command => command.target().and_then(|target| self.key(target)),
        }
    }

    /// The key of what a create made or matched, and a look at whether the tag was kept.
    fn made(&self, command: &Command, exchange: &Exchange) -> Option<Key> {
        let response = exchange
            .response()
            .filter(|response| response.status < 300)?;
        let body = exchange.json();
        let wanted = command.payload().and_then(resource::resource_type);
        let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
        if let Some(body) = body
            .as_ref()
            .filter(|body| resource::resource_type(body) == wanted)
            && response.status == 201
            && wanted.is_some()
            && command.name().is_some()
            && !has_tag(body, &self.code)
        {
            self.executor.tag_fails.store(true, Ordering::Relaxed);
        }
        response
            .headers
            .get("location")
            .and_then(Key::from_reference)
            .or_else(|| body.as_ref().and_then(Key::of))
            .filter(|key| is_wanted(&key.resource_type) && key.resource_type != "OperationOutcome")
    }

    fn event(&self, step: u32) -> Option<&Event> {
        let mut all = self.events.iter().chain(self.before.iter());
        all.find(|event| event.step.id == step)
    }

    /// The resource that a step created or acted on, or that a search found first.
    fn key(&self, step: u32) -> Option<Key> {
        trace::key_in(&self.events, step)
            .or_else(|| trace::key_in(&self.before, step))
            .cloned()
            .or_else(|| self.first_found(step))
    }

    fn part(&self, step: u32) -> Option<&Part> {
        let mut all = self.events.iter().chain(self.before.iter());
        all.find_map(|event| event.parts.iter().find(|part| part.id == step))
    }

    /// The entity tag that a step saw, as it was given, else made of the version id.
    fn etag(&self, step: u32) -> Option<String> {
        let Some(exchange) = self.event(step).and_then(Event::accepted) else {
            return self.part(step)?.etag.clone();
        };
        match exchange.header("etag") {
            Some(etag) => Some(etag.to_owned()),
            None => shown_version(exchange).map(|version| format!("W/\"{version}\"")),
        }
    }

    /// The trace so far.
    fn so_far(&self) -> Trace {
        Trace {
            base: String::new(),
            ground: self.case.ground,
            obstacle: None,
            events: self.before.iter().chain(&self.events).cloned().collect(),
        }
    }

    /// Removes what the execution created, as far as the target lets it. What stays is in the session's journal.
    async fn clean_up(&mut self) {
        let trace = self.so_far();
        let mut types: Vec<&str> = Vec::new();
        let parts = trace.events.iter().flat_map(|event| event.parts.iter());
        let keys = trace.events.iter().filter_map(|event| event.key.as_ref());
        for key in keys.chain(parts.filter_map(|part| part.key.as_ref())) {
            if !types.contains(&key.resource_type.as_str())
                && self.ctx().capability.supports(&key.resource_type, "delete")
            {
                types.push(key.resource_type.as_str());
            }
        }
        // What refers goes before what it refers to.
        let mut keys: Vec<Key> = types.iter().flat_map(|name| trace.live(name)).collect();
        keys.extend(trace.removed_unseen());
        let (patients, others): (Vec<Key>, Vec<Key>) = keys
            .into_iter()
            .partition(|key| key.resource_type == "Patient");
        for group in [others, patients] {
            let requests: Vec<Request> = group
                .into_iter()
                .map(|key| Request::new(Method::Delete, key.to_string()))
                .collect();
            if !requests.is_empty() {
                self.scope.send_all(requests, CLEAN_UP_JOBS).await;
            }
        }
    }
}

/// True for the history of a type or of the system, by its URL relative to the base.
fn is_of_many(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or(url);
    let mut segments = path.split('/').rev();
    segments.next() == Some("_history") && segments.count() < 2
}

/// What a step gives that stands for no resource of the cohort.
fn plain(
    (exchanges, outcome): (Vec<Arc<Exchange>>, Outcome),
) -> (Vec<Arc<Exchange>>, Outcome, Vec<Key>) {
    (exchanges, outcome, Vec::new())
}

/// The steps of a block by lane; a step that is sent together with its neighbours is a lane of its own.
fn lanes(block: &[Step]) -> Vec<Vec<Step>> {
    let mut lanes: Vec<(Option<u8>, Vec<Step>)> = Vec::new();
    for step in block {
        match lanes
            .iter_mut()
            .find(|(lane, _)| lane.is_some() && *lane == step.lane)
        {
            Some((_, steps)) => steps.push(step.clone()),
            None => lanes.push((step.lane, vec![step.clone()])),
        }
    }
    lanes.into_iter().map(|(_, steps)| steps).collect()
}

fn has_tag(body: &Value, code: &str) -> bool {
    body.get("meta")
        .and_then(|meta| meta.get("tag"))
        .and_then(Value::as_array)
        .is_some_and(|tags| {
            tags.iter()
                .any(|tag| tag.get("code").and_then(Value::as_str) == Some(code))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_one_lane_stay_in_order_and_steps_sent_together_are_lanes_of_their_own() {
        let step = |id: u32, lane: Option<u8>| Step {
            id,
            together: lane.is_none(),
            lane,
            fault: None,
            command: Command::Read { target: 0 },
        };
        let block = [
            step(1, Some(0)),
            step(2, Some(1)),
            step(3, Some(0)),
            step(4, None),
            step(5, None),
        ];
        let ids: Vec<Vec<u32>> = lanes(&block)
            .iter()
            .map(|lane| lane.iter().map(|step| step.id).collect())
            .collect();
        assert_eq!(ids, [vec![1, 3], vec![2], vec![4], vec![5]]);
    }
}
