//! `rounds validate FILE…`: judges resources in files by R4, US Core, the packages given, and the Questionnaires among
//! the files. Nothing is sent.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::super::args::ValidateArgs;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::{output, package};
use crate::fhir::definitions::{Library, build};
use crate::fhir::validate::{Outcome, Severity, Validator};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// Files with definitions together, in bytes; what comes after is validated, but not used by responses to it.
const MAX_DEFINITIONS: u64 = 256 << 20;

/// Types of resources among the files that others are held against.
const DEFINITIONS: [&str; 3] = ["CodeSystem", "Questionnaire", "ValueSet"];

/// Validates files; a line for each issue, and one for each rule that could not be checked. A file that cannot be read
/// is told on standard error, and the others are validated all the same.
///
/// # Errors
/// A package that cannot be read.
pub fn run(args: &ValidateArgs) -> Result<Exit, Failure> {
    let library = with_definitions(package::library(&args.ig)?, &args.files);
    let validator = Validator::new(library).with_vital_signs();
    let profiles: Vec<&str> = args.profiles.iter().map(String::as_str).collect();
    let (mut lines, mut causes) = (Vec::new(), Vec::new());
    for file in &args.files {
        let resource = match read(file) {
            Ok(resource) => resource,
            Err(failure) => {
                eprintln!("{failure}");
                causes.push(failure.code);
                continue;
            }
        };
        let outcome = validator.validate(&resource, &profiles);
        if outcome.is_broken() {
            causes.push(Exit::Findings);
        }
        describe(file, &outcome, &mut lines);
    }
    if !lines.is_empty() {
        output::print(&lines.join("\n"));
    }
    Ok(Exit::first(&causes))
}

/// A library and the definitions among files, which are read a second time when they are validated themselves: only
/// these are held in memory. What cannot be read is told then.
fn with_definitions(library: Arc<Library>, files: &[PathBuf]) -> Arc<Library> {
    let (mut documents, mut left) = (BTreeMap::new(), MAX_DEFINITIONS);
    for file in files {
        // A pipe can be read only once.
        let Ok(about) = fs::metadata(file) else {
            continue;
        };
        if !about.is_file() || about.len() > left.min(MAX_FILE) {
            continue;
        }
        let found = fs::read(file)
            .map(|bytes| definitions(&bytes))
            .unwrap_or_default();
        if !found.is_empty() {
            left -= about.len();
        }
        for resource in found {
            // The order of the files, whatever their names.
            documents.insert(format!("{:08}", documents.len()), resource);
        }
    }
    if documents.is_empty() {
        return library;
    }
    let (guide, _) = build::guide(&documents, &library);
    Arc::new(library.with(vec![Arc::new(guide)]))
}

/// The definitions in a file: the resource itself, or the entries of a Bundle.
fn definitions(bytes: &[u8]) -> Vec<Value> {
    let names = || DEFINITIONS.iter().map(|name| format!("\"{name}\""));
    let may_define =
        std::str::from_utf8(bytes).is_ok_and(|text| names().any(|name| text.contains(&name)));
    if !may_define {
        return Vec::new();
    }
    let Ok(mut resource) = serde_json::from_slice::<Value>(bytes) else {
        return Vec::new();
    };
    let is_definition = |resource: &Value| {
        let name = resource.get("resourceType").and_then(Value::as_str);
        name.is_some_and(|name| DEFINITIONS.contains(&name))
    };
    if is_definition(&resource) {
        return vec![resource];
    }
    let entries = resource.get_mut("entry").and_then(Value::as_array_mut);
    let resources = entries.into_iter().flatten();
    resources
        .filter_map(|entry| entry.get_mut("resource").map(Value::take))
        .filter(is_definition)
        .collect()
}

fn read(file: &Path) -> Result<Value, Failure> {
    let failure = |why: String| Failure::usage(format!("read {}", file.display()), why, "");
    let size = fs::metadata(file).map_err(|error| failure(error.to_string()))?;
    if size.len() > MAX_FILE {
        return Err(failure(format!("larger than {MAX_FILE} bytes")));
    }
    let bytes = fs::read(file).map_err(|error| failure(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| failure(format!("is no JSON: {error}")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("rounds-validate-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn arguments(files: Vec<PathBuf>) -> ValidateArgs {
        ValidateArgs {
            files,
            ig: Vec::new(),
            profiles: Vec::new(),
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_does_not_end_the_command_and_sets_its_exit_code() {
        let folder = folder("unreadable");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let sound = write("sound.json", "{\"resourceType\": \"Patient\"}");
        let broken = write("broken.json", "{\"resourceType\": \"Nothing\"}");
        let cut = write("cut.json", "{\"resourceType\":");
        let absent = folder.join("absent.json");
        let exit = |files: &[&PathBuf]| {
            let files = files.iter().map(|path| (*path).clone()).collect();
            run(&arguments(files)).unwrap()
        };
        assert_eq!(exit(&[&sound]), Exit::Ok);
        assert_eq!(exit(&[&broken, &sound]), Exit::Findings);
        assert_eq!(exit(&[&cut, &broken]), Exit::Usage);
        assert_eq!(exit(&[&absent, &sound]), Exit::Usage);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_questionnaire_among_the_files_is_used_alone_and_in_a_bundle() {
        let form = json!({"resourceType": "Questionnaire", "url": "http://example.org/f", "status": "active",
            "item": [{"linkId": "a", "type": "integer"}]});
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient"}}, {"resource": form}]});
        for resource in [&form, &bundle] {
            let found = definitions(resource.to_string().as_bytes());
            assert_eq!(found, std::slice::from_ref(&form));
        }
        let folder = folder("forms");
        let path = folder.join("form.json");
        fs::write(&path, form.to_string()).unwrap();
        let library = with_definitions(
            Library::built_in().clone(),
            &[path, folder.join("absent.json")],
        );
        let response = json!({"resourceType": "QuestionnaireResponse", "status": "completed",
            "questionnaire": "http://example.org/f", "item": [{"linkId": "a", "answer": [{"valueString": "x"}]}]});
        let outcome = Validator::new(library).validate(&response, &[]);
        let errors: Vec<&str> = outcome.errors().map(|issue| issue.rule).collect();
        assert_eq!(errors, ["questionnaire/answer-type"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
