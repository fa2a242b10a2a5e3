//! Conformance: runs the cases of a plan, bounded in number at a time, confirms what fails on fresh data, and folds
//! everything into case records. Judgement itself is in `suite::expect` and `check`.

mod authored;
mod case;
mod reread;
mod responses;
mod retry;
mod step;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::http::Exchange;
use crate::record::event::Event;
use crate::record::run::{CaseKind, CaseRecord};
use crate::record::{Verdict, run::ExchangeRecord};
use crate::suite::ir::{Case, Suite};

use super::context::Context;
use super::fold;
use super::plan::{Disposition, Planned};

pub use case::Outcome;
pub use responses::{SUITE as RESPONSES, judge_responses, judge_storage, not_checked};

/// Records of cases with the exchanges that their findings refer to, and every exchange for passive checks.
#[derive(Debug, Default)]
pub struct Results {
    /// One per planned case, in the order of the plan.
    pub cases: Vec<CaseRecord>,
    /// Exchanges of findings, masked.
    pub exchanges: Vec<ExchangeRecord>,
    /// Everything that was exchanged, for judgements over all responses.
    pub seen: Vec<Arc<Exchange>>,
}

/// Runs a plan. Suites run one after the other, so that a reader of the progress knows where it is; cases of one
/// suite run at most `context.jobs` at a time.
pub async fn run(context: &Context, plan: &[Planned<'_>]) -> Results {
    let mut results = Results::default();
    let mut start = 0;
    while start < plan.len() {
        let suite = plan[start].suite;
        let end = plan[start..]
            .iter()
            .position(|planned| planned.suite.id != suite.id)
            .map_or(plan.len(), |length| start + length);
        run_suite(context, suite, &plan[start..end], &mut results).await;
        start = end;
    }
    results
}

async fn run_suite(context: &Context, suite: &Suite, plan: &[Planned<'_>], results: &mut Results) {
    context.observer.observe(Event::SuiteStarted {
        suite: suite.id.clone(),
        cases: plan.len(),
    });
    let mut done: Vec<(usize, CaseRecord, Vec<Arc<Exchange>>)> = Vec::with_capacity(plan.len());
    let mut running = tokio::task::JoinSet::new();
    let shared = Arc::new(suite.clone());
    for (position, planned) in plan.iter().enumerate() {
        if context.is_stopped() {
            break;
        }
        let verdict = match &planned.disposition {
            Disposition::Run => {
                while running.len() >= context.jobs.max(1) {
                    collect(context, running.join_next().await, &mut done);
                }
                let context = context.clone();
                let suite = Arc::clone(&shared);
                let case = planned.case.clone();
                running.spawn(async move {
                    let (record, exchanges) = case::execute(&context, &suite, &case).await;
                    (position, record, exchanges)
                });
                continue;
            }
            Disposition::Skip(reason) => Verdict::Skip(reason.clone()),
            Disposition::Blocked(reason) => Verdict::Blocked(reason.clone()),
        };
        done.push((
            position,
            record(&suite.id, planned.case, verdict),
            Vec::new(),
        ));
    }
    while let Some(ended) = running.join_next().await {
        collect(context, Some(ended), &mut done);
    }
    done.sort_by_key(|(position, ..)| *position);
    let base = context.session.base();
    for (_, record, exchanges) in done {
        let shown: Vec<u32> = record
            .findings
            .iter()
            .flat_map(|finding| finding.exchanges.iter().copied())
            .collect();
        results.exchanges.extend(
            exchanges
                .iter()
                .filter(|exchange| shown.contains(&exchange.number))
                .map(|exchange| fold::exchange(exchange, &base, context.session.disclosure())),
        );
        results.cases.push(record);
        results.seen.extend(exchanges);
    }
}

type Ended = (usize, CaseRecord, Vec<Arc<Exchange>>);

fn collect(
    context: &Context,
    ended: Option<Result<Ended, tokio::task::JoinError>>,
    done: &mut Vec<Ended>,
) {
    let Some(ended) = ended else { return };
    let (position, record, exchanges) = match ended {
        Ok(ended) => ended,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    context.observer.observe(Event::CaseEnded {
        suite: record.suite.clone(),
        case: record.id.clone(),
        verdict: record.verdict.name(),
    });
    done.push((position, record, exchanges));
}

/// A record without findings.
fn record(suite: &str, case: &Case, verdict: Verdict) -> CaseRecord {
    CaseRecord {
        id: case.full_id(),
        suite: suite.to_owned(),
        kind: CaseKind::Conformance,
        title: case.title.clone(),
        level: case.level,
        severity: case.severity,
        spec: case.spec.clone(),
        span: Some(case.span.clone()),
        verdict,
        findings: Vec::new(),
        seed: None,
        duration_ms: 0,
        executions: 1,
    }
}
