//! Steps: one request, what is captured of its answer, how it is repeated and followed.

use std::time::Duration;

use serde_json::Value as Json;

use crate::http::{FHIR_JSON, FHIR_XML, Method};

use super::super::ir::{
    BodyTemplate, Capture, CaptureSource, DEFAULT_PAGES, Expectation, Follow, Ids, Pick, Poll,
    Refusal, RequestTemplate, Rule, StatusPattern, Step, Total,
};
use super::super::keys;
use super::super::template::{Template, merge};
use super::super::yaml::{self, Node, Problem, Value};
use super::{Shared, expectation, expression, template};

const METHODS: &[(&str, Method)] = &[
    ("get", Method::Get),
    ("head", Method::Head),
    ("options", Method::Options),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
];
/// Pages of a walk at most.
const MAX_PAGES: u64 = 1_000;
/// A poll lasts at most so long.
const MAX_POLL: Duration = Duration::from_secs(300);

/// Names that are bound when a step runs.
pub(super) struct Names<'a> {
    bound: Vec<String>,
    /// `as` names of earlier steps.
    answers: Vec<String>,
    /// Who may ask besides the usual one.
    identities: Vec<String>,
    resources: &'a std::collections::BTreeMap<&'a str, Json>,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        picks: &[Pick],
        identities: Vec<String>,
        shared: &'a Shared<'_>,
    ) -> Names<'a> {
        let mut bound: Vec<String> = ["unique", "token"].map(str::to_owned).to_vec();
        bound.extend(shared.vars.iter().map(|name| (*name).to_owned()));
        for pick in picks {
            bound.push(format!("{}.id", pick.name));
            for (key, _) in &pick.values {
                bound.push(match key.as_str() {
                    "" => pick.name.clone(),
                    key => format!("{}.{key}", pick.name),
                });
            }
            for (key, _) in &pick.searches {
                bound.push(format!("{}.{key}", pick.name));
            }
        }
        Names {
            bound,
            answers: Vec::new(),
            identities,
            resources: &shared.resources,
        }
    }

    /// Reports names of a template that nothing binds.
    pub(super) fn check(&self, node: &Node, template: &Template, problems: &mut Vec<Problem>) {
        for name in template.names() {
            let object = name.split('.').next().unwrap_or(name);
            if name.starts_with("env:")
                || self.bound.iter().any(|known| known == name)
                || self.answers.iter().any(|known| known == object)
            {
                continue;
            }
            let known: Vec<&str> = self.bound.iter().map(String::as_str).collect();
            let mut problem = node.problem(format!("nothing binds `${{{name}}}` before this step"));
            problem.hint = Some(match yaml::suggest(name, &known) {
                Some(word) => format!("did you mean `${{{word}}}`?"),
                None => "pick it, capture it, or name it under `vars`".to_owned(),
            });
            problems.push(problem);
        }
    }

    /// Reports a name that no earlier step has as its `as`.
    pub(super) fn check_answer(&self, node: &Node, name: &str, problems: &mut Vec<Problem>) {
        if !self.answers.iter().any(|known| known == name) {
            problems.push(node.problem(format!(
                "no earlier step is named `{name}`; name one with `as`"
            )));
        }
    }
}

