//! What comes along with matches, judged: matches stay what they are, what belongs to them is there, and nothing else.
//! Which resources belong to which matches is said by the properties of `_include` and `_revinclude`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::{self, Answer};
use super::contrast::{self, Equal, Judged, shown_by};
use super::trace::Trace;
use super::{Open, bodies};
use crate::fhir::{Key, bundle};
use crate::record::{Level, Violation};
use crate::secret::Phrase;

/// Kind of a violation that rests on a SHOULD: what belongs to a match is on another page than the match.
pub const ELSEWHERE: &str = "elsewhere";

/// A search with an inclusion beside the same search without.
pub struct Inclusion<'a> {
    /// Rule.
    pub rule: &'static str,
    /// `_include` or `_revinclude`.
    pub option: &'static str,
    /// What must come along with these matches.
    pub wanted: &'a dyn Fn(&BTreeSet<Key>) -> BTreeSet<Key>,
    /// True if this may come along with these matches.
    pub belongs: &'a dyn Fn(&Value, &BTreeSet<Key>) -> bool,
}

/// The level of a violation of [`judge`].
pub fn level_of(violation: &Violation, otherwise: Level) -> Level {
    match violation.signature.iter().any(|part| part == ELSEWHERE) {
        true => Level::Should,
        false => otherwise,
    }
}

/// True if the searches `plain` and `with` differ by the inclusion alone.
pub fn is_pair(trace: &Trace, option: &str) -> bool {
    let (Some(plain), Some(with)) = (
        contrast::search(trace, "plain"),
        contrast::search(trace, "with"),
    ) else {
        return false;
    };
    plain.criteria == with.criteria
        && plain.options.iter().all(|(name, _)| name != option)
        && with.options.iter().any(|(name, _)| name == option)
}

/// Judges the searches `plain` and `with`.
///
/// # Errors
/// Why nothing may be concluded.
pub fn judge(trace: &Trace, inclusion: &Inclusion<'_>) -> Judged {
    let (Some(plain), Some(with)) = (
        contrast::answered(trace, "plain")?,
        contrast::answered(trace, "with")?,
    ) else {
        return Ok(None);
    };
    if !answer::shows(trace, "with", inclusion.option) {
        return Err(Open::Unsupported(format!(
            "{} is ignored: the self link does not show it",
            inclusion.option
        )));
    }
    let wanted = (inclusion.wanted)(&plain.set());
    if wanted.is_empty() {
        return Ok(None);
    }
    let found = altered(inclusion, &plain, &with)
        .or_else(|| around(trace, inclusion, &with, &wanted))
        .map(|violation| shown_by(violation, trace, &[&plain, &with]));
    Ok(Some(found.into_iter().collect()))
}

/// Matches that the inclusion takes away or adds.
fn altered(inclusion: &Inclusion<'_>, plain: &Answer, with: &Answer) -> Option<Violation> {
    Equal {
        rule: inclusion.rule,
        lost: "A search that asks for more resources to come along has fewer matches",
        added: "A search that asks for more resources to come along has more matches",
        wanted: &plain.set(),
        found: &with.set(),
    }
    .violation()
}

/// What comes along: strangers, repetitions, and what is missing.
fn around(
    trace: &Trace,
    inclusion: &Inclusion<'_>,
    with: &Answer,
    wanted: &BTreeSet<Key>,
) -> Option<Violation> {
    let pages = bodies::pages_of(trace, "with");
    let mut came: BTreeSet<Key> = with.set();
    let mut elsewhere = 0;
    for page in &pages {
        let matches: BTreeSet<Key> = bundle::match_keys(page).into_iter().collect();
        let included = bodies::included(page);
        let keys: Vec<Key> = included.iter().filter_map(|body| Key::of(body)).collect();
        let distinct: BTreeSet<Key> = keys.iter().cloned().collect();
        if distinct.len() < keys.len() {
            let title = "A resource comes along twice on one page";
            return Some(wrong(
                inclusion,
                title,
                "each of them once",
                keys.len() - distinct.len(),
                "twice",
            ));
        }
        let strangers = included
            .iter()
            .filter(|body| !(inclusion.belongs)(body, &with.set()))
            .count();
        if strangers > 0 {
            let title = "A resource comes along that belongs to no match";
            return Some(wrong(
                inclusion,
                title,
                "only what belongs to a match",
                strangers,
                "stranger",
            ));
        }
        let here = (inclusion.wanted)(&matches);
        let lacks = |key: &&Key| !distinct.contains(key) && !matches.contains(key);
        elsewhere += here.iter().filter(lacks).count();
        came.extend(distinct);
    }
    let missing = wanted.difference(&came).count();
    if missing > 0 {
        let title = "What belongs to a match does not come along";
        let expected = format!("{} resources along with the matches", wanted.len());
        return Some(wrong(inclusion, title, &expected, missing, "missing"));
    }
    (elsewhere > 0).then(|| {
        let title = "What belongs to a match comes along on another page than the match";
        wrong(
            inclusion,
            title,
            "each page with what belongs to its matches",
            elsewhere,
            ELSEWHERE,
        )
    })
}

fn wrong(
    inclusion: &Inclusion<'_>,
    title: &str,
    expected: &str,
    number: usize,
    sign: &str,
) -> Violation {
    let actual = Phrase::say(format!("{number} of them {sign}"));
    Violation::new(inclusion.rule, title, expected, actual)
        .at("Bundle.entry.search.mode")
        .signed(sign)
}
