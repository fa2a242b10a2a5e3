//! One property on one target: the cases it still has, what their executions came to, and the record in the end. When it
//! gets its turn is decided by `schedule`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::engine::context::Context;
use crate::http::Exchange;
use crate::property::{Case, Ground, Judgement, Open, Property, Trace};
use crate::record::Verdict;
use crate::record::case_file::CaseFile;
use crate::record::event::Event as Progress;
use crate::record::finding::{Finding, Reproduced};
use crate::record::run::{CaseKind, CaseRecord};
use crate::seed::Seed;

use super::budget::Budget;
use super::cases;
use super::confirm::{self, Bucket, Failure};
use super::execute::Executor;
use super::record;

/// Kinds of failure that are confirmed and shrunk per property at most; more would be one fault in many dresses.
const MAX_BUCKETS: usize = 3;

/// Cases of a property's turns: one at first, so that every property has been seen before any is seen thoroughly, then
/// more, so that a property does not wait for its neighbours all the time. Later turns are like the last one. The
/// numbers depend on nothing, and so the cases that decide do not depend on how many run at a time.
const TURNS: &[usize] = &[1, 1, 2, 4];

/// One property with what came of it so far.
pub(super) struct Examination {
    executor: Executor,
    property: &'static dyn Property,
    suite: String,
    seed: Seed,
    /// Cases to come; `None` until the first turn.
    rest: Option<VecDeque<(Seed, Case)>>,
    budget: Budget,
    shrinks: bool,
    turns: usize,
    tally: Tally,
    findings: Vec<Finding>,
    files: Vec<CaseFile>,
    exchanges: Vec<Arc<Exchange>>,
    spent: Duration,
}

/// A property that takes no further part.
pub(super) struct Concluded {
    pub(super) record: CaseRecord,
    pub(super) files: Vec<CaseFile>,
    pub(super) exchanges: Vec<Arc<Exchange>>,
}

/// What the executions of one property came to.
#[derive(Default)]
struct Tally {
    weighed: u64,
    executions: u64,
    open: Vec<Open>,
    failures: BTreeMap<Bucket, Seen>,
    unconfirmed: Option<String>,
}

/// One kind of failure: the first case that showed it, how often it was seen, and how often it was tried for in vain or
/// with success beside the cases.
struct Seen {
    seed: Seed,
    failure: Failure,
    times: u32,
    retried: u32,
    /// Seen since it was last tried to confirm it.
    is_new: bool,
}

impl Examination {
    /// A property that has yet to begin.
    pub(super) fn new(
        executor: &Executor,
        property: &'static dyn Property,
        suite: &str,
        budget: Budget,
    ) -> Self {
        Examination {
            executor: executor.clone(),
            property,
            suite: suite.to_owned(),
            seed: executor.context().seed.derive(property.spec().id),
            rest: None,
            budget,
            shrinks: true,
            turns: 0,
            tally: Tally::default(),
            findings: Vec::new(),
            files: Vec::new(),
            exchanges: Vec::new(),
            spent: Duration::ZERO,
        }
    }

    /// The same with one stored case, which stays as it is.
    pub(super) fn of_case(self, seed: Seed, case: Case) -> Self {
        Examination {
            rest: Some(VecDeque::from([(seed, case)])),
            shrinks: false,
            ..self
        }
    }

