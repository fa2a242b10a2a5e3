//! Thresholds: what a load suite promises, as it is written and whether it holds. Pure; evaluated on merged data only.
//!
//! Latency is judged over all arrivals: one that was not sent, or was not answered as wanted, is slower than any
//! bound. So nothing that fails fast or is dropped can make a quantile better.

use crate::record::finding::Span;
use crate::stats::nearest_rank;
use crate::suite::yaml::{Node, Problem, suggest};

use super::amount;
use super::tally::Tally;

/// The name that stands for all operations.
pub(super) const ALL: &str = "all";
const METRICS: &[&str] = &["p50", "p90", "p95", "p99", "p99.9", "error_rate", "rate"];
/// Quantiles by name, in millionths.
const QUANTILES: &[(&str, u32)] = &[
    ("p50", 500_000),
    ("p90", 900_000),
    ("p95", 950_000),
    ("p99", 990_000),
    ("p99.9", 999_000),
];

/// One promise about one operation or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// `load/smoke-read-p95`.
    pub id: String,
    /// Index of the operation; `None` for all.
    pub operation: Option<usize>,
    /// Name of the operation, or `all`.
    pub of: String,
    /// As written.
    pub text: String,
    /// What must hold.
    pub promise: Promise,
    /// Where it is written.
    pub span: Span,
}

/// What must hold. Latencies in microseconds, shares in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// A quantile of the response time, from the scheduled send time to the answer wanted.
    Latency {
        /// The quantile in millionths.
        quantile: u32,
        /// The bound.
        within: u64,
        /// The bound itself will do.
        inclusive: bool,
    },
    /// Failed requests as a share of the scheduled ones.
    ErrorRate {
        /// The bound.
        below: u32,
        /// The bound itself will do.
        inclusive: bool,
    },
    /// Sent requests as a share of the scheduled ones.
    Rate {
        /// The bound.
        above: u32,
        /// The bound itself will do.
        inclusive: bool,
    },
}

/// A promise against what was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// It holds.
    pub holds: bool,
    /// What was measured, with its n.
    pub actual: String,
}

impl Promise {
    /// Evaluates on merged data. Without samples nothing holds.
    pub fn evaluate(&self, tally: &Tally) -> Evaluation {
        if tally.scheduled == 0 {
            return Evaluation {
                holds: false,
                actual: "no samples: nothing was scheduled".to_owned(),
            };
        }
        match *self {
            Promise::Latency {
                quantile,
                within,
                inclusive,
            } => latency(tally, quantile, within, inclusive),
            Promise::ErrorRate { below, inclusive } => Evaluation {
                holds: compare(tally.failures(), tally.scheduled, below, inclusive).is_at_most,
                actual: format!(
                    "{} ({})",
                    amount::percent(tally.failures(), tally.scheduled),
                    failures(tally)
                ),
            },
            Promise::Rate { above, inclusive } => Evaluation {
                holds: compare(tally.sent, tally.scheduled, above, inclusive).is_at_least,
                actual: format!(
                    "{} ({} of {} sent)",
                    amount::percent(tally.sent, tally.scheduled),
                    tally.sent,
                    tally.scheduled
                ),
            },
        }
    }

    /// The bound of a latency in microseconds.
    pub fn latency_bound(&self) -> Option<u64> {
        match self {
            Promise::Latency { within, .. } => Some(*within),
            Promise::ErrorRate { .. } | Promise::Rate { .. } => None,
        }
    }
}

fn latency(tally: &Tally, quantile: u32, within: u64, inclusive: bool) -> Evaluation {
    let rank = nearest_rank(quantile, tally.scheduled);
    let Some(bucket) = tally.wanted.at_rank(rank) else {
        return Evaluation {
            holds: false,
            actual: format!("not reached: {}", failures(tally)),
        };
    };
    // A bucket that the bound falls into gets the benefit of the doubt: it is 0.1 % wide.
    let holds = bucket.low < within || (inclusive && bucket.low == within);
    let mut actual = format!("{}, n = {}", amount::latency(bucket.high), tally.scheduled);
    if tally.failures() > 0 {
        actual = format!("{actual}; {}, counted as slower", failures(tally));
    }
    Evaluation { holds, actual }
}

