//! One case: attempts it, confirms a violation on fresh data, removes what it created, and says what came of it.

use std::sync::Arc;

use crate::http::{Exchange, Method, Request};
use crate::record::event::Event;
use crate::record::finding::Reproduced;
use crate::record::run::CaseRecord;
use crate::record::{Completeness, Level, Verdict, Violation};
use crate::suite::expect;
use crate::suite::ir::{Case, Step, Suite};
use crate::suite::pick;
use crate::suite::template::Bindings;

use super::super::context::Context;
use super::super::fold::{self, Basis};
use super::super::session::{self, Scope};
use super::record;
use super::reread::{self, Look};
use super::retry;
use super::step::{self, Runner};

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every expectation held.
    Held,
    /// Some did not.
    Violated(Vec<Violation>),
    /// It could not be decided.
    Undecided(Verdict),
}

/// One attempt at a case.
pub(super) struct Attempt {
    /// What came of it.
    pub(super) outcome: Outcome,
    /// All that was exchanged.
    pub(super) exchanges: Vec<Arc<Exchange>>,
}

/// Runs a case and gives its record with all its exchanges.
pub async fn execute(
    context: &Context,
    suite: &Suite,
    case: &Case,
) -> (CaseRecord, Vec<Arc<Exchange>>) {
    let started = context.clock.elapsed();
    let first = attempt(context, suite, case, 1).await;
    let mut exchanges = first.exchanges.clone();
    let mut record = match first.outcome {
        Outcome::Held => record(&suite.id, case, Verdict::Pass),
        Outcome::Undecided(verdict) => record(&suite.id, case, verdict),
        Outcome::Violated(violations) => match settled(context, &mut exchanges, violations).await {
            Err(reason) => record(&suite.id, case, Verdict::Error(reason)),
            Ok(settled) => {
                let led_to_it = exchanges.clone();
                let second = attempt(context, suite, case, 2).await;
                exchanges.extend(second.exchanges.iter().cloned());
                confirmed(context, suite, case, &settled, &led_to_it, second.outcome)
            }
        },
    };
    announce(context, &record);
    retry::settle(context, suite, case, &mut record, &mut exchanges).await;
    let spent = context.clock.elapsed().saturating_sub(started);
    record.duration_ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    // What rests on the cohort depends on the seed that made or chose it.
    record.seed = (case.needs_oracle() || !case.picks.is_empty()).then(|| context.seed.to_string());
    (record, exchanges)
}

/// Tells whoever measures that a finding stands, at the moment when it does.
fn announce(context: &Context, record: &CaseRecord) {
    if let Some(finding) = record.findings.first() {
        context.observer.observe(Event::Confirmed {
            case: record.id.clone(),
            rule: finding.rule.clone(),
            requests: context.session.requests(),
            elapsed: context.clock.elapsed(),
        });
    }
}

/// A violation with what a second look at its data showed.
struct Settled {
    violation: Violation,
    look: Look,
    /// Numbers of the exchanges of that look.
    reads: Vec<u32>,
}

/// Violations that rest on data which others may have changed, looked at again; the reads are added to the exchanges.
///
/// # Errors
/// Why nothing is left to report: the data changed meanwhile.
async fn settled(
    context: &Context,
    exchanges: &mut Vec<Arc<Exchange>>,
    violations: Vec<Violation>,
) -> Result<Vec<Settled>, String> {
    let scope = context.session.scope();
    let mut settled = Vec::new();
    let mut change = None;
    for violation in violations {
        let (look, reads) = match violation.oracle {
            Some(level) if level.may_have_changed() => {
                reread::look(&scope, &context.cohort, &violation).await
            }
            _ => (Look::None, Vec::new()),
        };
        match look {
            Look::Changed(reason) => change = Some(reason),
            look => settled.push(Settled {
                violation,
                look,
                reads,
            }),
        }
    }
    exchanges.extend(scope.exchanges());
    match change.filter(|_| settled.is_empty()) {
        Some(reason) => Err(format!("unstable: {reason}")),
        None => Ok(settled),
    }
}

