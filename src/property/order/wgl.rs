//! A search over all orders of a few operations on one register (Wing and Gong 1993,
//! <https://doi.org/10.1006/jpdc.1993.1015>; with the memo of Lowe 2017, <https://doi.org/10.1002/cpe.3928>). For
//! windows with unknown outcomes or without version ids only: its time is exponential, [`super::sweep`] is not.

use std::collections::{HashMap, HashSet};

use super::{Action, Contradiction, Kind, Operation, Verdict};

/// Steps of a search after which it is given up: about a second.
pub const BUDGET: u32 = 1_000_000;

/// Searches for an order that explains the operations, from a register that holds `initial` (none: no resource).
/// Versions may be any names (version ids, or tokens of contents where there are none) as long as reads and writes use
/// the same. A write of unknown outcome takes effect once or not at all, and makes its token. Over the budget the
/// answer is undecided, never a verdict.
pub fn search(initial: Option<&str>, operations: &[Operation], budget: u32) -> Verdict {
    Search::new(initial, operations).run(budget)
}

/// What an operation asks of the register and does to it; 0 is no resource.
#[derive(Clone, Copy)]
struct Effect {
    /// What must be there.
    needs: Option<u32>,
    /// What must not be there.
    refuses: Option<u32>,
    /// What is there afterwards.
    makes: Option<u32>,
}

impl Effect {
    fn apply(self, state: u32) -> Option<u32> {
        let holds = self.needs.is_none_or(|needs| needs == state)
            && self.refuses.is_none_or(|refuses| refuses != state);
        holds.then(|| self.makes.unwrap_or(state))
    }
}

/// A call or a return.
#[derive(Clone, Copy)]
struct Moment {
    operation: usize,
    is_return: bool,
}

struct Search {
    state: u32,
    effects: Vec<Effect>,
    moments: Vec<Moment>,
    /// The moment at which each operation returns.
    returns: Vec<Option<usize>>,
    /// Doubly linked list of moments that are left; the last place is its head and end.
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Completed operations without a place.
    open: usize,
}

impl Search {
    fn new(initial: Option<&str>, operations: &[Operation]) -> Self {
        let mut names = Names::default();
        let effects = operations
            .iter()
            .map(|operation| names.effect(&operation.action))
            .collect();
        let mut timed: Vec<(u64, Moment)> = Vec::new();
        for (number, operation) in operations.iter().enumerate() {
            let moment = |is_return| Moment {
                operation: number,
                is_return,
            };
            timed.push((operation.called, moment(false)));
            if let Some(returned) = completed(operation) {
                timed.push((returned, moment(true)));
            }
        }
        // At one time calls come first: what touches overlaps.
        timed.sort_by_key(|(time, moment)| (*time, moment.is_return));
        let moments: Vec<Moment> = timed.into_iter().map(|(_, moment)| moment).collect();
        let mut returns = vec![None; operations.len()];
        for (position, moment) in moments.iter().enumerate() {
            if moment.is_return {
                returns[moment.operation] = Some(position);
            }
        }
        let places = moments.len() + 1;
        Search {
            state: names.of(initial),
            effects,
            next: (1..places).chain([0]).collect(),
            previous: [places - 1].into_iter().chain(0..places - 1).collect(),
            open: returns.iter().flatten().count(),
            moments,
            returns,
        }
    }

    fn run(mut self, budget: u32) -> Verdict {
        let end = self.moments.len();
        let mut placed: Vec<(usize, u32)> = Vec::new();
        let mut deepest: (usize, Vec<usize>) = (0, Vec::new());
        let mut done = vec![0u64; self.effects.len().div_ceil(64)];
        let mut memo: HashSet<(Vec<u64>, u32)> = HashSet::new();
        let mut here = self.first();
        let mut steps = 0;
        while self.open > 0 {
            steps += 1;
            if steps > budget {
                return Verdict::Undecided("too many orders to search");
            }
            if here != end && !self.moments[here].is_return {
                let operation = self.moments[here].operation;
                if let Some(state) = self.effects[operation].apply(self.state) {
                    flip(&mut done, operation);
                    if memo.insert((done.clone(), state)) {
                        placed.push((here, self.state));
                        self.state = state;
                        self.lift(here);
                        here = self.first();
                        continue;
                    }
                    flip(&mut done, operation);
                }
                here = self.next[here];
                continue;
            }
            // A completed operation has no place behind those that were placed: the last of them goes back.
            if deepest.1.is_empty() || placed.len() > deepest.0 {
                let last = placed.last().map(|(moment, _)| self.moments[*moment]);
                let stuck = self.moments.get(here).copied();
                let shown = last.into_iter().chain(stuck);
                deepest = (placed.len(), shown.map(|moment| moment.operation).collect());
            }
            let Some((moment, state)) = placed.pop() else {
                let found = Contradiction::of(Kind::NoOrder, deepest.1);
                return Verdict::Contradicted(vec![found]);
            };
            self.state = state;
            flip(&mut done, self.moments[moment].operation);
            self.put_back(moment);
            here = self.next[moment];
        }
        Verdict::Explained
    }

