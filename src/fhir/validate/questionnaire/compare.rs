//! Values of answers against each other, with "cannot be said" as a third result.
//! Not search: no prefixes, no ranges of precision.

use std::cmp::Ordering;

use serde_json::Value;

use crate::fhir::datatype::{Interval, interval};
use crate::fhir::decimal::Decimal;
use crate::fhir::path::compare_quantities;

/// Zones lie within 14 hours of UTC.
const LARGEST_OFFSET: i128 = 14 * 3600 * 1_000_000_000;

/// A value of a choice element with the type that its name gives it (`valueCoding`: `Coding`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed<'v> {
    pub type_name: &'v str,
    pub value: &'v Value,
}

impl<'v> Typed<'v> {
    /// The value of a choice element by its stem (`value`, `answer`).
    pub fn of(element: &'v Value, stem: &str) -> Option<Self> {
        element.as_object()?.iter().find_map(|(key, value)| {
            let type_name = key.strip_prefix(stem)?;
            let is_type = type_name.starts_with(|first: char| first.is_ascii_uppercase());
            is_type.then_some(Typed { type_name, value })
        })
    }

    /// The interval of a date or dateTime.
    pub fn moment(self) -> Option<Interval> {
        match self.type_name {
            "Date" | "DateTime" => interval(self.value.as_str()?, 0),
            _ => None,
        }
    }
}

/// Whether two values are the same.
pub(super) fn equal(left: Typed<'_>, right: Typed<'_>) -> Option<bool> {
    match (left.type_name, right.type_name) {
        ("Coding", "Coding") => same_coding(left.value, right.value),
        ("Boolean", "Boolean") | ("String", "String") | ("Uri", "Uri") => {
            Some(left.value == right.value)
        }
        ("Reference", "Reference") => {
            let text = |side: Typed<'_>| side.value.get("reference").cloned();
            // One resource may be referred to in several ways.
            (text(left)? == text(right)?).then_some(true)
        }
        _ => order(left, right).map(Ordering::is_eq),
    }
}

/// The order of two values, if their types have one and it is sure.
pub(super) fn order(left: Typed<'_>, right: Typed<'_>) -> Option<Ordering> {
    match (left.type_name, right.type_name) {
        ("Integer" | "Decimal", "Integer" | "Decimal") => numbers(left.value, right.value),
        ("Date" | "DateTime", "Date" | "DateTime") => moments(left, right),
        ("Time", "Time") => times(left.value.as_str()?, right.value.as_str()?),
        ("Quantity", "Quantity") => quantities(left.value, right.value),
        _ => None,
    }
}

/// Codings are the same by system and code. Whether a code without system is meant in the other's system is not said.
fn same_coding(left: &Value, right: &Value) -> Option<bool> {
    let member = |side: &Value, name: &str| side.get(name).cloned();
    let pair = |name: &str| (member(left, name), member(right, name));
    let codes = pair("code");
    let (Some(own), Some(other)) = &codes else {
        return None;
    };
    if own != other {
        return Some(false);
    }
    match pair("system") {
        (Some(own), Some(other)) => Some(own == other),
        (None, None) => Some(true),
        _ => None,
    }
}

fn numbers(left: &Value, right: &Value) -> Option<Ordering> {
    let number = |side: &Value| match side {
        Value::Number(number) => Decimal::parse(number.as_str()).map(|decimal| decimal.value()),
        _ => None,
    };
    Some(number(left)?.cmp(&number(right)?))
}

/// Moments that share an instant have no order, unless they are written the same.
fn moments(left: Typed<'_>, right: Typed<'_>) -> Option<Ordering> {
    if left.value == right.value {
        return left.moment().map(|_| Ordering::Equal);
    }
    let (own, other) = (left.moment()?, right.moment()?);
    let has_zone = |side: Typed<'_>| side.value.as_str().is_some_and(|text| text.contains('T'));
    let slack = if has_zone(left) == has_zone(right) {
        0
    } else {
        LARGEST_OFFSET
    };
    if own.end + slack <= other.start {
        Some(Ordering::Less)
    } else if other.end + slack <= own.start {
        Some(Ordering::Greater)
    } else {
        (own == other).then_some(Ordering::Equal)
    }
}

/// `hh:mm:ss` with fractions: texts have the order of their times.
fn times(left: &str, right: &str) -> Option<Ordering> {
    let whole = |text: &str| text.len() >= "hh:mm:ss".len();
    let plain = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    (whole(left) && whole(right)).then(|| plain(left).cmp(&plain(right)))
}

/// Quantities of one unit, or of units of UCUM that convert exactly.
fn quantities(left: &Value, right: &Value) -> Option<Ordering> {
    if left.get("comparator").is_some() || right.get("comparator").is_some() {
        return None;
    }
    let is_same = |name: &str| left.get(name) == right.get(name);
    if left.get("code").is_some() && is_same("code") && is_same("system") {
        return numbers(left.get("value")?, right.get("value")?);
    }
    compare_quantities(left, right)
}
