//! Composite parameters, <http://hl7.org/fhir/R4/search.html#composite>: all parts on one and the same element.
//! Not the rules of the parts.

use serde_json::{Value, json};

use super::Match;
use super::criterion::judge_value;
use super::extract::{evaluate, plain_path};
use super::known::Known;
use crate::fhir::definitions::{ParameterKind, SearchParameter};
use crate::fhir::query::{component_parameter, composite_parts, unescape};
use crate::fhir::resource::resource_type;

/// Whether the expression of a composite can be followed: alternatives of plain paths.
pub(super) fn readable(parameter: &SearchParameter) -> Result<(), String> {
    let plain = |path: &str| {
        path.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    match alternatives(&parameter.expression).all(plain) {
        true => Ok(()),
        false => Err(format!("the elements of {} are not plain", parameter.code)),
    }
}

/// The alternatives of an expression; composites of R4 have no `|` inside parentheses but in their parts.
fn alternatives(expression: &str) -> impl Iterator<Item = &str> {
    expression.split('|').map(str::trim)
}

/// Whether a resource matches one alternative (`code$value`).
pub(super) fn judge(
    resource: &Value,
    known: &Known<'_>,
    parameter: &SearchParameter,
    value: &str,
) -> Match {
    let parts = composite_parts(value);
    let elements = alternatives(&parameter.expression).flat_map(|path| isolated(resource, path));
    Match::any(elements.map(|(path, element)| {
        Match::all(
            parameter
                .components
                .iter()
                .zip(&parts)
                .map(|(component, part)| judge_part(&path, &element, known, component, part)),
        )
    }))
}

/// For each element at a path a copy of the resource that has that element alone; so that the types of its members
/// remain those of the path.
fn isolated(resource: &Value, path: &str) -> Vec<(String, Value)> {
    let Some(name) = resource_type(resource) else {
        return Vec::new();
    };
    let mut segments: Vec<&str> = path.split('.').collect();
    if segments.first() == Some(&name) || segments.first() == Some(&"Resource") {
        segments.remove(0);
    }
    if segments.is_empty() {
        return vec![(name.to_owned(), resource.clone())];
    }
    let path = format!("{name}.{}", segments.join("."));
    plain_path(resource, &segments)
        .into_iter()
        .map(|element| {
            let wrap = |inner: Value, segment: &&str| json!({ *segment: inner });
            let mut alone = segments.iter().rev().fold(element.clone(), wrap);
            alone["resourceType"] = Value::from(name);
            (path.clone(), alone)
        })
        .collect()
}

fn judge_part(
    path: &str,
    element: &Value,
    known: &Known<'_>,
    (canonical, expression): &(String, String),
    part: &str,
) -> Match {
    let Some(component) =
        resource_type(element).and_then(|name| component_parameter(name, canonical))
    else {
        return Match::open(format!("{canonical} is not known"));
    };
    let mut nodes = Vec::new();
    for expression in alternatives(expression) {
        match evaluate(element, &format!("{path}.{expression}")) {
            Ok(found) => nodes.extend(found),
            Err(message) => return Match::open(format!("{canonical}: {message}")),
        }
    }
    let value = match component.kind {
        ParameterKind::Token | ParameterKind::Quantity | ParameterKind::Reference => {
            part.to_owned()
        }
        _ => unescape(part),
    };
    judge_value(&nodes, component, None, &value, known)
}
