//! One step: fills in the request, confines a search, sends it, follows pages, waits where it may, and has the
//! answer judged.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::check::Evidence;
use crate::check::search::Asked;
use crate::fhir::xml::{self, Layout};
use crate::fhir::{Key, bundle, resource};
use crate::http::{Exchange, FailureKind, Method, Request};
use crate::record::Verdict;
use crate::suite::expect::{self, StepOutcome};
use crate::suite::ir::{BodyTemplate, Case, Expectation, Follow, Refusal, Rule, Step};
use crate::suite::pick::Witness;
use crate::suite::request::{is_xml, with_parameters};
use crate::suite::template::Bindings;

use super::super::confine;
use super::super::context::Context;
use super::super::populate::load::merge_patch;
use super::super::precondition;
use super::super::require;
use super::super::session::{Scope, TAG_SYSTEM};
use super::{Outcome, authored};

/// Pause between two looks of a polling step.
const POLL_PAUSE: Duration = Duration::from_millis(100);

/// Refusals of one step that are learned from; a server that wants still more is not asked on.
const MAX_LESSONS: usize = 3;

/// Runs the steps of one attempt.
pub struct Runner<'a> {
    context: &'a Context,
    scope: &'a Scope,
    bindings: Bindings,
    /// Names of the picks of the case.
    picks: Vec<String>,
    /// Resources of the cohort that they chose.
    witnesses: Vec<Key>,
}

impl<'a> Runner<'a> {
    /// A runner with the bindings of one attempt.
    pub fn new(
        context: &'a Context,
        scope: &'a Scope,
        bindings: Bindings,
        witnesses: Vec<Witness>,
    ) -> Self {
        Runner {
            context,
            scope,
            bindings,
            picks: witnesses
                .iter()
                .map(|witness| witness.name.clone())
                .collect(),
            witnesses: witnesses.into_iter().map(|witness| witness.key).collect(),
        }
    }

    /// Runs a step that prepares for others: what goes wrong in it says nothing about the rule under test.
    pub async fn prepare(&mut self, step: &Step) -> Outcome {
        let before = self.scope.exchanges().len();
        let outcome = self.run(step).await;
        let Outcome::Violated(_) = &outcome else {
            return outcome;
        };
        let exchanges = self.scope.exchanges();
        // The last of its kind: a look at the version that the server demands may have followed.
        let refused = exchanges[before..]
            .iter()
            .rfind(|exchange| exchange.request.method == step.request.method)
            .and_then(|exchange| exchange.status());
        match refused {
            // The step is what the rule is about: that it is refused is the finding.
            Some(status) if step.refusal == Refusal::Judged && !is_reserved(step, status) => {
                outcome
            }
            Some(status) if expects_success(step) && (400..500).contains(&status) => {
                let method = step.request.method;
                Outcome::Undecided(Verdict::Blocked(format!(
                    "a preparing {method} was refused with {status}"
                )))
            }
            _ if step.poll.is_some() => Outcome::Undecided(Verdict::Blocked(
                "the index did not show a write in time".to_owned(),
            )),
            _ => outcome,
        }
    }

