//! From a file's text to checked suites, with every mistake of every file at once. Reads no files and runs nothing.

mod case;
mod expectation;
mod requirement;
mod step;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::ir::{Body, Data, Requirement, Suite};
use super::keys::{self, KINDS};
use super::yaml::{self, Node, Problem, Value};

/// Patients of a generated cohort unless the file says otherwise.
const DEFAULT_PATIENTS: u32 = 40;
/// Patients of a generated cohort at most.
const MAX_PATIENTS: u64 = 100_000;

/// A suite file as text.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Suite id: the path under `suites/` without the ending.
    pub id: &'a str,
    /// Name for messages (`suites/core/search.yaml`).
    pub file: &'a str,
    /// The text.
    pub text: &'a str,
}

/// Checks suite files together: ids are unique over all of them.
///
/// # Errors
/// Every mistake of every file, in order of file and place.
pub fn load(sources: &[Source<'_>]) -> Result<Vec<Suite>, Vec<Problem>> {
    let none = |_: &str, _: &str| Err("this suite has no folder to read it from".to_owned());
    load_with(sources, &none)
}

/// Gives the text of a file of rows: the name of the suite file, the name of the table as it stands there.
pub type Tables<'a> = dyn Fn(&str, &str) -> Result<String, String> + 'a;

/// As [`load`], with files of rows (`each: rows.csv`).
///
/// # Errors
/// As [`load`], and a table that cannot be read.
pub fn load_with(sources: &[Source<'_>], tables: &Tables<'_>) -> Result<Vec<Suite>, Vec<Problem>> {
    let mut suites = Vec::new();
    let mut problems = Vec::new();
    for source in sources {
        match load_one(source, tables) {
            Ok(suite) => suites.push(suite),
            Err(found) => problems.extend(found),
        }
    }
    find_repeated_ids(&suites, &mut problems);
    if problems.is_empty() {
        Ok(suites)
    } else {
        Err(problems)
    }
}

fn load_one(source: &Source<'_>, tables: &Tables<'_>) -> Result<Suite, Vec<Problem>> {
    let root = yaml::parse(source.file, source.text)?;
    let mut problems = Vec::new();
    let suite = read_suite(source.id, &root, tables, &mut problems);
    match suite {
        Some(suite) if problems.is_empty() => Ok(suite),
        _ => {
            problems.sort();
            problems.dedup();
            problems.truncate(yaml::MAX_PROBLEMS);
            Err(problems)
        }
    }
}

fn read_suite(
    id: &str,
    root: &Node,
    tables: &Tables<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Suite> {
    if !matches!(root.value, Value::Map(_)) {
        problems.push(root.problem(format!("a suite file must be a map, found {}", root.kind())));
        return None;
    }
    let kind = word(root, "kind", KINDS, problems);
    let title = text(root, "title", problems);
    let body = match kind? {
        "property" => Body::Property(properties(root, problems)),
        // Its keys are checked by the load engine, which alone knows what they mean.
        "load" => Body::Load(root.clone()),
        _ => {
            keys::SUITE.check(root, problems);
            let shared = Shared::read(root, tables, problems);
            Body::Conformance(case::read_all(root, &shared, problems))
        }
    };
    Some(Suite {
        id: id.to_owned(),
        title: title?,
        data: match body {
            Body::Load(_) => Data::Target,
            _ => data(root, problems),
        },
        vars: vars(root, problems),
        body,
        span: root.span(),
    })
}

/// What the cases of a file share.
struct Shared<'a> {
    requires: Vec<Requirement>,
    resources: BTreeMap<&'a str, Json>,
    fragments: BTreeMap<&'a str, &'a [Node]>,
    setup: &'a [Node],
    teardown: &'a [Node],
    vars: Vec<&'a str>,
    tables: &'a Tables<'a>,
}

impl<'a> Shared<'a> {
    fn read(root: &'a Node, tables: &'a Tables<'a>, problems: &mut Vec<Problem>) -> Self {
        let entries = |key: &str| root.get(key).map(Node::entries).unwrap_or_default();
        let steps = |key: &str| root.get(key).map(Node::items).unwrap_or_default();
        Shared {
            requires: root
                .get("requires")
                .map_or_else(Vec::new, |node| requirement::read_all(node, problems)),
            resources: entries("resources")
                .iter()
                .map(|(key, node)| (key.text.as_str(), node.to_json()))
                .collect(),
            fragments: entries("fragments")
                .iter()
                .map(|(key, node)| (key.text.as_str(), node.items()))
                .collect(),
            setup: steps("setup"),
            teardown: steps("teardown"),
            vars: entries("vars")
                .iter()
                .map(|(key, _)| key.text.as_str())
                .collect(),
            tables,
        }
    }
}

fn properties(
    root: &Node,
    problems: &mut Vec<Problem>,
) -> Vec<(String, crate::record::finding::Span)> {
    keys::PROPERTY_SUITE.check(root, problems);
    let Some(list) = root.get("properties") else {
        problems.push(root.problem("a property suite lists `properties`, and this one does not"));
        return Vec::new();
    };
    let mut ids = Vec::new();
    for item in list.items() {
        match item.as_text() {
            Some(id) if is_case_id(id) => ids.push((id.to_owned(), item.span())),
            _ => problems
                .push(item.problem("a property is named by its id, such as `property/round-trip`")),
        }
    }
    if ids.is_empty() {
        problems.push(list.problem("`properties` must be a list of ids"));
    }
    ids
}

fn data(root: &Node, problems: &mut Vec<Problem>) -> Data {
    let Some(node) = root.get("data") else {
        return Data::Target;
    };
    if node.as_text() == Some("target") {
        return Data::Target;
    }
    if !matches!(node.value, Value::Map(_)) {
        problems.push(node.problem("`data` is `target` or a map with `count`, `seed`, `features`"));
        return Data::Target;
    }
    keys::DATA.check(node, problems);
    let count = match node.get("count") {
        None => DEFAULT_PATIENTS,
        Some(count) => match count
            .as_u64()
            .filter(|count| (1..=MAX_PATIENTS).contains(count))
        {
            Some(count) => u32::try_from(count).unwrap_or(DEFAULT_PATIENTS),
            None => {
                problems
                    .push(count.problem(format!("`count` is a number from 1 to {MAX_PATIENTS}")));
                DEFAULT_PATIENTS
            }
        },
    };
    let seed = node.get("seed").and_then(|seed| {
        let parsed = seed
            .scalar()
            .and_then(|text| text.parse::<crate::seed::Seed>().ok());
        if parsed.is_none() {
            problems.push(seed.problem("`seed` is hexadecimal, such as 5f1c09"));
        }
        parsed.map(|seed| seed.0)
    });
    let features = node.get("features").map_or_else(Vec::new, |list| {
        list.items().iter().filter_map(Node::scalar).collect()
    });
    Data::Generated {
        count,
        seed,
        features,
    }
}

fn vars(root: &Node, problems: &mut Vec<Problem>) -> Vec<(String, Option<String>)> {
    let Some(node) = root.get("vars") else {
        return Vec::new();
    };
    if !matches!(node.value, Value::Map(_)) {
        problems
            .push(node.problem("`vars` is a map from names to what they are unless they are set"));
    }
    node.entries()
        .iter()
        .map(|(key, value)| (key.text.clone(), value.scalar()))
        .collect()
}

fn find_repeated_ids(suites: &[Suite], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for case in suites.iter().flat_map(Suite::cases) {
        let here = format!("{}:{}", case.span.file, case.span.line);
        if let Some(first) = seen.insert(case.full_id(), here) {
            problems.push(Problem {
                file: case.span.file.clone(),
                line: case.span.line,
                column: case.span.column,
                message: format!("the id `{}` is taken by {first}", case.full_id()),
                hint: None,
            });
        }
    }
}

/// `AREA/words` in lower case.
fn is_case_id(id: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    id.split_once('/')
        .is_some_and(|(area, words)| is_word(area) && is_word(words))
}

/// Text under a key that must be there.
fn text(node: &Node, key: &str, problems: &mut Vec<Problem>) -> Option<String> {
    match node.get(key).map(|value| (value, value.scalar())) {
        Some((_, Some(text))) if !text.trim().is_empty() => Some(text),
        Some((value, _)) => {
            problems.push(value.problem(format!("`{key}` must be text, found {}", value.kind())));
            None
        }
        None => {
            problems.push(node.problem(format!("`{key}` is missing")));
            None
        }
    }
}

/// One of a few words under a key that must be there.
fn word<'w>(
    node: &Node,
    key: &str,
    words: &[&'w str],
    problems: &mut Vec<Problem>,
) -> Option<&'w str> {
    let found = text(node, key, problems)?;
    if let Some(word) = words.iter().find(|word| **word == found) {
        return Some(word);
    }
    let mut problem = node
        .get(key)
        .unwrap_or(node)
        .problem(format!("`{found}` is not a {key}"));
    problem.hint = Some(match yaml::suggest(&found, words) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("use one of {}", words.join(", ")),
    });
    problems.push(problem);
    None
}

/// A FHIRPath expression; a mistake in it is reported at its place in the file.
fn expression(node: &Node, problems: &mut Vec<Problem>) -> Option<crate::fhir::path::Expression> {
    let Some(text) = node.scalar() else {
        problems.push(node.problem(format!(
            "a FHIRPath expression is text, found {}",
            node.kind()
        )));
        return None;
    };
    crate::fhir::path::Expression::parse(&text)
        .map_err(|error| problems.push(node.problem(format!("FHIRPath: {error}"))))
        .ok()
}

/// A template; a mistake in it is reported at its place in the file.
fn template(node: &Node, problems: &mut Vec<Problem>) -> Option<super::template::Template> {
    let Some(text) = node.scalar() else {
        problems.push(node.problem(format!("expected text, found {}", node.kind())));
        return None;
    };
    super::template::Template::parse(&text)
        .map_err(|error| problems.push(node.problem(error)))
        .ok()
}

#[cfg(test)]
mod tests;
