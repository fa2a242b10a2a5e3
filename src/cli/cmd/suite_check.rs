//! `rounds suite check FILE…`: reads suite files and says what is wrong with them. Nothing is run.

use std::path::PathBuf;

use crate::suite::ir::{Body, Suite};

use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::{output, suites};

/// Checks files; a line for each that is right.
///
/// # Errors
/// Every mistake of every file with its line and column.
pub fn run(files: &[PathBuf]) -> Result<Exit, Failure> {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let lines: Vec<String> = suites::check(&names)?.iter().map(line).collect();
    output::print(&lines.join("\n"));
    Ok(Exit::Ok)
}

fn line(suite: &Suite) -> String {
    let holds = match &suite.body {
        Body::Conformance(cases) => format!("{} cases", cases.len()),
        Body::Property(ids) => format!("{} properties", ids.len()),
        Body::Load(_) => "a load suite".to_owned(),
    };
    format!("{}  {holds}, no mistakes", suite.span.file)
}
