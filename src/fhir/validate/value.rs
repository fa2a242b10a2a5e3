//! Fixed values, patterns and limits: one JSON value against another.
//! Not formats of primitives: a value that is no value of its type is reported by the base rules.

use std::cmp::Ordering;

use serde_json::Value;

use crate::fhir::decimal::Decimal;
use crate::fhir::path::compare_quantities;

const UCUM: &str = "http://unitsofmeasure.org";

/// True if the value is exactly the fixed one. Members have no order; numbers are equal if they are written the same.
pub(super) fn is_fixed(value: &Value, fixed: &Value) -> bool {
    value == fixed
}

/// True if the value has all that the pattern has; an array has an item for each item of the pattern.
pub(super) fn has_pattern(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, part)| value.get(key).is_some_and(|own| has_pattern(own, part))),
        (Value::Array(items), Value::Array(pattern)) => pattern
            .iter()
            .all(|part| items.iter().any(|item| has_pattern(item, part))),
        (Value::Array(items), part) => items.iter().any(|item| has_pattern(item, part)),
        (value, pattern) => value == pattern,
    }
}

/// The order of two values of one type: numbers, dates of equal precision, quantities of equal units or of units of
/// UCUM that convert exactly. `None` if they have no order that is sure.
pub(super) fn order(value: &Value, limit: &Value) -> Option<Ordering> {
    match (value, limit) {
        (Value::Number(value), Value::Number(limit)) => {
            let decimal = |text: &str| Decimal::parse(text).map(|decimal| decimal.value());
            Some(decimal(value.as_str())?.cmp(&decimal(limit.as_str())?))
        }
        (Value::String(value), Value::String(limit)) => {
            let is_plain = |text: &str| {
                text.bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'-')
            };
            // Dates without times: their texts have their order, as far as both are written.
            if !is_plain(value) || !is_plain(limit) {
                return None;
            }
            let length = value.len().min(limit.len());
            match value.get(..length)?.cmp(limit.get(..length)?) {
                Ordering::Equal if value.len() != limit.len() => None,
                order => Some(order),
            }
        }
        (Value::Object(own), Value::Object(other)) => {
            if own.get("comparator").is_some() {
                return None;
            }
            let is_same = |name: &str| own.get(name) == other.get(name);
            if is_same("code") && is_same("system") {
                return order(own.get("value")?, other.get("value")?);
            }
            let is_ucum = [own, other].map(|side| side.get("system").and_then(Value::as_str));
            let is_ucum = is_ucum.iter().all(|system| *system == Some(UCUM));
            is_ucum.then(|| compare_quantities(value, limit))?
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pattern_is_a_part_of_the_value() {
        let value = json!({"coding": [{"system": "a", "code": "1"}, {"system": "b", "code": "2", "display": "x"}], "text": "t"});
        assert!(has_pattern(
            &value,
            &json!({"coding": [{"system": "b", "code": "2"}]})
        ));
        assert!(!has_pattern(
            &value,
            &json!({"coding": [{"system": "a", "code": "2"}]})
        ));
        assert!(!has_pattern(
            &value,
            &json!({"coding": [{"system": "b"}], "id": "1"})
        ));
        assert!(is_fixed(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})));
        assert!(!is_fixed(&json!({"a": 1, "b": 2}), &json!({"a": 1})));
    }

    #[test]
    fn limits_compare_only_what_has_an_order() {
        assert_eq!(order(&json!(2), &json!(10)), Some(Ordering::Less));
        assert_eq!(
            order(&json!("2020-01"), &json!("2019-12-31")),
            Some(Ordering::Greater)
        );
        assert_eq!(order(&json!("2020"), &json!("2020-01-01")), None);
        let kg = |value: i32| json!({"value": value, "code": "kg"});
        assert_eq!(order(&kg(2), &kg(1)), Some(Ordering::Greater));
        assert_eq!(order(&kg(2), &json!({"value": 1, "code": "g"})), None);
        let ucum = |value: i32, code: &str| json!({"value": value, "code": code, "system": UCUM});
        assert_eq!(
            order(&ucum(11_000, "g"), &ucum(10, "kg")),
            Some(Ordering::Greater)
        );
        assert_eq!(order(&ucum(1, "g"), &ucum(1, "cm")), None);
    }
}
