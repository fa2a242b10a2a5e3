//! Three-valued logic: yes, no and open, as Kleene has it.
//! Not the rules of search: those are in the files named after the kinds of parameters.

use super::Match;

impl Match {
    /// Open, with a reason.
    pub(super) fn open(reason: impl Into<String>) -> Self {
        Match::Open(reason.into())
    }

    /// Both: one no decides, whatever is open.
    pub(super) fn and(self, other: Match) -> Match {
        match (self, other) {
            (Match::No, _) | (_, Match::No) => Match::No,
            (Match::Open(reason), _) | (_, Match::Open(reason)) => Match::Open(reason),
            (Match::Yes, Match::Yes) => Match::Yes,
        }
    }

    /// Either: one yes decides, whatever is open.
    pub(super) fn or(self, other: Match) -> Match {
        match (self, other) {
            (Match::Yes, _) | (_, Match::Yes) => Match::Yes,
            (Match::Open(reason), _) | (_, Match::Open(reason)) => Match::Open(reason),
            (Match::No, Match::No) => Match::No,
        }
    }

    /// The contrary; what is open stays open.
    pub(super) fn negated(self) -> Match {
        match self {
            Match::Yes => Match::No,
            Match::No => Match::Yes,
            open @ Match::Open(_) => open,
        }
    }

    /// A yes that not every server has to share; a no stays.
    pub(super) fn weakened(self, reason: &str) -> Match {
        match self {
            Match::Yes => Match::open(reason),
            other => other,
        }
    }

    /// One of them; none at all is no.
    pub(super) fn any(matches: impl IntoIterator<Item = Match>) -> Match {
        matches.into_iter().fold(Match::No, Match::or)
    }

    /// All of them; none at all is yes.
    pub(super) fn all(matches: impl IntoIterator<Item = Match>) -> Match {
        matches.into_iter().fold(Match::Yes, Match::and)
    }

    /// Decided where all readings of a rule agree, open where they do not.
    pub(super) fn agreed(readings: impl IntoIterator<Item = bool>, reason: &str) -> Match {
        let (mut yes, mut no) = (false, false);
        for reading in readings {
            yes |= reading;
            no |= !reading;
        }
        match (yes, no) {
            (true, false) => Match::Yes,
            (true, true) => Match::open(reason),
            (false, _) => Match::No,
        }
    }
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Match::Yes } else { Match::No }
    }
}