    pub(super) fn property(&self) -> &'static dyn Property {
        self.property
    }

    fn ctx(&self) -> &Context {
        self.executor.context()
    }

    /// What a property may count on here.
    pub(super) fn ground(&self) -> Ground<'_> {
        let ctx = self.ctx();
        // Only the in-process sandbox may be shown in full: everything on it is ours.
        let concurrency = ctx.load || (ctx.writes && ctx.session.disclosure().is_everything());
        Ground {
            capability: &ctx.capability,
            cohort: &ctx.cohort,
            writes: ctx.writes,
            concurrency,
            // What we started we may disturb.
            faults: ctx.session.transport().carries_faults()
                && (concurrency || ctx.restart.is_some()),
            restart: ctx.restart.is_some(),
        }
    }

    /// Writes the cases, unless that is done.
    pub(super) fn prepare(&mut self) {
        if self.rest.is_none() {
            let cases = cases(self.property, &self.ground(), self.seed, self.budget);
            self.rest = Some(cases.into());
        }
    }

    /// True if a case must not share the target with anything else. Asked after `prepare`.
    pub(super) fn is_for_itself(&self) -> bool {
        let mut rest = self.rest.iter().flatten();
        rest.any(|(_, case)| self.property.runs_alone(case))
    }

    /// Cases of the next turn.
    pub(super) fn turn_size(&self) -> usize {
        TURNS[self.turns.min(TURNS.len() - 1)]
    }

    /// The turn that comes next, from 1.
    pub(super) fn round(&self) -> u32 {
        u32::try_from(self.turns).unwrap_or(u32::MAX - 1) + 1
    }

    /// True if a failure waits to be confirmed.
    pub(super) fn has_failed(&self) -> bool {
        self.tally.failures.values().any(|seen| seen.is_new)
    }

    /// True if there is nothing more to do.
    pub(super) fn is_through(&self) -> bool {
        !self.has_failed()
            && (!self.findings.is_empty()
                || self.tally.has_sequential_failure()
                || self.rest.as_ref().is_some_and(VecDeque::is_empty))
    }

    /// Executes and judges the cases of one turn, at most `jobs` at the same time.
    pub(super) async fn turn(&mut self, jobs: usize) {
        let began = self.ctx().clock.elapsed();
        let size = self.turn_size();
        self.turns += 1;
        let rest = self.rest.get_or_insert_default();
        let batch: Vec<(Seed, Case)> = rest.drain(..size.min(rest.len())).collect();
        for batch in batch.chunks(jobs.max(1)) {
            for (seed, case, trace) in self.execute(batch).await {
                let judgement = confirm::judge(self.property, &trace, &self.executor);
                self.tally.add(judgement, seed, case, trace);
            }
        }
        self.spend(began);
    }

    /// Executes cases at the same time, answers in their order.
    async fn execute(&self, batch: &[(Seed, Case)]) -> Vec<(Seed, Case, Trace)> {
        let mut running = JoinSet::new();
        for (index, (seed, case)) in batch.iter().cloned().enumerate() {
            let executor = self.executor.clone();
            running.spawn(async move {
                let trace = executor.execute(&case).await.trace;
                (index, seed, case, trace)
            });
        }
        let mut done = running.join_all().await;
        done.sort_by_key(|(index, ..)| *index);
        done.into_iter()
            .map(|(_, seed, case, trace)| (seed, case, trace))
            .collect()
    }

    /// Confirms what failed since the last time and makes it smaller.
    pub(super) async fn confirm(&mut self) {
        let began = self.ctx().clock.elapsed();
        let mut failures = std::mem::take(&mut self.tally.failures);
        let open = failures.values_mut().filter(|seen| seen.is_new);
        for seen in open.take(MAX_BUCKETS) {
            self.confirm_one(seen).await;
        }
        // What is beyond the limit is not looked at again.
        failures.values_mut().for_each(|seen| seen.is_new = false);
        self.tally.failures = failures;
        self.spend(began);
    }

    async fn confirm_one(&mut self, seen: &mut Seen) {
        let executions = u32::try_from(self.tally.executions).unwrap_or(u32::MAX);
        let is_race = seen.failure.is_concurrent();
        // Two cases that lost the same race confirm each other.
        let confirmed = if is_race && seen.times > 1 {
            let (times, of) = (seen.times, executions.saturating_add(seen.retried));
            self.announce(seen);
            Ok((seen.failure.clone(), Reproduced { times, of }))
        } else {
            let announce = || self.announce(seen);
            confirm::confirm(&self.executor, self.property, &seen.failure, announce).await
        };
        match confirmed {
            Err(reproduced) => {
                seen.retried += reproduced.of - 1;
                let of = if is_race {
                    executions.saturating_add(seen.retried)
                } else {
                    reproduced.of
                };
                self.tally.unconfirmed = Some(format!(
                    "{}: seen {} of {of} times",
                    seen.failure.violation.title, seen.times
                ));
            }
            Ok((failure, reproduced)) => self.report(seen.seed, failure, reproduced).await,
        }
    }

    /// Tells whoever measures that a failure stands, at the moment when it does.
    fn announce(&self, seen: &Seen) {
        let ctx = self.ctx();
        ctx.observer.observe(Progress::Confirmed {
            case: self.property.spec().id.to_owned(),
            rule: seen.failure.violation.rule.clone(),
            requests: ctx.session.requests(),
            elapsed: ctx.clock.elapsed(),
        });
    }

    async fn report(&mut self, seed: Seed, failure: Failure, reproduced: Reproduced) {
        let minimal = if self.shrinks {
            let shrunk = confirm::shrink(&self.executor, self.property, failure).await;
            self.ctx().observer.observe(Progress::Shrunk {
                case: self.property.spec().id.to_owned(),
                rule: shrunk.failure.violation.rule.clone(),
                executions: shrunk.executions,
                requests: shrunk.requests as u64,
                steps: shrunk.failure.steps(),
            });
            shrunk.failure
        } else {
            failure
        };
        let finding = record::finding(self.ctx(), self.property, &minimal, reproduced);
        self.files.push(record::case_file(seed, &finding, &minimal));
        let events = minimal.trace.events.iter();
        self.exchanges
            .extend(events.flat_map(|event| event.exchanges.iter().cloned()));
        self.findings.push(finding);
    }

    fn spend(&mut self, began: Duration) {
        let now = self.ctx().clock.elapsed();
        self.spent += now.saturating_sub(began);
    }

    /// The record of all that was seen.
    pub(super) fn conclude(mut self) -> Concluded {
        let tally = std::mem::take(&mut self.tally);
        let verdict = match (record::verdict_of(&self.findings), tally.unconfirmed) {
            (Some(verdict), _) => verdict,
            (None, Some(reason)) => Verdict::Flaky(reason),
            (None, None) if tally.executions == 0 && self.ctx().is_stopped() => {
                Verdict::Error("the run was ended early".to_owned())
            }
            (None, None) if tally.failures.values().any(|seen| seen.is_new) => {
                Verdict::Error("a violation was not confirmed: the run was ended early".to_owned())
            }
            (None, None) => record::verdict_without(
                tally.weighed,
                tally.open,
                self.property.spec().precondition,
            ),
        };
        self.with_verdict(verdict, tally.executions)
    }

    /// The record with a verdict that is known already.
    pub(super) fn with_verdict(self, verdict: Verdict, executions: u64) -> Concluded {
        let spec = self.property.spec();
        Concluded {
            record: CaseRecord {
                id: spec.id.to_owned(),
                suite: self.suite,
                kind: CaseKind::Property,
                title: spec.title.to_owned(),
                level: spec.level,
                severity: spec.severity,
                spec: spec.spec.to_owned(),
                span: None,
                verdict,
                findings: self.findings,
                seed: Some(self.seed.to_string()),
                duration_ms: u64::try_from(self.spent.as_millis()).unwrap_or(u64::MAX),
                executions,
            },
            files: self.files,
            exchanges: self.exchanges,
        }
    }
}

impl Tally {
    fn add(&mut self, judgement: Judgement, seed: Seed, case: Case, trace: Trace) {
        self.executions += 1;
        self.weighed += u64::from(judgement.weighed);
        self.open.extend(judgement.open);
        for violation in judgement.violations {
            let seen = self
                .failures
                .entry(Bucket::of(&violation))
                .or_insert_with(|| Seen {
                    seed,
                    failure: Failure {
                        case: case.clone(),
                        trace: trace.clone(),
                        violation: violation.clone(),
                    },
                    times: 0,
                    retried: 0,
                    is_new: true,
                });
            seen.times += 1;
            seen.is_new = true;
        }
    }

    /// What needs no race and was not seen again is no reason to look on: the target is unsteady.
    fn has_sequential_failure(&self) -> bool {
        let mut failures = self.failures.values();
        failures.any(|seen| !seen.failure.is_concurrent())
    }
}
