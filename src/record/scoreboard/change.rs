//! What changed between two scoreboards: defects that are found no longer, or for the first time, or at a higher price.

use std::collections::BTreeMap;

use super::{DefectTrial, Figures, Scoreboard};

/// A defect is found more slowly if it takes this many times the requests,
const FACTOR: f64 = 1.5;
/// and this many more: below that, a median is at the mercy of what runs beside it.
const MARGIN: f64 = 50.0;

/// Differences, each list in order of the defects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Found with every seed before, and not any more.
    pub newly_missed: Vec<String>,
    /// Found with every seed now, and not before.
    pub newly_found: Vec<String>,
    /// Found at a higher price.
    pub slower: Vec<Slower>,
    /// Only in the later one.
    pub added: Vec<String>,
    /// Only in the earlier one.
    pub gone: Vec<String>,
    /// Findings in clean runs before and now.
    pub blamed: (u64, u64),
}

/// A defect with its median of requests before and now.
#[derive(Debug, Clone, PartialEq)]
pub struct Slower {
    /// The defect at its strength.
    pub name: String,
    /// Before.
    pub before: f64,
    /// Now.
    pub now: f64,
}

impl Change {
    /// From an earlier scoreboard to a later one.
    pub fn between(earlier: &Scoreboard, later: &Scoreboard) -> Self {
        let (before, now) = (by_defect(earlier), by_defect(later));
        let mut change = Change {
            blamed: (earlier.silence().findings, later.silence().findings),
            ..Change::default()
        };
        for (name, figures) in &now {
            match before.get(name) {
                None => change.added.push(name.clone()),
                Some(old) => change.note(name, old, figures),
            }
        }
        let gone = before.keys().filter(|name| !now.contains_key(*name));
        change.gone = gone.cloned().collect();
        change
    }

    fn note(&mut self, name: &str, before: &Figures, now: &Figures) {
        match (before.detected, now.detected) {
            (1, 0) => self.newly_missed.push(name.to_owned()),
            (0, 1) => self.newly_found.push(name.to_owned()),
            _ => {}
        }
        if let (Some(old), Some(new)) = (before.requests, now.requests)
            && new.median > old.median * FACTOR
            && new.median > old.median + MARGIN
        {
            self.slower.push(Slower {
                name: name.to_owned(),
                before: old.median,
                now: new.median,
            });
        }
    }

    /// True if nothing is worth a line.
    pub fn is_empty(&self) -> bool {
        let blamed = self.blamed;
        let lists = [
            &self.newly_missed,
            &self.newly_found,
            &self.added,
            &self.gone,
        ];
        blamed.0 == blamed.1 && self.slower.is_empty() && lists.iter().all(|list| list.is_empty())
    }
}

fn by_defect(board: &Scoreboard) -> BTreeMap<String, Figures> {
    let mut trials: BTreeMap<String, Vec<&DefectTrial>> = BTreeMap::new();
    for trial in &board.defects {
        trials.entry(trial.name()).or_default().push(trial);
    }
    trials
        .into_iter()
        .map(|(name, trials)| (name, Figures::of(trials)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_scoreboard_does_not_differ_from_itself() {
        assert!(Change::between(&sample(), &sample()).is_empty());
    }

    #[test]
    fn misses_finds_and_prices_are_told_apart() {
        let (earlier, mut later) = (sample(), sample());
        for trial in &mut later.defects {
            match trial.id.as_str() {
                "page-lost" => trial.detected = true,
                _ => trial.detected = trial.seed != "1",
            }
            trial.requests = trial.requests.map(|requests| requests * 3);
        }
        let change = Change::between(&earlier, &later);
        assert_eq!(change.newly_found, ["page-lost"]);
        assert_eq!(change.newly_missed, ["value-lost"]);
        assert_eq!(change.slower.len(), 2);
    }

    #[test]
    fn what_is_only_on_one_side_is_neither_missed_nor_found() {
        let mut later = sample();
        later.defects.retain(|trial| trial.id == "value-lost");
        let change = Change::between(&sample(), &later);
        assert_eq!(change.gone, ["page-lost"]);
        assert!(change.newly_missed.is_empty() && change.added.is_empty());
        let back = Change::between(&later, &sample());
        assert_eq!(back.added, ["page-lost"]);
    }
}
