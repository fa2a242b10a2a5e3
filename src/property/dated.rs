//! What a resource holds for a date parameter: nothing, one date, or something else. For elements that do not repeat;
//! it compares nothing.

use serde_json::Value;

use super::parameter::{Kind, Parameter};
use crate::fhir::datatype::{Interval, interval};

/// The widest zones are 14 hours from UTC.
const ZONES: i128 = 14 * 60 * 60 * 1_000_000_000;

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'a> {
    /// No value.
    Nothing,
    /// One date, dateTime or instant.
    Date(&'a str),
    /// A Period, a Timing, an extension, a value of another type.
    Other,
}

/// What a resource holds for a date parameter.
pub fn held<'a>(parameter: &Parameter, resource: &'a Value) -> Held<'a> {
    let [member] = parameter.path else {
        return Held::Other;
    };
    match resource.get(*member).and_then(Value::as_str) {
        Some(text) => Held::Date(text),
        None if parameter.is_missing(resource) => Held::Nothing,
        None => Held::Other,
    }
}

/// True for the parameters of this kind.
pub fn suits(parameter: &Parameter) -> bool {
    parameter.kind == Kind::Date
}

/// True for those of them whose dates may have a time.
pub fn suits_with_time(parameter: &Parameter) -> bool {
    suits(parameter) && parameter.path[0].ends_with("DateTime")
}

/// True if the date is at least as precise as the one asked for: it lies in it, before it or after it, whatever zone
/// is taken for dates without one.
pub fn is_point(date: &str, asked: &str) -> bool {
    precision(date) >= precision(asked)
}

/// Year, month, day, or time with its seconds.
fn precision(date: &str) -> usize {
    match date.split_once('T') {
        None => date.len().min(10),
        Some((_, time)) if time.len() >= "12:00:00".len() => 19,
        Some(_) => 16,
    }
}

/// Whether a date lies in the year or month asked for: `None` if zones decide.
pub fn lies_in(date: &str, asked: &str) -> Option<bool> {
    if !date.contains('T') {
        return Some(date.starts_with(asked));
    }
    let (inner, outer) = (interval(date, 0)?, interval(asked, 0)?);
    let widened = Interval {
        start: inner.start - ZONES,
        end: inner.end + ZONES,
    };
    if outer.contains(&widened) {
        Some(true)
    } else if outer.overlaps(&widened) {
        None
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::parameter;
    use serde_json::json;

    #[test]
    fn a_choice_holds_a_date_something_else_or_nothing() {
        let date = parameter::find("Observation", "date").unwrap();
        let held_in = |value: Value| match held(date, &value) {
            Held::Nothing => "nothing",
            Held::Date(_) => "date",
            Held::Other => "other",
        };
        assert_eq!(held_in(json!({"effectiveDateTime": "2021"})), "date");
        assert_eq!(held_in(json!({"effectivePeriod": {}})), "other");
        assert_eq!(held_in(json!({"_effectiveDateTime": {}})), "other");
        assert_eq!(held_in(json!({"issued": "2021"})), "nothing");
    }

    #[test]
    fn a_point_is_as_precise_as_what_is_asked() {
        assert!(is_point("2021-06-01T12:00:00Z", "2021-06-01"));
        assert!(is_point("2021-06-01", "2021-06-01"));
        assert!(!is_point("2021-06", "2021-06-01"));
        assert!(!is_point("2021-06-01", "2021-06-01T12:00:00Z"));
        assert!(!is_point("2021-06-01T12:00Z", "2021-06-01T12:00:00Z"));
    }

    #[test]
    fn dates_near_a_boundary_lie_nowhere_for_certain() {
        assert_eq!(lies_in("2021-06-01", "2021-06"), Some(true));
        assert_eq!(lies_in("2021-06-01T12:00:00Z", "2021-06"), None);
        assert_eq!(lies_in("2021-06-15T12:00:00Z", "2021-06"), Some(true));
        assert_eq!(lies_in("2021-06-01T12:00:00Z", "2021-07"), Some(false));
    }
}
