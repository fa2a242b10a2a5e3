//! Reports: a finished run, and its comparison with a baseline, in one format per file. They render and never execute.

mod causes;
pub mod consultation;
pub mod detail;
mod json;
mod junit;
pub mod layout;
mod paint;
pub mod scoreboard;
mod summary;
mod terminal;

use crate::record::Run;
use crate::record::comparison::Comparison;

pub use summary::last_line;

/// What is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The run.
    pub run: &'a Run,
    /// Against a baseline, if there is one.
    pub comparison: Option<&'a Comparison>,
    /// Exit code of the command.
    pub exit: u8,
    /// Findings that count against the run.
    pub counting: usize,
    /// Where the run is stored, for people.
    pub stored: &'a str,
    /// Escape sequences for colours are wanted.
    pub color: bool,
    /// Every case, not only the suites.
    pub verbose: bool,
}

/// A format.
pub trait Format: Sync {
    /// Name on the command line.
    fn name(&self) -> &'static str;
    /// One line for `rounds list formats`.
    fn title(&self) -> &'static str;
    /// The whole report, ending with a line feed.
    fn render(&self, input: &Input<'_>) -> String;
}

/// All formats in alphabetical order.
pub static FORMATS: &[&dyn Format] = &[&json::Json, &junit::JUnit, &terminal::Terminal];

/// A format by its name.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_in_order_and_end_with_a_line_feed() {
        let run = crate::record::run::sample();
        let input = Input {
            run: &run,
            comparison: None,
            exit: 1,
            counting: 1,
            stored: ".rounds/runs/20261122-101502-5f1c09/run.json",
            color: false,
            verbose: false,
        };
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        assert!(names.is_sorted());
        for format in FORMATS {
            assert!(format.render(&input).ends_with('\n'), "{}", format.name());
        }
    }
}
