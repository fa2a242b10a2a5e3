//! What the property engine hands on: findings with their steps, verdicts and case files. Pure.

use super::confirm::Failure;
use crate::engine::context::Context;
use crate::engine::fold::{self, Basis};
use crate::http::Exchange;
use crate::http::fault::Fault;
use crate::property::case::Command;
use crate::property::trace::{Event, Outcome};
use crate::property::{Open, Property};
use crate::record::case_file::{self, CaseFile};
use crate::record::finding::{Finding, Reproduced, Step};
use crate::record::{Level, Verdict};
use crate::seed::Seed;

/// The finding of a confirmed failure.
pub fn finding(
    ctx: &Context,
    property: &dyn Property,
    failure: &Failure,
    reproduced: Reproduced,
) -> Finding {
    let spec = property.spec();
    let mut violation = failure.violation.clone();
    violation
        .ruled_out
        .extend(spec.guards.iter().map(|guard| guard.sentence().to_owned()));
    let basis = Basis {
        case: spec.id,
        level: property.level_of(&violation),
        severity: spec.severity,
        spec: spec.spec,
        sentence: spec.sentence,
        span: None,
        usual_causes: spec.usual_causes,
        replay: format!("rounds replay {}", spec.id),
    };
    let exchanges: Vec<&Exchange> = failure
        .trace
        .events
        .iter()
        .flat_map(|event| event.exchanges.iter())
        .map(std::sync::Arc::as_ref)
        .collect();
    let mut finding = fold::finding(
        &violation,
        &basis,
        reproduced,
        &exchanges,
        ctx.session.disclosure(),
    );
    finding.steps = steps(ctx, &failure.trace.events);
    finding
}

/// One numbered line per step that did something.
fn steps(ctx: &Context, events: &[Event]) -> Vec<Step> {
    events
        .iter()
        .filter_map(|event| {
            if event.step.command == Command::Restart && event.outcome == Outcome::Done {
                let text = "the target is killed (SIGKILL) and started again".to_owned();
                return Some(Step {
                    text,
                    exchange: None,
                });
            }
            let exchange = event.last()?;
            Some(Step {
                text: step_text(ctx, event, exchange),
                exchange: Some(exchange.number),
            })
        })
        .collect()
}

fn step_text(ctx: &Context, event: &Event, exchange: &Exchange) -> String {
    let relative = ctx.session.relative(&exchange.request.url);
    let url = ctx.session.disclosure().url(&relative);
    let condition = ["if-match", "if-none-exist"]
        .into_iter()
        .find(|name| exchange.request.headers.get(name).is_some())
        .map(|name| format!(" with {name}"))
        .unwrap_or_default();
    let answer = match exchange.status() {
        Some(status) => status.to_string(),
        None => "no answer".to_owned(),
    };
    let note = match (&event.step.command, &event.outcome) {
        (Command::Settle { .. }, Outcome::Settled { polls }) => {
            format!(", index settled after {polls} polls")
        }
        (Command::Settle { .. }, _) => ", index did not settle".to_owned(),
        _ if event.exchanges.len() > 1 => format!(", {} pages", event.exchanges.len()),
        _ => String::new(),
    };
    let fault = event.step.fault.map(Fault::sentence).unwrap_or_default();
    let together = if event.step.is_concurrent() {
        ", at the same moment as its neighbours"
    } else {
        ""
    };
    format!(
        "{} {url}{condition} → {answer}{note}{fault}{together}",
        exchange.request.method
    )
}

/// The stored form of a failing case.
pub fn case_file(seed: Seed, finding: &Finding, failure: &Failure) -> CaseFile {
    CaseFile {
        schema: case_file::SCHEMA,
        case: failure.case.property.clone(),
        seed: seed.to_string(),
        fingerprint: finding.fingerprint.to_string(),
        body: serde_json::to_value(&failure.case).unwrap_or_default(),
    }
}

/// The verdict on findings: the worst of their levels.
pub fn verdict_of(findings: &[Finding]) -> Option<Verdict> {
    let worst = findings
        .iter()
        .map(|finding| finding.level)
        .min_by_key(|level| match level {
            Level::Shall | Level::Robust => 0,
            Level::Should => 1,
            Level::May => 2,
        })?;
    Some(match worst {
        Level::Shall | Level::Robust => Verdict::Fail,
        Level::Should => Verdict::Warn,
        Level::May => Verdict::Info,
    })
}

/// The verdict where nothing is wrong: a pass if the property was tested, else the most telling reason why not.
pub fn verdict_without(weighed: u64, mut open: Vec<Open>, precondition: &str) -> Verdict {
    if weighed > 0 {
        return Verdict::Pass;
    }
    open.sort();
    match open.into_iter().next() {
        Some(Open::Undecided(reason)) => Verdict::Error(reason),
        Some(Open::Blocked(reason)) => Verdict::Blocked(reason),
        Some(Open::Unsupported(reason)) => Verdict::Skip(format!("not supported: {reason}")),
        None => Verdict::Vacuous(format!("never seen: {precondition}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tested_property_passes_and_the_most_telling_reason_wins() {
        let open = || {
            vec![
                Open::Unsupported("a".to_owned()),
                Open::Undecided("b".to_owned()),
            ]
        };
        assert_eq!(verdict_without(1, open(), "x"), Verdict::Pass);
        assert_eq!(
            verdict_without(0, open(), "x"),
            Verdict::Error("b".to_owned())
        );
        assert_eq!(
            verdict_without(0, vec![Open::Unsupported("a".to_owned())], "x"),
            Verdict::Skip("not supported: a".to_owned())
        );
        assert_eq!(
            verdict_without(0, Vec::new(), "x"),
            Verdict::Vacuous("never seen: x".to_owned())
        );
    }
}
