//! The load engine: sends at a rate that the target cannot change, and measures how long its answers take.
//!
//! The model is open: arrivals are due at times that are fixed before the first is sent ([`schedule`]), and latency
//! counts from there, not from when a slow target let us send ([`tally`]). A closed loop, which waits for an answer
//! before it sends on, leaves out what it could not send and reports the better numbers the worse the target is.
//! Whatever is due and is not sent is counted, with the age at which it was given up. Nothing is sent twice.
//!
//! Each shard (`shard`) is a thread with its own runtime and its own client; it owns every n-th arrival. They share
//! nothing until the end, when their histograms are added. Only merged data is judged (`judge`), and only if the
//! generator itself was on time.
//!
//! Only reads are sent; what answers are worth beyond status and type is for conformance suites.

mod amount;
mod body;
mod judge;
mod mix;
mod pace;
pub mod plan;
pub mod schedule;
mod shard;
mod supply;
pub mod tally;
pub mod threshold;

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Runtime;

use crate::clock::{Clock, SystemClock};
use crate::http::auth::{Authorized, TokenEndpoint};
use crate::http::client::Client;
use crate::http::target::{SetupError, Target};
use crate::http::{ReadOnly, Transport};
use crate::record::Verdict;
use crate::record::event::Event;
use crate::record::run::{CaseRecord, LoadRecord};

use super::context::Context;
use judge::{Basis, Measured};
use schedule::Schedule;
use shard::{Job, Seen, Start};
use supply::{Ground, Supply};
use tally::Tally;

pub use plan::{LoadPlan, read};

/// Threads at most: more than the schedules of suites need so far.
const MAX_SHARDS: usize = 2;
/// Exchanges in a row that authorization may make of one request: a token, the request, and both again on a 401.
const EXCHANGES: u32 = 4;

/// What a load suite gives.
#[derive(Debug, Clone, Default)]
pub struct LoadResults {
    /// The case of the generator, then one for each threshold.
    pub cases: Vec<CaseRecord>,
    /// One for each operation that was sent, in the order of the file, then one for all.
    pub load: Vec<LoadRecord>,
    /// Requests sent, the warm-up included. They do not pass through the session, which does not count them.
    pub requests: u64,
}

/// Runs a load suite on a target. Refused where load is not permitted, or is more than the terms of the target allow.
pub async fn run(ctx: &Context, target: &Target, suite_id: &str, plan: &LoadPlan) -> LoadResults {
    ctx.observer.observe(Event::SuiteStarted {
        suite: suite_id.to_owned(),
        cases: plan.thresholds.len() + 1,
    });
    let results = Campaign {
        ctx,
        target,
        suite_id,
        plan,
        begun: Instant::now(),
    }
    .run()
    .await;
    for case in &results.cases {
        ctx.observer.observe(Event::CaseEnded {
            suite: suite_id.to_owned(),
            case: case.id.clone(),
            verdict: case.verdict.name(),
        });
    }
    results
}

struct Campaign<'a> {
    ctx: &'a Context,
    target: &'a Target,
    suite_id: &'a str,
    plan: &'a LoadPlan,
    begun: Instant,
}

