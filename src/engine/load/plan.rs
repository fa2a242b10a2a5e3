//! What a load suite asks for, read from its file with every mistake at once. It knows no target and no data.

use std::time::Duration;

use crate::fhir::definitions;
use crate::fhir::path::Expression;
use crate::record::finding::Span;
use crate::suite::keys::{LOAD_SUITE, OPERATION, VALUES};
use crate::suite::template::Template;
use crate::suite::yaml::{MAX_PROBLEMS, Node, Problem, Value, suggest};

use super::amount;
use super::schedule::Arrivals;
use super::threshold::{self, Threshold};

/// Requests per second at most.
pub const MAX_RATE: u64 = 100_000;
/// Time of a plan at most, warm-up included.
pub const MAX_DURATION: Duration = Duration::from_secs(3_600);
/// Operations of a plan at most.
pub const MAX_OPERATIONS: usize = 32;
/// Operations times seconds at most: each has a distribution of its own, of 3 to 10 kB.
pub const MAX_WINDOWS: u64 = 20_000;
/// Weight of an operation at most.
pub const MAX_WEIGHT: u64 = 1_000;
/// Requests in flight at most: each is a connection, and processes have 1,024 files unless told otherwise.
pub const MAX_IN_FLIGHT: u64 = 900;
/// How late an arrival may be sent unless the plan says otherwise.
const DEFAULT_LATENESS: Duration = Duration::from_secs(1);
/// Unless the plan says otherwise, requests in flight may be those of so many seconds, but no fewer than the least.
const DEFAULT_IN_FLIGHT_SECONDS: u64 = 2;
const LEAST_IN_FLIGHT: u64 = 16;
/// The one name that a template of an operation may use.
pub(super) const VALUE: &str = "value";

/// A load suite.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// One line for people.
    pub title: String,
    /// Requests per 1,000 seconds.
    pub rate_milli: u64,
    /// Measured time.
    pub duration: Duration,
    /// Time before it; nothing of it is recorded.
    pub warmup: Duration,
    /// How arrivals are spread.
    pub arrivals: Arrivals,
    /// Requests in flight at most, over all shards.
    pub in_flight: usize,
    /// An arrival that could not be sent in this time is not sent at all.
    pub max_lateness: Duration,
    /// What is sent.
    pub operations: Vec<Operation>,
    /// What must hold.
    pub thresholds: Vec<Threshold>,
    /// Where the file begins.
    pub span: Span,
}

/// A kind of request. Only reads: load suites do not write.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Name in reports and thresholds.
    pub name: String,
    /// Share of the arrivals, relative to the others.
    pub weight: u32,
    /// Relative URL; `${value}` is filled from `source`.
    pub url: Template,
    /// Where values come from; `None` if every request is the same.
    pub source: Option<Source>,
    /// Status codes of success.
    pub statuses: Vec<u16>,
    /// `resourceType` of a successful answer.
    pub body: String,
}

/// Resources of the cohort and one value of each.
#[derive(Debug, Clone)]
pub struct Source {
    /// Resource type.
    pub resource_type: String,
    /// FHIRPath; the first item is the value, resources without one are passed over.
    pub value: Expression,
    /// FHIRPath; which resources will do.
    pub condition: Option<Expression>,
}

/// Reads the plan of a load suite; `suite_id` makes the ids of its cases.
///
/// # Errors
/// Every mistake of the file, in order of place.
pub fn read(suite_id: &str, body: &Node) -> Result<LoadPlan, Vec<Problem>> {
    let mut reader = Reader {
        root: body,
        problems: Vec::new(),
    };
    let plan = reader.plan(suite_id);
    let mut problems = reader.problems;
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => {
            problems.sort();
            problems.dedup();
            problems.truncate(MAX_PROBLEMS);
            Err(problems)
        }
    }
}

