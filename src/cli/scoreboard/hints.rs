//! Hints of where to look first: for each defect one case that finds it, for each property and check one defect that it
//! finds. They make the self-test quick; they are made by the scoreboard and never by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use serde_json::Value;

use crate::check;
use crate::engine::conformance::RESPONSES;
use crate::property;
use crate::record::Scoreboard;
use crate::record::scoreboard::{ALWAYS, DefectTrial};

/// File of the hints by defect, below the folder of the catalogue's fixtures.
pub const FOUND_BY: &str = "found-by.json";
/// File of the hints by property and check.
pub const PROVOKED_BY: &str = "provoked-by.json";

/// File of the lengths of the shortest sequences.
pub const MINIMUM: &str = "minimum.json";

/// The lengths in a folder of fixtures brought up to date with its minimal cases, those written by hand included.
///
/// # Errors
/// A file that cannot be read.
pub fn minima(folder: &Path) -> io::Result<BTreeMap<String, u32>> {
    let mut minima: BTreeMap<String, u32> =
        serde_json::from_str(&fs::read_to_string(folder.join(MINIMUM))?)?;
    for entry in fs::read_dir(folder.join("cases"))? {
        let path = entry?.path();
        let case: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let known = case["known_minimum"].as_u64();
        let known = known.and_then(|known| u32::try_from(known).ok());
        if let (Some(stem), Some(known)) = (path.file_stem(), known) {
            minima.insert(stem.to_string_lossy().into_owned(), known);
        }
    }
    Ok(minima)
}

/// Where the self-test looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// A property or conformance case by defect.
    pub found_by: BTreeMap<String, String>,
    /// A defect by property or check.
    pub provoked_by: BTreeMap<String, String>,
}

/// The hints that are part of the repository.
pub fn stored() -> Hints {
    let read = |text| serde_json::from_str(text).expect("a test reads the file too");
    Hints {
        found_by: read(include_str!("../../../fixtures/defects/found-by.json")),
        provoked_by: read(include_str!("../../../fixtures/defects/provoked-by.json")),
    }
}

impl Hints {
    /// These hints brought up to date with a board: what it does not contradict stays. Only a board whose trials went to
    /// the end, a `whole` one, can say that a property or check is not provoked.
    #[must_use]
    pub fn updated(mut self, board: &Scoreboard, whole: bool) -> Self {
        let mut found: BTreeMap<&str, Vec<&DefectTrial>> = BTreeMap::new();
        for trial in board
            .defects
            .iter()
            .filter(|trial| trial.strength == ALWAYS)
        {
            found.entry(&trial.id).or_default().push(trial);
        }
        for (id, trials) in found {
            self.note_defect(id, &trials);
            let every = |of: fn(&DefectTrial) -> &Vec<String>| {
                let mut sets = trials.iter().map(|trial| of(trial).iter().collect());
                let first: BTreeSet<&String> = sets.next().unwrap_or_default();
                sets.fold(first, |left, right| &left & &right)
            };
            let provoked = &every(|trial| &trial.found) | &every(|trial| &trial.rules);
            self.provoked_by
                .retain(|key, defect| !whole || defect != id || provoked.contains(key));
            for property in every(|trial| &trial.found) {
                if property::find(property).is_some() {
                    note(&mut self.provoked_by, property, id);
                }
            }
            for rule in every(|trial| &trial.rules) {
                if check::by_id(rule).is_some() {
                    note(&mut self.provoked_by, rule, id);
                }
            }
        }
        self
    }

    /// The first finding where all seeds agree, else a case that every seed has; a hint that still holds stays.
    fn note_defect(&mut self, id: &str, trials: &[&DefectTrial]) {
        let holds = |case: &str| {
            trials.iter().all(|trial| {
                trial.by.as_deref() == Some(case) || trial.found.iter().any(|found| found == case)
            })
        };
        if self.found_by.get(id).is_some_and(|case| holds(case)) {
            return;
        }
        let first = trials.iter().filter_map(|trial| trial.by.as_deref());
        let others = trials.iter().flat_map(|trial| &trial.found);
        let mut candidates: Vec<&str> = first.chain(others.map(String::as_str)).collect();
        // What is judged over all responses needs many of them.
        candidates.sort_by_key(|case| case.starts_with(RESPONSES));
        match candidates.into_iter().find(|case| holds(case)) {
            Some(case) => self.found_by.insert(id.to_owned(), case.to_owned()),
            None => self.found_by.remove(id),
        };
    }
}

/// A defect that is there already stays: the fewer lines change, the better they read.
fn note(hints: &mut BTreeMap<String, String>, key: &str, defect: &str) {
    hints
        .entry(key.to_owned())
        .or_insert_with(|| defect.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scoreboard::sample;

    #[test]
    fn a_hint_is_a_case_that_every_seed_found() {
        let mut board = sample();
        board.defects.retain(|trial| trial.id == "value-lost");
        board.defects[0].by = Some("read/by-id".to_owned());
        board.defects[0].found = vec!["read/by-id".to_owned(), "property/round-trip".to_owned()];
        board.defects[1].found = vec!["property/round-trip".to_owned()];
        board.defects[1].rules = vec!["search/total".to_owned(), "expect/status".to_owned()];
        board.defects[0].rules = board.defects[1].rules.clone();
        let hints = Hints::default().updated(&board, true);
        assert_eq!(hints.found_by["value-lost"], "property/round-trip");
        assert_eq!(hints.provoked_by["property/round-trip"], "value-lost");
        assert_eq!(
            hints.provoked_by.keys().collect::<Vec<_>>(),
            ["property/round-trip", "search/total"]
        );
    }

    #[test]
    fn what_still_holds_stays_and_what_does_not_goes() {
        let mut board = sample();
        let mut hints = Hints::default();
        hints
            .found_by
            .insert("value-lost".to_owned(), "property/round-trip".to_owned());
        hints.found_by.insert(
            "page-lost".to_owned(),
            "property/page-union-is-whole".to_owned(),
        );
        hints
            .found_by
            .insert("elsewhere".to_owned(), "read/by-id".to_owned());
        for (key, defect) in [
            ("http/content-type", "value-lost"),
            ("search/total", "elsewhere"),
        ] {
            hints.provoked_by.insert(key.to_owned(), defect.to_owned());
        }
        board.defects[3].by = Some("property/round-trip".to_owned());
        let hints = hints.updated(&board, true);
        assert_eq!(hints.found_by["value-lost"], "property/round-trip");
        assert!(!hints.found_by.contains_key("page-lost"));
        assert_eq!(hints.found_by["elsewhere"], "read/by-id");
        assert_eq!(hints.provoked_by["search/total"], "elsewhere");
        assert!(!hints.provoked_by.contains_key("http/content-type"));
    }
}
