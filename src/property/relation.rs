//! Relations between searches over one population: how their cases are written, the guards that they share, their
//! answers as sets, and the violation that shows them. Which sets must relate is said by the properties.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::answer;
use super::case::{Case, Criterion, Script, Search, Term};
use super::contrast;
use super::dataset::Population;
use super::ground::SearchGround;
use super::trace::Trace;
use super::{Judgement, Open, PropertySpec, Values, parameter, variety};
use crate::fhir::Key;
use crate::record::Violation;
use crate::secret::Phrase;

/// Label of the search for the whole population.
pub const ALL: &str = "all";
/// Label of its repetition at the end.
pub const AGAIN: &str = "again";

/// A case that is being written: a population, the search for all of it, and turns of related searches.
pub struct Inquiry {
    script: Script,
    /// What is searched.
    pub population: Population,
    turn: usize,
}

impl Inquiry {
    /// Adds a search to the turn.
    pub fn ask(&mut self, label: &str, criteria: Vec<Criterion>) {
        let search = self.search(label, criteria);
        self.script.search(search);
    }

    /// A search of the turn, to be changed before it is added by [`Inquiry::add`].
    pub fn search(&self, label: &str, criteria: Vec<Criterion>) -> Search {
        let label = format!("{label}{}", self.turn);
        Search::of(&label, self.population.resource_type, criteria)
    }

    /// Adds a search.
    pub fn add(&mut self, search: Search) {
        self.script.search(search);
    }

    /// One of the population's parameters and a value that some of its resources hold.
    pub fn criterion(&self, values: &mut Values) -> Criterion {
        let parameter = self.population.parameter(values);
        self.population.criterion(parameter, values)
    }
}

/// Writes a case: a population, the search for all of it, the turns, and that search again.
pub fn inquire(
    spec: &PropertySpec,
    ground: &SearchGround,
    values: &mut Values,
    turns: usize,
    ask: impl FnMut(&mut Inquiry, &mut Values),
) -> Case {
    let mut script = Script::new(spec.id, ground.origin, values.below(1000));
    let population = variety::populate(&mut script, ground, values);
    related(script, population, values, turns, ask)
}

/// As [`inquire`], over a population that the script has created already.
pub fn related(
    script: Script,
    population: Population,
    values: &mut Values,
    turns: usize,
    mut ask: impl FnMut(&mut Inquiry, &mut Values),
) -> Case {
    let all = |label: &str| Search::of(label, population.resource_type, Vec::new());
    let (first, last) = (all(ALL), all(AGAIN));
    let mut inquiry = Inquiry {
        script,
        population,
        turn: 0,
    };
    inquiry.add(first);
    for turn in 0..turns {
        inquiry.turn = turn;
        ask(&mut inquiry, values);
    }
    inquiry.add(last);
    inquiry.script.finish()
}

/// What one turn came to.
pub type Ruling = contrast::Judged;

/// Judges the turns of a case.
pub fn judge(turns: usize, rule: impl Fn(usize) -> Ruling) -> Judgement {
    contrast::gather((0..turns).map(rule))
}

/// The answers of one turn, read one by one; what was read is what a violation shows.
pub struct Sets<'a> {
    trace: &'a Trace,
    spec: &'static PropertySpec,
    all: BTreeSet<Key>,
    exchanges: Vec<u32>,
    open: Option<Open>,
}

impl<'a> Sets<'a> {
    /// The whole population, if it stood still and was searched before and after.
    ///
    /// # Errors
    /// Why nothing may be concluded.
    pub fn of(trace: &'a Trace, spec: &'static PropertySpec) -> Result<Option<Self>, Open> {
        if !answer::criteria(trace, ALL).is_empty() || !answer::steady(trace, ALL, AGAIN)? {
            return Ok(None);
        }
        Ok(answer::whole(trace, ALL)?.map(|all| Sets {
            trace,
            spec,
            all: all.set(),
            exchanges: all.exchanges,
            open: None,
        }))
    }

