//! Reports of a scoreboard: the same tables for a terminal, as Markdown, as HTML and as JSON. They render and compute
//! nothing beyond what `record::scoreboard` says.

mod html;
mod markdown;
mod table;
mod terminal;

use crate::record::Scoreboard;
use crate::record::scoreboard::Change;

/// What is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The scoreboard.
    pub board: &'a Scoreboard,
    /// An earlier one by its name, and what changed since.
    pub change: Option<(&'a str, &'a Change)>,
    /// Exit code of the command.
    pub exit: u8,
    /// Escape sequences for colours are wanted.
    pub color: bool,
}

type Render = fn(&Input<'_>) -> String;

/// Formats by name, in alphabetical order; each text ends with a line feed.
pub static FORMATS: &[(&str, Render)] = &[
    ("html", html::render),
    ("json", json),
    ("markdown", markdown::render),
    ("terminal", terminal::render),
];

/// A format by its name.
pub fn by_name(name: &str) -> Option<Render> {
    FORMATS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, render)| *render)
}

fn json(input: &Input<'_>) -> String {
    let text = serde_json::to_string_pretty(input.board);
    text.expect("a scoreboard is plain data") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::scoreboard::sample;

    #[test]
    fn every_format_is_in_order_shows_the_survivor_and_ends_with_a_line_feed() {
        let (board, mut earlier) = (sample(), sample());
        earlier.defects[1].detected = true;
        let change = Change::between(&earlier, &board);
        let input = Input {
            board: &board,
            change: Some(("main.json", &change)),
            exit: 1,
            color: false,
        };
        assert!(FORMATS.is_sorted_by_key(|(name, _)| *name));
        for (name, render) in FORMATS {
            let text = render(&input);
            assert!(text.contains("page-lost") && text.ends_with('\n'), "{name}");
            let says_change = text.to_lowercase().contains("newly missed");
            assert_eq!(says_change, *name != "json", "{name}");
        }
    }

    #[test]
    fn json_reads_back_as_the_scoreboard() {
        let board = sample();
        let input = Input {
            board: &board,
            change: None,
            exit: 0,
            color: true,
        };
        assert_eq!(
            serde_json::from_str::<Scoreboard>(&json(&input)).unwrap(),
            board
        );
    }
}
