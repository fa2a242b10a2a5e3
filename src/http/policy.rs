//! What may be sent and when: writes only where allowed, a steady pace, a budget, Retry-After, a cap on what is in
//! flight. It judges nothing; a 429 goes back to the caller like any other answer. It sends a request once, but for a
//! GET or HEAD whose idle connection broke under it: that one leaves once more, on the same terms.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::exchange::{Exchange, Failure, FailureKind, Timings};
use super::message::{Method, Request, Response};
use super::target::Target;
use super::transport::{Sending, Transport};
use crate::clock::Clock;

/// Requests leave this much further apart than the rate demands: the server counts arrivals, and these jitter.
const PACING_MARGIN: f64 = 1.02;
/// The longest wait that a Retry-After may impose; what the server wants later than that is refused here at once.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
/// How long to hold back after a 429 that names no time.
const DEFAULT_HOLD: Duration = Duration::from_secs(1);

/// The terms on which a target may be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Requests that may change the target are let through.
    pub writes: bool,
    /// Requests per second at most; `None` for no pacing.
    pub rate: Option<f64>,
    /// Requests at most in all; `None` for no limit.
    pub max_requests: Option<u64>,
    /// Requests in flight at most; `None` for no limit.
    pub in_flight: Option<usize>,
    /// The target's owner says that POST `$validate` stores nothing: it is let through where writing is not allowed.
    pub validate_is_safe: bool,
}

impl Terms {
    /// What the target's description says.
    pub fn of(target: &Target) -> Self {
        Terms {
            writes: target.writes,
            rate: target.rate,
            max_requests: target.max_requests,
            in_flight: None,
            validate_is_safe: target.validate_is_safe,
        }
    }
}

/// True for requests that may change the target: everything but safe methods and POST searches.
pub fn is_write(request: &Request) -> bool {
    let path = request.url.split(['?', '#']).next().unwrap_or_default();
    let is_search =
        request.method == Method::Post && (path.ends_with("/_search") || path == "_search");
    !(request.method.is_safe() || is_search)
}

/// True for a POST of the operation `$validate`, which R4 defines not to change anything; servers may log what it gets.
pub fn is_validation(request: &Request) -> bool {
    let path = request.url.split(['?', '#']).next().unwrap_or_default();
    request.method == Method::Post && path.rsplit('/').next() == Some("$validate")
}

/// Nobody knows whether the server saw a request on a connection that broke: only what changes nothing may leave again.
fn may_leave_again(request: &Request) -> bool {
    matches!(request.method, Method::Get | Method::Head)
}

fn is_stale(exchange: &Exchange) -> bool {
    matches!(&exchange.outcome, Err(failure) if failure.kind == FailureKind::Stale)
}

/// A transport that keeps to [`Terms`].
pub struct Policed<T: ?Sized> {
    inner: Arc<T>,
    terms: Terms,
    sent: AtomicU64,
    resent: AtomicU64,
    /// What was created is being removed.
    cleaning: AtomicBool,
    /// Held while waiting for one's turn; tokio's mutex is first come, first served.
    turn: tokio::sync::Mutex<Option<Instant>>,
    /// The server asked for silence until then.
    hold: Mutex<Option<Instant>>,
    slots: Option<tokio::sync::Semaphore>,
    clock: Arc<dyn Clock>,
}

impl<T: Transport + ?Sized> Policed<T> {
    /// Wraps a transport.
    pub fn new(inner: Arc<T>, terms: Terms, clock: Arc<dyn Clock>) -> Self {
        Policed {
            inner,
            terms,
            sent: AtomicU64::new(0),
            resent: AtomicU64::new(0),
            cleaning: AtomicBool::new(false),
            turn: tokio::sync::Mutex::new(None),
            hold: Mutex::new(None),
            slots: terms.in_flight.map(tokio::sync::Semaphore::new),
            clock,
        }
    }

