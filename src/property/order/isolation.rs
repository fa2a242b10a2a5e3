//! Isolation of transactions over several resources: which of the anomalies of Adya's thesis a history shows (Adya 1999,
//! <https://pmg.csail.mit.edu/papers/adya-phd.pdf>; Kingsbury and Alvaro 2020, <https://doi.org/10.14778/3430915.3430918>).
//! R4 promises no isolation, so this names and counts; what is a fault is for the property to say.
//!
//! A versioned resource is a list to which each write appends its token: a read at a version saw the tokens of all
//! versions up to it. The crate `adya` finds the cycles; the order of versions is not inferred but given, by one more
//! transaction per resource that reads the whole list.

use std::collections::BTreeMap;
use std::time::Duration;

use adya::history::{Id, Interner, Mop, Op, OpType, ReadValue, Scalar};
use adya::{History, Opts, Valid, Workload};

use super::Version;

/// Transactions that are judged at most.
const MOST_TRANSACTIONS: usize = 100_000;
/// Time for the search of cycles in one component; over it nothing is decided.
const SEARCH_TIME: Duration = Duration::from_secs(60);

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// How it ended.
    pub fate: Fate,
    /// What it did, in the order in which the server processes entries.
    pub acts: Vec<Act>,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Accepted.
    Committed,
    /// Refused: nothing of it may be seen.
    Aborted,
    /// Its answer was lost.
    Unknown,
}

/// What a transaction did to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A read. A write with `If-Match` is a read of that version and a write.
    Read {
        /// The resource, by any name.
        resource: String,
        /// The version it saw; none if there was no resource.
        saw: Option<String>,
    },
    /// A write of content that no other write has.
    Write {
        /// The resource.
        resource: String,
        /// What tells the content from all others.
        token: String,
    },
}

/// What is wrong with some transactions together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anomaly {
    /// Its name.
    pub phenomenon: Phenomenon,
    /// Positions of the transactions that show it.
    pub transactions: Vec<usize>,
}

/// Names of anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phenomenon {
    /// G0: writes of transactions are interleaved.
    DirtyWrite,
    /// G1a: what a refused transaction wrote was read, or written upon.
    AbortedRead,
    /// G1b: what a transaction overwrote itself was read.
    IntermediateRead,
    /// G1c: transactions read from each other in a circle.
    CircularInformation,
    /// A transaction did not see what it wrote or read itself before.
    Internal,
    /// G-single: a transaction saw a part of what another one wrote, and an older state of the rest.
    FracturedRead,
    /// Two transactions wrote upon the same version.
    LostUpdate,
    /// A circle with several anti-dependencies, no two in a row.
    LongFork,
    /// G2: two transactions read what the other one then wrote.
    WriteSkew,
}

impl Phenomenon {
    /// As the literature calls it.
    pub fn name(self) -> &'static str {
        match self {
            Phenomenon::DirtyWrite => "G0",
            Phenomenon::AbortedRead => "G1a",
            Phenomenon::IntermediateRead => "G1b",
            Phenomenon::CircularInformation => "G1c",
            Phenomenon::Internal => "internal",
            Phenomenon::FracturedRead => "G-single",
            Phenomenon::LostUpdate => "lost update",
            Phenomenon::LongFork => "G-nonadjacent",
            Phenomenon::WriteSkew => "G2",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "G0" => Phenomenon::DirtyWrite,
            "G1a" | "dirty-update" => Phenomenon::AbortedRead,
            "G1b" => Phenomenon::IntermediateRead,
            "G1c" => Phenomenon::CircularInformation,
            "internal" | "future-read" => Phenomenon::Internal,
            "G-single-item" => Phenomenon::FracturedRead,
            "lost-update" => Phenomenon::LostUpdate,
            "G-nonadjacent-item" => Phenomenon::LongFork,
            "G2-item" => Phenomenon::WriteSkew,
            _ => return None,
        })
    }

    /// True if even the weakest level, read committed, excludes it.
    pub fn is_dirty(self) -> bool {
        matches!(
            self,
            Phenomenon::DirtyWrite
                | Phenomenon::AbortedRead
                | Phenomenon::IntermediateRead
                | Phenomenon::CircularInformation
        )
    }
}