/// A violation counts only if the same rule is broken again on fresh data.
fn confirmed(
    context: &Context,
    suite: &Suite,
    case: &Case,
    violations: &[Settled],
    exchanges: &[Arc<Exchange>],
    second: Outcome,
) -> CaseRecord {
    let again = match second {
        Outcome::Violated(again) => again,
        Outcome::Held => {
            let rules: Vec<&str> = violations
                .iter()
                .map(|settled| settled.violation.rule.as_str())
                .collect();
            return record(
                &suite.id,
                case,
                Verdict::Flaky(format!(
                    "{} was broken once and held once",
                    rules.join(", ")
                )),
            );
        }
        Outcome::Undecided(verdict) => {
            let why = verdict.reason().unwrap_or("no reason").to_owned();
            return record(
                &suite.id,
                case,
                Verdict::Error(format!("a violation could not be confirmed: {why}")),
            );
        }
    };
    let is_again = |settled: &&Settled| {
        let mut rules = again.iter().map(|other| &other.rule);
        rules.any(|rule| *rule == settled.violation.rule)
    };
    let confirmed: Vec<&Settled> = violations.iter().filter(is_again).collect();
    if confirmed.is_empty() {
        return record(
            &suite.id,
            case,
            Verdict::Flaky("another rule was broken at each attempt".to_owned()),
        );
    }
    let standings: Vec<expect::Standing> = confirmed
        .iter()
        .map(|settled| expect::standing(case, &settled.violation))
        .collect();
    let verdict = confirmed
        .iter()
        .zip(&standings)
        .map(|(settled, standing)| verdict_of(standing.level, settled))
        .max_by_key(weight)
        .expect("there is a confirmed violation");
    let mut record = record(&suite.id, case, verdict);
    let id = case.full_id();
    let shown: Vec<&Exchange> = exchanges.iter().map(AsRef::as_ref).collect();
    let confirmed: Vec<Violation> = confirmed
        .into_iter()
        .map(|settled| shown_again(settled, &shown))
        .collect();
    record.findings = confirmed
        .into_iter()
        .zip(&standings)
        .map(|(violation, standing)| {
            let causes: Vec<&str> = standing.usual_causes.iter().map(String::as_str).collect();
            let basis = Basis {
                case: &id,
                level: standing.level,
                severity: standing.severity,
                spec: &standing.spec,
                sentence: &standing.sentence,
                span: Some(case.span.clone()),
                usual_causes: &causes,
                replay: format!("rounds replay '{id}'"),
            };
            let reproduced = Reproduced { times: 2, of: 2 };
            fold::finding(
                &violation,
                &basis,
                reproduced,
                &shown,
                context.session.disclosure(),
            )
        })
        .collect();
    record
}

/// Exchanges of one finding at most.
const MAX_SHOWN: usize = 8;

/// The requests that led to a violation belong to it: without the write, the read that shows its loss says nothing.
fn with_what_led_to_it(violation: &Violation, exchanges: &[&Exchange]) -> Violation {
    let mut violation = violation.clone();
    let Some(first) = violation.exchanges.first().copied() else {
        return violation;
    };
    let room = MAX_SHOWN.saturating_sub(violation.exchanges.len());
    let before: Vec<u32> = exchanges
        .iter()
        .map(|exchange| exchange.number)
        .take_while(|number| *number != first)
        .collect();
    let kept = before.len().saturating_sub(room);
    violation
        .exchanges
        .splice(0..0, before[kept..].iter().copied());
    violation
}

/// The violation with what led to it and, before the exchange that shows it, the second look and the benign reason
/// that it ruled out.
fn shown_again(settled: &Settled, exchanges: &[&Exchange]) -> Violation {
    let mut violation = with_what_led_to_it(&settled.violation, exchanges);
    let last = violation.exchanges.len().saturating_sub(1);
    violation
        .exchanges
        .splice(last..last, settled.reads.iter().copied());
    if violation.lacks && settled.look == Look::Same {
        violation.ruled_out.push(
            "a read by id with the same credentials shows what is missing, as it was".to_owned(),
        );
    }
    violation
}

/// SHALL and ROBUST fail, SHOULD warns, MAY informs. What was read once can be beaten by access rules that we do not
/// see, so what rests on it alone warns at most, unless a read by id shows what a search withheld.
fn verdict_of(level: Level, settled: &Settled) -> Verdict {
    let oracle = settled.violation.oracle;
    let rests_on_others = oracle.is_some_and(Completeness::may_have_changed);
    let is_shown = settled.violation.lacks && settled.look == Look::Same;
    match level {
        Level::Shall | Level::Robust if rests_on_others && !is_shown => Verdict::Warn,
        Level::Shall | Level::Robust => Verdict::Fail,
        Level::Should => Verdict::Warn,
        Level::May => Verdict::Info,
    }
}

fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 2,
        Verdict::Warn => 1,
        _ => 0,
    }
}

