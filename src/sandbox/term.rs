//! Index terms: what one element contributes to the index of a search parameter. Not how a query finds them.
//! <http://hl7.org/fhir/R4/search.html#ptypes>

use rust_decimal::Decimal as Exact;
use serde_json::Value;

use super::fold::{fold, fold_case};
use crate::fhir::Key;
use crate::fhir::datatype::{Interval, interval, period_interval};
use crate::fhir::decimal::Decimal;
use crate::fhir::definitions::ParameterKind;
use crate::fhir::path::{Computed, Item};
use crate::fhir::resource::is_id;

/// One entry of an index; the order of the variants and members is the order of the index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// String: folded for the default comparison, as written for `:exact`.
    Text {
        /// Folded.
        folded: String,
        /// As written.
        exact: String,
    },
    /// Token: code, then system (empty for none).
    Token {
        /// Code without case.
        folded: String,
        /// System, empty for none.
        system: String,
        /// Code as written.
        code: String,
        /// True if case matters: codes, ids and booleans.
        strict: bool,
    },
    /// Identifier by its type, for `:of-type`.
    OfType {
        /// Value.
        value: String,
        /// System of the type.
        system: String,
        /// Code of the type.
        code: String,
    },
    /// Reference to a resource of this server.
    Local(Key),
    /// Any other reference; a canonical one without its version.
    Foreign {
        /// URL.
        url: String,
        /// What follows `|`, empty for none.
        version: String,
    },
    /// Reference by identifier, for `:identifier`.
    Logical {
        /// Value without case.
        folded: String,
        /// System, empty for none.
        system: String,
    },
    /// Uri, as written.
    Uri(String),
    /// Date: nanoseconds, end excluded.
    Span {
        /// First instant.
        start: i128,
        /// First instant after it.
        end: i128,
    },
    /// Number or quantity: the range from low to high, `None` for an open end.
    Amount {
        /// Low end.
        low: Option<Exact>,
        /// High end.
        high: Option<Exact>,
        /// System of the unit, empty for none.
        system: String,
        /// Code of the unit, empty for none.
        code: String,
        /// Unit as text, empty for none.
        unit: String,
    },
}

/// The terms of one item of a parameter's expression.
pub fn terms(kind: ParameterKind, item: &Item<'_>, base: &str) -> Vec<Term> {
    source(item).map_or_else(Vec::new, |(value, type_name)| {
        terms_of(kind, &value, type_name, base)
    })
}

/// The value of an item and its type; `None` for a primitive that has only extensions.
pub fn source(item: &Item<'_>) -> Option<(Value, &'static str)> {
    match item {
        Item::Node {
            value, type_name, ..
        } => Some(((*value)?.clone(), *type_name)),
        Item::Computed(computed) => Some((item.to_json(), type_of(computed))),
    }
}

/// The terms of one value of a type.
pub fn terms_of(kind: ParameterKind, value: &Value, type_name: &str, base: &str) -> Vec<Term> {
    match kind {
        ParameterKind::String => texts(value),
        ParameterKind::Token => tokens(value, type_name),
        ParameterKind::Reference => references(value, base),
        ParameterKind::Uri => value
            .as_str()
            .map(|text| Term::Uri(text.to_owned()))
            .into_iter()
            .collect(),
        ParameterKind::Date => span(value).into_iter().collect(),
        ParameterKind::Number | ParameterKind::Quantity => amount(value).into_iter().collect(),
        ParameterKind::Composite | ParameterKind::Special => Vec::new(),
    }
}

fn type_of(computed: &Computed) -> &'static str {
    match computed {
        Computed::Boolean(_) => "boolean",
        _ => "",
    }
}

fn member<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Members of HumanName and Address that a string search looks into.
const TEXT_MEMBERS: [&str; 12] = [
    "text",
    "family",
    "given",
    "prefix",
    "suffix",
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
    "name",
];

