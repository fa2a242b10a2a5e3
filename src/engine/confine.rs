//! Confining a search: to the cohort, where the target proved a way, and to what the target requires of searches.
//! The oracle answers the query as it was really sent, so added criteria never make an expectation wrong. Pure.

use jiff::Timestamp;
use serde_json::Value;

use crate::fhir::Key;
use crate::fhir::definitions::{self, ParameterKind};
use crate::fhir::path::{self, Expression};
use crate::record::Cohort;

use super::context::Requirements;
use super::require;

/// Parameters (decoded) that a search needs besides its own: what confines it to the cohort, and what the target
/// requires, with values of the witnesses.
///
/// # Errors
/// The reason why the target's requirements cannot be met, for `blocked(…)`.
pub fn company(
    resource_type: &str,
    own: &[(String, String)],
    cohort: &Cohort,
    requirements: &Requirements,
    witnesses: &[Key],
    now: Timestamp,
) -> Result<Vec<(String, String)>, String> {
    let names: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    let mut added = cohort.confine(resource_type);
    added.retain(|(name, _)| !names.contains(&name.as_str()));
    let missing = require::missing(requirements, resource_type, &names);
    if !missing.is_empty() {
        let witness = witness(resource_type, cohort, witnesses);
        for name in &missing {
            let value = witness.and_then(|witness| value_of(resource_type, name, witness, now));
            let Some(value) = value else {
                return Err(format!("server requires {}", missing.join(" and ")));
            };
            added.push((name.clone(), value));
        }
    }
    Ok(added)
}

/// The type that a relative path searches: `Patient`, `Patient/_search`.
pub fn searched_type(path: &str) -> Option<&str> {
    let path = path.trim_end_matches("/_search");
    (!path.contains('/') && definitions::is_resource_type(path)).then_some(path)
}

/// The picked witness of that type, else the first resource of that type in the cohort.
fn witness<'a>(resource_type: &'a str, cohort: &'a Cohort, witnesses: &[Key]) -> Option<&'a Value> {
    let picked = witnesses
        .iter()
        .find(|key| key.resource_type == resource_type);
    let picked = picked.and_then(|key| cohort.resources.get(key));
    picked.or_else(|| cohort.of_type(resource_type).map(|(_, value)| value).next())
}

/// A search value by which a resource is found under a parameter.
pub fn value_of(
    resource_type: &str,
    code: &str,
    resource: &Value,
    now: Timestamp,
) -> Option<String> {
    if code == "_id" {
        return crate::fhir::resource::id(resource).map(str::to_owned);
    }
    let parameter = definitions::search_parameter(resource_type, code)?;
    let expression = Expression::parse(&parameter.expression).ok()?;
    let context = path::Context {
        resource,
        variables: &[],
        now,
    };
    let items = expression.evaluate(&context).ok()?;
    let value = items.first()?.to_json();
    match parameter.kind {
        ParameterKind::Token => token(&value),
        ParameterKind::Reference => {
            let key = Key::from_reference(value.get("reference")?.as_str()?)?;
            Some(if code == "patient" {
                key.id
            } else {
                key.to_string()
            })
        }
        ParameterKind::Date => {
            let text = value.as_str().or_else(|| value.get("start")?.as_str())?;
            Some(text.chars().take(10).collect())
        }
        ParameterKind::String => text(&value),
        ParameterKind::Uri => value.as_str().map(str::to_owned),
        _ => None,
    }
}

fn token(value: &Value) -> Option<String> {
    let member =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::String(code) => Some(code.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Object(_) => {
            let coding = value
                .get("coding")
                .and_then(|list| list.get(0))
                .unwrap_or(value);
            match (
                member(coding, "system"),
                member(coding, "code").or_else(|| member(coding, "value")),
            ) {
                (Some(system), Some(code)) => {
                    Some(format!("{}|{}", escape(&system), escape(&code)))
                }
                (None, Some(code)) => Some(escape(&code)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    let word = value.as_str().or_else(|| {
        let family = value.get("family").and_then(Value::as_str);
        family
            .or_else(|| value.get("given")?.get(0)?.as_str())
            .or_else(|| value.get("text")?.as_str())
    })?;
    Some(escape(word))
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '|' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
