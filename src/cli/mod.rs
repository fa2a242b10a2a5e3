//! The command line: parse, dispatch, exit code. Commands live in `cmd`, one file each.

pub mod args;
mod cmd;
pub mod config;
pub mod exit;
pub mod failure;
pub mod outcome;
pub mod output;
pub mod package;
pub mod process;
pub mod progress;
pub mod prospect;
pub mod scoreboard;
pub mod settings;
pub mod setup;
pub mod start;
pub mod suites;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, DefinitionsAction, SuiteAction};
use exit::Exit;
use failure::Failure;

/// Runs the program and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, everything else is a usage error.
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            let _ = error.print();
            return ExitCode::from(code.code());
        }
    };
    // A panic is a bug of ours and has a code of its own; its message is printed by then.
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch(&cli)));
    match ended.unwrap_or(Ok(Exit::Bug)) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code.code())
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let common = &cli.common;
    match &cli.command {
        Command::Run(args) => cmd::run::run(common, args),
        Command::Generate(args) => cmd::generate::run(common, args),
        Command::Sandbox(args) => cmd::sandbox::run(common, args),
        Command::Compare(args) => cmd::compare::run(common, args),
        Command::Baseline(args) => cmd::baseline::run(common, args),
        Command::Report(args) => cmd::report::run(common, args),
        Command::Show(args) => cmd::show::run(common, args),
        Command::Scoreboard(args) => cmd::scoreboard::run(common, args),
        Command::Config(args) => cmd::config::run(common, args),
        Command::Definitions(args) => {
            let made = match &args.action {
                DefinitionsAction::Build { package, output } => {
                    cmd::definitions::run(package, output)
                }
            };
            let text = made.map_err(|why| Failure::usage("build the definitions", why, ""))?;
            output::print(&text);
            Ok(Exit::Ok)
        }
        Command::Diagnose(args) => cmd::diagnose::run(common, args),
        Command::Replay(args) => cmd::replay::run(common, args),
        Command::Clean(args) => cmd::clean::run(common, args),
        Command::Init(args) => cmd::init::run(args),
        Command::List(args) => cmd::list::run(common, args),
        Command::Explain(args) => cmd::explain::run(args),
        Command::Completions(args) => cmd::completions::run(args),
        Command::Validate(args) => cmd::validate::run(args),
        Command::Suite(args) => match &args.action {
            SuiteAction::Check { files } => cmd::suite_check::run(files),
            SuiteAction::Fmt { check, files } => cmd::suite_fmt::run(files, *check),
            SuiteAction::Schema => {
                output::print(crate::suite::schema::text().trim_end());
                Ok(Exit::Ok)
            }
        },
    }
}