/// Reads one step and binds what it captures.
pub(super) fn read(
    node: &Node,
    names: &mut Names<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Step> {
    keys::STEP.check(node, problems);
    let request = request(node, names, problems);
    let expects = node.get("expect").map_or_else(Vec::new, |expect| {
        expectation::read_all(expect, names, problems)
    });
    let expects = with_success(expects, node);
    let captures = captures(node, problems);
    names
        .bound
        .extend(captures.iter().map(|capture| capture.name.clone()));
    let name = node.get("as").and_then(Node::scalar);
    names.answers.extend(name.clone());
    let needs_walk = expects.iter().any(needs_walk);
    let follow = follow(node, problems).or(needs_walk.then_some(Follow {
        pages: DEFAULT_PAGES,
        is_asked: false,
    }));
    Some(Step {
        request: request?,
        identity: identity(node, names, problems),
        name,
        expects,
        captures,
        poll: poll(node, problems),
        follow,
        confine: flag(node, "confine", true, problems),
        refusal: match flag(node, "decides", false, problems) {
            true => Refusal::Judged,
            false => Refusal::Expected,
        },
        span: node.span(),
    })
}

/// Who asks; one of the case's `identities`.
fn identity(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let place = node.get("identity")?;
    let name = super::text(node, "identity", problems)?;
    if !names.identities.contains(&name) {
        let known: Vec<&str> = names.identities.iter().map(String::as_str).collect();
        let mut problem = place.problem(format!("`{name}` is not one of the case's `identities`"));
        problem.hint = Some(match yaml::suggest(&name, &known) {
            Some(word) => format!("did you mean `{word}`?"),
            None => "name it there: `identities: [NAME]`".to_owned(),
        });
        problems.push(problem);
    }
    Some(name)
}

/// True for rules about all matches, wherever they stand: they can only be judged on all pages.
fn needs_walk(expectation: &Expectation) -> bool {
    match &expectation.rule {
        Rule::Ids(Ids::Oracle | Ids::SameAs(_)) | Rule::Total(Total::Oracle) | Rule::Sorted => true,
        Rule::AnyOf(groups) => groups.iter().flatten().any(needs_walk),
        _ => false,
    }
}

/// A step that expects something, and says nothing of the status, expects success.
fn with_success(mut expects: Vec<Expectation>, node: &Node) -> Vec<Expectation> {
    let speaks_of_status = expects
        .iter()
        .any(|expectation| matches!(expectation.rule, Rule::Status(_) | Rule::AnyOf(_)));
    if !expects.is_empty() && !speaks_of_status {
        expects.push(Expectation {
            rule: Rule::Status(vec![StatusPattern::Class(2)]),
            span: node.span(),
        });
    }
    expects
}

fn flag(node: &Node, key: &str, default: bool, problems: &mut Vec<Problem>) -> bool {
    let Some(value) = node.get(key) else {
        return default;
    };
    value.as_bool().unwrap_or_else(|| {
        problems.push(value.problem(format!("`{key}` is true or false, found {}", value.kind())));
        default
    })
}

fn request(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<RequestTemplate> {
    let mut lines = METHODS
        .iter()
        .filter_map(|(key, method)| Some((*method, node.get(key)?)));
    let Some((method, line)) = lines.next() else {
        problems.push(node.problem(
            "a step needs a request: one of get, head, options, post, put, patch, delete",
        ));
        return None;
    };
    if let Some((_, second)) = lines.next() {
        problems.push(second.problem("a second request; one step is one request"));
    }
    // `get:` with nothing after it is the base itself.
    let url = if matches!(line.value, Value::Null) {
        Template::parse("").ok()?
    } else {
        template(line, problems)?
    };
    names.check(line, &url, problems);
    let mut headers = Vec::new();
    for (key, value) in node.get("headers").map(Node::entries).unwrap_or_default() {
        let field = template(value, problems)?;
        names.check(value, &field, problems);
        headers.push((key.text.clone(), field));
    }
    let body = body(node, names, problems);
    let media_type = format(node, body.as_ref(), problems);
    let has_own = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(media_type) = media_type.filter(|_| !has_own) {
        headers.push(("Content-Type".to_owned(), Template::parse(media_type).ok()?));
    }
    Some(RequestTemplate {
        method,
        url,
        headers,
        body,
    })
}

/// `format: xml` sends the body as FHIR XML: the same as a `Content-Type` of it, which may have parameters.
fn format(
    node: &Node,
    body: Option<&BodyTemplate>,
    problems: &mut Vec<Problem>,
) -> Option<&'static str> {
    let value = node.get("format")?;
    if !matches!(
        body,
        Some(BodyTemplate::Json(_) | BodyTemplate::From { .. })
    ) {
        problems.push(value.problem("`format` is for a body that is a map"));
    }
    match value.as_text() {
        Some("json") => Some(FHIR_JSON),
        Some("xml") => Some(FHIR_XML),
        _ => {
            problems.push(value.problem("`format` is json or xml"));
            None
        }
    }
}

fn body(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<BodyTemplate> {
    if let Some(form) = node.get("form") {
        if node.get("body").is_some() {
            problems.push(form.problem("`form` and `body` exclude each other"));
        }
        let mut pairs = Vec::new();
        for (key, value) in form.entries() {
            let field = template(value, problems)?;
            names.check(value, &field, problems);
            pairs.push((key.text.clone(), field));
        }
        return Some(BodyTemplate::Form(pairs));
    }
    let body = node.get("body")?;
    match &body.value {
        Value::Text(_) => {
            let text = template(body, problems)?;
            names.check(body, &text, problems);
            Some(BodyTemplate::Text(text))
        }
        Value::Map(_) if body.get("from").is_some() => from(body, names, problems),
        Value::Map(_) | Value::List(_) => {
            check_json(body, names, problems);
            Some(BodyTemplate::Json(body.to_json()))
        }
        _ => {
            problems.push(body.problem(format!(
                "a body is a map, a list or text, found {}",
                body.kind()
            )));
            None
        }
    }
}

/// `{from: NAME, with: {…}}`: NAME is one of the file's `resources` or the `as` of an earlier step.
fn from(body: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<BodyTemplate> {
    keys::FROM.check(body, problems);
    let name = super::text(body, "from", problems)?;
    let patch = body.get("with").map_or_else(
        || Json::Object(serde_json::Map::new()),
        |with| {
            check_json(with, names, problems);
            with.to_json()
        },
    );
    if let Some(resource) = names.resources.get(name.as_str()) {
        let mut resource = resource.clone();
        merge(&mut resource, &patch);
        return Some(BodyTemplate::Json(resource));
    }
    if !names.answers.contains(&name) {
        let known: Vec<&str> = names
            .resources
            .keys()
            .copied()
            .chain(names.answers.iter().map(String::as_str))
            .collect();
        let mut problem = body.problem(format!(
            "`{name}` is neither one of `resources` nor the `as` of an earlier step"
        ));
        problem.hint = yaml::suggest(&name, &known).map(|word| format!("did you mean `{word}`?"));
        problems.push(problem);
    }
    Some(BodyTemplate::From { name, with: patch })
}

/// Checks the templates in the strings of a tree.
fn check_json(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::Text(text) => match Template::parse(text) {
            Ok(parsed) => names.check(node, &parsed, problems),
            Err(error) => problems.push(node.problem(error)),
        },
        Value::List(items) => items
            .iter()
            .for_each(|item| check_json(item, names, problems)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|(_, member)| check_json(member, names, problems)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn captures(node: &Node, problems: &mut Vec<Problem>) -> Vec<Capture> {
    let Some(map) = node.get("capture") else {
        return Vec::new();
    };
    if map.entries().is_empty() {
        problems.push(map.problem("`capture` is a map from names to FHIRPath or `header NAME`"));
    }
    map.entries()
        .iter()
        .filter_map(|(key, value)| {
            let field = value
                .as_text()
                .and_then(|text| text.strip_prefix("header "));
            let source = match (field, value.as_text()) {
                (Some(field), _) => CaptureSource::Header(field.trim().to_owned()),
                (None, Some("created-id")) => CaptureSource::CreatedId,
                (None, Some("created-version")) => CaptureSource::CreatedVersion,
                _ => CaptureSource::Path(expression(value, problems)?),
            };
            Some(Capture {
                name: key.text.clone(),
                source,
                span: value.span(),
            })
        })
        .collect()
}

fn poll(node: &Node, problems: &mut Vec<Problem>) -> Option<Poll> {
    let value = node.get("poll")?;
    match value.as_bool() {
        Some(true) => return Some(Poll { within: None }),
        Some(false) => return None,
        None => {}
    }
    let within = value.scalar().and_then(|text| duration(&text));
    if within.is_none_or(|within| within > MAX_POLL) {
        problems.push(value.problem(format!(
            "`poll` is true or a time up to {}s, such as `500ms` or `10s`",
            MAX_POLL.as_secs()
        )));
    }
    Some(Poll { within })
}

/// `500ms`, `10s`, `2m`.
fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit())?;
    let number: u64 = text[..split].parse().ok()?;
    match &text[split..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

fn follow(node: &Node, problems: &mut Vec<Problem>) -> Option<Follow> {
    let value = node.get("follow")?;
    match (value.as_bool(), value.as_text()) {
        (Some(true), _) | (_, Some("next")) => {
            return Some(Follow {
                pages: DEFAULT_PAGES,
                is_asked: true,
            });
        }
        (Some(false), _) => return None,
        _ => {}
    }
    let pages = value
        .as_u64()
        .filter(|pages| (1..=MAX_PAGES).contains(pages));
    if pages.is_none() {
        problems.push(value.problem(format!(
            "`follow` is `next` or a number of pages from 1 to {MAX_PAGES}"
        )));
    }
    pages
        .and_then(|pages| u32::try_from(pages).ok())
        .map(|pages| Follow {
            pages,
            is_asked: false,
        })
}
