//! A scoreboard as one HTML page without scripts and without anything from elsewhere: classes, then every trial.

use std::fmt::Write;

use crate::record::scoreboard::DefectTrial;
use crate::record::scoreboard::figures::Survivor;

use super::{Input, table};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}\
    table{border-collapse:collapse;margin:1rem 0}\
    th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}\
    th:first-child,td:first-child{text-align:left}\
    .miss{background:#fdd}.aside{background:#ffc}";

/// Columns of the table of trials.
const TRIAL_COLUMNS: &[&str] = &[
    "defect", "class", "seed", "found by", "requests", "seconds", "steps", "minimum", "GET only",
];

pub(super) fn render(input: &Input<'_>) -> String {
    let board = input.board;
    let mut page =
        String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    let _ = writeln!(
        page,
        "<title>Scoreboard</title><style>{STYLE}</style></head><body>"
    );
    let _ = writeln!(page, "<h1>Scoreboard</h1>");
    paragraph(&mut page, &(table::verdict(board) + "."));
    paragraph(&mut page, &(table::heading(board) + "."));
    if !board.defects.is_empty() {
        rows(&mut page, table::CLASS_COLUMNS, &table::classes(board));
        paragraph(&mut page, table::CLASS_LEGEND);
        list(&mut page, "Survivors", &board.survivors());
        list(&mut page, "Beside the point", &board.misattributed());
    }
    if !board.clean.is_empty() {
        let _ = writeln!(page, "<h2>Clean runs</h2>");
        rows(&mut page, table::CLEAN_COLUMNS, &table::clean(board));
        paragraph(&mut page, &(table::bound(board) + "."));
    }
    if let Some((name, change)) = input.change {
        let _ = writeln!(page, "<h2>Since {}</h2>", text(name));
        items(&mut page, &table::changes(change));
    }
    if !board.defects.is_empty() {
        let _ = writeln!(page, "<h2>Trials</h2>");
        trials(&mut page, &board.defects);
    }
    page.push_str("</body></html>\n");
    page
}

fn paragraph(page: &mut String, words: &str) {
    let _ = writeln!(page, "<p>{}</p>", text(words));
}

fn list(page: &mut String, title: &str, survivors: &[Survivor]) {
    if survivors.is_empty() {
        return;
    }
    let _ = writeln!(page, "<h2>{title} ({})</h2>", survivors.len());
    let lines: Vec<String> = survivors.iter().map(table::survivor).collect();
    items(page, &lines);
}

fn items(page: &mut String, lines: &[String]) {
    page.push_str("<ul>");
    for line in lines {
        let _ = write!(page, "<li>{}</li>", text(line));
    }
    page.push_str("</ul>\n");
}

fn rows(page: &mut String, names: &[&str], rows: &[Vec<String>]) {
    head(page, names);
    for row in rows {
        line(page, "", row);
    }
    page.push_str("</tbody></table>\n");
}

fn head(page: &mut String, names: &[&str]) {
    page.push_str("<table><thead><tr>");
    for name in names {
        let _ = write!(page, "<th>{}</th>", text(name));
    }
    page.push_str("</tr></thead><tbody>\n");
}

fn line(page: &mut String, class: &str, cells: &[String]) {
    let _ = write!(page, "<tr class=\"{class}\">");
    for cell in cells {
        let _ = write!(page, "<td>{}</td>", text(cell));
    }
    page.push_str("</tr>\n");
}

fn trials(page: &mut String, trials: &[DefectTrial]) {
    head(page, TRIAL_COLUMNS);
    for trial in trials {
        let class = match (trial.detected, trial.attributed) {
            (false, _) => "miss",
            (true, false) => "aside",
            (true, true) => "",
        };
        let shown = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        let yes_or_no = |value| if value { "yes" } else { "no" }.to_owned();
        let cells = [
            trial.name(),
            trial.class.clone(),
            trial.seed.clone(),
            shown(trial.by.clone()),
            shown(trial.requests.map(|value| value.to_string())),
            shown(trial.seconds.map(|value| format!("{value:.2}"))),
            shown(trial.steps.map(|value| value.to_string())),
            shown(trial.known_minimum.map(|value| value.to_string())),
            shown(trial.read_only.map(yes_or_no)),
        ];
        line(page, class, &cells);
    }
    page.push_str("</tbody></table>\n");
}

/// Text that is no markup.
fn text(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for character in words.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scoreboard::sample;

    #[test]
    fn every_trial_has_its_row_and_no_text_becomes_markup() {
        let mut board = sample();
        board.defects[1].reason = Some("<script>&".to_owned());
        let page = render(&Input {
            board: &board,
            change: None,
            exit: 1,
            color: false,
        });
        assert_eq!(page.matches("class=\"miss\"").count(), 1);
        assert_eq!(page.matches("class=\"aside\"").count(), 1);
        assert!(page.contains("&lt;script&gt;&amp;") && !page.contains("<script>"));
        for tag in ["table", "ul", "p", "h2"] {
            let (opened, closed) = (format!("<{tag}>"), format!("</{tag}>"));
            assert_eq!(
                page.matches(&opened).count(),
                page.matches(&closed).count(),
                "{tag}"
            );
        }
    }
}