    fn first(&self) -> usize {
        self.next[self.moments.len()]
    }

    fn lift(&mut self, moment: usize) {
        self.unlink(moment);
        if let Some(returns) = self.returns[self.moments[moment].operation] {
            self.unlink(returns);
            self.open -= 1;
        }
    }

    fn put_back(&mut self, moment: usize) {
        if let Some(returns) = self.returns[self.moments[moment].operation] {
            self.relink(returns);
            self.open += 1;
        }
        self.relink(moment);
    }

    fn unlink(&mut self, place: usize) {
        let (before, behind) = (self.previous[place], self.next[place]);
        self.next[before] = behind;
        self.previous[behind] = before;
    }

    fn relink(&mut self, place: usize) {
        let (before, behind) = (self.previous[place], self.next[place]);
        self.next[before] = place;
        self.previous[behind] = place;
    }
}

/// When an operation was complete for certain: at the end of time if it only may take effect late, never if it need not.
fn completed(operation: &Operation) -> Option<u64> {
    match operation.action {
        Action::Unknown { .. } => None,
        _ => Some(operation.returned.unwrap_or(u64::MAX)),
    }
}

fn flip(bits: &mut [u64], position: usize) {
    bits[position / 64] ^= 1 << (position % 64);
}

/// Numbers for names; 0 is no resource.
#[derive(Default)]
struct Names<'a> {
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    fn of(&mut self, name: Option<&'a str>) -> u32 {
        let Some(name) = name else { return 0 };
        let next = self.numbers.len() as u32 + 1;
        *self.numbers.entry(name).or_insert(next)
    }

    fn effect(&mut self, action: &'a Action) -> Effect {
        let (needs, refuses, makes) = match action {
            Action::Read { saw } => (Some(self.of(saw.as_deref())), None, None),
            Action::Write { made, based_on }
            | Action::Unknown {
                token: made,
                based_on,
            } => (self.base(based_on), None, Some(self.of(Some(made)))),
            Action::Delete { based_on, .. } => (self.base(based_on), None, Some(0)),
            Action::Refused { based_on } => (None, Some(self.of(Some(based_on))), None),
        };
        Effect {
            needs,
            refuses,
            makes,
        }
    }

    fn base(&mut self, based_on: &'a Option<String>) -> Option<u32> {
        based_on.as_deref().map(|base| self.of(Some(base)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(called: u64, returned: u64, action: Action) -> Operation {
        Operation {
            lane: 0,
            called,
            returned: Some(returned),
            action,
        }
    }

    fn read(called: u64, returned: u64, saw: &str) -> Operation {
        let saw = Some(saw.to_owned());
        operation(called, returned, Action::Read { saw })
    }

    fn lost(called: u64, token: &str) -> Operation {
        let action = Action::Unknown {
            token: token.to_owned(),
            based_on: None,
        };
        operation(called, called + 1, action)
    }

    #[test]
    fn a_lost_write_may_take_effect_late_or_never() {
        let late = [lost(0, "b"), read(10, 20, "a"), read(30, 40, "b")];
        assert_eq!(search(Some("a"), &late, BUDGET), Verdict::Explained);
        let never = [lost(0, "b"), read(10, 20, "a"), read(30, 40, "a")];
        assert_eq!(search(Some("a"), &never, BUDGET), Verdict::Explained);
    }

    #[test]
    fn a_lost_write_does_not_take_effect_twice() {
        let history = [
            lost(0, "b"),
            read(10, 20, "b"),
            read(30, 40, "a"),
            read(50, 60, "b"),
        ];
        let Verdict::Contradicted(found) = search(Some("a"), &history, BUDGET) else {
            panic!("an order was found");
        };
        assert_eq!(found[0].kind, Kind::NoOrder);
        assert!(!found[0].operations.is_empty());
    }

    #[test]
    fn a_lost_write_does_not_take_effect_before_its_call() {
        let history = [lost(30, "b"), read(10, 20, "b")];
        assert!(matches!(
            search(Some("a"), &history, BUDGET),
            Verdict::Contradicted(_)
        ));
    }

    #[test]
    fn over_the_budget_nothing_is_decided() {
        let history: Vec<Operation> = (0..20).map(|lane| lost(lane, "b")).collect();
        let asked = [history, vec![read(100, 110, "c")]].concat();
        assert!(matches!(
            search(Some("a"), &asked, 1_000),
            Verdict::Undecided(_)
        ));
    }
}
