//! `rounds completions SHELL`: prints a completion script, made from the command line as declared in `args`.

use clap::CommandFactory;

use super::super::args::{Cli, CompletionsArgs};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;

/// Prints the script.
///
/// # Errors
/// None; commands are alike.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    // Into memory first: the generator panics when standard output is a pipe that was closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rounds", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Ok)
}
