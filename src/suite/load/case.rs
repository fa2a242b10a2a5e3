//! Cases: their keys, their rows, their witnesses. Steps are read in `step`.

use std::collections::BTreeSet;

use crate::record::{Level, Severity};

use super::super::csv;
use super::super::ir::{Case, Pick, Row};
use super::super::keys;
use super::super::yaml::{self, Key, Node, Problem, Value};
use super::step::{self, Names};
use super::{Shared, Tables, expression, is_case_id, requirement, text, word};

const LEVELS: &[(&str, Level)] = &[
    ("SHALL", Level::Shall),
    ("SHOULD", Level::Should),
    ("MAY", Level::May),
    ("ROBUST", Level::Robust),
];
const SEVERITIES: &[(&str, Severity)] = &[
    ("critical", Severity::Critical),
    ("major", Severity::Major),
    ("minor", Severity::Minor),
    ("info", Severity::Info),
];
/// Reads all cases of a file, one per row.
pub(super) fn read_all(root: &Node, shared: &Shared<'_>, problems: &mut Vec<Problem>) -> Vec<Case> {
    let Some(list) = root.get("cases") else {
        problems.push(root.problem("`cases` is missing"));
        return Vec::new();
    };
    if list.items().is_empty() {
        problems.push(list.problem("`cases` must be a list of cases"));
    }
    list.items()
        .iter()
        .flat_map(|node| read_rows(node, shared, problems))
        .collect()
}

fn read_rows(node: &Node, shared: &Shared<'_>, problems: &mut Vec<Problem>) -> Vec<Case> {
    keys::CASE.check(node, problems);
    let rows = node
        .get("each")
        .map_or_else(Vec::new, |each| rows(each, shared.tables, problems));
    if rows.is_empty() {
        return read(node, None, shared, problems).into_iter().collect();
    }
    rows.into_iter()
        .filter_map(|row| {
            let filled = fill(node, &row.columns);
            read(&filled, Some(row), shared, problems)
        })
        .collect()
}

