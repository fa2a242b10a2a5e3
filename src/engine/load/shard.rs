//! A shard: one thread with a runtime and a client of its own, which sends its share of the schedule and records what
//! becomes of it. Nothing is shared with other shards while it runs; it decides nothing and judges nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::http::Transport;
use crate::stats::Latencies;

use super::pace;
use super::schedule::{Arrival, Schedule};
use super::supply::Supply;
use super::tally::{Class, Tally, Times};
use crate::http::FailureKind;

/// From the moment when all shards are ready to the first arrival.
const LEAD: Duration = Duration::from_millis(50);
/// What is in flight when a run is stopped gets this long to end.
const GRACE: Duration = Duration::from_secs(1);

/// What all shards have in common; read only.
pub(super) struct Job {
    pub(super) schedule: Schedule,
    /// One for each operation of the schedule; empty where the weight is 0.
    pub(super) supplies: Vec<Option<Supply>>,
    pub(super) shards: u64,
    /// Requests in flight at most, of one shard.
    pub(super) in_flight: usize,
    pub(super) max_lateness: Duration,
    /// How long to wait at the end; every exchange has its own time limit well below it.
    pub(super) drain: Duration,
    pub(super) stop: Arc<AtomicBool>,
}

/// What one shard saw, and what all saw when merged.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// One for each operation.
    pub(super) tallies: Vec<Tally>,
    /// How late the generator itself was: from the moment when an arrival was due and could be sent.
    pub(super) lag: Latencies,
    /// Requests sent, the warm-up included.
    pub(super) requests: u64,
    /// Stopped before the end of the schedule.
    pub(super) stopped: bool,
}

impl Seen {
    fn new(operations: usize) -> Self {
        Seen {
            tallies: vec![Tally::default(); operations],
            ..Seen::default()
        }
    }

    pub(super) fn merge(&mut self, other: &Seen) {
        if self.tallies.is_empty() {
            self.tallies = vec![Tally::default(); other.tallies.len()];
        }
        for (tally, seen) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.merge(seen);
        }
        self.lag.merge(&other.lag);
        self.requests += other.requests;
        self.stopped |= other.stopped;
    }
}

/// When the first arrival of the schedule is due: the same for all shards, and not before each of them is ready.
pub(super) struct Start {
    ready: Barrier,
    at: OnceLock<Instant>,
}

impl Start {
    pub(super) fn of(shards: usize) -> Self {
        Start {
            ready: Barrier::new(shards),
            at: OnceLock::new(),
        }
    }

    /// Waits for the others.
    fn agree(&self) -> Instant {
        self.ready.wait();
        *self.at.get_or_init(|| Instant::now() + LEAD)
    }
}

/// Runs shard `index` on this thread to the end of its last request.
pub(super) fn run(
    job: &Arc<Job>,
    index: u64,
    runtime: Runtime,
    transport: Arc<dyn Transport>,
    start: &Start,
) -> Seen {
    // Before the clock runs: a long schedule takes a while to be laid out.
    let arrivals = job.schedule.shard(index, job.shards);
    let start = start.agree();
    let shard = Rc::new(Shard {
        job: Arc::clone(job),
        transport,
        start,
        in_flight: Cell::new(0),
        freed: Notify::new(),
        unblocked: Cell::new(start),
        seen: RefCell::new(Seen::new(job.supplies.len())),
    });
    let local = LocalSet::new();
    local.block_on(&runtime, shard.drive(arrivals));
    // Requests that never ended are dropped here, and say so.
    drop(local);
    drop(runtime);
    shard.seen.take()
}

struct Shard {
    job: Arc<Job>,
    transport: Arc<dyn Transport>,
    start: Instant,
    in_flight: Cell<usize>,
    /// A request ended.
    freed: Notify,
    /// When the last wait for a free place ended: what is late because of the target is not the generator's fault.
    unblocked: Cell<Instant>,
    seen: RefCell<Seen>,
}

