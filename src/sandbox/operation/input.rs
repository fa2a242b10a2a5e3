//! The in-parameters of an operation: from the query, from a Parameters resource, or the one resource of the body.
//! <http://hl7.org/fhir/R4/operations.html#executing>. Which of them an operation wants is its own affair.

use serde_json::Value;

use super::super::body::Body;
use super::super::outcome::Refusal;
use super::super::turn::Call;
use crate::fhir::resource::resource_type;

/// Parts of a Parameters resource that are read.
const MAX_PARTS: usize = 200;

/// Values by name, in order.
pub struct Input {
    values: Vec<(String, Value)>,
    resource: Option<Value>,
}

impl Input {
    /// Reads the in-parameters of a call.
    pub fn of(call: &Call) -> Input {
        let pairs = call.pairs.iter();
        let mut values: Vec<(String, Value)> = pairs
            .map(|(name, value)| (name.clone(), Value::from(value.clone())))
            .collect();
        let mut resource = None;
        match &call.body {
            Body::Input(body) if resource_type(body) == Some("Parameters") => {
                values.extend(parts(body));
            }
            Body::Input(body) => resource = Some(body.clone()),
            _ => {}
        }
        Input { values, resource }
    }

    /// The body, if it is a resource other than Parameters.
    pub fn body(&self) -> Option<&Value> {
        self.resource.as_ref()
    }

    /// The value of a parameter, whatever its type.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let named = self.values.iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value)
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let named = self.values.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value)
    }

    /// The value of a parameter of a primitive type, as text; an empty one is none.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            value @ (Value::Bool(_) | Value::Number(_)) => Some(value.to_string()),
            _ => None,
        }
    }

    /// As `text`; 400 with code `required` if there is none.
    pub fn required(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)
            .ok_or_else(|| missing(&format!("the parameter {name}")))
    }

    /// A whole number that is not negative; 400 if it is anything else.
    pub fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            Refusal::new(
                400,
                "value",
                format!("the parameter {name} is not a whole number"),
            )
        })
    }
}

/// A refusal for want of something.
pub fn missing(what: &str) -> Refusal {
    Refusal::new(400, "required", format!("{what} is needed"))
}

fn parts(parameters: &Value) -> Vec<(String, Value)> {
    let list = parameters.get("parameter").and_then(Value::as_array);
    let parts = list.into_iter().flatten().take(MAX_PARTS);
    parts
        .filter_map(|part| {
            let members = part.as_object()?;
            let (_, value) = members
                .iter()
                .find(|(name, _)| name.starts_with("value") || *name == "resource")?;
            Some((part.get("name")?.as_str()?.to_owned(), value.clone()))
        })
        .collect()
}