/// Rows written in place, or those of a file beside this one.
fn rows(each: &Node, tables: &Tables<'_>, problems: &mut Vec<Problem>) -> Vec<Row> {
    if let Some(name) = each.as_text() {
        return table(each, name, tables, problems);
    }
    let items = each.items();
    if items.is_empty() || items.len() > csv::MAX_ROWS {
        problems.push(each.problem(format!(
            "`each` is a list of 1 to {} rows, or the name of a CSV file",
            csv::MAX_ROWS
        )));
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    let mut rows = Vec::new();
    for item in items {
        let columns: Vec<(String, String)> = item
            .entries()
            .iter()
            .filter_map(|(key, value)| Some((key.text.clone(), value.scalar()?)))
            .collect();
        if columns.is_empty() || columns.len() != item.entries().len() {
            problems.push(item.problem("a row is a map from column names to single values"));
            continue;
        }
        let row = named_row(columns);
        if !names.insert(row.name.clone()) {
            problems.push(item.problem(repeated(&row.name)));
        }
        rows.push(row);
    }
    rows
}

/// The rows of a CSV file; a mistake in it is reported at its line there.
fn table(each: &Node, name: &str, tables: &Tables<'_>, problems: &mut Vec<Problem>) -> Vec<Row> {
    let text = match tables(&each.file, name) {
        Ok(text) => text,
        Err(why) => {
            problems.push(each.problem(format!("the rows in `{name}` cannot be read: {why}")));
            return Vec::new();
        }
    };
    let mut complain = |line: u32, message: String| {
        problems.push(Problem {
            file: name.to_owned(),
            line,
            column: 1,
            message,
            hint: None,
        });
    };
    let lines = match csv::read(&text) {
        Ok(lines) => lines,
        Err((line, message)) => {
            complain(line, message);
            return Vec::new();
        }
    };
    if lines.is_empty() {
        complain(1, "there are names of columns and no rows".to_owned());
    }
    let mut names = BTreeSet::new();
    let mut rows = Vec::new();
    for line in lines {
        let row = named_row(line.columns);
        if !names.insert(row.name.clone()) {
            complain(line.number, repeated(&row.name));
        }
        rows.push(row);
    }
    rows
}

fn named_row(columns: Vec<(String, String)>) -> Row {
    let name = columns.iter().find(|(column, _)| column == "row");
    Row {
        name: name.unwrap_or(&columns[0]).1.clone(),
        columns,
    }
}

fn repeated(name: &str) -> String {
    format!("a second row `{name}`; give each row a `row` of its own")
}

/// The tree with `${column}` replaced by the row's text wherever text stands.
fn fill(node: &Node, columns: &[(String, String)]) -> Node {
    let value = match &node.value {
        Value::Text(text) => Value::Text(fill_text(text, columns)),
        Value::List(items) => Value::List(items.iter().map(|item| fill(item, columns)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, member)| {
                    let key = Key {
                        text: fill_text(&key.text, columns),
                        ..key.clone()
                    };
                    (key, fill(member, columns))
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node {
        value,
        ..node.clone()
    }
}

fn fill_text(text: &str, columns: &[(String, String)]) -> String {
    if !text.contains("${") {
        return text.to_owned();
    }
    columns.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value)
    })
}

fn read(
    node: &Node,
    row: Option<Row>,
    shared: &Shared<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Case> {
    let id = text(node, "id", problems);
    if let Some(id) = id.as_deref().filter(|id| !is_case_id(id)) {
        let place = node.get("id").unwrap_or(node);
        problems.push(place.problem(format!(
            "`{id}` is not AREA/words in lower case with hyphens"
        )));
    }
    let title = text(node, "title", problems);
    let spec = spec(node, problems);
    let level = named(node, "level", LEVELS, problems);
    let severity = named(node, "severity", SEVERITIES, problems);
    // Robustness cases rest on no sentence; everything else does.
    let sentence = if level == Some(Level::Robust) && node.get("sentence").is_none() {
        Some(String::new())
    } else {
        text(node, "sentence", problems)
    };
    let mut requires = shared.requires.clone();
    if let Some(claims) = node.get("requires") {
        requires.extend(requirement::read_all(claims, problems));
    }
    let picks = picks(node, problems);
    let (steps, teardown) = steps(node, &picks, row.as_ref(), shared, problems);
    Some(Case {
        id: id?,
        row,
        title: title?,
        spec: spec?,
        sentence: sentence?,
        level: level?,
        severity: severity?,
        checklist: node.get("checklist").and_then(Node::scalar),
        requires,
        identities: node.get("identities").map_or_else(Vec::new, list_or_one),
        picks,
        steps,
        teardown,
        was: node.get("was").map_or_else(Vec::new, list_or_one),
        span: node.span(),
    })
}

fn list_or_one(node: &Node) -> Vec<String> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(Node::scalar).collect(),
        _ => node.scalar().into_iter().collect(),
    }
}

fn spec(node: &Node, problems: &mut Vec<Problem>) -> Option<String> {
    let spec = text(node, "spec", problems)?;
    if !spec.starts_with("http://") && !spec.starts_with("https://") {
        let place = node.get("spec").unwrap_or(node);
        problems.push(place.problem(
            "`spec` is the URL of the rule, such as http://hl7.org/fhir/R4/http.html#read",
        ));
    }
    Some(spec)
}

fn named<T: Copy>(
    node: &Node,
    key: &str,
    words: &[(&str, T)],
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let found = word(node, key, &names, problems)?;
    words
        .iter()
        .find(|(name, _)| *name == found)
        .map(|(_, value)| *value)
}

