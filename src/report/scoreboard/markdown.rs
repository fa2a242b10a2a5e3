//! A scoreboard as Markdown, between markers by which a README finds its place.

use crate::record::scoreboard::figures::Survivor;

use super::{Input, table};

/// Before the text.
const BEGIN: &str = "<!-- scoreboard -->";
/// After the text.
const END: &str = "<!-- /scoreboard -->";

pub(super) fn render(input: &Input<'_>) -> String {
    let board = input.board;
    let mut parts = vec![
        BEGIN.to_owned(),
        table::verdict(board) + ".",
        table::heading(board) + ".",
    ];
    if !board.defects.is_empty() {
        parts.push(rows(table::CLASS_COLUMNS, &table::classes(board)));
        parts.push(table::CLASS_LEGEND.to_owned());
        parts.extend(list("Survivors", &board.survivors()));
        parts.extend(list("Beside the point", &board.misattributed()));
    }
    if !board.clean.is_empty() {
        parts.push(rows(table::CLEAN_COLUMNS, &table::clean(board)));
        parts.push(table::bound(board) + ".");
    }
    if let Some((name, change)) = input.change {
        let lines = table::changes(change)
            .into_iter()
            .map(|line| format!("- {line}"));
        parts.push(format!(
            "Since {name}:\n\n{}",
            lines.collect::<Vec<_>>().join("\n")
        ));
    }
    parts.push(END.to_owned());
    parts.join("\n\n") + "\n"
}

fn list(title: &str, survivors: &[Survivor]) -> Option<String> {
    if survivors.is_empty() {
        return None;
    }
    let lines: Vec<String> = survivors
        .iter()
        .map(|survivor| format!("- {}", cell(&table::survivor(survivor))))
        .collect();
    Some(format!(
        "{title} ({}):\n\n{}",
        survivors.len(),
        lines.join("\n")
    ))
}

fn rows(names: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut lines = vec![line(&mut names.iter().map(|name| (*name).to_owned()))];
    let rule = |column: usize| if column == 0 { "---" } else { "---:" }.to_owned();
    lines.push(line(&mut (0..names.len()).map(rule)));
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(|text| cell(text)))),
    );
    lines.join("\n")
}

/// Text that ends neither a cell nor a line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scoreboard::sample;

    #[test]
    fn tables_are_whole_and_stand_between_the_markers() {
        let mut board = sample();
        board.defects[1].reason = Some("a|b".to_owned());
        let text = render(&Input {
            board: &board,
            change: None,
            exit: 1,
            color: false,
        });
        assert!(
            text.starts_with("<!-- scoreboard -->\n") && text.ends_with("<!-- /scoreboard -->\n")
        );
        assert!(text.contains("| paging | 1 | 0 | 0 | 90 / 90 |"), "{text}");
        assert!(text.contains("a\\|b"), "{text}");
        let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(table.len(), 2 + 3 + 2 + 3);
    }
}
