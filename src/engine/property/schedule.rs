//! Who is next: properties take turns, a few cases each, so that the first finding comes early whatever property it is
//! and nobody waits for the index polling of others. A property that failed is confirmed and shrunk before anything else
//! begins, and takes no further part. What a turn does is said in `examination`.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use crate::engine::context::Context;
use crate::record::event::Event as Progress;

use super::examination::{Concluded, Examination};

/// Place in the queue: round (0: a failure that waits to be confirmed), whether it takes long, place in the suite.
type Place = (u32, bool, usize);

/// Runs properties to their end; the results stand in the order of the properties.
pub(super) async fn run(
    ctx: &Context,
    suite: &str,
    examinations: impl IntoIterator<Item = (usize, Examination)>,
) -> Vec<(usize, Concluded)> {
    let mut schedule = Schedule {
        ctx,
        suite,
        jobs: ctx.jobs.max(1),
        waiting: BTreeMap::new(),
        alone: Vec::new(),
        running: JoinSet::new(),
        busy: 0,
        round: 0,
        done: Vec::new(),
    };
    for (position, examination) in examinations {
        schedule.queue(position, examination);
    }
    schedule.together().await;
    schedule.one_by_one().await;
    schedule.done.sort_by_key(|(position, _)| *position);
    schedule.done
}

struct Schedule<'a> {
    ctx: &'a Context,
    suite: &'a str,
    /// Cases in flight at most.
    jobs: usize,
    waiting: BTreeMap<Place, Examination>,
    /// Properties that must have the target for themselves.
    alone: Vec<(usize, Examination)>,
    running: JoinSet<(usize, usize, Examination)>,
    /// Cases in flight.
    busy: usize,
    /// The latest round that began.
    round: u32,
    done: Vec<(usize, Concluded)>,
}

impl Schedule<'_> {
    fn queue(&mut self, position: usize, examination: Examination) {
        let round = if examination.has_failed() {
            0
        } else {
            examination.round()
        };
        // A population waits for the index: the short ones first.
        let is_long = examination.property().spec().family.searches();
        self.waiting.insert((round, is_long, position), examination);
    }

    async fn together(&mut self) {
        loop {
            self.begin();
            match self.running.join_next().await {
                Some(Ok((position, weight, examination))) => {
                    self.busy -= weight;
                    self.sort(position, examination);
                }
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                None if self.waiting.is_empty() => break,
                None => {}
            }
        }
    }

    /// Begins what fits; something always does where nothing runs.
    fn begin(&mut self) {
        while let Some(((round, _, position), mut examination)) = self.waiting.pop_first() {
            if self.ctx.is_stopped() {
                self.end(position, examination);
                continue;
            }
            examination.prepare();
            if examination.is_for_itself() {
                self.alone.push((position, examination));
                continue;
            }
            let weight = match round {
                0 => 1,
                _ => examination.turn_size().min(self.jobs),
            };
            if self.busy > 0 && self.busy + weight > self.jobs {
                self.queue(position, examination);
                return;
            }
            self.announce(round);
            self.busy += weight;
            self.running.spawn(async move {
                if round == 0 {
                    examination.confirm().await;
                } else {
                    examination.turn(weight).await;
                }
                (position, weight, examination)
            });
        }
    }

    fn announce(&mut self, round: u32) {
        if round > self.round {
            self.round = round;
            let stage = format!("{}: round {round}", self.suite);
            self.ctx.observer.observe(Progress::Stage(stage));
        }
    }

    fn sort(&mut self, position: usize, examination: Examination) {
        if examination.is_through() {
            self.end(position, examination);
        } else {
            self.queue(position, examination);
        }
    }

    fn end(&mut self, position: usize, examination: Examination) {
        let concluded = examination.conclude();
        self.ctx.observer.observe(Progress::CaseEnded {
            suite: self.suite.to_owned(),
            case: concluded.record.id.clone(),
            verdict: concluded.record.verdict.name(),
        });
        self.done.push((position, concluded));
    }

    /// Those that need the target for themselves, case by case.
    async fn one_by_one(&mut self) {
        for (position, mut examination) in std::mem::take(&mut self.alone) {
            while !examination.is_through() && !self.ctx.is_stopped() {
                if examination.has_failed() {
                    examination.confirm().await;
                } else {
                    examination.turn(1).await;
                }
            }
            self.end(position, examination);
        }
    }
}
