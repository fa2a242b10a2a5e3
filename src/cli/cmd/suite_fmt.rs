//! `rounds suite fmt FILE…`: the canonical form of suite files. All files are formatted before any is written.

use std::path::PathBuf;

use crate::suite::format;

use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::{output, suites};

/// Formats files in place, or says with `check` which would change; names those on standard output.
///
/// # Errors
/// A file that cannot be read or written, is no YAML, or would come to say something else.
pub fn run(files: &[PathBuf], check: bool) -> Result<Exit, Failure> {
    let mut changed = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let text = suites::read(&name)?.text;
        match format::format(&name, &text) {
            Ok(formatted) if formatted == text => {}
            Ok(formatted) => changed.push((file, name, formatted)),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(suites::mistakes(&problems));
    }
    for (file, name, formatted) in &changed {
        if !check {
            std::fs::write(file, formatted)
                .map_err(|error| Failure::usage(format!("write {name}"), error.to_string(), ""))?;
        }
        output::print(name);
    }
    Ok(match check && !changed.is_empty() {
        true => Exit::Findings,
        false => Exit::Ok,
    })
}