fn picks(node: &Node, problems: &mut Vec<Problem>) -> Vec<Pick> {
    let Some(map) = node.get("pick") else {
        return Vec::new();
    };
    if map.entries().is_empty() {
        problems.push(map.problem("`pick` is a map from names to `{type, where, value, values}`"));
    }
    map.entries()
        .iter()
        .filter_map(|(key, pick)| read_pick(key, pick, problems))
        .collect()
}

fn read_pick(key: &Key, node: &Node, problems: &mut Vec<Problem>) -> Option<Pick> {
    keys::PICK.check(node, problems);
    let resource_type = text(node, "type", problems)?;
    if !crate::fhir::definitions::is_resource_type(&resource_type) {
        let place = node.get("type").unwrap_or(node);
        let mut problem = place.problem(format!("`{resource_type}` is not a resource type of R4"));
        problem.hint = yaml::suggest(&resource_type, crate::fhir::definitions::resource_types())
            .map(|word| format!("did you mean `{word}`?"));
        problems.push(problem);
    }
    let mut values = Vec::new();
    if let Some(value) = node.get("value") {
        values.push((String::new(), expression(value, problems)?));
    }
    for (name, value) in node.get("values").map(Node::entries).unwrap_or_default() {
        values.push((name.text.clone(), expression(value, problems)?));
    }
    let condition = match node.get("where") {
        Some(condition) => Some(expression(condition, problems)?),
        None => None,
    };
    let searches = searches(node, &resource_type, problems);
    Some(Pick {
        name: key.text.clone(),
        resource_type,
        condition,
        values,
        searches,
        span: node.span(),
    })
}

/// `search: {name: code}`: parameters of the picked type.
fn searches(
    node: &Node,
    resource_type: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, String)> {
    let entries = node.get("search").map(Node::entries).unwrap_or_default();
    let mut found = Vec::new();
    for (name, value) in entries {
        let code = value.scalar().unwrap_or_default();
        if crate::fhir::definitions::search_parameter(resource_type, &code).is_none() {
            problems.push(value.problem(format!(
                "`{code}` is not a search parameter of {resource_type} in R4"
            )));
        }
        found.push((name.text.clone(), code));
    }
    found
}

/// Setup, used fragments and own steps in this order; then the teardown of the case and of the suite.
fn steps(
    node: &Node,
    picks: &[Pick],
    row: Option<&Row>,
    shared: &Shared<'_>,
    problems: &mut Vec<Problem>,
) -> (Vec<super::super::ir::Step>, Vec<super::super::ir::Step>) {
    let columns = row.map_or(&[][..], |row| &row.columns);
    let mut nodes: Vec<Node> = shared
        .setup
        .iter()
        .map(|step| fill(step, columns))
        .collect();
    for used in node.get("use").map_or_else(Vec::new, list_or_one) {
        let Some(fragment) = shared.fragments.get(used.as_str()) else {
            let known: Vec<&str> = shared.fragments.keys().copied().collect();
            let place = node.get("use").unwrap_or(node);
            let mut problem = place.problem(format!("there is no fragment `{used}`"));
            problem.hint =
                yaml::suggest(&used, &known).map(|word| format!("did you mean `{word}`?"));
            problems.push(problem);
            continue;
        };
        nodes.extend(fragment.iter().map(|step| fill(step, columns)));
    }
    let own = node.get("steps").map(Node::items).unwrap_or_default();
    if own.is_empty() {
        problems.push(node.problem("`steps` is missing or empty"));
    }
    nodes.extend(own.iter().cloned());
    let identities = node.get("identities").map_or_else(Vec::new, list_or_one);
    let mut names = Names::new(picks, identities, shared);
    let steps = nodes
        .iter()
        .filter_map(|step| step::read(step, &mut names, problems))
        .collect();
    let teardown = node.get("teardown").map(Node::items).unwrap_or_default();
    let teardown = teardown
        .iter()
        .cloned()
        .chain(shared.teardown.iter().map(|step| fill(step, columns)))
        .filter_map(|step| step::read(&step, &mut names, problems))
        .collect();
    (steps, teardown)
}
