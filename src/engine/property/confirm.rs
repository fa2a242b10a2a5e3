//! From a violation to a finding that stands: it is seen again on fresh resources, then the case is made smaller
//! within a budget while it keeps failing in the same way.

use std::collections::BTreeSet;
use std::time::Duration;

use super::execute::Executor;
use super::shrink::{self, Reducer};
use crate::property::case::{Case, Command, Step};
use crate::property::{Judgement, Open, Property, Trace};
use crate::record::Violation;
use crate::record::finding::Reproduced;

/// Executions of one shrinking at most.
pub const SHRINK_EXECUTIONS: u32 = 60;
/// Requests of one shrinking at most.
pub const SHRINK_REQUESTS: usize = 400;
/// Time of one shrinking at most.
pub const SHRINK_TIME: Duration = Duration::from_secs(20);
/// Executions behind a finding that needs concurrency: a race is not lost every time, and how often is worth knowing.
const CONCURRENT_TRIES: u32 = 10;

/// Two failures with one bucket are taken for one fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    rule: String,
    signature: Vec<String>,
}

impl Bucket {
    /// The bucket of a violation.
    pub fn of(violation: &Violation) -> Self {
        Bucket {
            rule: violation.rule.clone(),
            signature: violation.signature.clone(),
        }
    }
}

/// A failure with the execution that showed it.
#[derive(Clone)]
pub struct Failure {
    /// The case.
    pub case: Case,
    /// What happened.
    pub trace: Trace,
    /// What is wrong with it.
    pub violation: Violation,
}

impl Failure {
    /// Steps of the case, waiting for the index not counted.
    pub fn steps(&self) -> usize {
        let steps = self.case.steps.iter();
        steps
            .filter(|step| !matches!(step.command, Command::Settle { .. }))
            .count()
    }

    /// True if what is wrong was done by requests sent at the same moment.
    pub fn is_concurrent(&self) -> bool {
        self.trace
            .events
            .iter()
            .filter(|event| event.step.is_concurrent())
            .flat_map(|event| event.exchanges.iter())
            .any(|exchange| self.violation.exchanges.contains(&exchange.number))
    }
}

/// Judges a trace; what stopped the whole execution comes first.
pub fn judge(property: &dyn Property, trace: &Trace, executor: &Executor) -> Judgement {
    match &trace.obstacle {
        Some(reason) => Judgement::open(Open::Blocked(reason.clone())),
        None => property.check(trace, &executor.context().capability),
    }
}

/// Executes a case and looks for one kind of failure.
async fn again(
    executor: &Executor,
    property: &dyn Property,
    case: &Case,
    bucket: &Bucket,
) -> (Option<Failure>, usize) {
    let execution = executor.execute(case).await;
    let violation = judge(property, &execution.trace, executor)
        .violations
        .into_iter()
        .find(|violation| Bucket::of(violation) == *bucket);
    let failure = violation.map(|violation| Failure {
        case: case.clone(),
        trace: execution.trace,
        violation,
    });
    (failure, execution.requests)
}

/// Tries to see a failure again on fresh resources: 2 of 2, or for a race as often as it comes within a number of tries,
/// and at least twice in all. `stands` is called at the moment when it has been seen again.
pub async fn confirm(
    executor: &Executor,
    property: &dyn Property,
    failure: &Failure,
    stands: impl FnOnce(),
) -> Result<(Failure, Reproduced), Reproduced> {
    let bucket = Bucket::of(&failure.violation);
    let tries = if failure.is_concurrent() {
        CONCURRENT_TRIES
    } else {
        2
    };
    let mut reproduced = Reproduced { times: 1, of: 1 };
    let mut latest = None;
    let mut stands = Some(stands);
    while reproduced.of < tries && !(latest.is_some() && executor.context().is_stopped()) {
        reproduced.of += 1;
        let (seen, _) = again(executor, property, &failure.case, &bucket).await;
        if let Some(seen) = seen {
            reproduced.times += 1;
            latest = Some(seen);
            if let Some(stands) = stands.take() {
                stands();
            }
        }
    }
    latest.map(|seen| (seen, reproduced)).ok_or(reproduced)
}

