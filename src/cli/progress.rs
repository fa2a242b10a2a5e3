//! Progress for whoever waits: one moving line on a terminal, plain stage lines elsewhere, nothing when quiet.
//! Goes to standard error; results go to standard output.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::record::event::{Event, Observer};

/// Shows events as they come.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    verbose: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    suite: String,
    done: usize,
    of: usize,
}

impl Progress {
    /// A bar on a terminal, stage lines elsewhere, nothing when `quiet`; every case when `verbose`.
    pub fn new(quiet: bool, no_progress: bool, verbose: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !no_progress;
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Progress {
            lines: !terminal && !quiet && !no_progress,
            bar,
            verbose,
            state: Mutex::default(),
        }
    }

    /// Takes the moving line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: Event) {
        let mut state = self.state.lock().expect("no panic while held");
        match event {
            Event::Stage(stage) => {
                if let Some(bar) = &self.bar {
                    bar.set_message(stage);
                } else if self.lines {
                    eprintln!("{stage}");
                }
            }
            Event::SuiteStarted { suite, cases } => {
                if self.lines {
                    eprintln!("{suite}: {cases} cases");
                }
                *state = State {
                    suite,
                    done: 0,
                    of: cases,
                };
            }
            Event::CaseEnded {
                suite,
                case,
                verdict,
            } => {
                if self.verbose {
                    self.say(&format!("{verdict:8} {suite}  {case}"));
                }
                if state.suite == suite {
                    state.done += 1;
                }
                if let Some(bar) = &self.bar {
                    bar.set_message(format!(
                        "{} {}/{}  {case}",
                        state.suite, state.done, state.of
                    ));
                }
            }
            // The case that they belong to says it when it ends.
            Event::Confirmed { .. } | Event::Shrunk { .. } => {}
            Event::Notice(notice) => self.say(&notice),
        }
    }
}