impl Campaign<'_> {
    async fn run(&self) -> LoadResults {
        let supplies = self.supplies();
        let schedule = self.schedule(&supplies);
        if let Some(reason) = self.objection(schedule.total()) {
            return self.nothing(&Verdict::Blocked(reason));
        }
        if let Some(verdict) = nothing_to_send(&supplies) {
            return self.nothing(&verdict);
        }
        match self.generate(schedule, &supplies).await {
            Ok(seen) => self.results(&seen, supplies),
            Err(reason) => self.nothing(&Verdict::Error(reason)),
        }
    }

    /// Why nothing may be sent.
    fn objection(&self, total: u64) -> Option<String> {
        if !self.ctx.load {
            return Some("load not allowed".to_owned());
        }
        let rate = self.plan.rate_milli as f64 / 1_000.0;
        if let Some(limit) = self.target.rate
            && rate > limit
        {
            return Some(format!(
                "the suite sends {rate} requests/s, and `rate` of the target is {limit}"
            ));
        }
        let left = self.target.max_requests?;
        let left = left.saturating_sub(self.ctx.session.requests());
        (total > left).then(|| {
            format!("the suite sends {total} requests, and {left} of `max-requests` are left")
        })
    }

    fn supplies(&self) -> Vec<Result<Supply, Verdict>> {
        let ground = Ground {
            capability: &self.ctx.capability,
            cohort: &self.ctx.cohort,
            requirements: &self.ctx.requirements,
            seed: self.ctx.seed.derive(self.suite_id).derive("supply"),
            now: self.ctx.clock.now(),
        };
        let operations = self.plan.operations.iter();
        operations
            .map(|operation| ground.supply(operation))
            .collect()
    }

    /// Operations that have nothing to send leave their share to the others: the rate is what was asked for.
    fn schedule(&self, supplies: &[Result<Supply, Verdict>]) -> Schedule {
        let operations = self.plan.operations.iter().zip(supplies);
        Schedule {
            rate_milli: self.plan.rate_milli,
            warmup: self.plan.warmup,
            duration: self.plan.duration,
            arrivals: self.plan.arrivals,
            weights: operations
                .map(|(operation, supply)| supply.as_ref().map_or(0, |_| operation.weight))
                .collect(),
            seed: self.ctx.seed.derive(self.suite_id),
        }
    }

    async fn generate(
        &self,
        schedule: Schedule,
        supplies: &[Result<Supply, Verdict>],
    ) -> Result<Seen, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = cores.min(MAX_SHARDS).min(self.plan.in_flight).max(1);
        let job = Arc::new(Job {
            schedule,
            supplies: supplies.iter().map(|supply| supply.clone().ok()).collect(),
            shards: shards as u64,
            in_flight: self.plan.in_flight / shards,
            max_lateness: self.plan.max_lateness,
            drain: self.target.timeout * EXCHANGES,
            stop: Arc::clone(&self.ctx.stop),
        });
        let target = self.target.clone();
        tokio::task::spawn_blocking(move || generate(&job, &target))
            .await
            .map_err(|_| "the load generator came to grief".to_owned())?
    }

    fn results(&self, seen: &Seen, supplies: Vec<Result<Supply, Verdict>>) -> LoadResults {
        let mut all = Tally::default();
        seen.tallies.iter().for_each(|tally| all.merge(tally));
        let operations: Vec<Result<Tally, Verdict>> = supplies
            .into_iter()
            .zip(&seen.tallies)
            .map(|(supply, tally)| supply.map(|_| tally.clone()))
            .collect();
        let seconds = self.plan.duration.as_millis().div_ceil(1_000);
        let seconds = usize::try_from(seconds).unwrap_or(usize::MAX);
        let record = |name: &str, tally: &Tally| tally.record(self.suite_id, name, seconds);
        let load = self
            .plan
            .operations
            .iter()
            .zip(&operations)
            .filter_map(|(operation, tally)| Some(record(&operation.name, tally.as_ref().ok()?)))
            .chain(std::iter::once(record(threshold::ALL, &all)))
            .collect();
        let measured = Measured {
            operations: &operations,
            all: &all,
            lag: &seen.lag,
            interrupted: seen.stopped,
        };
        LoadResults {
            cases: self.basis().judge(&measured),
            load,
            requests: seen.requests,
        }
    }

    fn nothing(&self, verdict: &Verdict) -> LoadResults {
        LoadResults {
            cases: self.basis().all(verdict),
            ..LoadResults::default()
        }
    }

    fn basis(&self) -> Basis<'_> {
        Basis {
            suite: self.suite_id,
            plan: self.plan,
            seed: self.ctx.seed.to_string(),
            spent: self.begun.elapsed(),
        }
    }
}

/// The verdict of every case if no operation can be sent: that of the first.
fn nothing_to_send(supplies: &[Result<Supply, Verdict>]) -> Option<Verdict> {
    if supplies.iter().any(Result::is_ok) {
        return None;
    }
    supplies
        .iter()
        .find_map(|supply| supply.as_ref().err().cloned())
}

/// Starts the shards and waits for them; blocks.
fn generate(job: &Arc<Job>, target: &Target) -> Result<Seen, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let equipment = (0..job.shards)
        .map(|_| {
            Ok((
                runtime()?,
                transport(target, &clock).map_err(|error| error.to_string())?,
            ))
        })
        .collect::<Result<Vec<_>, String>>()?;
    let start = &Start::of(equipment.len());
    std::thread::scope(|scope| {
        let shards: Vec<_> = (0..job.shards)
            .zip(equipment)
            .map(|(index, (runtime, transport))| {
                scope.spawn(move || shard::run(job, index, runtime, transport, start))
            })
            .collect();
        let mut seen = Seen::default();
        for shard in shards {
            let found = shard.join();
            seen.merge(
                &found.map_err(|_| "a shard of the load generator came to grief".to_owned())?,
            );
        }
        Ok(seen)
    })
}

fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("a shard of the load generator cannot run: {error}"))
}

/// A client for one shard: authorized, and unable to write. The rate is the schedule's; holding back after a 429 would
/// make the target the one who says when to send, and its queue would look short.
fn transport(target: &Target, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Transport>, SetupError> {
    let client = Arc::new(Client::new(target, Arc::clone(clock))?);
    let endpoint: Arc<dyn TokenEndpoint> = Arc::clone(&client) as Arc<dyn TokenEndpoint>;
    let authorized = Authorized::new(client, target.auth.clone(), endpoint, Arc::clone(clock))?;
    Ok(Arc::new(ReadOnly::new(Arc::new(authorized))))
}

/// The last part of a suite id, with which the ids of its cases begin.
fn short(suite_id: &str) -> &str {
    suite_id.rsplit('/').next().unwrap_or(suite_id)
}

#[cfg(test)]
mod tests;