/// The smallest case found, with its price.
pub struct Shrunk {
    /// The case with its last failing execution.
    pub failure: Failure,
    /// Executions that it took.
    pub executions: u32,
    /// Requests that it took.
    pub requests: usize,
}

/// Makes a case smaller within the budget while it fails in the same way.
pub async fn shrink(executor: &Executor, property: &dyn Property, failure: Failure) -> Shrunk {
    let mut shrinking = Shrinking {
        executor,
        property,
        bucket: Bucket::of(&failure.violation),
        best: failure,
        seen: BTreeSet::new(),
        executions: 0,
        requests: 0,
        deadline: executor.context().clock.elapsed() + SHRINK_TIME,
    };
    shrinking.cut_and_slice().await;
    shrinking.reduce_steps().await;
    shrinking.simplify().await;
    Shrunk {
        failure: shrinking.best,
        executions: shrinking.executions,
        requests: shrinking.requests,
    }
}

struct Shrinking<'a> {
    executor: &'a Executor,
    property: &'a dyn Property,
    bucket: Bucket,
    best: Failure,
    seen: BTreeSet<String>,
    executions: u32,
    requests: usize,
    deadline: Duration,
}

impl Shrinking<'_> {
    fn spent(&self) -> bool {
        let ctx = self.executor.context();
        ctx.is_stopped()
            || self.executions >= SHRINK_EXECUTIONS
            || self.requests >= SHRINK_REQUESTS
            || ctx.clock.elapsed() >= self.deadline
    }

    /// True if the candidate fails in the same way; it is the best case then.
    async fn fails(&mut self, candidate: Case) -> bool {
        let text = serde_json::to_string(&candidate).unwrap_or_default();
        if self.spent() || !self.seen.insert(text) {
            return false;
        }
        self.executions += 1;
        let (failure, requests) =
            again(self.executor, self.property, &candidate, &self.bucket).await;
        self.requests += requests;
        match failure {
            Some(failure) => {
                self.best = failure;
                true
            }
            None => false,
        }
    }

    fn with_steps(&self, steps: Vec<Step>) -> Case {
        Case {
            steps,
            ..self.best.case.clone()
        }
    }

    async fn cut_and_slice(&mut self) {
        let shown: BTreeSet<u32> = self
            .best
            .trace
            .events
            .iter()
            .filter(|event| {
                event
                    .numbers()
                    .any(|number| self.best.violation.exchanges.contains(&number))
            })
            .map(|event| event.step.id)
            .collect();
        let steps = &self.best.case.steps;
        let last = steps.iter().rev().find(|step| shown.contains(&step.id));
        let Some(last) = last.map(|step| step.id) else {
            return;
        };
        let cut = shrink::cut(steps, last);
        let sliced = shrink::slice(&cut, &shown);
        let length = steps.len();
        if sliced.len() < length && self.fails(self.with_steps(sliced)).await {
            return;
        }
        if cut.len() < length {
            self.fails(self.with_steps(cut)).await;
        }
    }

    async fn reduce_steps(&mut self) {
        let mut reducer = Reducer::new(self.best.case.steps.clone());
        while !self.spent()
            && let Some(steps) = reducer.candidate()
        {
            let fails = self.fails(self.with_steps(steps)).await;
            reducer.report(fails);
        }
    }

    async fn simplify(&mut self) {
        let mut improved = true;
        while improved && !self.spent() {
            improved = false;
            for candidate in shrink::simpler(&self.best.case) {
                if self.spent() {
                    return;
                }
                if self.fails(candidate).await {
                    improved = true;
                    break;
                }
            }
        }
    }
}
