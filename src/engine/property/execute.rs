//! The executor: runs a case through a session and writes its trace. It judges nothing and confirms nothing; every
//! execution works on resources of its own, which it removes at the end where the target lets it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::company::{self, Company};
use crate::engine::context::Context;
use crate::engine::precondition;
use crate::engine::require;
use crate::engine::session::{Scope, TAG_SYSTEM};
use crate::fhir::{Key, bundle, query, resource};
use crate::http::{Exchange, Method, Request};
use crate::property::case::{Case, Command, Origin, Search, Step, Term, Via};
use crate::property::parameter;
use crate::property::trace::{Event, Outcome, Trace, shown_version};

/// System of the tags and identifiers that tell one execution from all others.
pub const CASE_SYSTEM: &str = "urn:rounds:case";
/// System of the identifier that all resources of one execution share.
pub const SET_SYSTEM: &str = "urn:rounds:case-set";

/// Pages of one search at most.
const MAX_PAGES: usize = 40;
/// `_count` of the searches that wait for the index.
const SETTLE_COUNT: u32 = 100;
/// Pauses between polls: short at first, because most servers are ready at once.
const PAUSES_MS: &[u64] = &[10, 20, 40, 80, 160, 250];
/// Polls of one step at most, whatever the clock says.
const MAX_POLLS: u32 = 100;
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
            executor: self,
            ctx: &self.ctx,
            case,
            scope: self.ctx.session.scope(),
            code: format!("{}-{number}", self.ctx.token),
            learned: false,
            trace: Trace {
                base: self.ctx.session.base(),
                ground: case.ground,
                obstacle: None,
                events: Vec::new(),
            },
        };
        run.ctx.session.disclosure().learn(run.code.as_str());
        for system in [CASE_SYSTEM, SET_SYSTEM] {
            run.ctx.session.disclosure().learn(system);
        }
        run.steps().await;
        run.clean_up().await;
        let exchanges = run.scope.exchanges();
        let mut survey = self.ctx.survey();
        exchanges.iter().for_each(|exchange| survey.add(exchange));
        drop(survey);
        let requests = exchanges.len();
        let learned = run.learned;
        let trace = run.trace;
        (Execution { trace, requests }, learned)
    }
}

/// One execution under way.
struct Run<'a> {
    executor: &'a Executor,
    ctx: &'a Context,
    case: &'a Case,
    scope: Scope,
    code: String,
    learned: bool,
    trace: Trace,
}

