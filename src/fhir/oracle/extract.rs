//! What a search parameter sees of a resource: the nodes that its expression selects, with their FHIR types.
//! Not their meaning: the files named after the kinds of parameters read them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;

use crate::fhir::definitions::SearchParameter;
use crate::fhir::path::{Computed, Context, Expression, Item};

/// One value that a parameter sees.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// Its JSON; `None` for a primitive that has extensions only.
    pub value: Option<Cow<'a, Value>>,
    /// Its FHIR type, empty if unknown.
    pub type_name: &'static str,
    /// True if it was computed and stands nowhere in the resource.
    pub computed: bool,
}

impl<'a> Node<'a> {
    fn borrowed(value: &'a Value, type_name: &'static str) -> Self {
        Node {
            value: Some(Cow::Borrowed(value)),
            type_name,
            computed: false,
        }
    }

    /// The JSON of a member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.value.as_ref()?.get(name)
    }

    /// The text of a member.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The text of the node itself, if it is a string.
    pub fn text(&self) -> Option<&str> {
        self.value.as_ref()?.as_str()
    }
}

type Parsed = Arc<Result<Expression, String>>;

/// Parsed expressions by their text; a text means the same for every parameter.
static EXPRESSIONS: OnceLock<Mutex<BTreeMap<String, Parsed>>> = OnceLock::new();

fn expression(text: &str) -> Parsed {
    let cache = EXPRESSIONS.get_or_init(Mutex::default);
    // A thread that died while it held the lock cannot have left the map half-written.
    let mut cache = cache.lock().unwrap_or_else(|poison| poison.into_inner());
    if let Some(parsed) = cache.get(text) {
        return Arc::clone(parsed);
    }
    let parsed: Parsed = Arc::new(Expression::parse(text).map_err(|error| error.to_string()));
    cache.insert(text.to_owned(), Arc::clone(&parsed));
    parsed
}

/// Whether the expression of a parameter can be read at all.
pub(super) fn readable(parameter: &SearchParameter) -> Result<(), String> {
    if of_every_resource(&parameter.code).is_some() {
        return Ok(());
    }
    if parameter.expression.is_empty() {
        return Err(format!("what {} looks at has no path", parameter.code));
    }
    match expression(&parameter.expression).as_ref() {
        Ok(_) => Ok(()),
        Err(message) => Err(format!(
            "the expression of {} is beyond the path engine: {message}",
            parameter.code
        )),
    }
}

/// The nodes of a parameter in a resource.
pub(super) fn nodes<'a>(
    resource: &'a Value,
    parameter: &SearchParameter,
) -> Result<Vec<Node<'a>>, String> {
    match of_every_resource(&parameter.code) {
        Some((path, type_name)) => Ok(plain_path(resource, path)
            .into_iter()
            .map(|value| Node::borrowed(value, type_name))
            .collect()),
        None => evaluate(resource, &parameter.expression),
    }
}

/// Parameters that every resource has, read without the path engine.
fn of_every_resource(code: &str) -> Option<(&'static [&'static str], &'static str)> {
    Some(match code {
        "_id" => (&["id"], "id"),
        "_lastUpdated" => (&["meta", "lastUpdated"], "instant"),
        "_profile" => (&["meta", "profile"], "canonical"),
        "_security" => (&["meta", "security"], "Coding"),
        "_source" => (&["meta", "source"], "uri"),
        "_tag" => (&["meta", "tag"], "Coding"),
        _ => return None,
    })
}

/// The values at a path of member names; arrays are walked through.
pub(super) fn plain_path<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let mut values = vec![value];
    for name in path {
        values = values
            .into_iter()
            .filter_map(|value| value.get(name))
            .flat_map(|member| match member {
                Value::Array(items) => items.iter().collect(),
                single => vec![single],
            })
            .collect();
    }
    values
}

/// The nodes that an expression selects.
pub(super) fn evaluate<'a>(resource: &'a Value, text: &str) -> Result<Vec<Node<'a>>, String> {
    let parsed = expression(text);
    let expression = parsed.as_ref().as_ref().map_err(String::clone)?;
    let context = Context {
        resource,
        variables: &[],
        // No search parameter of R4 asks for the time; a fixed one keeps the answer a function of its arguments.
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let items = expression
        .evaluate(&context)
        .map_err(|error| error.to_string())?;
    Ok(items.into_iter().map(node_of).collect())
}

fn node_of(item: Item<'_>) -> Node<'_> {
    let type_name = match &item {
        Item::Node {
            value, type_name, ..
        } => {
            return Node {
                value: value.map(Cow::Borrowed),
                type_name,
                computed: false,
            };
        }
        Item::Computed(computed) => match computed {
            Computed::Boolean(_) => "boolean",
            Computed::Integer(_) => "integer",
            Computed::Decimal(_) => "decimal",
            Computed::String(_) => "string",
            Computed::Date(_) => "date",
            Computed::DateTime(_) => "dateTime",
            Computed::Time(_) => "time",
            Computed::Quantity { .. } => "Quantity",
        },
    };
    Node {
        value: Some(Cow::Owned(item.to_json())),
        type_name,
        computed: true,
    }
}