/// The strongest level of isolation that these anomalies leave possible.
pub fn level(anomalies: &[Anomaly]) -> &'static str {
    let has = |wanted: &[Phenomenon]| {
        let mut found = anomalies.iter().map(|anomaly| anomaly.phenomenon);
        found.any(|found| wanted.contains(&found))
    };
    if has(&[Phenomenon::DirtyWrite]) {
        "none"
    } else if anomalies
        .iter()
        .any(|anomaly| anomaly.phenomenon.is_dirty())
    {
        "read uncommitted"
    } else if has(&[
        Phenomenon::Internal,
        Phenomenon::FracturedRead,
        Phenomenon::LostUpdate,
        Phenomenon::LongFork,
    ]) {
        "read committed"
    } else if has(&[Phenomenon::WriteSkew]) {
        "snapshot isolation"
    } else {
        "serializable"
    }
}

/// Judges transactions by the versions of the resources that they touch, oldest first and each with its token. Gives
/// the anomalies, sorted, the most severe first.
///
/// # Errors
/// Why nothing can be decided: a version without a token, a read outside the history, too large a history.
pub fn anomalies(
    histories: &BTreeMap<String, Vec<Version>>,
    transactions: &[Transaction],
) -> Result<Vec<Anomaly>, &'static str> {
    if transactions.len() > MOST_TRANSACTIONS {
        return Err("too many transactions");
    }
    let mut book = Book::new(histories)?;
    let mut ops = Vec::with_capacity(2 * (transactions.len() + histories.len()));
    for transaction in transactions {
        let acts: Result<Vec<Mop>, _> = transaction.acts.iter().map(|act| book.mop(act)).collect();
        let kind = match transaction.fate {
            Fate::Committed => OpType::Ok,
            Fate::Aborted => OpType::Fail,
            Fate::Unknown => OpType::Info,
        };
        push(&mut ops, kind, acts?);
    }
    for name in histories.keys() {
        let saw = histories[name].last().map(|version| version.id.clone());
        let resource = name.clone();
        let whole = book.mop(&Act::Read { resource, saw })?;
        push(&mut ops, OpType::Ok, vec![whole]);
    }
    let history = History::from_ops(ops, book.interner);
    let options = Opts {
        models: vec!["serializable".to_owned()],
        timeout: SEARCH_TIME,
        ..Opts::default()
    };
    let report = adya::check(&history, Workload::ListAppend, &options);
    let names = || report.anomalies.keys().map(String::as_str);
    if names().any(|name| name == "cycle-search-timeout" || name == "duplicate-appends") {
        return Err("the search for cycles was given up");
    }
    if report.valid != Valid::False {
        return Ok(Vec::new());
    }
    let mut found: Vec<Anomaly> = report
        .anomalies
        .iter()
        .filter_map(|(name, found)| Some((Phenomenon::of(name)?, found)))
        .flat_map(|(phenomenon, found)| {
            found.iter().map(move |anomaly| Anomaly {
                phenomenon,
                transactions: members(&anomaly.ops, transactions.len()),
            })
        })
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Positions of transactions from the numbers of their operations.
fn members(ops: &[u64], count: usize) -> Vec<usize> {
    let mut members: Vec<usize> = ops
        .iter()
        .filter_map(|op| usize::try_from(op / 2).ok())
        .filter(|member| *member < count)
        .collect();
    members.sort_unstable();
    members.dedup();
    members
}

