//! Diagnosis: asks the probes' questions one at a time, slowly, over a transport that can only read, and folds what
//! they make of the answers. It judges nothing itself and stores no value.

use std::sync::Arc;

use crate::clock::Clock;
use crate::http::dial::Way;
use crate::http::policy::{Policed, Terms};
use crate::http::{Exchange, Failure, FailureKind, ReadOnly, Transport};
use crate::probe::{Judgement, Known, PROBES, Probe, Step, cause};
use crate::record::consultation::{Consultation, ConsultationTerms, Line, Mark, SCHEMA};
use crate::record::run::Tool;

/// Requests at most, unless the operator sets another.
pub const MAX_REQUESTS: u64 = 40;
/// Requests per second at most, unless the operator sets another.
pub const RATE: f64 = 2.0;
/// Requests in flight: the endpoint is ill already.
const IN_FLIGHT: usize = 1;
/// Failures in a row (5xx or no response) after which the rest is not asked.
const MAX_FAILURES: u32 = 3;
/// Requests that one probe may want; a probe that wants more is stopped, not trusted.
const MAX_STEPS: usize = 16;
/// Refused searches of one probe that may be asked again with the company they lacked.
const MAX_LESSONS: usize = 8;
/// Probes whose answers later probes build on; they run even when only others are asked for.
const GROUNDWORK: &[&str] = &["metadata", "interactions"];

/// How to diagnose.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Logical id of the one patient who may be asked about.
    pub patient: Option<String>,
    /// Ids of the probes to report on; empty for all.
    pub probes: Vec<String>,
    /// Certificates are not checked on this target.
    pub insecure: bool,
    /// Requests at most.
    pub max_requests: u64,
    /// Requests per second at most.
    pub rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            patient: None,
            probes: Vec::new(),
            insecure: false,
            max_requests: MAX_REQUESTS,
            rate: RATE,
        }
    }
}

/// Diagnoses the endpoint behind a read-only transport; `way` is what `http::dial` found.
pub async fn diagnose(
    transport: ReadOnly<dyn Transport>,
    way: Result<Way, Failure>,
    options: &Options,
    clock: Arc<dyn Clock>,
) -> Consultation {
    let started = clock.now();
    let start = clock.elapsed();
    let base = transport.base().clone();
    let mut known = Known::new(
        base.clone(),
        way,
        options.patient.clone(),
        started,
        started - start,
    );
    known.insecure = options.insecure;
    let terms = Terms {
        writes: false,
        rate: Some(options.rate),
        max_requests: None,
        in_flight: Some(IN_FLIGHT),
        validate_is_safe: false,
    };
    let mut asker = Asker {
        wire: Policed::new(Arc::new(transport), terms, Arc::clone(&clock)),
        budget: options.max_requests,
        requests: 0,
        failures: 0,
        stopped: None,
    };
    let judged = consult(&mut asker, &mut known, options).await;
    let reported: Vec<(&str, &Judgement)> = judged
        .iter()
        .map(|reading| (reading.line.probe.as_str(), &reading.judgement))
        .collect();
    let causes = cause::rank(&reported);
    let lines: Vec<Line> = judged.into_iter().map(|reading| reading.line).collect();
    let not_tested = not_tested(&known, &lines, asker.stopped.as_deref());
    Consultation {
        schema: SCHEMA,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        target: base.as_str().trim_end_matches('/').to_owned(),
        started: started.to_string(),
        lines,
        causes,
        requests: asker.requests,
        duration_ms: u64::try_from(clock.elapsed().saturating_sub(start).as_millis())
            .unwrap_or(u64::MAX),
        terms: ConsultationTerms {
            max_requests: options.max_requests,
            rate: options.rate,
        },
        not_tested,
    }
}

/// A probe's line with the judgement that it was made from.
struct Reading {
    line: Line,
    judgement: Judgement,
}

async fn consult(asker: &mut Asker, known: &mut Known, options: &Options) -> Vec<Reading> {
    let is_wanted =
        |id: &str| options.probes.is_empty() || options.probes.iter().any(|wanted| wanted == id);
    let mut readings = Vec::new();
    for probe in PROBES {
        let id = probe.spec().id;
        if is_wanted(id) || GROUNDWORK.contains(&id) {
            let reading = ask(asker, known, *probe).await;
            if is_wanted(id) {
                readings.push(reading);
            }
        }
    }
    readings
}