impl Shard {
    async fn drive(self: &Rc<Self>, arrivals: impl Iterator<Item = Arrival>) {
        let job = &self.job;
        for arrival in arrivals {
            let due = self.start + arrival.due;
            if !pace::until(due, &job.stop).await {
                self.seen.borrow_mut().stopped = true;
                break;
            }
            let is_free = self.place(due + job.max_lateness).await;
            let now = Instant::now();
            let age = now.saturating_duration_since(due);
            let is_sent = is_free && age <= job.max_lateness;
            if let Some(at) = arrival.measured {
                let mut seen = self.seen.borrow_mut();
                if is_free {
                    let ready = due.max(self.unblocked.get());
                    seen.lag.record(now.saturating_duration_since(ready));
                }
                if !is_sent {
                    seen.tallies[arrival.operation].not_sent(at, age);
                }
            }
            if is_sent {
                self.send(arrival);
            }
        }
        self.drain().await;
    }

    /// Waits for a place among the requests in flight, until a time; false if there was none.
    async fn place(&self, until: Instant) -> bool {
        let limit = self.job.in_flight;
        if self.in_flight.get() < limit {
            return true;
        }
        while self.in_flight.get() >= limit {
            let freed = self.freed.notified();
            if tokio::time::timeout_at(until.into(), freed).await.is_err() {
                break;
            }
        }
        self.unblocked.set(Instant::now());
        self.in_flight.get() < limit
    }

    fn send(self: &Rc<Self>, arrival: Arrival) {
        let Some(supply) = &self.job.supplies[arrival.operation] else {
            return;
        };
        let position = arrival.ordinal % supply.requests.len().max(1) as u64;
        let request = supply.requests[position as usize].clone();
        self.in_flight.set(self.in_flight.get() + 1);
        self.seen.borrow_mut().requests += 1;
        let mut pending = Pending {
            shard: Rc::clone(self),
            arrival,
            sent: None,
            outcome: None,
        };
        tokio::task::spawn_local(async move {
            pending.sent = Some(Instant::now());
            let exchange = pending.shard.transport.send(request).await;
            let done = Instant::now();
            let supply = &pending.shard.job.supplies[arrival.operation];
            let outcome = supply
                .as_ref()
                .map_or(Ok(()), |supply| supply.wanted.judge(&exchange.outcome));
            pending.end(done, outcome);
        });
    }

    /// Waits for the requests in flight.
    async fn drain(&self) {
        let mut until = Instant::now() + self.job.drain;
        while self.in_flight.get() > 0 && Instant::now() < until {
            if self.job.stop.load(Ordering::Relaxed) {
                until = until.min(Instant::now() + GRACE);
                self.seen.borrow_mut().stopped = true;
            }
            let freed = self.freed.notified();
            let _ = tokio::time::timeout(GRACE / 10, freed).await;
        }
    }

    fn time(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.start)
    }
}

/// A request in flight. However it ends, it is recorded once: when it is dropped.
struct Pending {
    shard: Rc<Shard>,
    arrival: Arrival,
    sent: Option<Instant>,
    outcome: Option<(Instant, Result<(), Class>)>,
}

impl Pending {
    fn end(&mut self, done: Instant, outcome: Result<(), Class>) {
        self.outcome = Some((done, outcome));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let shard = &self.shard;
        shard.in_flight.set(shard.in_flight.get() - 1);
        shard.freed.notify_one();
        let Some(at) = self.arrival.measured else {
            return;
        };
        let mut seen = shard.seen.borrow_mut();
        let cut_short = || {
            let class = if seen.stopped {
                Class::Interrupted
            } else {
                Class::Failure(FailureKind::Timeout)
            };
            (Instant::now(), Err(class))
        };
        let (done, outcome) = self.outcome.take().unwrap_or_else(cut_short);
        let times = Times {
            due: self.arrival.due,
            sent: shard.time(self.sent.unwrap_or(done)),
            done: shard.time(done),
        };
        seen.tallies[self.arrival.operation].sent(at, times, outcome);
    }
}
