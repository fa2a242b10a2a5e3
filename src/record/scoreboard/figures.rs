//! What a scoreboard comes to: counts and quantiles over trials, per class and in all. Pure folds.

use std::collections::{BTreeMap, BTreeSet};

use super::{CleanRuns, DefectTrial, Scoreboard};
use crate::stats::{binomial, nearest_rank};

/// A defect at a strength counts as detected, attributed or readable only if it was with every seed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Defects, each strength for itself.
    pub defects: usize,
    /// Detected with every seed.
    pub detected: usize,
    /// Attributed with every seed.
    pub attributed: usize,
    /// Defects that were tried with GET alone, and those detected so with every seed.
    pub read_only: Option<(usize, usize)>,
    /// Trials: defects times seeds.
    pub trials: usize,
    /// Trials that detected something.
    pub trials_detected: usize,
    /// Requests to the first confirmed finding.
    pub requests: Option<Spread>,
    /// Seconds to the first confirmed finding.
    pub seconds: Option<Spread>,
    /// Requests of shrinking.
    pub shrink_requests: Option<Spread>,
    /// Requests of the minimal case.
    pub steps: Option<Spread>,
    /// Detecting trials with a known minimum, and those whose case is no longer than it.
    pub minimal: (usize, usize),
}

/// Median and 95th percentile; each is a value that was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
}

impl Spread {
    /// Of values in any order; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |ppm| {
            let rank = nearest_rank(ppm, values.len() as u64);
            values.get(usize::try_from(rank).ok()? - 1).copied()
        };
        Some(Spread {
            median: at(500_000)?,
            p95: at(950_000)?,
        })
    }
}

impl Figures {
    /// The figures of some trials.
    pub fn of<'a>(trials: impl IntoIterator<Item = &'a DefectTrial>) -> Self {
        let trials: Vec<&DefectTrial> = trials.into_iter().collect();
        let mut by_defect: BTreeMap<String, Vec<&DefectTrial>> = BTreeMap::new();
        for trial in &trials {
            by_defect.entry(trial.name()).or_default().push(trial);
        }
        let with_every_seed = |holds: fn(&DefectTrial) -> bool| {
            let defects = by_defect.values();
            defects
                .filter(|seeds| seeds.iter().all(|trial| holds(trial)))
                .count()
        };
        let tried = with_every_seed(|trial| trial.read_only.is_some());
        let bounded = trials
            .iter()
            .filter_map(|trial| Some((trial.steps?, trial.known_minimum?)));
        Figures {
            defects: by_defect.len(),
            detected: with_every_seed(|trial| trial.detected),
            attributed: with_every_seed(|trial| trial.attributed),
            read_only: (tried > 0).then(|| {
                (
                    tried,
                    with_every_seed(|trial| trial.read_only == Some(true)),
                )
            }),
            trials: trials.len(),
            trials_detected: trials.iter().filter(|trial| trial.detected).count(),
            requests: Spread::of(values(&trials, |trial| trial.requests.map(|n| n as f64))),
            seconds: Spread::of(values(&trials, |trial| trial.seconds)),
            shrink_requests: Spread::of(values(&trials, |trial| {
                trial.shrink_requests.map(|n| n as f64)
            })),
            steps: Spread::of(values(&trials, |trial| trial.steps.map(f64::from))),
            minimal: (
                bounded.clone().count(),
                bounded.filter(|(steps, known)| steps <= known).count(),
            ),
        }
    }
}

fn values(trials: &[&DefectTrial], value: impl Fn(&DefectTrial) -> Option<f64>) -> Vec<f64> {
    trials.iter().filter_map(|trial| value(trial)).collect()
}

/// A defect that was not detected, or detected by something that is about something else, with some seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// The defect at its strength.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Seeds with which it survived, and all seeds.
    pub of: (usize, usize),
    /// Why, as far as the first such trial tells.
    pub reason: String,
}

/// All clean runs together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silence {
    /// Runs.
    pub runs: u64,
    /// Findings.
    pub findings: u64,
    /// Runs with a finding.
    pub blamed: u64,
    /// Cases that could not be decided.
    pub undecided: u64,
    /// Requests.
    pub requests: u64,
    /// 95 % upper bound of the share of runs with a finding.
    pub upper_bound: f64,
}