    /// Everything.
    pub fn all(&self) -> &BTreeSet<Key> {
        &self.all
    }

    /// Everything, as it was shown.
    pub fn bodies(&self) -> BTreeMap<Key, Value> {
        answer::bodies(self.trace, ALL)
    }

    /// The matches of a search all of whose criteria were heeded. If there is no answer, the reason is kept for
    /// [`Sets::ruling`], and the other searches of the turn may still say something.
    pub fn get(&mut self, label: &str) -> Option<BTreeSet<Key>> {
        let read = || {
            answer::heeded(self.trace, label)?;
            answer::whole(self.trace, label)
        };
        match read() {
            Ok(found) => found.map(|found| {
                self.exchanges.extend(&found.exchanges);
                found.set()
            }),
            Err(reason) => {
                self.leave(reason);
                None
            }
        }
    }

    /// Notes why a part of the turn is left open.
    pub fn leave(&mut self, reason: Open) {
        self.open.get_or_insert(reason);
    }

    /// What the turn came to: violations, a test that held, or else the first reason why there was none.
    ///
    /// # Errors
    /// That reason.
    pub fn ruling(self, weighed: bool, violations: Vec<Violation>) -> Ruling {
        match self.open {
            _ if weighed || !violations.is_empty() => Ok(Some(violations)),
            Some(reason) => Err(reason),
            None => Ok(None),
        }
    }

    /// A violation that shows what was read. The title and the sign hold no values.
    pub fn broken(
        &self,
        title: &str,
        expected: impl Into<String>,
        actual: impl Into<String>,
        sign: &str,
    ) -> Violation {
        let again = answer::whole(self.trace, AGAIN).ok().flatten();
        let again = again.map(|again| again.exchanges).unwrap_or_default();
        let mut violation = Violation::new(
            self.spec.id,
            title,
            Phrase::say(expected),
            Phrase::say(actual),
        )
        .at("Bundle.entry")
        .seen_in(self.exchanges.iter().copied())
        .seen_in(again)
        .signed(sign);
        violation.oracle = Some(answer::completeness(self.trace));
        violation
    }
}

/// The criterion of a search that has no other.
pub fn only<'a>(trace: &'a Trace, label: &str) -> Option<&'a Criterion> {
    match answer::criteria(trace, label) {
        [criterion] => Some(criterion),
        _ => None,
    }
}

/// The two searches ask by one parameter for one value, each with its own prefix; gives name and value.
pub fn by_prefix<'a>(trace: &'a Trace, asked: &[(&str, &str)]) -> Option<(&'a str, &'a Term)> {
    let mut found: Option<(&str, &Term)> = None;
    for (label, prefix) in asked {
        let criterion = only(trace, label)?;
        let Term::Prefixed(known, value) = &criterion.value else {
            return None;
        };
        let here = (criterion.name.as_str(), value.as_ref());
        if known != prefix || found.is_some_and(|before| before != here) {
            return None;
        }
        found = Some(here);
    }
    found
}

/// The parameter by which a search asks.
pub fn parameter_of(trace: &Trace, label: &str) -> Option<&'static parameter::Parameter> {
    let resource_type = match &trace.search(label)?.step.command {
        super::Command::Search(search) => search.resource_type.as_str(),
        _ => return None,
    };
    parameter::find(resource_type, &only(trace, label)?.name)
}

/// Of some resources, how many are in none of the parts and how many in more than one.
pub fn placed<'a>(
    of: impl IntoIterator<Item = &'a Key>,
    parts: &[&BTreeSet<Key>],
) -> (usize, usize) {
    let mut none = 0;
    let mut several = 0;
    for key in of {
        match parts.iter().filter(|part| part.contains(key)).count() {
            0 => none += 1,
            1 => {}
            _ => several += 1,
        }
    }
    (none, several)
}