/// Attempts a case; the number, from 1, makes what it writes differ from that of the other attempts.
pub(super) async fn attempt(context: &Context, suite: &Suite, case: &Case, number: u32) -> Attempt {
    let scope = context.session.scope();
    let mut bindings = bindings(context, suite, case, number);
    // The confirming attempt picks the same witnesses: it asks whether the same thing happens again.
    let seed = context.seed.derive(&case.full_id());
    let chosen = pick::choose(
        &case.picks,
        &context.cohort,
        seed,
        context.clock.now(),
        &mut bindings,
    );
    let witnesses = match chosen {
        Ok(witnesses) => witnesses,
        Err(reason) => {
            return Attempt {
                outcome: Outcome::Undecided(Verdict::Vacuous(reason)),
                exchanges: Vec::new(),
            };
        }
    };
    let mut runner = Runner::new(context, &scope, bindings, witnesses);
    let mut outcome = Outcome::Held;
    for (position, step) in case.steps.iter().enumerate() {
        let is_last = position + 1 == case.steps.len();
        let ended = if is_last {
            runner.run(step).await
        } else {
            runner.prepare(step).await
        };
        match ended {
            Outcome::Held => {}
            ended => {
                outcome = ended;
                break;
            }
        }
    }
    let exchanges = scope.exchanges();
    tear_down(&mut runner, &case.teardown).await;
    if case.writes() {
        remove(context, &scope).await;
    }
    Attempt { outcome, exchanges }
}

/// Steps of the teardown run whatever happened; nobody judges them.
async fn tear_down(runner: &mut Runner<'_>, steps: &[Step]) {
    for step in steps {
        runner.run(step).await;
    }
}

/// Deletes what the attempt created, newest first, where the target lets us.
async fn remove(context: &Context, scope: &Scope) {
    let mut created: Vec<_> = scope
        .exchanges()
        .iter()
        .flat_map(|exchange| session::created_by(exchange))
        .collect();
    created.reverse();
    for key in created {
        if context.capability.supports(&key.resource_type, "delete") {
            context
                .session
                .send(Request::new(Method::Delete, key.to_string()))
                .await;
        }
    }
}

fn bindings(context: &Context, suite: &Suite, case: &Case, attempt: u32) -> Bindings {
    let mut bindings = Bindings::new();
    for (name, value) in &suite.vars {
        if let Some(value) = value {
            bindings.bind(name.clone(), value.clone());
        }
    }
    for (name, value) in context.vars.iter() {
        bindings.bind(name.clone(), value.clone());
    }
    let seed = context
        .seed
        .derive(&case.full_id())
        .index(u64::from(attempt));
    let token = context.token.to_string();
    let unique = format!("{token}-{seed}");
    context.session.disclosure().learn(unique.as_str());
    bindings.bind("unique", unique);
    bindings.bind("token", token);
    for name in step::environment_names(case) {
        if let Ok(value) = std::env::var(&name) {
            bindings.bind(format!("env:{name}"), value);
        }
    }
    bindings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(oracle: Option<Completeness>, lacks: bool, look: Look) -> Settled {
        let mut violation = Violation::new("search/x", "x", "x", "y");
        violation.oracle = oracle;
        violation.lacks = lacks;
        violation.exchanges = vec![3];
        Settled {
            violation,
            look,
            reads: vec![4, 5],
        }
    }

    #[test]
    fn what_rests_on_data_of_others_warns_unless_a_read_shows_what_is_missing() {
        let verdict = |oracle, lacks, look| verdict_of(Level::Shall, &settled(oracle, lacks, look));
        let (exact, sample) = (Some(Completeness::Exact), Some(Completeness::Sample));
        assert_eq!(verdict(None, false, Look::None), Verdict::Fail);
        assert_eq!(verdict(exact, true, Look::None), Verdict::Fail);
        for oracle in [sample, Some(Completeness::Snapshot)] {
            assert_eq!(verdict(oracle, true, Look::Same), Verdict::Fail);
            assert_eq!(verdict(oracle, true, Look::Unreadable), Verdict::Warn);
            assert_eq!(verdict(oracle, true, Look::None), Verdict::Warn);
            // A hit that should not be there may look otherwise to those who may see all of it.
            assert_eq!(verdict(oracle, false, Look::Same), Verdict::Warn);
        }
    }

    #[test]
    fn a_read_that_shows_what_is_missing_is_said() {
        let sample = Some(Completeness::Sample);
        let shown = shown_again(&settled(sample, true, Look::Same), &[]);
        assert!(shown.ruled_out[0].contains("read by id"), "{shown:?}");
        assert_eq!(shown.exchanges, [4, 5, 3]);
        let hidden = shown_again(&settled(sample, true, Look::Unreadable), &[]);
        assert!(hidden.ruled_out.is_empty());
    }
}
