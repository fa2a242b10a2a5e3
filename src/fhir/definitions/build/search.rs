//! SearchParameters to rows: one expression for each base type, and the Patient compartment.
//! Not FHIRPath: expressions are only cut at the `|` between their alternatives.

use std::borrow::Cow;

use serde_json::Value;

use super::super::ParameterKind;
use super::super::pack::{PackError, ParameterRow, SearchRows};
use super::{FHIR_VERSION, Sources, list, text, texts};

/// Canonical of the Patient compartment.
pub(super) const PATIENT_COMPARTMENT: &str = "http://hl7.org/fhir/CompartmentDefinition/patient";

const PREFIX: &str = "http://hl7.org/fhir/SearchParameter/";

/// True for a search parameter of the R4 specification; parameters of guides and of other versions are not.
pub(super) fn is_taken(resource: &Value, url: &str) -> bool {
    url.starts_with(PREFIX) && text(resource, "version") == Some(FHIR_VERSION)
}

/// Rows of all parameters, sorted by canonical, and the compartment, sorted by type.
pub(super) fn rows<'a>(sources: &Sources<'a>) -> Result<SearchRows<'a>, PackError> {
    let parameters = sources
        .parameters
        .iter()
        .map(|(url, resource)| parameter(sources, url, resource))
        .collect::<Result<_, _>>()?;
    let mut patient_compartment: Vec<(&str, Vec<&str>)> = sources
        .patient_compartment
        .into_iter()
        .flat_map(|resource| list(resource, "resource"))
        .filter_map(|row| Some((text(row, "code")?, texts(row, "param").collect())))
        .collect();
    patient_compartment.sort_unstable();
    Ok(SearchRows {
        parameters,
        patient_compartment,
    })
}

fn parameter<'a>(
    sources: &Sources<'a>,
    url: &'a str,
    resource: &'a Value,
) -> Result<ParameterRow<'a>, PackError> {
    let refuse = |what: &str| PackError(format!("{url} has no {what}"));
    let expression = text(resource, "expression").unwrap_or_default();
    let uses = texts(resource, "base")
        .map(|base| {
            let restricted = restrict(expression, base);
            if restricted.is_empty() && !expression.is_empty() {
                return Err(refuse(&format!("expression for its base {base}")));
            }
            Ok((base, restricted))
        })
        .collect::<Result<_, _>>()?;
    let mut targets: Vec<&str> = texts(resource, "target")
        .filter(|target| sources.structures.contains_key(target))
        .collect();
    targets.sort_unstable();
    let components = list(resource, "component")
        .iter()
        .filter_map(|component| {
            let definition = text(component, "definition")?;
            let expression = text(component, "expression")?;
            Some((definition, corrected(definition, expression)))
        })
        .collect();
    Ok(ParameterRow {
        code: text(resource, "code").ok_or_else(|| refuse("code"))?,
        url,
        kind: text(resource, "type")
            .and_then(kind)
            .ok_or_else(|| refuse("type"))?,
        uses,
        targets,
        components,
    })
}

fn kind(text: &str) -> Option<ParameterKind> {
    Some(match text {
        "number" => ParameterKind::Number,
        "date" => ParameterKind::Date,
        "string" => ParameterKind::String,
        "token" => ParameterKind::Token,
        "reference" => ParameterKind::Reference,
        "composite" => ParameterKind::Composite,
        "quantity" => ParameterKind::Quantity,
        "uri" => ParameterKind::Uri,
        "special" => ParameterKind::Special,
        _ => return None,
    })
}

/// The alternatives of an expression that start at the base type, joined again.
fn restrict<'a>(expression: &'a str, base: &str) -> Cow<'a, str> {
    let kept: Vec<Cow<'_, str>> = alternatives(expression)
        .into_iter()
        .filter_map(|alternative| of_base(alternative, base))
        .collect();
    match kept.as_slice() {
        [] => Cow::Borrowed(""),
        [Cow::Borrowed(only)] => Cow::Borrowed(only),
        _ => Cow::Owned(kept.join(" | ")),
    }
}

fn of_base<'a>(alternative: &'a str, base: &str) -> Option<Cow<'a, str>> {
    let bare = alternative.trim_start_matches('(');
    let end = bare
        .find(|character: char| !character.is_ascii_alphanumeric())
        .unwrap_or(bare.len());
    let first = &bare[..end];
    if first == base {
        Some(Cow::Borrowed(alternative))
    } else if first.starts_with(|character: char| character.is_ascii_lowercase()) {
        // InsurancePlan-name is published as `name | alias`, without the type that all others start with.
        Some(Cow::Owned(format!("{base}.{alternative}")))
    } else {
        None
    }
}

/// Cuts at the `|` that stand outside of brackets and strings.
fn alternatives(expression: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0_u32, false);
    for (index, byte) in expression.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => {
                parts.push(expression[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(expression[start..].trim());
    parts
}

/// Component expressions that R4 (4.0.1) publishes with a mistake.
fn corrected<'a>(definition: &str, expression: &'a str) -> Cow<'a, str> {
    match (definition.strip_prefix(PREFIX), expression) {
        // The type is `dateTime`; there is no `DateTime`.
        (Some("Observation-value-date"), "value.as(DateTime) | value.as(Period)") => {
            Cow::Borrowed("value.as(dateTime) | value.as(Period)")
        }
        // `relatesto` is the reference and `relation` the code; the two expressions are interchanged.
        (Some("DocumentReference-relatesto"), "code") => Cow::Borrowed("target"),
        (Some("DocumentReference-relation"), "target") => Cow::Borrowed("code"),
        _ => Cow::Borrowed(expression),
    }
}