impl Run<'_> {
    async fn steps(&mut self) {
        if let Some(reason) = self.unmet() {
            self.trace.obstacle = Some(reason);
            return;
        }
        let mut rest: &[Step] = &self.case.steps;
        while let Some(step) = rest.first() {
            let together = rest.iter().take_while(|step| step.together).count();
            if together > 1 {
                self.at_once(&rest[..together]).await;
                rest = &rest[together..];
            } else {
                self.step(step).await;
                rest = &rest[1..];
            }
            if self.learned {
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
                let missing = require::missing(&self.ctx.requirements, searched, &confined);
                (!missing.is_empty()).then(|| format!("server requires {}", missing.join(" and ")))
            }
        }
    }

    fn company(&self, resource_type: &str) -> Result<Company<'_>, String> {
        company::company(
            &self.ctx.cohort,
            &self.ctx.capability,
            &self.ctx.requirements,
            resource_type,
            self.case.salt,
        )
    }

    async fn step(&mut self, step: &Step) {
        let called = self.ctx.clock.elapsed();
        let (exchanges, outcome) = match &step.command {
            Command::Settle { resource_type } => self.settle(resource_type).await,
            Command::Search(search) => self.search(search).await,
            Command::History { target } => self.history(*target).await,
            _ => match self.request(&step.command) {
                Some(request) => (vec![self.send(request).await], Outcome::Done),
                None => (Vec::new(), Outcome::Skipped),
            },
        };
        self.record(step, called, exchanges, outcome);
    }

    /// Sends one request; an update that the server refuses because it names no version is sent again with one.
    async fn send(&self, request: Request) -> Arc<Exchange> {
        let exchange = self.scope.send(request.clone()).await;
        let base = self.ctx.session.base();
        let Some(key) = precondition::demanded(&exchange, &self.ctx.capability, &base) else {
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

    /// Sends single requests at the same moment.
    async fn at_once(&mut self, steps: &[Step]) {
        let called = self.ctx.clock.elapsed();
        let prepared: Vec<(&Step, Option<Request>)> = steps
            .iter()
            .map(|step| (step, self.request(&step.command)))
            .collect();
        let requests: Vec<Request> = prepared
            .iter()
            .filter_map(|(_, request)| request.clone())
            .collect();
        let jobs = requests.len();
        let mut answers = self.scope.send_all(requests, jobs).await.into_iter();
        for (step, request) in prepared {
            let exchanges: Vec<Arc<Exchange>> =
                request.and_then(|_| answers.next()).into_iter().collect();
            let outcome = if exchanges.is_empty() {
                Outcome::Skipped
            } else {
                Outcome::Done
            };
            self.record(step, called, exchanges, outcome);
        }
    }

    fn record(
        &mut self,
        step: &Step,
        called: Duration,
        exchanges: Vec<Arc<Exchange>>,
        outcome: Outcome,
    ) {
        let last = exchanges.last();
        let answered = last.is_some_and(|exchange| exchange.outcome.is_ok());
        let key = match &step.command {
            Command::Create { resource, .. } => {
                last.and_then(|exchange| self.made(resource, exchange))
            }
            command => command.target().and_then(|target| self.key(target)),
        };
        self.trace.events.push(Event {
            step: step.clone(),
            key,
            called,
            returned: answered.then(|| self.ctx.clock.elapsed()),
            exchanges,
            outcome,
        });
    }

    /// The key of what a create made or matched, and a look at whether the tag was kept.
    fn made(&self, written: &Value, exchange: &Exchange) -> Option<Key> {
        let response = exchange
            .response()
            .filter(|response| response.status < 300)?;
        let body = exchange.json();
        let wanted = resource::resource_type(written)?;
        if let Some(body) = body
            .as_ref()
            .filter(|body| resource::resource_type(body) == Some(wanted))
            && response.status == 201
            && !has_tag(body, &self.code)
        {
            self.executor.tag_fails.store(true, Ordering::Relaxed);
        }
        response
            .headers
            .get("location")
            .and_then(Key::from_reference)
            .or_else(|| body.as_ref().and_then(Key::of))
            .filter(|key| key.resource_type == wanted)
    }

    fn key(&self, step: u32) -> Option<Key> {
        self.trace.event(step)?.key.clone()
    }

    fn identifier(&self, name: &str) -> String {
        format!("{}-{name}", self.code)
    }

    /// The request of a step that is one request; `None` if what it needs is not there.
    fn request(&self, command: &Command) -> Option<Request> {
        match command {
            Command::Create {
                name,
                resource: written,
                if_none_exist,
            } => {
                let body = self.marked(written, name);
                let request = Request::new(Method::Post, resource::resource_type(written)?)
                    .with_header("Prefer", "return=representation")
                    .with_json(&body);
                Some(if *if_none_exist {
                    let pair = ("identifier".to_owned(), self.token(name));
                    request.with_header("If-None-Exist", query::encode_pairs(&[pair]))
                } else {
                    request
                })
            }
            Command::Put {
                target,
                resource: written,
                if_match,
            } => {
                let key = self.key(*target)?;
                let mut body = self.marked(written, &self.name(*target));
                body.as_object_mut()?
                    .insert("id".to_owned(), json!(key.id.as_str()));
                let request = Request::new(Method::Put, key.to_string())
                    .with_header("Prefer", "return=representation")
                    .with_json(&body);
                Some(match if_match {
                    Some(step) => request.with_header("If-Match", self.etag(*step)?),
                    None => request,
                })
            }
            Command::Delete { target } => {
                Some(Request::new(Method::Delete, self.key(*target)?.to_string()))
            }
            Command::Read { target } => Some(fresh(self.key(*target)?.to_string())),
            Command::History { .. } | Command::Settle { .. } | Command::Search(_) => None,
        }
    }

    fn name(&self, step: u32) -> String {
        match self.trace.event(step).map(|event| &event.step.command) {
            Some(Command::Create { name, .. }) => name.clone(),
            _ => format!("r{step}"),
        }
    }

    /// A resource with the tags of run and execution and the identifiers of execution and name.
    fn marked(&self, written: &Value, name: &str) -> Value {
        let mut body = written.clone();
        if let Some(members) = body.as_object_mut() {
            let tag = json!([
                { "system": TAG_SYSTEM, "code": self.ctx.token.to_string() },
                { "system": CASE_SYSTEM, "code": self.code },
            ]);
            members.insert("meta".to_owned(), json!({ "tag": tag }));
            let identifiers = json!([
                { "system": CASE_SYSTEM, "value": self.identifier(name) },
                { "system": SET_SYSTEM, "value": self.code },
            ]);
            members.insert("identifier".to_owned(), identifiers);
        }
        body
    }

    fn token(&self, name: &str) -> String {
        format!("{CASE_SYSTEM}|{}", self.identifier(name))
    }

    /// The entity tag that a step saw, as it was given, else made of the version id.
    fn etag(&self, step: u32) -> Option<String> {
        let exchange = self.trace.event(step)?.accepted()?;
        match exchange.header("etag") {
            Some(etag) => Some(etag.to_owned()),
            None => shown_version(exchange).map(|version| format!("W/\"{version}\"")),
        }
    }

    /// Criteria that confine a search to this execution or to the company of its cohort.
    fn confinement(&self, resource_type: &str) -> Vec<(String, String)> {
        match self.case.ground {
            Origin::Cohort => self
                .company(resource_type)
                .map(|company| company.pairs)
                .unwrap_or_default(),
            Origin::Created if self.executor.tag_fails.load(Ordering::Relaxed) => {
                vec![(
                    "identifier".to_owned(),
                    format!("{SET_SYSTEM}|{}", self.code),
                )]
            }
            Origin::Created => vec![("_tag".to_owned(), format!("{CASE_SYSTEM}|{}", self.code))],
        }
    }

    /// The criteria of a search with their values; `None` if there is no value to ask for.
    fn criteria(&self, search: &Search) -> Option<Vec<(String, String)>> {
        search
            .criteria
            .iter()
            .map(|criterion| {
                let value = match &criterion.value {
                    Term::Text(text) => text.clone(),
                    Term::Identifier(name) => self.token(name),
                    Term::Id(step) => self.key(*step)?.id,
                    Term::Cohort(nth) => self.held(&search.resource_type, &criterion.name, *nth)?,
                };
                Some((criterion.name.clone(), value))
            })
            .collect()
    }

    /// The n-th distinct value that the company's resources hold for a parameter.
    fn held(&self, resource_type: &str, name: &str, nth: u32) -> Option<String> {
        let parameter = parameter::find(resource_type, name)?;
        let company = self.company(resource_type).ok()?;
        let values: BTreeSet<String> = company
            .pool
            .iter()
            .flat_map(|resource| parameter.values(resource))
            .collect();
        let index = nth as usize % values.len().max(1);
        values.into_iter().nth(index)
    }

    /// A search with all its pages.
    async fn search(&mut self, search: &Search) -> (Vec<Arc<Exchange>>, Outcome) {
        let Some(criteria) = self.criteria(search) else {
            return (Vec::new(), Outcome::Skipped);
        };
        let mut pairs = self.confinement(&search.resource_type);
        let shape = [
            search.sort.clone().map(|sort| ("_sort".to_owned(), sort)),
            search
                .count
                .map(|count| ("_count".to_owned(), count.to_string())),
        ];
        let first_criterion = pairs.len();
        pairs.extend(criteria);
        pairs.extend(shape.into_iter().flatten());
        let request = search_request(&search.resource_type, &pairs, search.via, first_criterion);
        let (exchanges, outcome) = self.walk(request).await;
        if let Some(refused) = exchanges.last()
            && matches!(refused.status(), Some(400 | 403))
            && self.learn(&search.resource_type, &pairs, refused)
        {
            self.learned = true;
        }
        (exchanges, outcome)
    }

    fn learn(&self, resource_type: &str, pairs: &[(String, String)], refused: &Exchange) -> bool {
        require::learn(&self.ctx.requirements, resource_type, pairs, refused)
    }

    /// Sends a search and follows its next links.
    async fn walk(&self, request: Request) -> (Vec<Arc<Exchange>>, Outcome) {
        let mut exchanges = vec![self.scope.send(request).await];
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(next) = exchanges.last().and_then(|exchange| next_page(exchange)) {
            if exchanges.len() >= MAX_PAGES || !seen.insert(next.clone()) {
                return (exchanges, Outcome::Endless);
            }
            exchanges.push(self.scope.send(fresh(next)).await);
        }
        (exchanges, Outcome::Done)
    }

    /// Polls a search for everything of this execution until it shows exactly what is there.
    async fn settle(&mut self, resource_type: &str) -> (Vec<Arc<Exchange>>, Outcome) {
        let wanted: BTreeSet<Key> = self.trace.live(resource_type).into_iter().collect();
        let started = self.ctx.clock.elapsed();
        let mut polls = 0;
        loop {
            let mut pairs = self.confinement(resource_type);
            pairs.push(("_count".to_owned(), SETTLE_COUNT.to_string()));
            let request = search_request(resource_type, &pairs, Via::Get, pairs.len());
            let (exchanges, _) = self.walk(request).await;
            polls += 1;
            let last = exchanges.last().map(Arc::as_ref);
            let refused = last
                .and_then(Exchange::status)
                .is_some_and(|status| (400..500).contains(&status) && status != 429);
            if refused && let Some(last) = last {
                self.learned |= self.learn(resource_type, &pairs, last);
            }
            let found = found(&exchanges);
            if !refused && found == wanted {
                return (exchanges, Outcome::Settled { polls });
            }
            let confines = !refused
                && (self.trace.doubt().is_some() || found.iter().all(|key| self.is_ours(key)));
            let switched = !confines && !self.executor.tag_fails.swap(true, Ordering::Relaxed);
            let waited = self.ctx.clock.elapsed().saturating_sub(started);
            let hopeless =
                (refused && !switched) || waited >= self.ctx.index_lag || polls >= MAX_POLLS;
            if self.learned || hopeless {
                return (exchanges, Outcome::Unsettled);
            }
            if !switched {
                pause(polls).await;
            }
        }
    }

    fn is_ours(&self, key: &Key) -> bool {
        self.trace
            .events
            .iter()
            .any(|event| event.key.as_ref() == Some(key))
    }

    /// The history, again until it holds as many entries as there were writes.
    async fn history(&mut self, target: u32) -> (Vec<Arc<Exchange>>, Outcome) {
        let Some(key) = self.key(target) else {
            return (Vec::new(), Outcome::Skipped);
        };
        let writes = self
            .trace
            .events
            .iter()
            .filter(|event| event.key.as_ref() == Some(&key) && event.accepted().is_some())
            .filter(|event| {
                !matches!(
                    event.step.command,
                    Command::Read { .. } | Command::History { .. }
                )
            })
            .count();
        let started = self.ctx.clock.elapsed();
        let mut polls = 0;
        loop {
            let (exchanges, outcome) = self.walk(fresh(format!("{key}/_history"))).await;
            polls += 1;
            let entries: usize = exchanges
                .iter()
                .filter_map(|exchange| exchange.json())
                .map(|page| bundle::entries(&page).count())
                .sum();
            let waited = self.ctx.clock.elapsed().saturating_sub(started);
            let answered = exchanges.last().and_then(|exchange| exchange.status()) == Some(200);
            if entries >= writes || !answered || waited >= self.ctx.index_lag || polls >= MAX_POLLS
            {
                return (exchanges, outcome);
            }
            pause(polls).await;
        }
    }

    /// Removes what the execution created, as far as the target lets it. What stays is in the session's journal.
    async fn clean_up(&mut self) {
        let mut types: Vec<&str> = Vec::new();
        for event in &self.trace.events {
            if let Some(key) = &event.key
                && !types.contains(&key.resource_type.as_str())
                && self.ctx.capability.supports(&key.resource_type, "delete")
            {
                types.push(key.resource_type.as_str());
            }
        }
        let requests: Vec<Request> = types
            .iter()
            .flat_map(|name| self.trace.live(name))
            .map(|key| Request::new(Method::Delete, key.to_string()))
            .collect();
        if !requests.is_empty() {
            self.scope.send_all(requests, CLEAN_UP_JOBS).await;
        }
    }
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

/// A GET that asks caches to stand aside.
fn fresh(url: String) -> Request {
    Request::get(url).with_header("Cache-Control", "no-cache")
}

/// The request of a search; `Via::Mixed` puts the pair at `first_criterion` into the URL.
fn search_request(
    resource_type: &str,
    pairs: &[(String, String)],
    via: Via,
    first_criterion: usize,
) -> Request {
    let (in_url, in_body) = match via {
        Via::Get => (pairs.to_vec(), Vec::new()),
        Via::Post => (Vec::new(), pairs.to_vec()),
        Via::Mixed => {
            let mut rest = pairs.to_vec();
            let at = first_criterion.min(rest.len());
            let moved: Vec<(String, String)> =
                rest.splice(at..(at + 1).min(rest.len()), []).collect();
            (moved, rest)
        }
    };
    let path = match via {
        Via::Get => resource_type.to_owned(),
        Via::Post | Via::Mixed => format!("{resource_type}/_search"),
    };
    let url = if in_url.is_empty() {
        path
    } else {
        format!("{path}?{}", query::encode_pairs(&in_url))
    };
    let request = match via {
        Via::Get => Request::get(url),
        Via::Post | Via::Mixed => Request::new(Method::Post, url).with_body(
            "application/x-www-form-urlencoded",
            query::encode_pairs(&in_body),
        ),
    };
    request
        .with_header("Cache-Control", "no-cache")
        .with_header("Prefer", "handling=strict")
}

/// The next link of a page, resolved against the URL of the page.
fn next_page(exchange: &Exchange) -> Option<String> {
    if exchange.status() != Some(200) {
        return None;
    }
    let page = exchange.json()?;
    let link = bundle::link(&page, "next")?;
    let base = url::Url::parse(&exchange.request.url).ok()?;
    Some(base.join(link).ok()?.to_string())
}

fn found(exchanges: &[Arc<Exchange>]) -> BTreeSet<Key> {
    exchanges
        .iter()
        .filter_map(|exchange| exchange.json())
        .flat_map(|page| bundle::match_keys(&page))
        .collect()
}

async fn pause(polls: u32) {
    let index = (polls.saturating_sub(1) as usize).min(PAUSES_MS.len() - 1);
    tokio::time::sleep(Duration::from_millis(PAUSES_MS[index])).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_search_has_its_first_criterion_in_the_url() {
        let pairs: Vec<(String, String)> = [("_tag", "t"), ("gender", "male"), ("family", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let request = search_request("Patient", &pairs, Via::Mixed, 1);
        assert_eq!(request.url, "Patient/_search?gender=male");
        assert_eq!(request.body, "_tag=t&family=x");
        assert_eq!(
            search_request("Patient", &pairs, Via::Post, 1).url,
            "Patient/_search"
        );
    }
}
