//! Equality, equivalence and order of items. `None` means that the answer is open: another precision, another unit.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Value;

use super::PathError;
use super::evaluate::{Evaluator, error};
use super::quantity::Quantity;
use super::temporal::{Kind, Temporal};
use super::value::{Node, Number, Text, Val};
use crate::fhir::decimal;

/// An item as a value of FHIRPath.
pub(super) enum Scalar<'a> {
    Boolean(bool),
    Number(Number),
    String(Text<'a>),
    Temporal(Temporal),
    Quantity(Quantity<'a>),
    /// A complex element, or one without value.
    Complex(Node<'a>),
    /// A number beyond exact decimals, a type.
    Opaque,
}

impl<'a> Evaluator<'a> {
    /// Converts a node to a value; the type of a string matters only if it could be a date.
    pub fn scalar(&mut self, val: &Val<'a>) -> Scalar<'a> {
        match val {
            Val::Boolean(boolean) => Scalar::Boolean(*boolean),
            Val::Integer(integer) => Scalar::Number(Number::Integer(*integer)),
            Val::Decimal(decimal) => Scalar::Number(Number::Decimal(*decimal)),
            Val::String(text) => Scalar::String(text.clone()),
            Val::Temporal(temporal) => Scalar::Temporal(**temporal),
            Val::Quantity(quantity) => Scalar::Quantity((**quantity).clone()),
            Val::Type(_) => Scalar::Opaque,
            Val::Node(node) => match node.value {
                Some(Value::Bool(boolean)) => Scalar::Boolean(*boolean),
                Some(Value::Number(number)) => {
                    Number::of(number).map_or(Scalar::Opaque, Scalar::Number)
                }
                Some(Value::String(text)) => match self.node_temporal(node, text) {
                    Some(temporal) => Scalar::Temporal(temporal),
                    None => Scalar::String(Text::Borrowed(text)),
                },
                _ => Scalar::Complex(*node),
            },
        }
    }

    /// The date, dateTime or time that a node holds.
    pub fn node_temporal(&mut self, node: &Node<'a>, text: &str) -> Option<Temporal> {
        let may_be_temporal =
            text.len() >= 4 && text.as_bytes()[..2].iter().all(u8::is_ascii_digit);
        if !may_be_temporal {
            return None;
        }
        Temporal::parse(Kind::DateTime, text).or_else(|| Temporal::parse(Kind::Time, text))?;
        let kind = self.types.temporal_kind(node, text)?;
        Temporal::parse(kind, text)
    }

    /// True for JSON whose FHIR type nobody knows: a member of a variable.
    fn is_untyped(&mut self, val: &Val<'a>) -> bool {
        matches!(val, Val::Node(node) if self.types.of(node).is_empty())
    }

    /// `=` of two items.
    pub fn equal(&mut self, left: &Val<'a>, right: &Val<'a>) -> Option<bool> {
        // A string literal is compared with the text of an element, whatever its type.
        if let (Val::Node(_), Val::String(_)) | (Val::String(_), Val::Node(_)) = (left, right) {
            return Some(match (text(left), text(right)) {
                (Some(left), Some(right)) => left == right,
                _ => false,
            });
        }
        match (self.scalar(left), self.scalar(right)) {
            (Scalar::Boolean(left), Scalar::Boolean(right)) => Some(left == right),
            (Scalar::Number(left), Scalar::Number(right)) => {
                Some(left.decimal() == right.decimal())
            }
            (Scalar::String(left), Scalar::String(right)) => Some(*left == *right),
            (Scalar::Temporal(left), Scalar::Temporal(right)) => match left.is_comparable(&right) {
                true => left.compare(&right).map(|order| order == Ordering::Equal),
                false => Some(false),
            },
            (Scalar::Complex(left), Scalar::Complex(right)) => Some(same_nodes(&left, &right)),
            (Scalar::Opaque, Scalar::Opaque) => Some(same_opaque(left, right)),
            // In JSON of unknown type `1010` may be a year or an id; beside a string it is a string.
            (Scalar::Temporal(_), Scalar::String(_)) | (Scalar::String(_), Scalar::Temporal(_))
                if self.is_untyped(left) || self.is_untyped(right) =>
            {
                Some(left.as_text().as_deref() == right.as_text().as_deref())
            }
            (left, right) => match (quantity(left), quantity(right)) {
                (Some(left), Some(right)) => {
                    left.compare(&right).map(|order| order == Ordering::Equal)
                }
                _ => Some(false),
            },
        }
    }

    /// `~` of two items.
    pub fn equivalent(&mut self, left: &Val<'a>, right: &Val<'a>) -> bool {
        if let (Some(left), Some(right)) = (left.as_text(), right.as_text())
            && folded(&left).eq(folded(&right))
        {
            return true;
        }
        match (self.scalar(left), self.scalar(right)) {
            (Scalar::Number(left), Scalar::Number(right)) => {
                roughly_equal(left.decimal(), right.decimal())
            }
            (Scalar::Temporal(left), Scalar::Temporal(right)) => left.is_equivalent(&right),
            (Scalar::Complex(left), Scalar::Complex(right)) => {
                same_nodes(&left, &right) || self.equal_quantities(&left, &right)
            }
            (Scalar::Boolean(left), Scalar::Boolean(right)) => left == right,
            (Scalar::String(_), Scalar::String(_)) => false,
            (Scalar::Opaque, Scalar::Opaque) => same_opaque(left, right),
            (left, right) => match (quantity(left), quantity(right)) {
                (Some(left), Some(right)) if *left.unit == *right.unit => {
                    roughly_equal(left.value, right.value)
                }
                (Some(left), Some(right)) => left
                    .in_one_unit(&right)
                    .is_some_and(|(left, right)| roughly_equal(left, right)),
                _ => false,
            },
        }
    }

    fn equal_quantities(&self, left: &Node<'a>, right: &Node<'a>) -> bool {
        let quantity = |node: &Node<'a>| node.value.and_then(Quantity::of);
        match (quantity(left), quantity(right)) {
            (Some(left), Some(right)) => left.compare(&right) == Some(Ordering::Equal),
            _ => false,
        }
    }

    /// `<` and its like.
    pub fn order(
        &mut self,
        left: &Val<'a>,
        right: &Val<'a>,
        position: usize,
    ) -> Result<Option<Ordering>, PathError> {
        if left.is_without_value() || right.is_without_value() {
            return Ok(None);
        }
        let (left_scalar, right_scalar) = (self.scalar(left), self.scalar(right));
        let (left_scalar, right_scalar) = match (left_scalar, right_scalar) {
            (Scalar::Temporal(date), Scalar::String(text)) => {
                (Scalar::Temporal(date), as_date(left, &date, text))
            }
            (Scalar::String(text), Scalar::Temporal(date)) => {
                (as_date(right, &date, text), Scalar::Temporal(date))
            }
            scalars => scalars,
        };
        match (left_scalar, right_scalar) {
            (Scalar::Number(left), Scalar::Number(right)) => {
                Ok(Some(left.decimal().cmp(&right.decimal())))
            }
            (Scalar::String(left), Scalar::String(right)) => Ok(Some(left.cmp(&*right))),
            (Scalar::Temporal(left), Scalar::Temporal(right)) if left.is_comparable(&right) => {
                Ok(left.compare(&right))
            }
            (left_scalar, right_scalar) => match (quantity(left_scalar), quantity(right_scalar)) {
                (Some(left), Some(right)) => Ok(left.compare(&right)),
                _ => error(
                    position,
                    format!(
                        "{} and {} have no order",
                        left.description(),
                        right.description()
                    ),
                ),
            },
        }
    }
}

/// A string that is compared with an element that is a date: captured values are strings.
fn as_date<'a>(element: &Val<'_>, date: &Temporal, text: Text<'a>) -> Scalar<'a> {
    let kind = if date.kind == Kind::Time {
        Kind::Time
    } else {
        Kind::DateTime
    };
    match element {
        Val::Node(_) => Temporal::parse(kind, &text).map_or(Scalar::String(text), Scalar::Temporal),
        _ => Scalar::String(text),
    }
}

/// A quantity, a number as one without unit, or a FHIR Quantity.
pub(super) fn quantity(scalar: Scalar<'_>) -> Option<Quantity<'_>> {
    match scalar {
        Scalar::Quantity(quantity) => Some(quantity),
        Scalar::Number(number) => Some(Quantity::plain(number.decimal())),
        Scalar::Complex(node) => node.value.and_then(Quantity::of),
        _ => None,
    }
}

/// The text of a string or of a node that is a JSON string.
fn text<'v>(val: &'v Val<'_>) -> Option<&'v str> {
    match val {
        Val::String(text) => Some(text),
        Val::Node(node) => node.value?.as_str(),
        _ => None,
    }
}

/// Case and the amount of white space do not count.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let words = text.split_whitespace().enumerate();
    words.flat_map(|(index, word)| {
        let space = (index > 0).then_some(' ');
        space
            .into_iter()
            .chain(word.chars().flat_map(char::to_lowercase))
    })
}

/// Equal when rounded to the precision of the less precise one; zeros at the end are not precision.
fn roughly_equal(left: Decimal, right: Decimal) -> bool {
    let scale = left.normalize().scale().min(right.normalize().scale());
    let round = |value: Decimal| {
        value.round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
    };
    round(left) == round(right)
}

fn same_nodes(left: &Node<'_>, right: &Node<'_>) -> bool {
    match (left.value, right.value) {
        (Some(left), Some(right)) => same_json(left, right),
        (None, None) => match (left.sibling, right.sibling) {
            (Some(left), Some(right)) => same_json(left, right),
            _ => false,
        },
        _ => false,
    }
}

/// Types by name, numbers beyond exact decimals by text.
fn same_opaque(left: &Val<'_>, right: &Val<'_>) -> bool {
    match (left, right) {
        (Val::Type(left), Val::Type(right)) => {
            left.namespace == right.namespace && *left.name == *right.name
        }
        (Val::Node(left), Val::Node(right)) => left.value == right.value,
        _ => false,
    }
}

/// Equal JSON: numbers by value, members in any order. A list of open pairs in place of recursion.
fn same_json(left: &Value, right: &Value) -> bool {
    let mut open = vec![(left, right)];
    while let Some((left, right)) = open.pop() {
        if std::ptr::eq(left, right) {
            continue;
        }
        match (left, right) {
            (Value::Object(left), Value::Object(right)) if left.len() == right.len() => {
                for (key, value) in left {
                    match right.get(key) {
                        Some(other) => open.push((value, other)),
                        None => return false,
                    }
                }
            }
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                open.extend(left.iter().zip(right));
            }
            (Value::Number(left), Value::Number(right)) => {
                let value = |text| decimal::Decimal::parse(text).map(|decimal| decimal.value());
                let same = left.as_str() == right.as_str()
                    || matches!((value(left.as_str()), value(right.as_str())), (Some(left), Some(right)) if left == right);
                if !same {
                    return false;
                }
            }
            (left, right) if left == right => {}
            _ => return false,
        }
    }
    true
}