/// Runs one probe to its judgement.
async fn ask(asker: &mut Asker, known: &mut Known, probe: &dyn Probe) -> Reading {
    let mut seen: Vec<Exchange> = Vec::new();
    let mut skipped: Option<String> = None;
    let mut lessons = 0;
    for _ in 0..MAX_STEPS + MAX_LESSONS {
        let request = match probe.next(known, &seen) {
            Step::Done => break,
            Step::Skip(reason) => {
                skipped = Some(reason);
                break;
            }
            Step::Send(request) => request,
        };
        let exchange = match asker.send(request).await {
            Ok(exchange) => exchange,
            Err(reason) => {
                skipped = Some(reason);
                break;
            }
        };
        known.note(&exchange);
        if lessons < MAX_LESSONS && known.learn(&exchange) {
            lessons += 1;
            continue;
        }
        seen.push(exchange);
        if seen.len() >= MAX_STEPS {
            break;
        }
    }
    let judgement = match skipped {
        // What was seen before the walk was cut short is still a fact.
        Some(reason) if seen.is_empty() => Judgement::new(Mark::Skip, reason).of(0),
        _ => probe.judge(known, &seen),
    };
    let spec = probe.spec();
    Reading {
        line: Line {
            probe: spec.id.to_owned(),
            mark: judgement.mark,
            fact: judgement.fact.clone(),
            evidence: seen
                .iter()
                .map(|exchange| known.evidence(exchange))
                .collect(),
            next_step: judgement.next_step.clone(),
            owner: spec.owner,
            spec: spec.spec.to_owned(),
            n: judgement.n,
        },
        judgement,
    }
}

/// The transport with the manners of a guest: a budget, a pace, and leaving when asked to.
struct Asker {
    wire: Policed<ReadOnly<dyn Transport>>,
    budget: u64,
    requests: u64,
    failures: u32,
    stopped: Option<String>,
}

impl Asker {
    /// Sends, or says why nothing is sent any more.
    async fn send(&mut self, request: crate::http::Request) -> Result<Exchange, String> {
        if let Some(reason) = &self.stopped {
            return Err(reason.clone());
        }
        if self.requests >= self.budget {
            let reason = format!("stopped: the budget of {} requests is spent", self.budget);
            self.stopped = Some(reason.clone());
            return Err(reason);
        }
        let exchange = self.wire.send(request).await;
        let is_refused =
            matches!(&exchange.outcome, Err(failure) if failure.kind == FailureKind::Refused);
        if !is_refused {
            self.requests += 1;
            self.watch(&exchange);
        }
        Ok(exchange)
    }

    fn watch(&mut self, exchange: &Exchange) {
        let is_failure = exchange.status().is_none_or(|status| status >= 500);
        self.failures = if is_failure { self.failures + 1 } else { 0 };
        if exchange.status() == Some(429) {
            self.stopped = Some("stopped: the server answered 429 (too many requests)".to_owned());
        } else if self.failures >= MAX_FAILURES {
            self.stopped = Some(format!("stopped: {MAX_FAILURES} requests in a row failed"));
        }
    }
}

/// What was not looked at and why: a reader must not take silence for health.
fn not_tested(known: &Known, lines: &[Line], stopped: Option<&str>) -> Vec<String> {
    let mut list = vec![
        "writing: a diagnosis only reads".to_owned(),
        "load: one request at a time was sent".to_owned(),
    ];
    if known.patient.is_none() {
        list.push("records of a particular patient: none was named with --patient".to_owned());
    }
    let is_authorized = known
        .exchanges
        .iter()
        .any(|exchange| exchange.request.headers.get("authorization").is_some());
    if !is_authorized {
        list.push("what a token opens: none was given".to_owned());
    }
    list.extend(
        lines
            .iter()
            .filter(|line| line.mark == Mark::Skip)
            .map(|line| format!("{}: {}", line.probe, line.fact)),
    );
    if let Some(reason) = stopped
        && !lines.iter().any(|line| line.mark == Mark::Skip)
    {
        list.push(format!("more requests of the last probes: {reason}"));
    }
    list
}

#[cfg(test)]
mod tests;
