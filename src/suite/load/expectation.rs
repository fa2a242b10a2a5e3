//! `expect`: a map of rules that all must hold, or a list of such maps.

use super::super::ir::{BodyKind, Expectation, Ids, Matcher, Rule, StatusPattern, Total};
use super::super::keys;
use super::super::template::Template;
use super::super::yaml::{self, Node, Problem, Value};
use super::step::Names;
use super::{expression, template};

const BODIES: &[(&str, BodyKind)] = &[
    ("empty", BodyKind::Empty),
    ("resource", BodyKind::Resource),
    ("outcome", BodyKind::Outcome),
    ("bundle", BodyKind::Bundle),
];

/// Reads the value of `expect`.
pub(super) fn read_all(
    node: &Node,
    names: &Names<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Expectation> {
    if let Value::List(items) = &node.value {
        return items
            .iter()
            .flat_map(|item| read_all(item, names, problems))
            .collect();
    }
    keys::EXPECT.check(node, problems);
    node.entries()
        .iter()
        .flat_map(|(key, value)| {
            read(&key.text, value, names, problems)
                .into_iter()
                .map(|rule| Expectation {
                    rule,
                    span: value.span(),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn read(key: &str, node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Vec<Rule> {
    match key {
        "status" => status(node, problems)
            .map(Rule::Status)
            .into_iter()
            .collect(),
        "headers" => headers(node, names, problems),
        "path" => one_or_more(node)
            .filter_map(|item| expression(item, problems).map(Rule::Path))
            .collect(),
        "body" => body(node, problems).map(Rule::BodyIs).into_iter().collect(),
        "ids" => ids(node, names, problems)
            .map(Rule::Ids)
            .into_iter()
            .collect(),
        "total" => total(node, problems).map(Rule::Total).into_iter().collect(),
        "sorted" => {
            if node.as_bool() != Some(true) {
                problems.push(node.problem("`sorted` is true or absent"));
            }
            vec![Rule::Sorted]
        }
        "checks" => one_or_more(node)
            .filter_map(|item| check(item, problems).map(Rule::Check))
            .collect(),
        "any-of" => {
            if node.items().len() < 2 {
                problems.push(node.problem("`any-of` is a list of two or more groups"));
            }
            let groups = node
                .items()
                .iter()
                .map(|group| read_all(group, names, problems))
                .collect();
            vec![Rule::AnyOf(groups)]
        }
        // Reported by `check_keys`.
        _ => Vec::new(),
    }
}

/// The items of a list, or the node itself.
fn one_or_more(node: &Node) -> std::slice::Iter<'_, Node> {
    match &node.value {
        Value::List(items) => items.iter(),
        _ => std::slice::from_ref(node).iter(),
    }
}

fn status(node: &Node, problems: &mut Vec<Problem>) -> Option<Vec<StatusPattern>> {
    let patterns: Vec<StatusPattern> = one_or_more(node)
        .filter_map(|item| {
            let pattern = item.scalar().and_then(|text| pattern(&text));
            if pattern.is_none() {
                problems.push(item.problem("a status is a code (`404`) or a class (`4xx`)"));
            }
            pattern
        })
        .collect();
    (!patterns.is_empty()).then_some(patterns)
}

fn pattern(text: &str) -> Option<StatusPattern> {
    if let Some(class) = text.strip_suffix("xx") {
        let class = class.parse().ok().filter(|class| (1..=5).contains(class));
        return class.map(StatusPattern::Class);
    }
    let code = text.parse().ok().filter(|code| (100..=599).contains(code));
    code.map(StatusPattern::Code)
}

fn headers(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Vec<Rule> {
    if node.entries().is_empty() {
        problems.push(node.problem("`headers` is a map from field names to what they must be"));
    }
    node.entries()
        .iter()
        .filter_map(|(key, value)| {
            Some(Rule::Header {
                name: key.text.clone(),
                matcher: matcher(value, names, problems)?,
            })
        })
        .collect()
}

fn matcher(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<Matcher> {
    match node.as_text() {
        Some("present") => return Some(Matcher::Present),
        Some("absent") => return Some(Matcher::Absent),
        _ => {}
    }
    let checked = |value: &Node, problems: &mut Vec<Problem>| -> Option<Template> {
        let text = template(value, problems)?;
        names.check(value, &text, problems);
        Some(text)
    };
    if !matches!(node.value, Value::Map(_)) {
        return checked(node, problems).map(Matcher::Equals);
    }
    keys::HEADER.check(node, problems);
    let [(key, value)] = node.entries() else {
        problems.push(node.problem("one of `equals`, `contains`, `matches`"));
        return None;
    };
    match key.text.as_str() {
        "equals" => checked(value, problems).map(Matcher::Equals),
        "contains" => checked(value, problems).map(Matcher::Contains),
        _ => {
            let text = value.scalar()?;
            regex::Regex::new(&text)
                .map_err(|_| problems.push(value.problem("not a regular expression")))
                .ok()
                .map(Matcher::Matches)
        }
    }
}

fn body(node: &Node, problems: &mut Vec<Problem>) -> Option<BodyKind> {
    let found = node.scalar().unwrap_or_default();
    let kind = BODIES.iter().find(|(name, _)| *name == found);
    if kind.is_none() {
        problems.push(node.problem("`body` is one of empty, resource, outcome, bundle"));
    }
    kind.map(|(_, kind)| *kind)
}

fn ids(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<Ids> {
    match &node.value {
        Value::Text(text) if text == "oracle" => Some(Ids::Oracle),
        Value::List(items) => Some(Ids::Exactly(templates(items, names, problems))),
        Value::Map(_) => {
            keys::IDS.check(node, problems);
            if let Some(same_as) = node.get("same-as") {
                let name = same_as.scalar()?;
                names.check_answer(same_as, &name, problems);
                return Some(Ids::SameAs(name));
            }
            let list = |key: &str| node.get(key).map(Node::items).unwrap_or_default();
            Some(Ids::Holding {
                include: templates(list("include"), names, problems),
                exclude: templates(list("exclude"), names, problems),
            })
        }
        _ => {
            problems.push(node.problem(
                "`ids` is `oracle`, a list of ids, or a map with `include`, `exclude`, `same-as`",
            ));
            None
        }
    }
}

fn templates(items: &[Node], names: &Names<'_>, problems: &mut Vec<Problem>) -> Vec<Template> {
    items
        .iter()
        .filter_map(|item| {
            let text = template(item, problems)?;
            names.check(item, &text, problems);
            Some(text)
        })
        .collect()
}

fn total(node: &Node, problems: &mut Vec<Problem>) -> Option<Total> {
    if node.as_text() == Some("oracle") {
        return Some(Total::Oracle);
    }
    let number = node.as_u64();
    if number.is_none() {
        problems.push(node.problem("`total` is `oracle` or a number"));
    }
    number.map(Total::Exactly)
}

fn check(node: &Node, problems: &mut Vec<Problem>) -> Option<&'static str> {
    let found = node.scalar().unwrap_or_default();
    if let Some(check) = crate::check::by_id(&found) {
        return Some(check.spec().id);
    }
    let known: Vec<&str> = crate::check::all().map(|check| check.spec().id).collect();
    let mut problem = node.problem(format!("there is no check `{found}`"));
    problem.hint = Some(match yaml::suggest(&found, &known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => "`rounds list checks` names them".to_owned(),
    });
    problems.push(problem);
    None
}