    /// Requests let through so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    async fn police(&self, request: Request) -> Exchange {
        let is_safe = self.terms.validate_is_safe && is_validation(&request);
        if !self.terms.writes && is_write(&request) && !is_safe {
            let mut message = format!("{} refused: writing is not allowed here", request.method);
            if is_validation(&request) {
                message.push_str(
                    "; `validate-is-safe: true` of the target would let $validate through",
                );
            }
            return self.refused(request, message);
        }
        let is_cleanup = self.cleaning.load(Ordering::Relaxed) && request.method == Method::Delete;
        if !self.spend() && !is_cleanup {
            let message = "refused: the request budget is spent";
            return self.refused(request, message);
        }
        let arrived = Instant::now();
        let _slot = match &self.slots {
            Some(slots) => Some(
                slots
                    .acquire()
                    .await
                    .expect("the semaphore is never closed"),
            ),
            None => None,
        };
        if let Err(message) = self.wait_for_turn().await {
            return self.refused(request, message);
        }
        let queued = arrived.elapsed();
        let again = may_leave_again(&request).then(|| request.clone());
        let mut exchange = self.inner.send(request).await;
        if let Some(request) = again.filter(|_| is_stale(&exchange))
            && self.spend()
            && self.wait_for_turn().await.is_ok()
        {
            self.resent.fetch_add(1, Ordering::Relaxed);
            exchange = self.inner.send(request).await;
        }
        exchange.timings.queued += queued;
        if let Some(response) = exchange.response() {
            self.note_hold(response);
        }
        exchange
    }

    /// Takes one request from the budget.
    fn spend(&self) -> bool {
        let limit = self.terms.max_requests.unwrap_or(u64::MAX);
        self.sent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sent| {
                (sent < limit).then_some(sent + 1)
            })
            .is_ok()
    }

    /// Returns when the request may leave: one interval after the one before it, and not while the server wants peace.
    async fn wait_for_turn(&self) -> Result<(), String> {
        let mut next = self.turn.lock().await;
        if let Some(instant) = *next {
            tokio::time::sleep_until(instant).await;
        }
        // The hold may be extended while it is being waited for, each time by an answer to a request in flight.
        while let Some(until) = self.held_until() {
            let wait = until.saturating_duration_since(Instant::now());
            if wait > MAX_RETRY_AFTER {
                return Err(format!(
                    "refused: the server asked for silence for {} s, more than is waited for",
                    wait.as_secs()
                ));
            }
            tokio::time::sleep_until(until).await;
        }
        let interval = self.terms.rate.and_then(interval_of);
        *next = interval.map(|interval| Instant::now() + interval);
        Ok(())
    }

    fn held_until(&self) -> Option<Instant> {
        let hold = *self.hold.lock().expect("no panic while held");
        hold.filter(|until| *until > Instant::now())
    }

    fn note_hold(&self, response: &Response) {
        let asked = match response.status {
            429 => Some(self.retry_after(response).unwrap_or(DEFAULT_HOLD)),
            503 => self.retry_after(response),
            _ => None,
        };
        let Some(until) = asked.and_then(|wait| Instant::now().checked_add(wait)) else {
            return;
        };
        let mut hold = self.hold.lock().expect("no panic while held");
        *hold = Some(hold.map_or(until, |known| known.max(until)));
    }

    /// RFC 9110 section 10.2.3: seconds, or an HTTP date.
    fn retry_after(&self, response: &Response) -> Option<Duration> {
        let value = response.headers.get("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = super::date::parse(value)?;
        Some(Duration::try_from(date.duration_since(self.clock.now())).unwrap_or(Duration::ZERO))
    }

    fn refused(&self, request: Request, message: impl Into<String>) -> Exchange {
        Exchange {
            number: 0,
            request,
            outcome: Err(Failure {
                kind: FailureKind::Refused,
                message: message.into(),
            }),
            timings: Timings {
                started: self.clock.elapsed(),
                ..Timings::default()
            },
            translated: None,
        }
    }
}

impl<T: Transport + ?Sized> Transport for Policed<T> {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.police(request))
    }

    fn base(&self) -> &Url {
        self.inner.base()
    }

    fn resent(&self) -> u64 {
        self.resent.load(Ordering::Relaxed) + self.inner.resent()
    }

    fn carries_faults(&self) -> bool {
        self.inner.carries_faults()
    }

    fn begin_cleanup(&self) {
        self.cleaning.store(true, Ordering::Relaxed);
        self.inner.begin_cleanup();
    }
}

/// The time between two requests; `None` for a rate that is not a positive number.
fn interval_of(rate: f64) -> Option<Duration> {
    (rate > 0.0)
        .then(|| Duration::try_from_secs_f64(PACING_MARGIN / rate).ok())
        .flatten()
}

#[cfg(test)]
mod tests;