struct Reader<'a> {
    root: &'a Node,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn plan(&mut self, suite_id: &str) -> Option<LoadPlan> {
        LOAD_SUITE.check(self.root, &mut self.problems);
        let title = self.root.get("title").and_then(Node::scalar);
        let rate_milli = self.rate();
        let duration = self.time("duration", None);
        let warmup = self.time("warmup", Some(Duration::ZERO));
        let max_lateness = self.time("max-lateness", Some(DEFAULT_LATENESS));
        let arrivals = self.arrivals();
        let in_flight = self.in_flight(rate_milli.unwrap_or(1_000));
        let operations = self.operations();
        // Of all operations, those with mistakes too: a threshold of one of them is no mistake.
        let names: Vec<&str> = self
            .root
            .get("operations")
            .map_or(&[][..], Node::items)
            .iter()
            .map(|node| node.get("name").and_then(Node::as_text).unwrap_or_default())
            .collect();
        let thresholds = threshold::read_all(suite_id, self.root, &names, &mut self.problems);
        let duration = duration?;
        self.check_size(duration, warmup?, operations.len());
        Some(LoadPlan {
            title: title.unwrap_or_default(),
            rate_milli: rate_milli?,
            duration,
            warmup: warmup?,
            arrivals: arrivals?,
            in_flight: in_flight?,
            max_lateness: max_lateness?,
            operations,
            thresholds,
            span: self.root.span(),
        })
    }

    fn complain(&mut self, node: &Node, message: impl Into<String>) {
        self.problems.push(node.problem(message));
    }

    fn rate(&mut self) -> Option<u64> {
        let Some(node) = self.root.get("rate") else {
            self.complain(self.root, "`rate` is missing: requests per second");
            return None;
        };
        let rate = node.scalar().and_then(|text| amount::decimal(&text, 3));
        let rate = rate.filter(|rate| (1..=MAX_RATE * 1_000).contains(rate));
        if rate.is_none() {
            let message = format!("`rate` is a number of requests per second up to {MAX_RATE}");
            self.complain(node, message);
        }
        rate
    }

    fn time(&mut self, key: &str, default: Option<Duration>) -> Option<Duration> {
        let Some(node) = self.root.get(key) else {
            if default.is_none() {
                self.complain(
                    self.root,
                    format!("`{key}` is missing: a time such as `10s`"),
                );
            }
            return default;
        };
        let time = node.scalar().and_then(|text| amount::time(&text));
        if time.is_none() {
            self.complain(
                node,
                format!("`{key}` is a time such as `500ms`, `10s` or `2m`"),
            );
        }
        time
    }

    fn check_size(&mut self, duration: Duration, warmup: Duration, operations: usize) {
        let node = self.root.get("duration").unwrap_or(self.root);
        if duration.is_zero() {
            self.complain(node, "`duration` must be more than nothing");
        }
        if duration + warmup > MAX_DURATION {
            let limit = MAX_DURATION.as_secs();
            self.complain(
                node,
                format!("`duration` and `warmup` are at most {limit}s together"),
            );
        } else if duration.as_secs() * operations as u64 > MAX_WINDOWS {
            let limit = MAX_WINDOWS;
            self.complain(
                node,
                format!("operations times seconds are at most {limit}"),
            );
        }
    }

    fn arrivals(&mut self) -> Option<Arrivals> {
        let Some(node) = self.root.get("arrivals") else {
            return Some(Arrivals::Poisson);
        };
        match node.as_text() {
            Some("poisson") => Some(Arrivals::Poisson),
            Some("uniform") => Some(Arrivals::Uniform),
            _ => {
                self.complain(node, "`arrivals` is `poisson` or `uniform`");
                None
            }
        }
    }

    fn in_flight(&mut self, rate_milli: u64) -> Option<usize> {
        let limit = match self.root.get("in-flight") {
            None => (rate_milli * DEFAULT_IN_FLIGHT_SECONDS / 1_000)
                .clamp(LEAST_IN_FLIGHT, MAX_IN_FLIGHT),
            Some(node) => {
                let limit = node.as_u64().filter(|n| (1..=MAX_IN_FLIGHT).contains(n));
                if limit.is_none() {
                    let message = format!("`in-flight` is a number from 1 to {MAX_IN_FLIGHT}");
                    self.complain(node, message);
                }
                limit?
            }
        };
        usize::try_from(limit).ok()
    }

    fn operations(&mut self) -> Vec<Operation> {
        let Some(list) = self.root.get("operations") else {
            self.complain(self.root, "`operations` is missing: what to send");
            return Vec::new();
        };
        if list.items().is_empty() || list.items().len() > MAX_OPERATIONS {
            let message = format!("`operations` is a list of 1 to {MAX_OPERATIONS}");
            self.complain(list, message);
            return Vec::new();
        }
        let mut operations: Vec<Operation> = Vec::new();
        for node in list.items() {
            let Some(operation) = self.operation(node) else {
                continue;
            };
            if operations.iter().any(|known| known.name == operation.name) {
                self.complain(node, format!("`{}` is there twice", operation.name));
            }
            operations.push(operation);
        }
        operations
    }

    fn operation(&mut self, node: &Node) -> Option<Operation> {
        OPERATION.check(node, &mut self.problems);
        let name = self.name(node);
        let weight = self.weight(node);
        let source = self.source(node);
        let url = self.url(node, node.get("from").is_some());
        let statuses = self.statuses(node);
        let body = self.body(node, url.as_ref());
        Some(Operation {
            name: name?,
            weight: weight?,
            url: url?,
            source: source?,
            statuses: statuses?,
            body: body?,
        })
    }

    /// Part of case ids, hence the few characters; `all` is taken.
    fn name(&mut self, node: &Node) -> Option<String> {
        let is_name = |text: &String| {
            let is_word =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !text.is_empty() && text != threshold::ALL && text.bytes().all(is_word)
        };
        let name = node.get("name").and_then(Node::scalar).filter(is_name);
        if name.is_none() {
            let place = node.get("name").unwrap_or(node);
            self.complain(
                place,
                "an operation has a `name` of lower-case letters, digits and `-`, other than `all`",
            );
        }
        name
    }

    fn weight(&mut self, node: &Node) -> Option<u32> {
        let Some(weight) = node.get("weight") else {
            return Some(1);
        };
        let number = weight.as_u64().filter(|n| (1..=MAX_WEIGHT).contains(n));
        if number.is_none() {
            self.complain(
                weight,
                format!("`weight` is a number from 1 to {MAX_WEIGHT}"),
            );
        }
        number.and_then(|number| u32::try_from(number).ok())
    }

    fn url(&mut self, node: &Node, has_source: bool) -> Option<Template> {
        let Some(get) = node.get("get") else {
            self.complain(node, "`get` is missing: a URL relative to the base");
            return None;
        };
        let text = get.scalar().unwrap_or_default();
        if text.is_empty() || text.contains("://") || text.starts_with('/') {
            self.complain(
                get,
                "`get` is a URL relative to the base, such as `Patient/${value}`",
            );
            return None;
        }
        let template = Template::parse(&text)
            .map_err(|error| self.complain(get, error))
            .ok()?;
        if let Some(name) = template.names().find(|name| *name != VALUE) {
            let message = format!("`${{{name}}}` is not known here; values come as `${{value}}`");
            self.problems.push(get.problem(message));
        }
        let uses_value = template.names().next().is_some();
        if uses_value && !has_source {
            self.complain(
                get,
                "`${value}` needs `from`, which says where values come from",
            );
        }
        if !uses_value && has_source {
            self.complain(get, "`from` gives `${value}`, which `get` does not use");
        }
        Some(template)
    }

    /// `Some(None)` if there is no `from`.
    #[allow(clippy::option_option, reason = "absent and mistaken are two things")]
    fn source(&mut self, node: &Node) -> Option<Option<Source>> {
        let Some(from) = node.get("from") else {
            return Some(None);
        };
        VALUES.check(from, &mut self.problems);
        let resource_type = from
            .get("type")
            .and_then(Node::scalar)
            .filter(|name| definitions::is_resource_type(name));
        if resource_type.is_none() {
            self.complain(
                from.get("type").unwrap_or(from),
                "`type` is a resource type of R4",
            );
        }
        let resource_type = resource_type?;
        let value = match from.get("value") {
            Some(value) => self.expression(&resource_type, value),
            None => {
                self.complain(from, "`value` is missing: a FHIRPath expression");
                None
            }
        };
        let condition = match from.get("where") {
            Some(condition) => Some(self.expression(&resource_type, condition)?),
            None => None,
        };
        Some(Some(Source {
            resource_type,
            value: value?,
            condition,
        }))
    }

    fn expression(&mut self, resource_type: &str, node: &Node) -> Option<Expression> {
        let text = node.scalar().unwrap_or_default();
        Expression::parse_for(resource_type, &text)
            .map_err(|error| self.complain(node, format!("FHIRPath: {error}")))
            .ok()
    }

    fn statuses(&mut self, node: &Node) -> Option<Vec<u16>> {
        let Some(status) = node.get("status") else {
            return Some(vec![200]);
        };
        let listed = match &status.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(status),
        };
        let codes: Option<Vec<u16>> = listed
            .iter()
            .map(|item| item.as_u64().filter(|code| (200..600).contains(code)))
            .map(|code| code.and_then(|code| u16::try_from(code).ok()))
            .collect();
        let codes = codes.filter(|codes| !codes.is_empty());
        if codes.is_none() {
            self.complain(status, "`status` is a status code, or a list of them");
        }
        codes
    }

    /// The resource type of the answer: as written, else what the URL says.
    fn body(&mut self, node: &Node, url: Option<&Template>) -> Option<String> {
        if let Some(body) = node.get("body") {
            let name = body.scalar().unwrap_or_default();
            if definitions::is_resource_type(&name) {
                return Some(name);
            }
            let mut problem = body.problem("`body` is the resource type of a successful answer");
            problem.hint = suggest(&name, definitions::resource_types())
                .map(|word| format!("did you mean `{word}`?"));
            self.problems.push(problem);
            return None;
        }
        let implied = implied_body(url?.text());
        if implied.is_none() {
            self.complain(
                node,
                "`body` is missing: the resource type of a successful answer",
            );
        }
        implied
    }
}

/// `Patient/1` answers with a Patient, `Patient?x=y` and `Patient` with a Bundle.
fn implied_body(url: &str) -> Option<String> {
    let path = url.split('?').next().unwrap_or_default();
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if !definitions::is_resource_type(first) {
        return None;
    }
    match rest {
        "" => Some("Bundle".to_owned()),
        id if is_instance(id) => Some(first.to_owned()),
        _ => None,
    }
}

/// True for what follows the type in a read: an id, not `_history`, `$everything` or a path.
pub(super) fn is_instance(rest: &str) -> bool {
    let is_operation = rest.starts_with('$') && !rest.starts_with("${");
    !(is_operation || rest.is_empty() || rest.starts_with('_') || rest.contains('/'))
}

#[cfg(test)]
mod tests;