/// Appends the call and the end of a transaction.
fn push(ops: &mut Vec<Op>, kind: OpType, value: Vec<Mop>) {
    for kind in [OpType::Invoke, kind] {
        let index = ops.len() as u64;
        ops.push(Op {
            index,
            kind,
            process: Some((index / 2).cast_signed()),
            value: value.clone(),
            time: None,
        });
    }
}

/// Names as numbers, and the lists that stand for versions.
struct Book {
    interner: Interner,
    lists: BTreeMap<String, Vec<(String, Id)>>,
    places: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Book {
    fn new(histories: &BTreeMap<String, Vec<Version>>) -> Result<Self, &'static str> {
        let mut book = Book {
            interner: Interner::default(),
            lists: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        for (name, versions) in histories {
            let mut list = Vec::with_capacity(versions.len());
            let mut places = BTreeMap::new();
            for version in versions {
                let token = version.token.as_deref();
                let token = token.ok_or("a version does not show what was written")?;
                list.push((version.id.clone(), book.number(token)));
                places.insert(version.id.clone(), list.len());
            }
            book.lists.insert(name.clone(), list);
            book.places.insert(name.clone(), places);
        }
        Ok(book)
    }

    fn number(&mut self, text: &str) -> Id {
        self.interner.intern(Scalar::Str(text.to_owned()))
    }

    fn mop(&mut self, act: &Act) -> Result<Mop, &'static str> {
        Ok(match act {
            Act::Write { resource, token } => Mop::Append {
                key: self.number(resource),
                value: self.number(token),
            },
            Act::Read { resource, saw } => {
                let seen = match saw {
                    None => 0,
                    Some(version) => *self
                        .places
                        .get(resource)
                        .and_then(|places| places.get(version))
                        .ok_or("a read saw a version that the history does not hold")?,
                };
                let list = self.lists.get(resource).map(Vec::as_slice);
                let seen = list.unwrap_or_default().iter().take(seen);
                let value = ReadValue::List(seen.map(|(_, token)| *token).collect());
                let key = self.number(resource);
                Mop::Read { key, value }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Histories with one version per token, whose id is the token.
    fn histories(lists: &[(&str, &[&str])]) -> BTreeMap<String, Vec<Version>> {
        let version = |token: &&str| Version {
            token: Some((*token).to_owned()),
            ..Version::live(*token)
        };
        lists
            .iter()
            .map(|(name, tokens)| ((*name).to_owned(), tokens.iter().map(version).collect()))
            .collect()
    }

    /// `r x a` reads a, `r x` nothing, `w x a` writes a.
    fn acts(text: &str) -> Vec<Act> {
        let act = |part: &str| {
            let words: Vec<String> = part.split_whitespace().map(str::to_owned).collect();
            match words[0].as_str() {
                "r" => Act::Read {
                    resource: words[1].clone(),
                    saw: words.get(2).cloned(),
                },
                _ => Act::Write {
                    resource: words[1].clone(),
                    token: words[2].clone(),
                },
            }
        };
        text.split(',').map(act).collect()
    }

    fn committed(text: &str) -> Transaction {
        Transaction {
            fate: Fate::Committed,
            acts: acts(text),
        }
    }

    fn names(lists: &[(&str, &[&str])], transactions: &[Transaction]) -> Vec<Phenomenon> {
        let mut found: Vec<Phenomenon> = anomalies(&histories(lists), transactions)
            .unwrap()
            .into_iter()
            .map(|anomaly| anomaly.phenomenon)
            .collect();
        found.dedup();
        found
    }

    #[test]
    fn transactions_one_after_the_other_show_nothing() {
        let lists: &[(&str, &[&str])] = &[("x", &["a", "b"]), ("y", &["c", "d"])];
        let history = [
            committed("w x a, w y c"),
            committed("r x a, r y c"),
            committed("r x a, w x b, w y d"),
            committed("r x b, r y d"),
        ];
        assert_eq!(names(lists, &history), []);
        assert_eq!(level(&[]), "serializable");
    }

    #[test]
    fn interleaved_writes_are_dirty() {
        let history = [committed("w x a, w y c"), committed("w x b, w y d")];
        let lists: &[(&str, &[&str])] = &[("x", &["a", "b"]), ("y", &["d", "c"])];
        let found = anomalies(&histories(lists), &history).unwrap();
        assert_eq!(found[0].phenomenon, Phenomenon::DirtyWrite);
        assert_eq!(found[0].transactions, [0, 1]);
    }

    #[test]
    fn a_read_of_what_was_refused_is_an_aborted_read() {
        let refused = Transaction {
            fate: Fate::Aborted,
            acts: acts("w x a"),
        };
        let found = names(&[("x", &["a"])], &[refused, committed("r x a")]);
        assert_eq!(found[0], Phenomenon::AbortedRead);
    }

    #[test]
    fn two_that_read_from_each_other_are_a_circle_of_information() {
        let history = [committed("w x a, r y b"), committed("w y b, r x a")];
        let lists: &[(&str, &[&str])] = &[("x", &["a"]), ("y", &["b"])];
        assert_eq!(names(lists, &history), [Phenomenon::CircularInformation]);
    }

    #[test]
    fn half_of_a_transaction_is_a_fractured_read() {
        let lists: &[(&str, &[&str])] = &[("x", &["a", "b"]), ("y", &["c", "d"])];
        let history = [
            committed("w x a, w y c"),
            committed("w x b, w y d"),
            committed("r x b, r y c"),
        ];
        let found = anomalies(&histories(lists), &history).unwrap();
        assert_eq!(found[0].phenomenon, Phenomenon::FracturedRead);
        assert_eq!(found[0].transactions, [1, 2]);
        assert_eq!(level(&found), "read committed");
    }

    #[test]
    fn two_writes_upon_one_version_are_a_lost_update() {
        let lists: &[(&str, &[&str])] = &[("x", &["a", "b", "c"])];
        let history = [
            committed("w x a"),
            committed("r x a, w x b"),
            committed("r x a, w x c"),
        ];
        assert!(names(lists, &history).contains(&Phenomenon::LostUpdate));
    }

    #[test]
    fn reading_what_the_other_then_writes_is_write_skew() {
        let lists: &[(&str, &[&str])] = &[("x", &["a", "c"]), ("y", &["b", "d"])];
        let history = [
            committed("w x a, w y b"),
            committed("r x a, r y b, w x c"),
            committed("r x a, r y b, w y d"),
        ];
        let found = anomalies(&histories(lists), &history).unwrap();
        assert_eq!(found[0].phenomenon, Phenomenon::WriteSkew);
        assert_eq!(level(&found), "snapshot isolation");
    }

    #[test]
    fn the_retried_transaction_of_the_paper_misses_an_update() {
        // Elle, section on TiDB: one transaction read the list before another's append, and appended behind it.
        let lists: &[(&str, &[&str])] = &[("34", &["2", "1", "5", "4"]), ("36", &["5'"])];
        let history = [
            committed("r 34 1, w 36 5', w 34 4"),
            committed("w 34 5"),
            committed("r 34 4"),
        ];
        assert_eq!(names(lists, &history), [Phenomenon::FracturedRead]);
    }

    #[test]
    fn the_own_write_of_the_paper_that_is_not_seen_is_internal() {
        // Elle, section on FaunaDB: an append, then a read in the same transaction that does not see it.
        let found = names(&[("0", &["6"])], &[committed("w 0 6, r 0")]);
        assert!(found.contains(&Phenomenon::Internal));
    }

    #[test]
    fn an_unknown_transaction_may_have_happened() {
        let lost = Transaction {
            fate: Fate::Unknown,
            acts: acts("w x a"),
        };
        assert_eq!(names(&[("x", &["a"])], &[lost, committed("r x a")]), []);
    }
}
