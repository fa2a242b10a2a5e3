//! The tables of a scoreboard as text cells: one place for what every format shows. Numbers add up.

use crate::record::Scoreboard;
use crate::record::scoreboard::figures::{Spread, Survivor};
use crate::record::scoreboard::{Change, CleanRuns, Figures};

use super::super::layout::{counted, number};

/// Columns of the table of classes.
pub(super) const CLASS_COLUMNS: &[&str] = &[
    "class",
    "defects",
    "detected",
    "attributed",
    "requests",
    "seconds",
    "shrinking",
    "steps",
    "minimal",
    "GET only",
];

/// Says what the columns mean.
pub(super) const CLASS_LEGEND: &str = "A defect counts as detected, attributed or seen with GET only if it is with every \
    seed. Requests and seconds to the first confirmed finding and requests of shrinking: median / 95th percentile over \
    trials. Steps: median length of the minimal case. Minimal: cases no longer than the shortest sequence known.";

/// Columns of the table of clean runs.
pub(super) const CLEAN_COLUMNS: &[&str] = &[
    "variants",
    "runs",
    "findings",
    "undecided",
    "cases decided",
    "requests",
];

/// What was run, in one line.
pub(super) fn heading(board: &Scoreboard) -> String {
    format!(
        "{} {}: {}, budget {}, {}, {} ms per request",
        board.tool.name,
        board.tool.version,
        board.suites.join(" then "),
        board.budget,
        counted(board.seeds.len(), "seed"),
        board.latency_ms
    )
}

/// One row per class, and one for all.
pub(super) fn classes(board: &Scoreboard) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = board
        .classes()
        .iter()
        .map(|(class, figures)| class_row(class, figures))
        .collect();
    if rows.len() > 1 {
        rows.push(class_row("all", &board.total()));
    }
    rows
}

fn class_row(name: &str, figures: &Figures) -> Vec<String> {
    let (with_minimum, minimal) = figures.minimal;
    vec![
        name.to_owned(),
        number(figures.defects as u64),
        share(figures.detected, figures.defects),
        share(figures.attributed, figures.defects),
        spread(figures.requests, whole),
        spread(figures.seconds, tenths),
        spread(figures.shrink_requests, whole),
        figures.steps.map_or(none(), |spread| whole(spread.median)),
        match with_minimum {
            0 => none(),
            of => format!("{} of {}", number(minimal as u64), number(of as u64)),
        },
        match figures.read_only {
            None => none(),
            Some((of, seen)) => format!("{} of {}", number(seen as u64), number(of as u64)),
        },
    ]
}

fn none() -> String {
    "–".to_owned()
}

/// `57 (98 %)`; no percentage where it says nothing.
fn share(count: usize, of: usize) -> String {
    let count_text = number(count as u64);
    if count == of || of < 10 {
        return count_text;
    }
    format!("{count_text} ({} %)", percent(count, of))
}

/// Rounded down: 100 % means all.
fn percent(count: usize, of: usize) -> usize {
    count * 100 / of.max(1)
}

fn spread(spread: Option<Spread>, show: fn(f64) -> String) -> String {
    spread.map_or(none(), |spread| {
        format!("{} / {}", show(spread.median), show(spread.p95))
    })
}

fn whole(value: f64) -> String {
    number(value.round().max(0.0) as u64)
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

/// One row per arrangement, and one for all.
pub(super) fn clean(board: &Scoreboard) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = board.clean.iter().map(clean_row).collect();
    if rows.len() > 1 {
        let silence = board.silence();
        let decided = board.clean.iter().map(|runs| runs.decided).min();
        rows.push(vec![
            "all".to_owned(),
            number(silence.runs),
            number(silence.findings),
            number(silence.undecided),
            number(decided.unwrap_or_default()),
            number(silence.requests),
        ]);
    }
    rows
}

fn clean_row(runs: &CleanRuns) -> Vec<String> {
    vec![
        runs.name(),
        number(runs.runs),
        number(runs.findings),
        number(runs.undecided),
        number(runs.decided),
        number(runs.requests),
    ]
}

