//! Covering arrays of strength two: few rows in which every pair of levels of every two factors occurs. Greedy, with
//! the seed among equals: Cohen, Dalal, Fredman, Patton, "The AETG System", IEEE Transactions on Software Engineering
//! 23 (1997), <https://doi.org/10.1109/32.605761>. Not minimal, and it need not be.

use std::collections::BTreeSet;

use crate::seed::Seed;

/// A level of a factor: positions of the factor and of the level.
type Choice = (usize, usize);

/// Rows, each a level for each factor, in which every pair occurs that is allowed. `levels` counts the levels of each
/// factor (from 1); level 0 must go with everything. `allowed` judges two choices of different factors and is
/// symmetric.
pub fn pairs(
    levels: &[usize],
    seed: Seed,
    allowed: impl Fn(Choice, Choice) -> bool,
) -> Vec<Vec<usize>> {
    let mut open = all_pairs(levels, &allowed);
    let mut rows = Vec::new();
    while let Some(&(first, second)) = open.first() {
        let order = seed.index(rows.len() as u64);
        let row = row(levels, first, second, order, &open, &allowed);
        for (factor, level) in row.iter().enumerate() {
            for (other, its) in row.iter().enumerate().skip(factor + 1) {
                open.remove(&((factor, *level), (other, *its)));
            }
        }
        rows.push(row);
    }
    rows
}

fn all_pairs(
    levels: &[usize],
    allowed: &impl Fn(Choice, Choice) -> bool,
) -> BTreeSet<(Choice, Choice)> {
    let choices: Vec<Choice> = levels
        .iter()
        .enumerate()
        .flat_map(|(factor, count)| (0..*count).map(move |level| (factor, level)))
        .collect();
    let mut pairs = BTreeSet::new();
    for first in &choices {
        for second in &choices {
            if first.0 < second.0 && allowed(*first, *second) {
                pairs.insert((*first, *second));
            }
        }
    }
    pairs
}

/// A row with the given pair; for each other factor the level that covers most of what is open.
fn row(
    levels: &[usize],
    first: Choice,
    second: Choice,
    seed: Seed,
    open: &BTreeSet<(Choice, Choice)>,
    allowed: &impl Fn(Choice, Choice) -> bool,
) -> Vec<usize> {
    let mut chosen: Vec<Option<usize>> = vec![None; levels.len()];
    chosen[first.0] = Some(first.1);
    chosen[second.0] = Some(second.1);
    for factor in 0..levels.len() {
        if chosen[factor].is_some() {
            continue;
        }
        let others: Vec<Choice> = chosen
            .iter()
            .enumerate()
            .filter_map(|(other, level)| Some((other, (*level)?)))
            .collect();
        let gain = |level: usize| {
            let covers = |other: &&Choice| {
                let pair = ((factor, level), **other);
                open.contains(&pair) || open.contains(&(pair.1, pair.0))
            };
            others.iter().filter(covers).count()
        };
        let start = usize::try_from(seed.index(factor as u64).0 % levels[factor] as u64)
            .unwrap_or_default();
        let best = (0..levels[factor])
            .map(|step| (start + step) % levels[factor])
            .filter(|level| others.iter().all(|other| allowed((factor, *level), *other)))
            .reduce(|best, level| {
                if gain(level) > gain(best) {
                    level
                } else {
                    best
                }
            });
        chosen[factor] = Some(best.unwrap_or_default());
    }
    chosen.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_pair_occurs_and_no_other() {
        let levels = [3, 4, 2, 2, 5, 3, 3, 4, 2, 3, 2];
        let allowed = |one: Choice, other: Choice| {
            let both = [one.0.min(other.0), one.0.max(other.0)] == [3, 4];
            !(both && one.1 > 0 && other.1 > 0)
        };
        let rows = pairs(&levels, Seed::FIXED, allowed);
        let open = all_pairs(&levels, &allowed);
        for (first, second) in &open {
            let has = |row: &&Vec<usize>| row[first.0] == first.1 && row[second.0] == second.1;
            assert!(rows.iter().any(|row| has(&row)), "{first:?} {second:?}");
        }
        assert!(rows.iter().all(|row| row[3] == 0 || row[4] == 0));
        assert!(rows.len() < 45, "{} rows", rows.len());
        assert_eq!(rows, pairs(&levels, Seed::FIXED, allowed));
    }

    #[test]
    fn a_single_level_everywhere_is_one_row() {
        assert_eq!(pairs(&[1, 1, 1], Seed::FIXED, |_, _| true), [[0, 0, 0]]);
        assert!(pairs(&[3], Seed::FIXED, |_, _| true).is_empty());
    }
}
