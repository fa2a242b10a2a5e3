//! Judges of concurrent histories: what several clients did to one versioned resource, or to several in transactions,
//! and whether any order explains it. Pure: no I/O, no clock, no HTTP; a property turns its trace into these types.

pub mod isolation;
pub mod session;
pub mod sweep;
pub mod wgl;

#[cfg(test)]
mod made_up;

use std::collections::HashMap;

/// One operation of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The client; its operations follow each other.
    pub lane: u16,
    /// When it was called, nanoseconds since any origin that all operations share.
    pub called: u64,
    /// When its answer was complete, same origin; none if it may take effect at any later time.
    pub returned: Option<u64>,
    /// What it did.
    pub action: Action,
}

/// What an operation did, as its answer says. Versions are opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A read.
    Read {
        /// The version it saw; none if there was no resource.
        saw: Option<String>,
    },
    /// A create or update.
    Write {
        /// The version it made.
        made: String,
        /// The version that `If-Match` named.
        based_on: Option<String>,
    },
    /// A delete.
    Delete {
        /// The version it made, where the target says or the history shows it.
        made: Option<String>,
        /// The version that `If-Match` named.
        based_on: Option<String>,
    },
    /// A write that was refused because its `If-Match` named a version that was not the current one.
    Refused {
        /// The version that `If-Match` named.
        based_on: String,
    },
    /// A write whose answer was lost: it happened or it did not.
    Unknown {
        /// What it wrote and no other operation did.
        token: String,
        /// The version that `If-Match` named.
        based_on: Option<String>,
    },
}

/// One version of the resource, as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// True if it is a deletion.
    pub deleted: bool,
    /// The token in its content.
    pub token: Option<String>,
}

impl Version {
    /// A version that is not a deletion, without a token.
    pub fn live(id: impl Into<String>) -> Self {
        Version {
            id: id.into(),
            deleted: false,
            token: None,
        }
    }
}

/// What a judge says of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Some order explains all of it.
    Explained,
    /// No order does, and these operations show it.
    Contradicted(Vec<Contradiction>),
    /// Nothing was decided, for this reason.
    Undecided(&'static str),
}

/// Operations that no order explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// In which way.
    pub kind: Kind,
    /// Their positions in the list of operations, the accused last.
    pub operations: Vec<usize>,
}

/// In which way operations contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Two writes were answered with one version.
    OneVersionTwice,
    /// A read saw a version that the history does not hold.
    ReadOutsideHistory,
    /// A write was answered with a version that the history does not hold.
    WriteLost,
    /// A write based on a version was accepted, and that version was not the one before its own.
    BaseNotCurrent,
    /// A write was refused although the version that it was based on was the current one all the time.
    CurrentBaseRefused,
    /// A read saw an older version than one that was there before the read began.
    StaleRead,
    /// A read saw a version before the write that made it began.
    ReadBeforeWrite,
    /// A write came to stand before an operation that had ended before the write began.
    WriteOutOfTime,
    /// A search over all orders found none.
    NoOrder,
}

impl Contradiction {
    fn of(kind: Kind, mut operations: Vec<usize>) -> Self {
        let mut seen = Vec::new();
        operations.retain(|operation| {
            let is_new = !seen.contains(operation);
            seen.push(*operation);
            is_new
        });
        Contradiction { kind, operations }
    }
}

/// Positions of versions in their order, from 1.
fn positions(order: &[Version]) -> HashMap<&str, usize> {
    let ids = order.iter().map(|version| version.id.as_str());
    ids.zip(1..).collect()
}

/// Decides the writes of unknown outcome by what the history holds: one whose token is there becomes a write (or stays
/// open to take effect at any time after its call), one whose token is not is dropped. Gives the operations that are
/// left, each with its position among those given. The history must have been read after the last of them could act.
pub fn resolve(order: &[Version], operations: &[Operation]) -> Vec<(usize, Operation)> {
    let tokens: HashMap<&str, &str> = order
        .iter()
        .filter_map(|version| Some((version.token.as_deref()?, version.id.as_str())))
        .collect();
    let mut left = Vec::with_capacity(operations.len());
    for (position, operation) in operations.iter().enumerate() {
        let mut operation = operation.clone();
        if let Action::Unknown { token, based_on } = &operation.action {
            let Some(made) = tokens.get(token.as_str()) else {
                continue;
            };
            operation.action = Action::Write {
                made: (*made).to_owned(),
                based_on: based_on.clone(),
            };
            operation.returned = None;
        }
        left.push((position, operation));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(token: &str) -> Operation {
        Operation {
            lane: 0,
            called: 5,
            returned: Some(9),
            action: Action::Unknown {
                token: token.to_owned(),
                based_on: None,
            },
        }
    }

    #[test]
    fn an_unknown_write_is_promoted_or_dropped_by_its_token() {
        let mut version = Version::live("v1");
        version.token = Some("a".to_owned());
        let left = resolve(&[version], &[unknown("b"), unknown("a")]);
        let (position, operation) = &left[0];
        assert_eq!((left.len(), *position, operation.returned), (1, 1, None));
        let made = Action::Write {
            made: "v1".to_owned(),
            based_on: None,
        };
        assert_eq!(operation.action, made);
    }
}
