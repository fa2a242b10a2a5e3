//! Where results go: report files opened before the work starts, and standard output, where a broken pipe is success.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use crate::report::{self, Format, Input};

use super::args::{Color, Common};
use super::failure::Failure;

/// Reports that were asked for, their files already open.
pub struct Outputs {
    reports: Vec<(&'static dyn Format, Option<Opened>)>,
}

/// A file that can be written, with its path for messages.
type Opened = (PathBuf, File);

impl Outputs {
    /// Opens `FORMAT[=PATH]` texts; none stands for the terminal report on standard output.
    ///
    /// # Errors
    /// A format that there is not, or a file that cannot be written: told now, not after an hour of work.
    pub fn open(texts: &[String]) -> Result<Self, Failure> {
        let mut reports = Vec::new();
        for text in texts {
            let (name, path) = match text.split_once('=') {
                Some((name, path)) => (name, Some(PathBuf::from(path))),
                None => (text.as_str(), None),
            };
            let format = report::by_name(name).ok_or_else(|| {
                let known: Vec<&str> = report::FORMATS.iter().map(|format| format.name()).collect();
                Failure::usage(
                    format!("report as `{name}`"),
                    "there is no such format",
                    format!("use one of: {}", known.join(", ")),
                )
            })?;
            let file = path
                .map(|path| {
                    // Opened without truncating: a run that fails early leaves the last report alone.
                    File::options()
                        .create(true)
                        .append(true)
                        .open(&path)
                        .map(|file| (path.clone(), file))
                        .map_err(|error| {
                            Failure::usage(
                                format!("write {}", path.display()),
                                error.to_string(),
                                "choose a path that can be written",
                            )
                        })
                })
                .transpose()?;
            reports.push((format, file));
        }
        if reports.iter().all(|(_, file)| file.is_some()) {
            let terminal =
                report::by_name("terminal").expect("the terminal format is always there");
            reports.insert(0, (terminal, None));
        }
        Ok(Outputs { reports })
    }

    /// Renders and writes every report; on standard output nothing but the last line when quiet.
    ///
    /// # Errors
    /// A file that could be opened cannot be written after all.
    pub fn write(self, input: &Input<'_>, quiet: bool) -> Result<(), Failure> {
        for (format, file) in self.reports {
            match file {
                None if quiet && format.name() == "terminal" => print(&report::last_line(input)),
                None => print(format.render(input).trim_end_matches('\n')),
                Some((path, mut file)) => {
                    let plain = Input {
                        color: false,
                        ..*input
                    };
                    let text = format.render(&plain);
                    let written = file
                        .set_len(0)
                        .and_then(|()| file.write_all(text.as_bytes()));
                    written.map_err(|error| {
                        Failure::usage(format!("write {}", path.display()), error.to_string(), "")
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// Prints a text and a line feed; who closed the pipe has seen enough.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("error: could not write to standard output: {error}");
    }
}

/// True if standard output is to have colours.
pub fn color(common: &Common) -> bool {
    match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}
