//! Verdicts of a load run: one case for each threshold, and one that says whether the generator kept up, without which
//! nothing can be said of the target. Pure.

use std::time::Duration;

use crate::record::finding::Reproduced;
use crate::record::id::Fingerprint;
use crate::record::run::{CaseKind, CaseRecord};
use crate::record::{Finding, Level, Severity, Verdict};
use crate::stats::Latencies;

use super::amount;
use super::plan::LoadPlan;
use super::tally::Tally;
use super::threshold::{Evaluation, Threshold};

/// The generator may be late by this share of the tightest latency threshold (one of so many) in 99 of 100 arrivals:
/// its lateness is in every response time.
const LAG_SHARE: u64 = 10;
/// A lag below this many microseconds is never held against it: what a busy machine does to any process.
const LEAST_LAG: u64 = 5_000;
/// The bound where no threshold is about latency, in microseconds.
const DEFAULT_LAG: u64 = 50_000;
/// Why an open model, and what a closed one would hide: Schroeder, Wierman and Harchol-Balter 2006.
const BASIS: &str = "https://www.usenix.org/legacy/event/nsdi06/tech/schroeder.html";

/// What all records of a run have in common.
pub(super) struct Basis<'a> {
    pub(super) suite: &'a str,
    pub(super) plan: &'a LoadPlan,
    pub(super) seed: String,
    pub(super) spent: Duration,
}

/// What was measured, merged over all shards.
pub(super) struct Measured<'a> {
    /// One for each operation, with the verdict of those that had nothing to send.
    pub(super) operations: &'a [Result<Tally, Verdict>],
    pub(super) all: &'a Tally,
    pub(super) lag: &'a Latencies,
    pub(super) interrupted: bool,
}

impl Basis<'_> {
    /// The same verdict for every case: nothing was sent.
    pub(super) fn all(&self, verdict: &Verdict) -> Vec<CaseRecord> {
        let thresholds = self.plan.thresholds.iter();
        let cases = thresholds.map(|threshold| self.threshold(threshold, verdict.clone(), None));
        std::iter::once(self.kept_up(verdict.clone(), 0))
            .chain(cases)
            .collect()
    }

    /// The case of the generator, then the thresholds in the order of the file.
    pub(super) fn judge(&self, measured: &Measured<'_>) -> Vec<CaseRecord> {
        let generator = self.generator(measured);
        let kept_up = generator.clone().map_or(Verdict::Pass, Verdict::Error);
        let mut cases = vec![self.kept_up(kept_up, measured.all.scheduled)];
        for threshold in &self.plan.thresholds {
            cases.push(match (subject(threshold, measured), &generator) {
                (Err(verdict), _) => self.threshold(threshold, verdict, None),
                (Ok(tally), Some(reason)) => {
                    self.threshold(threshold, Verdict::Error(reason.clone()), Some(tally))
                }
                (Ok(tally), None) => self.decide(threshold, tally),
            });
        }
        cases
    }

    /// Why nothing can be said of the target, if so.
    fn generator(&self, measured: &Measured<'_>) -> Option<String> {
        if measured.interrupted {
            return Some("interrupted before the end of the schedule".to_owned());
        }
        let bound = self.lag_bound();
        let lag = measured.lag.quantile(990_000);
        (lag > bound).then(|| {
            format!(
                "generator limited: p99 of its lag is {}, more than {}",
                amount::latency(lag),
                amount::latency(bound)
            )
        })
    }

    fn lag_bound(&self) -> u64 {
        let bounds = self.plan.thresholds.iter();
        let tightest = bounds
            .filter_map(|threshold| threshold.promise.latency_bound())
            .min();
        tightest.map_or(DEFAULT_LAG, |bound| (bound / LAG_SHARE).max(LEAST_LAG))
    }

    fn decide(&self, threshold: &Threshold, tally: &Tally) -> CaseRecord {
        let Evaluation { holds, actual } = threshold.promise.evaluate(tally);
        if holds {
            return self.threshold(threshold, Verdict::Pass, Some(tally));
        }
        let mut record = self.threshold(threshold, Verdict::Fail, Some(tally));
        record.findings.push(self.finding(threshold, actual));
        record
    }

    fn finding(&self, threshold: &Threshold, actual: String) -> Finding {
        const RULE: &str = "load/threshold";
        Finding {
            fingerprint: Fingerprint::new([threshold.id.as_str(), RULE]),
            case: threshold.id.clone(),
            rule: RULE.to_owned(),
            title: format!(
                "the threshold {} of {} is broken",
                threshold.text, threshold.of
            ),
            severity: Severity::Major,
            level: Level::Shall,
            expected: threshold.text.clone(),
            actual,
            place: format!("{} of {}", threshold.of, self.suite),
            spec: BASIS.to_owned(),
            sentence: String::new(),
            span: Some(threshold.span.clone()),
            exchanges: Vec::new(),
            reproduced: Reproduced { times: 1, of: 1 },
            oracle: None,
            ruled_out: vec!["a slow generator: it kept up with the schedule".to_owned()],
            usual_causes: Vec::new(),
            steps: Vec::new(),
            reproduce: vec![format!("rounds run {} --seed {}", self.suite, self.seed)],
        }
    }

    fn threshold(
        &self,
        threshold: &Threshold,
        verdict: Verdict,
        tally: Option<&Tally>,
    ) -> CaseRecord {
        let title = format!("{} keeps {}", threshold.of, threshold.text);
        let span = threshold.span.clone();
        CaseRecord {
            span: Some(span),
            ..self.case(
                &threshold.id,
                title,
                verdict,
                tally.map_or(0, |tally| tally.scheduled),
            )
        }
    }

    /// The time of the run is that of this case; the thresholds cost none.
    fn kept_up(&self, verdict: Verdict, executions: u64) -> CaseRecord {
        let id = format!("load/{}-generator-kept-up", super::short(self.suite));
        let title = "The generator sent each request when it was due".to_owned();
        CaseRecord {
            duration_ms: u64::try_from(self.spent.as_millis()).unwrap_or(u64::MAX),
            ..self.case(&id, title, verdict, executions)
        }
    }

    fn case(&self, id: &str, title: String, verdict: Verdict, executions: u64) -> CaseRecord {
        CaseRecord {
            id: id.to_owned(),
            suite: self.suite.to_owned(),
            kind: CaseKind::Load,
            title,
            level: Level::Shall,
            severity: Severity::Major,
            spec: BASIS.to_owned(),
            span: Some(self.plan.span.clone()),
            verdict,
            findings: Vec::new(),
            seed: Some(self.seed.clone()),
            duration_ms: 0,
            executions,
        }
    }
}

/// What a threshold is about, or why there is nothing.
fn subject<'a>(threshold: &Threshold, measured: &Measured<'a>) -> Result<&'a Tally, Verdict> {
    match threshold.operation {
        None => Ok(measured.all),
        Some(index) => match &measured.operations[index] {
            Ok(tally) => Ok(tally),
            Err(verdict) => Err(verdict.clone()),
        },
    }
}

#[cfg(test)]
mod tests;
