//! The validator against published examples: what others call valid has no issue, except what was read and is broken.
//! The data lies outside of the project; without the variable `ROUNDS_SHARED` (its folder) these tests print that they
//! are skipped.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;

use super::{Issue, Validator, validate};
use crate::fhir::definitions::{Library, build};

/// Folder of the outside data.
pub(super) fn shared(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ROUNDS_SHARED").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {test} needs ROUNDS_SHARED, the folder of the outside test data");
    }
    folder
}

fn files(folder: PathBuf, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// Name and content of the resources in a package.
pub(super) fn resources(package: &PathBuf) -> Vec<(String, Value)> {
    let file = fs::File::open(package).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut resources = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        // Beside the guide and its examples lie API descriptions and the log of its build.
        let folder = name.rsplit('/').nth(1);
        if name.ends_with(".json") && matches!(folder, Some("package" | "example")) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            if value.get("resourceType").is_some() {
                resources.push((name, value));
            }
        }
    }
    resources
}

fn lines(name: &str, issues: &[Issue]) -> Vec<String> {
    issues
        .iter()
        .map(|issue| format!("{name}: {} {} {}", issue.rule, issue.path, issue.message))
        .collect()
}

#[test]
fn the_resources_of_the_us_core_packages_have_no_issue() {
    let Some(shared) = shared("US Core") else {
        return;
    };
    let (mut count, mut found) = (0, Vec::new());
    for package in files(shared.join("packages"), "tgz") {
        for (name, resource) in resources(&package) {
            count += 1;
            let name = format!("{} {name}", package.file_stem().unwrap().display());
            found.extend(lines(&name, &validate(&resource)));
        }
    }
    println!("{count} resources");
    assert!(count > 1000, "{count} resources");
    // Read and really broken: the hash holds dots, which base64 does not have.
    let broken = "hl7.fhir.us.core-3.1.1 package/example/DiagnosticReport-cardiology-report.json: \
                  primitive/format DiagnosticReport.presentedForm[0].hash is not base64 with padding";
    assert_eq!(found, [broken]);
}

#[test]
fn the_valid_cases_of_the_reference_validator_have_no_issue() {
    let Some(shared) = shared("validator cases") else {
        return;
    };
    let folder = shared.join("fhir-test-cases/validator");
    let cases: Vec<Value> =
        serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut found = Vec::new();
    for case in cases {
        let name = case["file"].as_str().unwrap();
        let is_valid = case["expect"].as_array().unwrap().is_empty();
        let Ok(resource) = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()) else {
            assert!(!is_valid, "{name} is no JSON");
            continue;
        };
        let issues = lines(name, &validate(&resource));
        if is_valid {
            found.extend(issues);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Name, errors and warnings-free verdict of the examples of a package, with the profiles of that package.
fn examples(package: &PathBuf, validator: &Validator) -> (usize, Vec<String>) {
    let (mut count, mut found) = (0, Vec::new());
    for (name, resource) in resources(package) {
        // Beside the examples lie the definitions, which claim no profile of the guide.
        if !name.contains("/example/") {
            continue;
        }
        count += 1;
        for issue in validator.validate(&resource, &[]).errors() {
            found.push(format!(
                "{} {}: {}{} {} {}",
                package.file_stem().unwrap().display(),
                name.rsplit('/').next().unwrap(),
                issue.rule,
                issue
                    .key
                    .as_deref()
                    .map(|key| format!("({key})"))
                    .unwrap_or_default(),
                issue.path,
                issue.message
            ));
        }
    }
    (count, found)
}

fn validator_of(package: &PathBuf) -> Validator {
    if package.to_string_lossy().contains("6.1.0") {
        return Validator::built_in();
    }
    let documents = resources(package)
        .into_iter()
        .filter(|(name, _)| name.starts_with("package/") && name.matches('/').count() == 1)
        .collect();
    let (guide, problems) = build::guide(&documents, Library::built_in());
    assert!(problems.is_empty(), "{problems:?}");
    Validator::new(Library::built_in().with(vec![guide.into()]).into())
}

#[test]
fn the_examples_of_us_core_conform_to_their_profiles() {
    let Some(shared) = shared("US Core profiles") else {
        return;
    };
    let reasons = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/definitions/us-core-broken-examples.json");
    let known: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(reasons).unwrap()).unwrap();
    let (mut count, mut found) = (0, Vec::new());
    for package in files(shared.join("packages"), "tgz") {
        let validator = validator_of(&package).with_vital_signs();
        let (examples, issues) = examples(&package, &validator);
        count += examples;
        found.extend(issues);
    }
    println!("{count} examples");
    found.retain(|line| !known.keys().any(|key| line.starts_with(key)));
    assert!(count > 300, "{count} examples");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_definitions_of_us_core_break_no_rule_for_definitions() {
    let Some(shared) = shared("US Core definitions") else {
        return;
    };
    let (mut count, mut found) = (0, Vec::new());
    for package in files(shared.join("packages"), "tgz") {
        let validator = validator_of(&package).without_invariants();
        for (name, resource) in resources(&package) {
            if resource["resourceType"] != "StructureDefinition" {
                continue;
            }
            count += 1;
            let outcome = validator.validate(&resource, &[]);
            let mut issues = outcome.issues;
            issues.retain(|issue| issue.rule.starts_with("definition/"));
            found.extend(lines(&name, &issues));
        }
    }
    println!("{count} definitions");
    assert!(count > 100, "{count} definitions");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_canaries_sing() {
    let start = std::time::Instant::now();
    assert_eq!(super::canaries(), [] as [&str; 0]);
    println!("canaries with loading: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    super::canaries();
    println!("canaries: {:?}", start.elapsed());
}

#[test]
fn the_embedded_us_core_is_what_its_package_gives() {
    let Some(shared) = shared("the US Core pack") else {
        return;
    };
    let package = shared.join("packages/hl7.fhir.us.core-6.1.0.tgz");
    let file = fs::File::open(&package).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut documents = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let is_definition = name.matches('/').count() == 1 && !name.contains("/.");
        if name.ends_with(".json") && is_definition {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            documents.insert(name, serde_json::from_slice::<Value>(&bytes).unwrap());
        }
    }
    let (guide, problems) = build::guide(&documents, &Library::r4());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        (guide.about.version.as_str(), guide.profiles.len()),
        ("6.1.0", 59)
    );
    let combinations: usize = guide
        .about
        .expectations
        .iter()
        .map(|expectation| expectation.combinations.len())
        .sum();
    println!(
        "{combinations} combinations, {} parameters",
        guide.about.parameters.len()
    );
    let pack = guide.to_pack().unwrap();
    let embedded = include_bytes!("../../../fixtures/definitions/us-core-6.1.0.pack");
    assert!(pack == embedded, "the pack is another: build it again");
}
