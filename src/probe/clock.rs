//! Is the server's clock right: `Date` against ours. Tokens are refused, and histories misordered, when it is not.

use super::answer::plural;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::http::{Exchange, date};
use crate::record::consultation::{Mark, Owner};

/// Seconds of difference that are fine, and those beyond which tokens begin to be refused.
const FINE: i64 = 5;
const TOLERABLE: i64 = 60;

/// The probe.
pub struct ServerClock;

impl Probe for ServerClock {
    fn spec(&self) -> Spec {
        Spec {
            id: "clock",
            title: "the Date of answers agrees with the clock here",
            spec: "https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, _seen: &[Exchange]) -> Step {
        if known
            .exchanges
            .iter()
            .any(|exchange| exchange.response().is_some())
        {
            Step::Done
        } else {
            Step::Skip("nothing was answered".to_owned())
        }
    }

    fn judge(&self, known: &Known, _seen: &[Exchange]) -> Judgement {
        let skews: Vec<i64> = known
            .exchanges
            .iter()
            .filter_map(|exchange| skew(known, exchange))
            .collect();
        let n = skews.len();
        // The smallest one: any other holds the delay of a cache or of a slow answer as well.
        let Some(skew) = skews.iter().copied().min_by_key(|skew| skew.abs()) else {
            return Judgement::new(Mark::Info, "no answer has a Date")
                .next_step("let Date through the gateway");
        };
        let seconds = plural(usize::try_from(skew.abs()).unwrap_or(usize::MAX), "second");
        let direction = if skew < 0 { "behind" } else { "ahead" };
        if skew.abs() <= FINE {
            let bound = skew.abs().max(1);
            return Judgement::new(Mark::Pass, format!("Date header within {bound}s"))
                .of(n)
                .sign(Sign::ClockRight);
        }
        let mark = if skew.abs() <= TOLERABLE {
            Mark::Warn
        } else {
            Mark::Fail
        };
        Judgement::new(mark, format!("the server's clock is {seconds} {direction}"))
            .of(n)
            .sign(Sign::ClockSkew)
            .next_step("compare both clocks with a time server; here or there, NTP is off")
    }
}

/// Seconds by which `Date` lies outside the time between request and response; 0 inside. `Date` has whole seconds.
fn skew(known: &Known, exchange: &Exchange) -> Option<i64> {
    // An answer from a cache has the date of when it was stored.
    if exchange.header("age").is_some() {
        return None;
    }
    let date = date::parse(exchange.header("date")?)?.as_second();
    let timings = &exchange.timings;
    let sent = (known.epoch + timings.started).as_second();
    let received =
        (known.epoch + timings.started + timings.head.unwrap_or(timings.total)).as_second();
    Some(if date < sent {
        date - sent
    } else if date > received {
        date - received
    } else {
        0
    })
}
