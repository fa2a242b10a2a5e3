//! A scoreboard for a terminal: aligned columns, survivors with their reasons, the verdict last.

use super::super::layout::{WIDTH, columns, ends, wrap};
use super::super::paint::Paint;
use super::{Input, table};

pub(super) fn render(input: &Input<'_>) -> String {
    let paint = Paint(input.color);
    let board = input.board;
    let mut lines = vec![table::heading(board), String::new()];
    if !board.defects.is_empty() {
        lines.extend(aligned(table::CLASS_COLUMNS, &table::classes(board), paint));
        lines.push(String::new());
        let legend = wrap(table::CLASS_LEGEND, WIDTH);
        lines.extend(legend.iter().map(|line| paint.dim(line)));
        lines.push(String::new());
        list(&mut lines, "Survivors", &board.survivors(), &paint.red("✗"));
        let wrong = board.misattributed();
        list(&mut lines, "Beside the point", &wrong, &paint.yellow("!"));
    }
    if !board.clean.is_empty() {
        lines.extend(aligned(table::CLEAN_COLUMNS, &table::clean(board), paint));
        lines.push(String::new());
        lines.push(table::bound(board));
        let notes = board.clean.iter().flat_map(|runs| {
            let name = runs.name();
            runs.notes
                .iter()
                .map(move |note| format!("  {name}, {note}"))
        });
        lines.extend(notes);
        lines.push(String::new());
    }
    if let Some((name, change)) = input.change {
        lines.push(paint.bold(&format!("Since {name}")));
        let changes = table::changes(change);
        lines.extend(changes.iter().map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    let verdict = match input.exit {
        0 => paint.green("PASSED"),
        1 => paint.red("FAILED"),
        _ => "ENDED".to_owned(),
    };
    lines.push(ends(
        &format!("{verdict}: {}", table::verdict(board)),
        &format!("exit {}", input.exit),
    ));
    lines.join("\n") + "\n"
}

fn list(
    lines: &mut Vec<String>,
    title: &str,
    survivors: &[crate::record::scoreboard::figures::Survivor],
    mark: &str,
) {
    if survivors.is_empty() {
        return;
    }
    lines.push(format!("{title} ({})", survivors.len()));
    for survivor in survivors {
        let text = wrap(&table::survivor(survivor), WIDTH - 4);
        for (position, line) in text.iter().enumerate() {
            let start = if position == 0 { mark } else { " " };
            lines.push(format!(" {start} {line}"));
        }
    }
    lines.push(String::new());
}

/// The first column to the left, numbers to the right; the last row is the sum.
fn aligned(names: &[&str], rows: &[Vec<String>], paint: Paint) -> Vec<String> {
    let heading: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|column| {
            let cells = std::iter::once(&heading).chain(rows);
            cells.map(|row| columns(&row[column])).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                let gap = " ".repeat(width - columns(cell));
                match column {
                    0 => format!("{cell}{gap}"),
                    _ => format!("{gap}{cell}"),
                }
            });
        cells.collect::<Vec<_>>().join("  ")
    };
    let mut lines = vec![paint.bold(&line(&heading))];
    lines.extend(rows.iter().map(line));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scoreboard::sample;

    #[test]
    fn columns_are_aligned_and_the_verdict_stands_last() {
        let board = sample();
        let text = render(&Input {
            board: &board,
            change: None,
            exit: 1,
            color: false,
        });
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[2].starts_with("class       defects  detected"),
            "{text}"
        );
        assert_eq!(columns(lines[2]), columns(lines[3]), "{text}");
        assert!(
            text.contains(" ✗ page-lost (paging), 1 of 2 seeds: 30 cases"),
            "{text}"
        );
        assert!(
            text.contains(" ! value-lost (round-trip), 1 of 2 seeds: first found by"),
            "{text}"
        );
        assert!(
            lines.last().unwrap().starts_with("FAILED: 1 of 2 defects"),
            "{text}"
        );
        assert!(lines.last().unwrap().ends_with("exit 1"), "{text}");
    }
}
