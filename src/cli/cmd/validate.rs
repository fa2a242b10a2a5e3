//! `rounds validate FILE…`: judges resources in files by R4, US Core and the packages given. Nothing is sent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::super::args::ValidateArgs;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::{output, package};
use crate::fhir::definitions::Library;
use crate::fhir::validate::{Outcome, Severity, Validator};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// Validates files; a line for each issue, and one for each rule that could not be checked.
///
/// # Errors
/// A package or a file that cannot be read.
pub fn run(args: &ValidateArgs) -> Result<Exit, Failure> {
    let validator = Validator::new(library(&args.ig)?);
    let profiles: Vec<&str> = args.profiles.iter().map(String::as_str).collect();
    let (mut lines, mut exit) = (Vec::new(), Exit::Ok);
    for file in &args.files {
        let resource = read(file)?;
        let outcome = validator.validate(&resource, &profiles);
        if outcome.is_broken() {
            exit = Exit::Findings;
        }
        describe(file, &outcome, &mut lines);
    }
    output::print(&lines.join("\n"));
    Ok(exit)
}

/// What is built in, and packages.
fn library(packages: &[PathBuf]) -> Result<Arc<Library>, Failure> {
    let mut library = Library::built_in().clone();
    for path in packages {
        let what = format!("load the package {}", path.display());
        let guide = package::guide(path, &library).map_err(|why| Failure::usage(what, why, ""))?;
        library = Arc::new(library.with(vec![Arc::new(guide)]));
    }
    Ok(library)
}

fn read(file: &Path) -> Result<Value, Failure> {
    let failure = |why: String| Failure::usage(format!("read {}", file.display()), why, "");
    let size = fs::metadata(file).map_err(|error| failure(error.to_string()))?;
    if size.len() > MAX_FILE {
        return Err(failure(format!("larger than {MAX_FILE} bytes")));
    }
    let bytes = fs::read(file).map_err(|error| failure(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| failure(error.to_string()))
}

fn describe(file: &Path, outcome: &Outcome, lines: &mut Vec<String>) {
    for issue in &outcome.issues {
        let severity = match issue.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        };
        let profile = issue.profile.as_deref().map(|url| format!("  ({url})"));
        lines.push(format!(
            "{}: {severity}  {}  {}  {}{}",
            file.display(),
            issue.rule,
            issue.path,
            issue.message,
            profile.unwrap_or_default()
        ));
    }
    for open in &outcome.not_checked {
        lines.push(format!(
            "{}: not checked  {}  {} ({} times)",
            file.display(),
            open.rule,
            open.what,
            open.count
        ));
    }
    if outcome.issues.is_empty() && outcome.not_checked.is_empty() {
        lines.push(format!("{}: no issue, all rules checked", file.display()));
    }
}