fn texts(value: &Value) -> Vec<Term> {
    let mut found = Vec::new();
    let mut add = |text: &str| {
        found.push(Term::Text {
            folded: fold(text),
            exact: text.to_owned(),
        });
    };
    match value {
        Value::String(text) => add(text),
        Value::Object(members) => {
            for name in TEXT_MEMBERS {
                match members.get(name) {
                    Some(Value::String(text)) => add(text),
                    Some(Value::Array(items)) => {
                        items.iter().filter_map(Value::as_str).for_each(&mut add);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    found
}

/// Primitive types whose values are compared with case; for others R4 advises to ignore it in doubt.
const STRICT: [&str; 8] = [
    "code",
    "boolean",
    "id",
    "uri",
    "url",
    "canonical",
    "oid",
    "uuid",
];

fn token(code: &str, system: &str, strict: bool) -> Term {
    Term::Token {
        folded: fold_case(code),
        system: system.to_owned(),
        code: code.to_owned(),
        strict,
    }
}

fn tokens(value: &Value, type_name: &str) -> Vec<Term> {
    match value {
        Value::String(text) => vec![token(text, "", STRICT.contains(&type_name))],
        Value::Bool(flag) => vec![token(if *flag { "true" } else { "false" }, "", true)],
        Value::Number(number) => vec![token(&number.to_string(), "", true)],
        Value::Object(members) if members.contains_key("coding") => members
            .get("coding")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .flat_map(coding)
            .collect(),
        Value::Object(members) if members.contains_key("value") => {
            let system = match type_name {
                // The system of a ContactPoint is a kind of channel, not a namespace.
                "ContactPoint" => "",
                _ => member(value, "system"),
            };
            let code = member(value, "value");
            let mut found = vec![token(code, system, false)];
            found.extend(of_type(value, code));
            found
        }
        Value::Object(_) => coding(value),
        _ => Vec::new(),
    }
}

fn coding(value: &Value) -> Vec<Term> {
    let (code, system) = (member(value, "code"), member(value, "system"));
    if code.is_empty() && system.is_empty() {
        return Vec::new();
    }
    vec![token(code, system, false)]
}

fn of_type(identifier: &Value, text: &str) -> Vec<Term> {
    let codings = identifier
        .get("type")
        .and_then(|kind| kind.get("coding"))
        .and_then(Value::as_array);
    codings
        .into_iter()
        .flatten()
        .map(|coding| Term::OfType {
            value: text.to_owned(),
            system: member(coding, "system").to_owned(),
            code: member(coding, "code").to_owned(),
        })
        .collect()
}

fn references(value: &Value, base: &str) -> Vec<Term> {
    let mut found = Vec::new();
    let text = match value {
        Value::String(text) => text.as_str(),
        _ => member(value, "reference"),
    };
    // A fragment points into the resource itself: no other resource is referred to.
    if !text.is_empty() && !text.starts_with('#') {
        found.push(reference(text, base));
    }
    if let Some(identifier) = value
        .get("identifier")
        .filter(|identifier| identifier.is_object())
    {
        found.push(Term::Logical {
            folded: fold_case(member(identifier, "value")),
            system: member(identifier, "system").to_owned(),
        });
    }
    found
}

/// A reference as a term: to a resource of this server if relative or below the base.
pub fn reference(text: &str, base: &str) -> Term {
    let below = text
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(text);
    if let Some(key) = relative(below) {
        return Term::Local(key);
    }
    let (url, version) = text.split_once('|').unwrap_or((text, ""));
    Term::Foreign {
        url: url.to_owned(),
        version: version.to_owned(),
    }
}

/// `Type/id` or `Type/id/_history/version`.
pub fn relative(text: &str) -> Option<Key> {
    let segments: Vec<&str> = text.split('/').collect();
    let (name, id) = match segments.as_slice() {
        [name, id] | [name, id, "_history", _] => (name, id),
        _ => return None,
    };
    let is_type = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_type && is_id(id)).then(|| Key::new(*name, *id))
}

/// A date, a Period, or the outer bounds of a Timing.
fn span(value: &Value) -> Option<Term> {
    let found = match value {
        Value::String(text) => interval(text, 0)?,
        Value::Object(members)
            if members.contains_key("event") || members.contains_key("repeat") =>
        {
            timing(value)?
        }
        Value::Object(members) if members.contains_key("start") || members.contains_key("end") => {
            period_interval(value, 0)?
        }
        _ => return None,
    };
    Some(Term::Span {
        start: found.start,
        end: found.end,
    })
}

fn timing(value: &Value) -> Option<Interval> {
    let events = value.get("event").and_then(Value::as_array);
    let bounds = value
        .get("repeat")
        .and_then(|repeat| repeat.get("boundsPeriod"))
        .and_then(|period| period_interval(period, 0));
    events
        .into_iter()
        .flatten()
        .filter_map(|event| interval(event.as_str()?, 0))
        .chain(bounds)
        .reduce(|all, next| Interval {
            start: all.start.min(next.start),
            end: all.end.max(next.end),
        })
}

fn exact(value: Option<&Value>) -> Option<Exact> {
    match value? {
        Value::Number(number) => Decimal::parse(&number.to_string()).map(|decimal| decimal.value()),
        _ => None,
    }
}

/// A number, a Quantity with or without comparator, a Money or a Range.
fn amount(value: &Value) -> Option<Term> {
    let (low, high, unit) = match value {
        Value::Number(_) => (exact(Some(value)), exact(Some(value)), value),
        Value::Object(members) if members.contains_key("value") => {
            let point = exact(members.get("value"));
            point?;
            match member(value, "comparator") {
                "<" | "<=" => (None, point, value),
                ">" | ">=" => (point, None, value),
                _ => (point, point, value),
            }
        }
        Value::Object(members) => {
            let end = |name: &str| {
                members
                    .get(name)
                    .and_then(|quantity| exact(quantity.get("value")))
            };
            let (low, high) = (end("low"), end("high"));
            low.or(high)?;
            let unit = members.get("low").or(members.get("high"))?;
            (low, high, unit)
        }
        _ => return None,
    };
    let currency = member(unit, "currency");
    let (system, code) = if currency.is_empty() {
        (member(unit, "system"), member(unit, "code"))
    } else {
        ("urn:iso:std:iso:4217", currency)
    };
    Some(Term::Amount {
        low,
        high,
        system: system.to_owned(),
        code: code.to_owned(),
        unit: member(unit, "unit").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_give_a_term_for_each_part() {
        let found = texts(&json!({"family": "Müller", "given": ["Ada", "Eva"]}));
        assert_eq!(found.len(), 3);
        assert!(found.contains(&Term::Text {
            folded: "muller".into(),
            exact: "Müller".into()
        }));
    }

    #[test]
    fn references_below_the_base_are_local() {
        let base = "http://h/fhir";
        let local = Term::Local(Key::new("Patient", "1"));
        assert_eq!(reference("Patient/1", base), local);
        assert_eq!(reference("http://h/fhir/Patient/1/_history/2", base), local);
        assert!(matches!(
            reference("http://other/fhir/Patient/1", base),
            Term::Foreign { .. }
        ));
        assert!(references(&json!({"reference": "#p"}), base).is_empty());
    }

    #[test]
    fn a_quantity_with_a_comparator_is_open_on_one_side() {
        let found = amount(&json!({"value": 5, "comparator": "<", "unit": "mg"})).unwrap();
        assert!(matches!(
            found,
            Term::Amount {
                low: None,
                high: Some(_),
                ..
            }
        ));
    }

    #[test]
    fn periods_and_timings_are_spans() {
        assert!(span(&json!({"start": "2020"})).is_some());
        assert!(span(&json!({"event": ["2020-01-01", "2021-01-01"]})).is_some());
        assert!(span(&json!({"display": "soon"})).is_none());
    }
}
