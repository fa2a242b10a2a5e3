//! Values during evaluation: borrowed nodes of the resource and computed values, and their public counterparts.

use std::ops::Deref;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::quantity::Quantity;
use super::temporal::{Kind, Temporal};
use super::types::TypeId;
use super::{Computed, PathError};
use crate::fhir::decimal;

/// What an expression gives, in order.
pub(super) type Collection<'a> = Vec<Val<'a>>;

/// A collection or the reason why there is none.
pub(super) type Outcome<'a> = Result<Collection<'a>, PathError>;

/// A text of the resource, or one that was written or computed.
#[derive(Debug, Clone)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Shared(Arc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Text::Shared(text.into())
    }
}

/// An element of the resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// JSON value; none for a primitive that has only extensions and for a resource known by reference only.
    pub value: Option<&'a Value>,
    /// The `_name` sibling of a primitive.
    pub sibling: Option<&'a Value>,
    pub type_id: TypeId,
}

impl<'a> Node<'a> {
    /// The object that holds the children.
    pub fn object(&self) -> Option<&'a serde_json::Map<String, Value>> {
        self.value
            .and_then(Value::as_object)
            .or_else(|| self.sibling.and_then(Value::as_object))
    }

    /// True for a primitive with a value.
    pub fn has_value(&self) -> bool {
        matches!(
            self.value,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_))
        )
    }
}

/// What `type()` gives.
#[derive(Debug, Clone)]
pub(super) struct TypeInfo<'a> {
    pub namespace: &'static str,
    pub name: Text<'a>,
}

/// One item.
#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Node(Node<'a>),
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(Text<'a>),
    /// Boxed like a quantity: most items are nodes, and a collection of small items is quick to move.
    Temporal(Box<Temporal>),
    Quantity(Box<Quantity<'a>>),
    Type(Box<TypeInfo<'a>>),
}

impl<'a> Val<'a> {
    /// A computed string.
    pub fn text(text: impl Into<String>) -> Self {
        Val::String(Text::from(text.into()))
    }

    /// A quantity.
    pub fn quantity(value: Decimal, unit: Text<'a>) -> Self {
        Val::Quantity(Box::new(Quantity { value, unit }))
    }

    /// A type by namespace and name.
    pub fn type_info(namespace: &'static str, name: &'static str) -> Self {
        Val::Type(Box::new(TypeInfo {
            namespace,
            name: Text::Borrowed(name),
        }))
    }

    /// The element, if it is one of the resource.
    pub fn as_node(&self) -> Option<&Node<'a>> {
        match self {
            Val::Node(node) => Some(node),
            _ => None,
        }
    }

    /// A boolean, or the boolean of a node.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Val::Boolean(boolean) => Some(*boolean),
            Val::Node(node) => node.value.and_then(Value::as_bool),
            _ => None,
        }
    }

    /// A string, or the text of a node that is a JSON string.
    pub fn as_text(&self) -> Option<Text<'a>> {
        match self {
            Val::String(text) => Some(text.clone()),
            Val::Node(node) => node.value.and_then(Value::as_str).map(Text::Borrowed),
            _ => None,
        }
    }

    /// True for a node without value: a primitive that has only extensions, a resource known by reference only.
    pub fn is_without_value(&self) -> bool {
        matches!(self, Val::Node(node) if node.value.is_none_or(Value::is_null))
    }

    /// For messages.
    pub fn description(&self) -> &'static str {
        match self {
            Val::Node(node) => match node.value {
                Some(Value::Object(_)) => "a complex element",
                Some(Value::Bool(_)) => "a boolean",
                Some(Value::Number(_)) => "a number",
                Some(Value::String(_)) => "a string",
                _ => "an element without value",
            },
            Val::Boolean(_) => "a boolean",
            Val::Integer(_) | Val::Decimal(_) => "a number",
            Val::String(_) => "a string",
            Val::Temporal(temporal) => match temporal.kind {
                Kind::Date => "a date",
                Kind::DateTime => "a dateTime",
                Kind::Time => "a time",
            },
            Val::Quantity(_) => "a quantity",
            Val::Type(_) => "a type",
        }
    }

    /// The public form of a computed value; `None` for a node.
    pub fn computed(&self) -> Option<Computed> {
        Some(match self {
            Val::Node(_) => return None,
            Val::Boolean(boolean) => Computed::Boolean(*boolean),
            Val::Integer(integer) => Computed::Integer(*integer),
            Val::Decimal(value) => Computed::Decimal((*value).into()),
            Val::String(text) => Computed::String(text.to_string()),
            Val::Temporal(temporal) => match temporal.kind {
                Kind::Date => Computed::Date(temporal.to_string()),
                Kind::DateTime => Computed::DateTime(temporal.to_string()),
                Kind::Time => Computed::Time(temporal.to_string()),
            },
            Val::Quantity(quantity) => Computed::Quantity {
                value: quantity.value.into(),
                unit: quantity.unit.to_string(),
            },
            Val::Type(info) => Computed::String(format!("{}.{}", info.namespace, &*info.name)),
        })
    }

    /// The engine's form of a computed value.
    pub fn from_computed(computed: &Computed) -> Option<Val<'a>> {
        Some(match computed {
            Computed::Boolean(boolean) => Val::Boolean(*boolean),
            Computed::Integer(integer) => Val::Integer(*integer),
            Computed::Decimal(decimal) => Val::Decimal(decimal.value()),
            Computed::String(text) => Val::text(text.as_str()),
            Computed::Date(text) => Val::from(Temporal::parse(Kind::Date, text)?),
            Computed::DateTime(text) => Val::from(Temporal::parse(Kind::DateTime, text)?),
            Computed::Time(text) => Val::from(Temporal::parse(Kind::Time, text)?),
            Computed::Quantity { value, unit } => {
                Val::quantity(value.value(), Text::from(unit.clone()))
            }
        })
    }
}

/// A number as the text of the JSON says: an integer, or a decimal with its scale.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Integer(i64),
    Decimal(Decimal),
}

impl Number {
    /// Reads a JSON number; `None` beyond 28 digits.
    pub fn of(number: &serde_json::Number) -> Option<Self> {
        let text = number.as_str();
        match text.parse() {
            Ok(integer) => Some(Number::Integer(integer)),
            Err(_) => decimal::Decimal::parse(text).map(|decimal| Number::Decimal(decimal.value())),
        }
    }

    /// The exact value.
    pub fn decimal(self) -> Decimal {
        match self {
            Number::Integer(integer) => Decimal::from(integer),
            Number::Decimal(decimal) => decimal,
        }
    }
}

impl<'a> From<Node<'a>> for Val<'a> {
    fn from(node: Node<'a>) -> Self {
        Val::Node(node)
    }
}

impl From<Temporal> for Val<'_> {
    fn from(temporal: Temporal) -> Self {
        Val::Temporal(Box::new(temporal))
    }
}

impl<'a> From<Number> for Val<'a> {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(integer) => Val::Integer(integer),
            Number::Decimal(decimal) => Val::Decimal(decimal),
        }
    }
}