impl Scoreboard {
    /// Figures over everything.
    pub fn total(&self) -> Figures {
        Figures::of(&self.defects)
    }

    /// Figures by class, in order.
    pub fn classes(&self) -> Vec<(&str, Figures)> {
        let names: BTreeSet<&str> = self
            .defects
            .iter()
            .map(|trial| trial.class.as_str())
            .collect();
        let of_class = |class: &str| {
            let trials = self.defects.iter();
            Figures::of(trials.filter(|trial| trial.class == class))
        };
        names
            .into_iter()
            .map(|class| (class, of_class(class)))
            .collect()
    }

    /// Defects that some seed did not detect.
    pub fn survivors(&self) -> Vec<Survivor> {
        self.without(|trial| trial.detected)
    }

    /// Defects that every seed detected and some seed did not attribute.
    pub fn misattributed(&self) -> Vec<Survivor> {
        let survivors = self.survivors();
        let mut wrong = self.without(|trial| trial.attributed);
        wrong.retain(|other| survivors.iter().all(|known| known.name != other.name));
        wrong
    }

    fn without(&self, holds: fn(&DefectTrial) -> bool) -> Vec<Survivor> {
        let mut by_defect: BTreeMap<String, Vec<&DefectTrial>> = BTreeMap::new();
        for trial in &self.defects {
            by_defect.entry(trial.name()).or_default().push(trial);
        }
        let survivor = |(name, seeds): (String, Vec<&DefectTrial>)| {
            let failed: Vec<&&DefectTrial> = seeds.iter().filter(|trial| !holds(trial)).collect();
            let first = failed.first()?;
            Some(Survivor {
                name,
                class: first.class.clone(),
                of: (failed.len(), seeds.len()),
                reason: first.reason.clone().unwrap_or_default(),
            })
        };
        by_defect.into_iter().filter_map(survivor).collect()
    }

    /// All clean runs together.
    pub fn silence(&self) -> Silence {
        let sum = |of: fn(&CleanRuns) -> u64| self.clean.iter().map(of).sum::<u64>();
        let (runs, blamed) = (sum(|clean| clean.runs), sum(|clean| clean.blamed));
        Silence {
            runs,
            findings: sum(|clean| clean.findings),
            blamed,
            undecided: sum(|clean| clean.undecided),
            requests: sum(|clean| clean.requests),
            upper_bound: binomial::upper_bound(blamed, runs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_defect_counts_only_if_every_seed_found_it() {
        let total = sample().total();
        assert_eq!((total.defects, total.detected, total.attributed), (2, 1, 0));
        assert_eq!((total.trials, total.trials_detected), (4, 3));
        assert_eq!(total.read_only, Some((1, 0)));
        assert_eq!(total.minimal, (3, 2));
    }

    #[test]
    fn classes_stand_in_order_and_add_up() {
        let board = sample();
        let classes = board.classes();
        let names: Vec<&str> = classes.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["paging", "round-trip"]);
        let defects: usize = classes.iter().map(|(_, figures)| figures.defects).sum();
        assert_eq!(defects, board.total().defects);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let spread = Spread::of([140.0, 40.0, 90.0]).unwrap();
        assert_eq!((spread.median, spread.p95), (90.0, 140.0));
        assert_eq!(Spread::of([]), None);
        assert_eq!(sample().total().requests, Some(spread));
    }

    #[test]
    fn a_survivor_says_why_and_what_is_misattributed_stands_apart() {
        let board = sample();
        let survivors = board.survivors();
        assert_eq!(survivors.len(), 1);
        assert_eq!(survivors[0].name, "page-lost");
        assert_eq!(survivors[0].of, (1, 2));
        assert!(survivors[0].reason.contains("passed"));
        let wrong = board.misattributed();
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].name, "value-lost");
    }

    #[test]
    fn twenty_silent_runs_leave_room_for_one_in_seven() {
        let silence = sample().silence();
        assert_eq!((silence.runs, silence.findings), (20, 0));
        assert!((silence.upper_bound - 0.1391).abs() < 1e-4);
    }
}