/// `25 of 12,000 failed: 503 ×19, timeout ×6`.
fn failures(tally: &Tally) -> String {
    let classes: Vec<String> = tally
        .failed()
        .into_iter()
        .map(|(class, count)| format!("{class} ×{count}"))
        .collect();
    let count = format!("{} of {} failed", tally.failures(), tally.scheduled);
    if classes.is_empty() {
        count
    } else {
        format!("{count}: {}", classes.join(", "))
    }
}

struct Comparison {
    is_at_most: bool,
    is_at_least: bool,
}

/// A share against a bound in millionths, without rounding.
fn compare(part: u64, whole: u64, ppm: u32, inclusive: bool) -> Comparison {
    let left = u128::from(part) * 1_000_000;
    let right = u128::from(ppm) * u128::from(whole);
    Comparison {
        is_at_most: left < right || (inclusive && left == right),
        is_at_least: left > right || (inclusive && left == right),
    }
}

/// Reads `thresholds`: a map from operation names, or `all`, to lists of promises.
pub(super) fn read_all(
    suite_id: &str,
    root: &Node,
    operations: &[&str],
    problems: &mut Vec<Problem>,
) -> Vec<Threshold> {
    let Some(node) = root.get("thresholds") else {
        problems.push(root.problem("`thresholds` is missing: without them nothing is judged"));
        return Vec::new();
    };
    if node.entries().is_empty() {
        problems.push(node.problem("`thresholds` is a map from operations, or `all`, to lists"));
    }
    let mut thresholds: Vec<Threshold> = Vec::new();
    for (key, list) in node.entries() {
        let operation = operations.iter().position(|name| *name == key.text);
        if operation.is_none() && key.text != ALL {
            let mut problem = node.problem_at(key, format!("no operation is named `{}`", key.text));
            problem.hint = suggest(&key.text, operations).map(|w| format!("did you mean `{w}`?"));
            problems.push(problem);
        }
        if list.items().is_empty() {
            problems.push(list.problem("expected a list such as `[p95 < 500ms, error_rate < 1%]`"));
        }
        for item in list.items() {
            let text = item.scalar().unwrap_or_default();
            match parse(&text) {
                Err(message) => problems.push(item.problem(message)),
                Ok((metric, promise)) => {
                    let id = id(suite_id, &key.text, metric);
                    if thresholds.iter().any(|known| known.id == id) {
                        problems.push(item.problem(format!("`{metric}` is there twice")));
                    }
                    thresholds.push(Threshold {
                        id,
                        operation,
                        of: key.text.clone(),
                        text,
                        promise,
                        span: item.span(),
                    });
                }
            }
        }
    }
    thresholds
}

/// `load/smoke` and `read` and `p99.9` make `load/smoke-read-p99-9`.
fn id(suite_id: &str, of: &str, metric: &str) -> String {
    let metric = metric.replace(['.', '_'], "-");
    format!("load/{}-{of}-{metric}", super::short(suite_id))
}

/// `p95 < 500ms`, `error_rate <= 1%`, `rate >= 99%`.
fn parse(text: &str) -> Result<(&'static str, Promise), String> {
    let form = || {
        format!(
            "`{text}` is not a threshold; write `p95 < 500ms`, `error_rate < 1%` or `rate >= 99%`"
        )
    };
    let start = text.find(['<', '>']).ok_or_else(form)?;
    let (name, rest) = text.split_at(start);
    let name = name.trim();
    let is_below = rest.starts_with('<');
    let bound = rest[1..].strip_prefix('=');
    let inclusive = bound.is_some();
    let bound = bound.unwrap_or(&rest[1..]).trim();
    let Some(metric) = METRICS.iter().find(|metric| **metric == name) else {
        return Err(format!(
            "`{name}` is not measured; use one of {}",
            METRICS.join(", ")
        ));
    };
    let quantile = QUANTILES.iter().find(|(known, _)| known == metric);
    let promise = match (quantile, is_below) {
        (Some((_, quantile)), true) => {
            let within = amount::time(bound).ok_or_else(form)?;
            Promise::Latency {
                quantile: *quantile,
                within: u64::try_from(within.as_micros()).map_err(|_| form())?,
                inclusive,
            }
        }
        (None, true) if *metric == "error_rate" => Promise::ErrorRate {
            below: amount::share(bound).ok_or_else(form)?,
            inclusive,
        },
        (None, false) if *metric == "rate" => Promise::Rate {
            above: amount::share(bound).ok_or_else(form)?,
            inclusive,
        },
        _ => return Err(form()),
    };
    Ok((metric, promise))
}

#[cfg(test)]
mod tests;