/// `0 findings in 200 runs: the share of runs with a false finding is at most 1.5 % (95 % upper bound)`.
pub(super) fn bound(board: &Scoreboard) -> String {
    let silence = board.silence();
    format!(
        "{} in {}: the share of runs with a false finding is at most {:.2} % (95 % upper bound)",
        counted(
            usize::try_from(silence.findings).unwrap_or(usize::MAX),
            "finding"
        ),
        counted(usize::try_from(silence.runs).unwrap_or(usize::MAX), "run"),
        silence.upper_bound * 100.0
    )
}

/// `page-lost (paging), 1 of 2 seeds: …`.
pub(super) fn survivor(survivor: &Survivor) -> String {
    let (failed, seeds) = survivor.of;
    format!(
        "{} ({}), {failed} of {}: {}",
        survivor.name,
        survivor.class,
        counted(seeds, "seed"),
        survivor.reason
    )
}

/// What changed, one line each.
pub(super) fn changes(change: &Change) -> Vec<String> {
    let list = |what: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
    };
    let mut lines: Vec<String> = [
        list("newly missed", &change.newly_missed),
        list("newly found", &change.newly_found),
        list("new in the catalogue", &change.added),
        list("not tried any more", &change.gone),
    ]
    .into_iter()
    .flatten()
    .collect();
    lines.extend(change.slower.iter().map(|slower| {
        format!(
            "slower: {} takes {} requests, before {}",
            slower.name,
            whole(slower.now),
            whole(slower.before)
        )
    }));
    let (before, now) = change.blamed;
    if before != now {
        lines.push(format!("findings in clean runs: {now}, before {before}"));
    }
    if lines.is_empty() {
        lines.push("nothing changed".to_owned());
    }
    lines
}

/// The result in one sentence.
pub(super) fn verdict(board: &Scoreboard) -> String {
    let total = board.total();
    let mut parts = Vec::new();
    if total.defects > 0 {
        parts.push(format!(
            "{} of {} defects detected ({} %), {} attributed ({} %)",
            number(total.detected as u64),
            number(total.defects as u64),
            percent(total.detected, total.defects),
            number(total.attributed as u64),
            percent(total.attributed, total.defects),
        ));
    }
    let silence = board.silence();
    if silence.runs > 0 {
        parts.push(format!(
            "{} in {} clean runs",
            counted(
                usize::try_from(silence.findings).unwrap_or(usize::MAX),
                "finding"
            ),
            number(silence.runs)
        ));
    }
    if parts.is_empty() {
        "nothing was tried".to_owned()
    } else {
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scoreboard::sample;

    #[test]
    fn rows_have_a_cell_for_each_column_and_the_last_one_is_the_sum() {
        let board = sample();
        for row in classes(&board) {
            assert_eq!(row.len(), CLASS_COLUMNS.len());
        }
        for row in clean(&board) {
            assert_eq!(row.len(), CLEAN_COLUMNS.len());
        }
        let classes = classes(&board);
        assert_eq!(classes.last().unwrap()[..4], ["all", "2", "1", "0"]);
        assert_eq!(classes[1][4], "40 / 140");
        assert_eq!(clean(&board).last().unwrap()[1], "20");
    }

    #[test]
    fn a_share_is_rounded_down_and_the_bound_is_printed() {
        assert_eq!(share(199, 200), "199 (99 %)");
        assert_eq!(share(200, 200), "200");
        assert_eq!(
            bound(&sample()),
            "0 findings in 20 runs: the share of runs with a false finding is at most 13.91 % (95 % upper bound)"
        );
        assert_eq!(
            verdict(&sample()),
            "1 of 2 defects detected (50 %), 0 attributed (0 %); 0 findings in 20 clean runs"
        );
    }

    #[test]
    fn no_change_is_said_too() {
        assert_eq!(changes(&Change::default()), ["nothing changed"]);
    }
}
