//! Watches a trial: notes when the first finding stands and, once its case is as small as it gets, ends the run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::record::event::{Event, Observer};

/// An observer of the runs of one trial.
pub struct Watch {
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    ends_early: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests of the runs before this one.
    before: u64,
    first: Option<Sighting>,
    has_enough: bool,
}

/// The first confirmed finding of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Case.
    pub case: String,
    /// Rule.
    pub rule: String,
    /// Requests from the start of the trial until it stood.
    pub requests: u64,
    /// Time from the start of the trial until it stood.
    pub elapsed: Duration,
    /// Requests that shrinking took, and steps that were left; properties only.
    pub shrunk: Option<(u64, usize)>,
}

impl Watch {
    /// A watch that begins now; it ends a run early after the first finding, or never.
    pub fn new(ends_early: bool) -> Self {
        Self::with_clock(Arc::new(SystemClock::new()), ends_early)
    }

    /// The same with a clock that is at its origin.
    pub fn with_clock(clock: Arc<dyn Clock>, ends_early: bool) -> Self {
        Watch {
            clock,
            stop: Arc::default(),
            ends_early,
            state: Mutex::default(),
        }
    }

    /// The clock that the runs must use.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The flag that ends the runs.
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Notes what a run cost that is over.
    pub fn add(&self, requests: u64) {
        self.state().before += requests;
    }

    /// Requests of all runs that are over.
    pub fn requests(&self) -> u64 {
        self.state().before
    }

    /// Time since the watch began.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The first finding.
    pub fn first(&self) -> Option<Sighting> {
        self.state().first.clone()
    }

    /// True if the runs were ended by somebody else.
    pub fn was_interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed) && !self.state().has_enough
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }
}

impl Observer for Watch {
    fn observe(&self, event: Event) {
        let mut state = self.state();
        match event {
            Event::Confirmed {
                case,
                rule,
                requests,
                elapsed,
            } if state.first.is_none() => {
                state.first = Some(Sighting {
                    case,
                    rule,
                    requests: state.before + requests,
                    elapsed,
                    shrunk: None,
                });
            }
            Event::Shrunk {
                case,
                rule,
                requests,
                steps,
                ..
            } => {
                let first = state.first.as_mut();
                let is_first = |first: &&mut Sighting| first.case == case && first.rule == rule;
                if let Some(first) = first.filter(is_first) {
                    first.shrunk.get_or_insert((requests, steps));
                }
            }
            Event::CaseEnded { case, .. } => {
                let is_first = state.first.as_ref().is_some_and(|first| first.case == case);
                if is_first && self.ends_early {
                    state.has_enough = true;
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            Event::Confirmed { .. }
            | Event::Stage(_)
            | Event::SuiteStarted { .. }
            | Event::Notice(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirmed(case: &str, requests: u64) -> Event {
        Event::Confirmed {
            case: case.to_owned(),
            rule: "r".to_owned(),
            requests,
            elapsed: Duration::from_millis(requests),
        }
    }

    fn ended(case: &str) -> Event {
        Event::CaseEnded {
            suite: "s".to_owned(),
            case: case.to_owned(),
            verdict: "fail",
        }
    }

    #[test]
    fn the_first_finding_counts_with_what_went_before_and_its_end_ends_the_run() {
        let watch = Watch::new(true);
        watch.observe(confirmed("never/ends", 0));
        assert_eq!(watch.first().unwrap().requests, 0);
        let watch = Watch::new(true);
        watch.add(100);
        watch.observe(ended("a/b"));
        watch.observe(confirmed("c/d", 7));
        watch.observe(confirmed("e/f", 9));
        watch.observe(ended("e/f"));
        assert!(!watch.stop().load(Ordering::Relaxed));
        watch.observe(ended("c/d"));
        assert!(watch.stop().load(Ordering::Relaxed) && !watch.was_interrupted());
        let first = watch.first().unwrap();
        assert_eq!((first.case.as_str(), first.requests), ("c/d", 107));
    }

    #[test]
    fn a_watch_that_wants_all_never_ends_a_run_and_tells_an_interruption() {
        let watch = Watch::new(false);
        watch.observe(confirmed("c/d", 7));
        watch.observe(ended("c/d"));
        assert!(!watch.stop().load(Ordering::Relaxed));
        watch.stop().store(true, Ordering::Relaxed);
        assert!(watch.was_interrupted());
    }

    #[test]
    fn the_price_of_shrinking_is_that_of_the_first_finding() {
        let shrunk = |case: &str, requests| Event::Shrunk {
            case: case.to_owned(),
            rule: "r".to_owned(),
            executions: 1,
            requests,
            steps: 2,
        };
        let watch = Watch::new(true);
        watch.observe(confirmed("c/d", 7));
        watch.observe(shrunk("e/f", 50));
        watch.observe(shrunk("c/d", 20));
        assert_eq!(watch.first().unwrap().shrunk, Some((20, 2)));
    }
}
