//! Made-up histories of one register for the tests of the judges: true ones, and ones that were tampered with.

use super::{Action, Operation, Version};
use crate::seed::{Rng, Stream};

/// A version order and operations on it.
pub struct Plan {
    /// The versions, oldest first.
    pub order: Vec<Version>,
    /// The operations; the first makes the first version before all others begin.
    pub operations: Vec<Operation>,
}

fn below(stream: &mut Stream, bound: usize) -> usize {
    (stream.next_u32() as usize) % bound.max(1)
}

/// A history of up to nine operations, every other one tampered with.
pub fn plan(stream: &mut Stream) -> Plan {
    let mut plan = true_plan(stream);
    if below(stream, 2) == 0 {
        tamper(stream, &mut plan);
    }
    plan
}

fn id(version: usize) -> String {
    format!("v{version}")
}

/// What really happened: each operation took effect at one moment between its call and its return.
fn true_plan(stream: &mut Stream) -> Plan {
    let count = 2 + below(stream, 7);
    let mut timed: Vec<(u64, u64, u64)> = (0..count)
        .map(|_| {
            let called = 2 + below(stream, 24) as u64;
            let returned = called + below(stream, 12) as u64;
            let moment = called + below(stream, (returned - called + 1) as usize) as u64;
            (moment, called, returned)
        })
        .collect();
    timed.sort_unstable();
    let mut order = vec![Version::live(id(1))];
    let mut operations = vec![Operation {
        lane: 0,
        called: 0,
        returned: Some(1),
        action: Action::Write {
            made: id(1),
            based_on: None,
        },
    }];
    for (lane, (_, called, returned)) in (1..).zip(timed) {
        let current = order.len();
        let action = match below(stream, 4) {
            0 => Action::Read {
                saw: Some(id(current)),
            },
            1 => {
                order.push(Version::live(id(current + 1)));
                Action::Write {
                    made: id(current + 1),
                    based_on: None,
                }
            }
            _ => {
                let base = 1 + below(stream, current + 1);
                if base == current {
                    order.push(Version::live(id(current + 1)));
                    Action::Write {
                        made: id(current + 1),
                        based_on: Some(id(base)),
                    }
                } else {
                    Action::Refused { based_on: id(base) }
                }
            }
        };
        let returned = (below(stream, 10) > 0).then_some(returned);
        operations.push(Operation {
            lane,
            called,
            returned,
            action,
        });
    }
    Plan { order, operations }
}

/// Changes what one operation saw, made or was based on, or when it was.
fn tamper(stream: &mut Stream, plan: &mut Plan) {
    let versions = plan.order.len() + 1;
    let other = id(1 + below(stream, versions));
    let at = 1 + below(stream, plan.operations.len() - 1);
    let shift = below(stream, 12) as u64;
    let operation = &mut plan.operations[at];
    match (&mut operation.action, below(stream, 3)) {
        (Action::Read { saw }, 0 | 1) => *saw = Some(other),
        (Action::Write { based_on, .. }, 0) => *based_on = Some(other),
        (Action::Write { made, .. }, 1) => *made = other,
        (Action::Refused { based_on }, 0 | 1) => *based_on = other,
        _ => {
            operation.called = (operation.called + shift) % 26 + 2;
            operation.returned = Some(operation.called + shift / 4);
        }
    }
}

/// The same operations for a judge that does not know the order of versions: each write demands the version before its
/// own, and one that cannot stand where it says demands what there never is.
pub fn chained(order: &[Version], operations: &[Operation]) -> Vec<Operation> {
    let never = || Some("never".to_owned());
    let mut chained = operations.to_vec();
    for (number, operation) in chained.iter_mut().enumerate() {
        let Action::Write { made, based_on } = &mut operation.action else {
            continue;
        };
        let place = order.iter().position(|version| version.id == *made);
        let before = match place {
            None => never(),
            Some(0) if number == 0 => None,
            // Only the first operation finds no resource.
            Some(0) => never(),
            Some(place) => Some(order[place - 1].id.clone()),
        };
        *based_on = match based_on.take() {
            Some(base) if Some(&base) != before.as_ref() => never(),
            _ => before,
        };
    }
    chained
}
