//! Two answers of one trace held against each other, and how a difference is said. Which answers must be equal is said by
//! the properties; how cases of several related searches are written, by `relation`.

use std::collections::BTreeSet;

use super::answer::{self, Answer};
use super::case::{Command, Search};
use super::trace::Trace;
use super::{Judgement, Open};
use crate::fhir::Key;
use crate::record::Violation;
use crate::secret::Phrase;

/// One relation judged: `None` if there was nothing to judge, else what is wrong.
///
/// The error is why nothing may be concluded.
pub type Judged = Result<Option<Vec<Violation>>, Open>;

/// Puts together what the relations of a trace came to.
pub fn gather(parts: impl IntoIterator<Item = Judged>) -> Judgement {
    let mut judgement = Judgement::default();
    for part in parts {
        match part {
            Ok(Some(violations)) => {
                judgement.weighed += 1;
                judgement.violations.extend(violations);
            }
            Ok(None) => {}
            Err(reason) => judgement.open.push(reason),
        }
    }
    judgement
}

/// The search with this label.
pub fn search<'t>(trace: &'t Trace, label: &str) -> Option<&'t Search> {
    match &trace.search(label)?.step.command {
        Command::Search(search) => Some(search),
        _ => None,
    }
}

/// The complete answer to a search whose criteria were all used.
///
/// # Errors
/// Why there is none; an absent search gives `None`. One page that is as full as was asked for and leads nowhere may be
/// cut: "Servers SHALL NOT return more resources than requested, even if they don't support paging"
/// (<http://hl7.org/fhir/R4/search.html#count>).
pub fn answered(trace: &Trace, label: &str) -> Result<Option<Answer>, Open> {
    answer::heeded(trace, label)?;
    let answer = answer::whole(trace, label)?;
    let asked = search(trace, label).and_then(|search| search.count);
    let is_full = |answer: &Answer| match answer.pages.as_slice() {
        [page] => asked.is_some_and(|asked| asked > 0 && page.len() == asked as usize),
        _ => false,
    };
    match answer {
        Some(answer) if is_full(&answer) => Err(Open::Unsupported(
            "a full page leads to no other: it may not be all".to_owned(),
        )),
        answer => Ok(answer),
    }
}

/// Two sets that must be one, and what to say if they are not.
pub struct Equal<'a> {
    /// Rule.
    pub rule: &'static str,
    /// Title if something that must be there is not.
    pub lost: &'static str,
    /// Title if something is there that must not be.
    pub added: &'static str,
    /// What must be there.
    pub wanted: &'a BTreeSet<Key>,
    /// What is there.
    pub found: &'a BTreeSet<Key>,
}

impl Equal<'_> {
    /// The difference, signed `lost` or `added`.
    pub fn violation(&self) -> Option<Violation> {
        let lost = self.wanted.difference(self.found).count();
        let added = self.found.difference(self.wanted).count();
        let (title, sign) = match (lost, added) {
            (0, 0) => return None,
            (0, _) => (self.added, "added"),
            _ => (self.lost, "lost"),
        };
        let expected = Phrase::say(matches(self.wanted.len()));
        let actual = Phrase::say(format!(
            "{}: {lost} missing, {added} foreign",
            matches(self.found.len())
        ));
        let violation = Violation::new(self.rule, title, expected, actual);
        Some(violation.at("Bundle.entry").signed(sign))
    }
}

/// A number of matches in words.
pub fn matches(number: usize) -> String {
    match number {
        1 => "1 match".to_owned(),
        number => format!("{number} matches"),
    }
}

/// A violation with the exchanges of the answers that show it, and how complete the data are.
pub fn shown_by(mut violation: Violation, trace: &Trace, answers: &[&Answer]) -> Violation {
    let numbers = answers
        .iter()
        .flat_map(|answer| answer.exchanges.iter().copied());
    violation.exchanges.extend(numbers);
    violation.oracle = Some(answer::completeness(trace));
    violation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, searchset};

    fn keys(names: &[&str]) -> BTreeSet<Key> {
        names
            .iter()
            .filter_map(|name| Key::from_reference(name))
            .collect()
    }

    #[test]
    fn a_difference_is_signed_by_its_kind() {
        let sign = |wanted: &[&str], found: &[&str]| {
            let equal = Equal {
                rule: "property/x",
                lost: "lost",
                added: "added",
                wanted: &keys(wanted),
                found: &keys(found),
            };
            equal
                .violation()
                .map(|violation| violation.signature[0].clone())
        };
        assert_eq!(sign(&["Patient/1"], &["Patient/1"]), None);
        assert_eq!(sign(&["Patient/1"], &[]).as_deref(), Some("lost"));
        assert_eq!(sign(&[], &["Patient/1"]).as_deref(), Some("added"));
    }

    #[test]
    fn a_full_page_that_leads_nowhere_may_be_cut() {
        let answered = |count: Option<u32>| {
            let mut stage = Stage::new("property/x");
            let search = Search {
                count,
                ..Search::of("all", "Patient", Vec::new())
            };
            let page = searchset(&["Patient/1", "Patient/2"], "Patient?_tag=x");
            stage.push(Command::Search(search), None, vec![(200, page)]);
            super::answered(&stage.trace(), "all")
        };
        assert!(matches!(answered(Some(2)), Err(Open::Unsupported(_))));
        assert!(matches!(answered(Some(3)), Ok(Some(_))));
        assert!(matches!(answered(None), Ok(Some(_))));
    }

    #[test]
    fn relations_that_were_judged_are_counted_and_others_say_why_not() {
        let reason = Open::Unsupported("x".to_owned());
        let judgement = gather([Ok(None), Ok(Some(Vec::new())), Err(reason.clone())]);
        assert_eq!((judgement.weighed, judgement.open), (1, vec![reason]));
    }
}