    /// Runs one step, again and again while it polls.
    pub async fn run(&mut self, step: &Step) -> Outcome {
        let limit = step
            .poll
            .map(|poll| poll.within.unwrap_or(self.context.index_lag));
        let deadline = limit.map(|limit| self.context.clock.elapsed() + limit);
        loop {
            let outcome = self.once(step).await;
            let again = !matches!(outcome, Outcome::Held)
                && deadline.is_some_and(|deadline| self.context.clock.elapsed() < deadline);
            if !again {
                return outcome;
            }
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }

    async fn once(&mut self, step: &Step) -> Outcome {
        let earlier = self.scope.exchanges();
        let mut first = match self.send(step, None).await {
            Ok(exchange) => exchange,
            Err(verdict) => return Outcome::Undecided(verdict),
        };
        for _ in 0..MAX_LESSONS {
            let version = self.demanded_version(step, &first).await;
            if version.is_none() && !self.learned(step, &first) {
                break;
            }
            first = match self.send(step, version).await {
                Ok(exchange) => exchange,
                Err(verdict) => return Outcome::Undecided(verdict),
            };
        }
        let pages = match &step.follow {
            Some(follow) => match self.follow(step, first, *follow).await {
                Ok(pages) => pages,
                Err(verdict) => return Outcome::Undecided(verdict),
            },
            None => vec![first],
        };
        if let Some(verdict) = pages.iter().find_map(|page| undecidable(step, page)) {
            return Outcome::Undecided(verdict);
        }
        self.judge(step, &earlier, &pages)
    }

    async fn send(&self, step: &Step, version: Option<String>) -> Result<Arc<Exchange>, Verdict> {
        let mut request = step.request.fill(&self.bindings).map_err(Verdict::Error)?;
        let picks: Vec<&str> = self.picks.iter().map(String::as_str).collect();
        authored::learn(self.context, &picks, &step.request, &self.bindings);
        if let Some(version) = version {
            request.headers.set("If-Match", version);
        }
        if step.confine {
            request = self.confined(request)?;
        }
        if matches!(step.request.body, Some(BodyTemplate::Json(_))) {
            request = self.tagged(request);
        }
        if request.method.is_safe()
            && request.url.contains('?')
            && request.headers.get("cache-control").is_none()
        {
            request.headers.set("Cache-Control", "no-cache");
        }
        self.deliver(step, request).await
    }

    /// Sends for whoever the step says.
    async fn deliver(&self, step: &Step, request: Request) -> Result<Arc<Exchange>, Verdict> {
        let Some(identity) = &step.identity else {
            return Ok(self.scope.send(request).await);
        };
        let sent = self.scope.send_as(identity, request).await;
        // The plan skips such cases; a replay of one comes here.
        sent.ok_or_else(|| Verdict::Blocked(format!("identity {identity} is not configured")))
    }

    /// The version to name in a second try, where the server refused an update for want of one. A step that expects
    /// the refusal gets it.
    async fn demanded_version(&self, step: &Step, exchange: &Exchange) -> Option<String> {
        let status = exchange.status()?;
        if step
            .expects
            .iter()
            .any(|expectation| allows(expectation, status))
        {
            return None;
        }
        let base = self.context.session.base();
        let key = precondition::demanded(exchange, &self.context.capability, &base)?;
        precondition::current(self.scope, &key).await
    }

    fn confined(&self, request: Request) -> Result<Request, Verdict> {
        let Some((resource_type, own)) = self.search(&request) else {
            return Ok(request);
        };
        let context = self.context;
        let added = confine::company(
            &resource_type,
            &own,
            &context.cohort,
            &context.requirements,
            &self.witnesses,
            context.clock.now(),
        )
        .map_err(Verdict::Blocked)?;
        Ok(with_parameters(request, &added))
    }

    /// The type and the parameters of a type-level search; anything else goes out as it is written.
    fn search(&self, request: &Request) -> Option<(String, Vec<(String, String)>)> {
        let asked = Asked::of(request, &self.context.session.base())?;
        let resource_type = asked
            .resource_type
            .filter(|_| asked.compartment.is_none())?;
        Some((resource_type, asked.pairs))
    }

    /// True if a confined search was refused for want of a parameter that can now be added.
    fn learned(&self, step: &Step, exchange: &Exchange) -> bool {
        if !step.confine || !matches!(exchange.status(), Some(400 | 403)) {
            return false;
        }
        let Some(asked) = Asked::of(&exchange.request, &self.context.session.base()) else {
            return false;
        };
        let Some(resource_type) = asked.resource_type.filter(|_| asked.compartment.is_none())
        else {
            return false;
        };
        require::learn(
            &self.context.requirements,
            &resource_type,
            &asked.pairs,
            exchange,
        )
    }

    async fn follow(
        &self,
        step: &Step,
        first: Arc<Exchange>,
        follow: Follow,
    ) -> Result<Vec<Arc<Exchange>>, Verdict> {
        let mut pages = vec![first];
        while let Some(next) = pages.last().and_then(|page| next_link(page)) {
            // A link to another host is no page of this endpoint: a check says so, and nothing is sent there.
            if pages.len() >= follow.pages as usize || !self.is_own(&next) {
                break;
            }
            pages.push(self.deliver(step, Request::get(next)).await?);
        }
        Ok(pages)
    }

    fn is_own(&self, url: &str) -> bool {
        let base = self.context.session.base();
        match (url::Url::parse(&base), url::Url::parse(url)) {
            (Ok(base), Ok(url)) => base.origin() == url.origin(),
            _ => true,
        }
    }

    fn judge(
        &mut self,
        step: &Step,
        earlier: &[Arc<Exchange>],
        pages: &[Arc<Exchange>],
    ) -> Outcome {
        let pages: Vec<&Exchange> = pages.iter().map(AsRef::as_ref).collect();
        let earlier: Vec<&Exchange> = earlier.iter().map(AsRef::as_ref).collect();
        let base = self.context.session.base();
        let now = self.context.clock.now();
        let outcome = StepOutcome {
            evidence: Evidence {
                exchanges: &pages,
                earlier: &earlier,
                capability: Some(&self.context.capability),
                cohort: Some(&self.context.cohort),
                memory: Some(&self.context.memory),
                base: &base,
            },
            bindings: &self.bindings,
            now,
        };
        let judgement = expect::evaluate_step(step, &outcome);
        if !judgement.violations.is_empty() {
            return Outcome::Violated(judgement.violations);
        }
        if let Some(reason) = judgement.not_claimed {
            return Outcome::Undecided(Verdict::Skip(reason));
        }
        if let Some(reason) = judgement.undecided.into_iter().next() {
            return Outcome::Undecided(Verdict::Vacuous(reason));
        }
        expect::bind_answer(step, &pages, &mut self.bindings);
        match expect::capture(step, &pages, now, &mut self.bindings) {
            Ok(()) => Outcome::Held,
            // The answer was as it may be, and lacks what the case goes on with.
            Err(reason) => Outcome::Undecided(Verdict::Vacuous(reason)),
        }
    }

    /// A resource that is about to be created carries the run's tag, so that it can be found and removed.
    fn tagged(&self, request: Request) -> Request {
        if !matches!(request.method, Method::Post | Method::Put) {
            return request;
        }
        let Some(mut value) = resource::of_body(&request.body) else {
            return request;
        };
        match resource::resource_type(&value) {
            None | Some("Parameters") => return request,
            Some("Bundle") if !request.url.is_empty() => return request,
            Some("Bundle") => {
                let entries = value
                    .get_mut("entry")
                    .and_then(Value::as_array_mut)
                    .into_iter()
                    .flatten();
                entries
                    .filter_map(|entry| entry.get_mut("resource"))
                    .for_each(|inner| self.tag(inner));
            }
            Some(_) => self.tag(&mut value),
        }
        let content_type = request
            .headers
            .get("content-type")
            .unwrap_or(crate::http::FHIR_JSON)
            .to_owned();
        let body = match is_xml(&request) {
            true => match xml::write(&value, Layout::Compact) {
                Ok(body) => body.into_bytes(),
                Err(_) => return request,
            },
            false => serde_json::to_vec(&value).expect("a JSON value is written without error"),
        };
        request.with_body(&content_type, body)
    }

    fn tag(&self, value: &mut Value) {
        let name = resource::resource_type(value).unwrap_or_default();
        if let Some(patch) = self.context.overlay.get(name) {
            merge_patch(value, patch);
        }
        let tag = json!({ "system": TAG_SYSTEM, "code": self.context.token.to_string() });
        let Some(members) = value.as_object_mut() else {
            return;
        };
        let meta = members.entry("meta").or_insert_with(|| json!({}));
        let Some(meta) = meta.as_object_mut() else {
            return;
        };
        if let Some(tags) = meta
            .entry("tag")
            .or_insert_with(|| json!([]))
            .as_array_mut()
            && !tags.contains(&tag)
        {
            tags.push(tag);
        }
    }
}

/// Refusals that R4 leaves to every server, whatever it claims: who may do it (403), and that an update name the
/// version that it is made of (428, or 412 to one that names none).
fn is_reserved(step: &Step, status: u16) -> bool {
    let mut fields = step.request.headers.iter().map(|(name, _)| name);
    let names_version = fields.any(|name| name.eq_ignore_ascii_case("if-match"));
    let is_update = matches!(step.request.method, Method::Put | Method::Patch);
    matches!(status, 403 | 428) || (status == 412 && is_update && !names_version)
}

/// True if a step wants a success and nothing else: its refusal is the server's right, unless the step is judged.
fn expects_success(step: &Step) -> bool {
    !step.expects.is_empty()
        && step
            .expects
            .iter()
            .all(|expectation| match &expectation.rule {
                Rule::Status(patterns) => {
                    (400..600).all(|status| patterns.iter().all(|pattern| !pattern.covers(status)))
                }
                _ => false,
            })
}

/// True if a rule about the status would hold with this one.
fn allows(expectation: &Expectation, status: u16) -> bool {
    match &expectation.rule {
        Rule::Status(patterns) => patterns.iter().any(|pattern| pattern.covers(status)),
        Rule::AnyOf(groups) => groups.iter().flatten().any(|inner| allows(inner, status)),
        _ => false,
    }
}

/// What says nothing about the rule under test: no answer, an endpoint that asks to wait, or refused credentials.
/// A step that expects a 401 is about credentials.
fn undecidable(step: &Step, exchange: &Exchange) -> Option<Verdict> {
    match &exchange.outcome {
        Err(failure) if failure.kind == FailureKind::Refused => {
            Some(Verdict::Blocked(failure.message.clone()))
        }
        Err(failure) => Some(Verdict::Error(failure.message.clone())),
        Ok(response) => match response.status {
            429 | 503 => Some(Verdict::Error(format!(
                "the endpoint asked to wait ({})",
                response.status
            ))),
            401 if step
                .expects
                .iter()
                .any(|expectation| allows(expectation, 401)) =>
            {
                None
            }
            401 => Some(Verdict::Error(
                "the endpoint does not accept the credentials (401)".to_owned(),
            )),
            _ => None,
        },
    }
}

fn next_link(exchange: &Exchange) -> Option<String> {
    if exchange.status() != Some(200) {
        return None;
    }
    let page = exchange.parsed()?;
    bundle::link_url(&page, "next", &exchange.request.url)
}

/// Names of environment variables that the templates of a case use, in order, without repetition.
pub fn environment_names(case: &Case) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in case.steps.iter().chain(&case.teardown) {
        let templates = std::iter::once(&step.request.url)
            .chain(step.request.headers.iter().map(|(_, value)| value));
        for name in templates.flat_map(|template| template.names()) {
            if let Some(name) = name.strip_prefix("env:")
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
    }
    names
}
