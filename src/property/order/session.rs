//! Session guarantees: what each client may expect of one resource by itself, whatever the other clients do (Terry and
//! others 1994, <https://doi.org/10.1109/PDIS.1994.331722>). Weaker than [`super::sweep`]: a server without one order
//! for all clients may keep them, and one that answers a client from replicas may not.

use std::collections::BTreeMap;

use super::{Action, Operation, Version, positions};

/// A guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// A read does not see an older version than an earlier read of the same client.
    MonotonicReads,
    /// A read does not see an older version than the client itself made before.
    ReadYourWrites,
    /// A write makes a later version than the client's earlier writes.
    MonotonicWrites,
    /// A write makes a later version than those the client read before.
    WritesFollowReads,
}

/// Two operations of one client that break a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// The guarantee.
    pub guarantee: Guarantee,
    /// Position of the earlier operation.
    pub earlier: usize,
    /// Position of the later one.
    pub later: usize,
}

/// What a client did last with the latest version.
#[derive(Default, Clone, Copy)]
struct Seen {
    read: Option<(usize, usize)>,
    written: Option<(usize, usize)>,
}

/// Breaches, by lane and the order of calls. Operations without a known version, or without an answer, are passed over.
pub fn breaches(order: &[Version], operations: &[Operation]) -> Vec<Breach> {
    let index = positions(order);
    let mut lanes: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (number, operation) in operations.iter().enumerate() {
        if operation.returned.is_some() {
            lanes.entry(operation.lane).or_default().push(number);
        }
    }
    let mut found = Vec::new();
    for mut lane in lanes.into_values() {
        lane.sort_by_key(|number| operations[*number].called);
        let mut seen = Seen::default();
        for number in lane {
            let (version, writes) = match &operations[number].action {
                Action::Read { saw: Some(version) } => (version, false),
                Action::Write { made: version, .. }
                | Action::Delete {
                    made: Some(version),
                    ..
                } => (version, true),
                _ => continue,
            };
            if let Some(place) = index.get(version.as_str()) {
                seen.step(number, *place, writes, &mut found);
            }
        }
    }
    found
}

impl Seen {
    fn step(&mut self, number: usize, place: usize, writes: bool, found: &mut Vec<Breach>) {
        let (of_read, of_write, last) = if writes {
            (
                Guarantee::WritesFollowReads,
                Guarantee::MonotonicWrites,
                &mut self.written,
            )
        } else {
            (
                Guarantee::MonotonicReads,
                Guarantee::ReadYourWrites,
                &mut self.read,
            )
        };
        let latest_own = (*last).max(Some((place, number)));
        let earlier = [(of_read, self.read), (of_write, self.written)];
        for (guarantee, earlier) in earlier {
            if let Some((_, earlier)) = earlier.filter(|(seen, _)| *seen > place) {
                found.push(Breach {
                    guarantee,
                    earlier,
                    later: number,
                });
            }
        }
        if writes {
            self.written = latest_own;
        } else {
            self.read = latest_own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(actions: &[(u16, char, &str)]) -> Vec<Operation> {
        let one = |(time, (lane, verb, version)): (u64, &(u16, char, &str))| Operation {
            lane: *lane,
            called: time * 10,
            returned: Some(time * 10 + 5),
            action: if *verb == 'r' {
                Action::Read {
                    saw: Some((*version).to_owned()),
                }
            } else {
                Action::Write {
                    made: (*version).to_owned(),
                    based_on: None,
                }
            },
        };
        (0..).zip(actions).map(one).collect()
    }

    fn broken(actions: &[(u16, char, &str)]) -> Vec<(Guarantee, usize, usize)> {
        let order = ["a", "b", "c"].map(Version::live);
        breaches(&order, &history(actions))
            .into_iter()
            .map(|breach| (breach.guarantee, breach.earlier, breach.later))
            .collect()
    }

    #[test]
    fn other_clients_may_see_less() {
        assert_eq!(
            broken(&[(0, 'w', "a"), (0, 'w', "b"), (1, 'r', "a"), (1, 'r', "b")]),
            []
        );
    }

    #[test]
    fn each_guarantee_is_broken_by_its_pair() {
        use Guarantee::*;
        let cases = [
            ([(0, 'r', "b"), (0, 'r', "a")], MonotonicReads),
            ([(0, 'w', "b"), (0, 'r', "a")], ReadYourWrites),
            ([(0, 'w', "b"), (0, 'w', "a")], MonotonicWrites),
            ([(0, 'r', "b"), (0, 'w', "a")], WritesFollowReads),
        ];
        for (actions, guarantee) in cases {
            assert_eq!(broken(&actions), [(guarantee, 0, 1)]);
        }
    }

    #[test]
    fn the_latest_that_was_seen_counts_and_unknown_versions_do_not() {
        let actions = [(0, 'r', "c"), (0, 'r', "x"), (0, 'r', "b"), (0, 'r', "b")];
        assert_eq!(
            broken(&actions),
            [
                (Guarantee::MonotonicReads, 0, 2),
                (Guarantee::MonotonicReads, 0, 3)
            ]
        );
    }
}
