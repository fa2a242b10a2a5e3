//! A violation: the judgement of one rule before it is confirmed and masked. Engines turn it into a `Finding`.

use super::cohort::Completeness;
use crate::fhir::Key;
use crate::secret::Phrase;

/// What a check, expectation or property says when its rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Rule id (`search/total`, `expect/status`, `property/round-trip`).
    pub rule: String,
    /// One sentence that names what is wrong, without values.
    pub title: String,
    /// What is demanded.
    pub expected: Phrase,
    /// What was there.
    pub actual: Phrase,
    /// Element path or header, without values.
    pub place: String,
    /// Numbers of the exchanges that show it, in order.
    pub exchanges: Vec<u32>,
    /// Normalised parts of the fingerprint beyond case and rule: status, issue code, element path without indexes.
    pub signature: Vec<String>,
    /// How complete the data behind the expectation is; `None` if none was needed.
    pub oracle: Option<Completeness>,
    /// Benign explanations that were ruled out.
    pub ruled_out: Vec<String>,
    /// Resources on whose present state the judgement rests, where it rests on data that may have changed.
    pub about: Vec<Key>,
    /// True if those resources should have been returned and were not; false if they were and should not.
    pub lacks: bool,
}

impl Violation {
    /// A violation with no data behind it and the rule alone as its signature.
    pub fn new(
        rule: &str,
        title: &str,
        expected: impl Into<Phrase>,
        actual: impl Into<Phrase>,
    ) -> Self {
        Violation {
            rule: rule.to_owned(),
            title: title.to_owned(),
            expected: expected.into(),
            actual: actual.into(),
            place: String::new(),
            exchanges: Vec::new(),
            signature: Vec::new(),
            oracle: None,
            ruled_out: Vec::new(),
            about: Vec::new(),
            lacks: false,
        }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Says in which exchanges.
    #[must_use]
    pub fn seen_in(mut self, exchanges: impl IntoIterator<Item = u32>) -> Self {
        self.exchanges.extend(exchanges);
        self
    }

    /// Says which resources should have been returned.
    #[must_use]
    pub fn lacking(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.about.extend(keys);
        self.lacks = true;
        self
    }

    /// Adds a part to the fingerprint; never a value of the target's data.
    #[must_use]
    pub fn signed(mut self, part: impl Into<String>) -> Self {
        self.signature.push(part.into());
        self
    }
}
