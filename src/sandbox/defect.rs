//! The catalogue of faults that can be planted: each is one switch, asked for at one place, with a public thread or an
//! R4 sentence where a real server did the same. No check knows an id of this list. One file per area.

mod bundle;
mod capability;
mod chain;
pub(super) mod change;
mod composite;
mod concurrency;
mod conditional;
mod consistency;
mod content;
mod date;
mod errors;
mod fault;
mod history;
mod include;
mod links;
mod negotiation;
mod operation;
mod paging;
mod patch;
mod planted;
mod quantity;
mod reference;
mod search;
mod sort;
mod string;
mod terminology;
mod token;
mod total;
mod unicode;
mod validation;

use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Duration;

pub(super) use fault::Fault;
pub(super) use planted::Faults;

/// A fault that can be planted.
#[derive(Debug, PartialEq, Eq)]
pub struct Defect {
    /// Kebab-case words.
    pub id: &'static str,
    /// A short name.
    pub title: &'static str,
    /// A public thread about the same fault, or the R4 sentence that is broken.
    pub provenance: &'static str,
    /// What it touches: `search`, `versioning`, …
    pub class: &'static str,
    /// What the server then does.
    pub effect: &'static str,
    /// How often it can be made to show, the usual way first.
    pub strengths: &'static [Strength],
    pub(super) fault: Fault,
}

/// How often a planted fault shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Whenever its place is reached; a race keeps its window open for 10 ms.
    Always,
    /// For one value in ten, always the same ones.
    OneInTen,
    /// Only for another request that comes within so many microseconds.
    Window(u64),
}

/// For faults that show always or not at all.
pub(super) const ALWAYS: &[Strength] = &[Strength::Always];

/// For faults that can be confined to some values: the place asks [`super::server::Server::strikes`].
pub(super) const BY_VALUE: &[Strength] = &[Strength::Always, Strength::OneInTen];

/// For races.
pub(super) const RACE: &[Strength] = &[
    Strength::Always,
    Strength::Window(5_000),
    Strength::Window(1_000),
    Strength::Window(100),
];

impl Strength {
    /// As it stands behind the `@` of an id; nothing for the usual strength.
    pub fn suffix(self) -> &'static str {
        match self {
            Strength::Always => "",
            Strength::OneInTen => "@1-in-10",
            Strength::Window(5_000) => "@5ms",
            Strength::Window(1_000) => "@1ms",
            Strength::Window(_) => "@0.1ms",
        }
    }

    /// How long a race keeps its window open.
    pub(super) fn window(self) -> Duration {
        match self {
            Strength::Window(micros) => Duration::from_micros(micros),
            Strength::Always | Strength::OneInTen => Duration::from_millis(10),
        }
    }

    /// True if a fault of this strength shows for a value.
    pub(super) fn strikes(self, value: &str) -> bool {
        match self {
            Strength::Always | Strength::Window(_) => true,
            // FNV-1a: the same values are struck in every process.
            Strength::OneInTen => {
                let hash = value.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                });
                // Values that differ at their end alone (ids, numbers) differ too little otherwise.
                let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
                (mixed >> 33).is_multiple_of(10)
            }
        }
    }
}

/// A defect at one of its strengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planted {
    /// The defect.
    pub defect: &'static Defect,
    /// How often it shows.
    pub strength: Strength,
}

impl Planted {
    /// The id with its strength: `if-match-race@1ms`.
    pub fn name(&self) -> String {
        format!("{}{}", self.defect.id, self.strength.suffix())
    }
}

impl Deref for Planted {
    type Target = Defect;

    fn deref(&self) -> &Defect {
        self.defect
    }
}

/// The defect of an id, `id@strength` for another strength than the usual one.
pub fn defect(name: &str) -> Option<Planted> {
    let at = name.find('@').unwrap_or(name.len());
    let (id, suffix) = name.split_at(at);
    let defect = DEFECTS.iter().find(|defect| defect.id == id)?;
    let strength = *defect
        .strengths
        .iter()
        .find(|strength| strength.suffix() == suffix)?;
    Some(Planted { defect, strength })
}

/// All defects in alphabetical order.
pub static DEFECTS: LazyLock<Vec<&'static Defect>> = LazyLock::new(|| {
    let areas = [
        bundle::DEFECTS,
        capability::DEFECTS,
        chain::DEFECTS,
        composite::DEFECTS,
        concurrency::DEFECTS,
        conditional::DEFECTS,
        consistency::DEFECTS,
        content::DEFECTS,
        date::DEFECTS,
        errors::DEFECTS,
        history::DEFECTS,
        include::DEFECTS,
        links::DEFECTS,
        negotiation::DEFECTS,
        operation::DEFECTS,
        paging::DEFECTS,
        patch::DEFECTS,
        quantity::DEFECTS,
        reference::DEFECTS,
        search::DEFECTS,
        sort::DEFECTS,
        string::DEFECTS,
        terminology::DEFECTS,
        token::DEFECTS,
        total::DEFECTS,
        unicode::DEFECTS,
        validation::DEFECTS,
    ];
    let mut all: Vec<&Defect> = areas.into_iter().flatten().collect();
    all.sort_by_key(|defect| defect.id);
    all
});
