//! Criteria: names with modifiers, chains and `_has`, and values that fit the kind of their parameter.
//! Not result parameters: those are in `shape`.

use crate::fhir::definitions::{
    self, ParameterKind, SearchParameter, is_resource_type, search_parameter, search_parameters,
};

use super::value::{
    DateValue, NumberValue, OfTypeValue, QuantityValue, ReferenceValue, TokenValue, check_escapes,
    composite_parts, split_escaped, unescape,
};
use super::{Criterion, Modifier, Subject};

/// Links of a chain or of nested `_has`; a longer one is refused.
const MAX_DEPTH: usize = 8;

/// The definition of a composite's component on a type, by its canonical URL.
pub fn component_parameter(
    resource_type: &str,
    canonical: &str,
) -> Option<&'static SearchParameter> {
    search_parameters(resource_type)
        .iter()
        .find(|parameter| parameter.url == canonical)
}

/// Parses one criterion; `None` if the type has no such parameter. In a whole-system search the parameters that every
/// type has are known, with the definition of one type (`Patient.meta.tag`): a reader goes by their code.
pub(super) fn parse(
    resource_type: Option<&str>,
    name: &str,
    value: &str,
) -> Result<Option<Criterion>, String> {
    match resource_type {
        Some(resource_type) => parse_on(resource_type, name, value, MAX_DEPTH),
        // The parameters that every type has are the same on each, so one stands for all.
        None if name.starts_with('_') => parse_on("Patient", name, value, MAX_DEPTH),
        None => Ok(None),
    }
}

fn parse_on(
    resource_type: &str,
    name: &str,
    value: &str,
    depth: usize,
) -> Result<Option<Criterion>, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("has more than {MAX_DEPTH} links"));
    };
    if let Some(rest) = name.strip_prefix("_has:") {
        return has(name, rest, value, depth);
    }
    if let Some((link, rest)) = name.split_once('.') {
        return chain(resource_type, name, link, rest, value, depth);
    }
    let (code, modifier) = split_modifier(name);
    let Some(parameter) = search_parameter(resource_type, code) else {
        return Ok(None);
    };
    let modifier = modifier.map(modifier_of).transpose()?;
    if let Some(modifier) = &modifier {
        allow(parameter, modifier)?;
    }
    Ok(Some(Criterion {
        name: name.to_owned(),
        subject: Subject::Parameter(parameter),
        values: alternatives(resource_type, parameter, modifier.as_ref(), value)?,
        modifier,
    }))
}

fn split_modifier(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    }
}

/// `_has:Observation:patient:code`; `rest` is what follows `_has:`.
fn has(name: &str, rest: &str, value: &str, depth: usize) -> Result<Option<Criterion>, String> {
    let parts: Vec<&str> = rest.splitn(3, ':').collect();
    let [resource_type, code, rest] = parts.as_slice() else {
        return Err("is not _has:Type:reference:parameter".to_owned());
    };
    if !is_resource_type(resource_type) {
        return Err(format!("{resource_type} is not a resource type of R4"));
    }
    let Some(reference) = search_parameter(resource_type, code) else {
        return Ok(None);
    };
    if reference.kind != ParameterKind::Reference {
        return Err(format!("{code} of {resource_type} is not a reference"));
    }
    let Some(rest) = parse_on(resource_type, rest, value, depth)? else {
        return Ok(None);
    };
    Ok(Some(Criterion {
        name: name.to_owned(),
        subject: Subject::Has {
            resource_type: (*resource_type).to_owned(),
            reference,
            rest: Box::new(rest),
        },
        modifier: None,
        values: Vec::new(),
    }))
}

/// `subject:Patient.name`; `link` is what stands before the first point, `rest` what follows.
fn chain(
    resource_type: &str,
    name: &str,
    link: &str,
    rest: &str,
    value: &str,
    depth: usize,
) -> Result<Option<Criterion>, String> {
    let (code, target) = split_modifier(link);
    let Some(reference) = search_parameter(resource_type, code) else {
        return Ok(None);
    };
    if reference.kind != ParameterKind::Reference {
        return Err(format!("{code} is not a reference and starts no chain"));
    }
    let candidates = match target {
        Some(target) => {
            allow(reference, &modifier_of(target)?)?;
            vec![target]
        }
        None => target_types(reference),
    };
    // Without a type, the chain goes to the targets that have the parameter and can read the value.
    let mut branches = Vec::new();
    let mut refusal = None;
    for candidate in candidates {
        match parse_on(candidate, rest, value, depth) {
            Ok(Some(criterion)) => branches.push((candidate.to_owned(), criterion)),
            Ok(None) => {}
            Err(message) => refusal = refusal.or(Some(message)),
        }
    }
    match (branches.is_empty(), refusal) {
        (true, Some(message)) => Err(message),
        (true, None) => Ok(None),
        (false, _) => Ok(Some(Criterion {
            name: name.to_owned(),
            subject: Subject::Chain {
                reference,
                target: target.map(str::to_owned),
                branches,
            },
            modifier: None,
            values: Vec::new(),
        })),
    }
}

/// The types that a reference parameter may point to; all types if it does not say.
fn target_types(reference: &SearchParameter) -> Vec<&str> {
    let any = |name: &String| name == "Resource" || name == "Any";
    if reference.targets.is_empty() || reference.targets.iter().any(any) {
        return definitions::resource_types().to_vec();
    }
    reference.targets.iter().map(String::as_str).collect()
}

fn modifier_of(text: &str) -> Result<Modifier, String> {
    Ok(match text {
        "missing" => Modifier::Missing,
        "exact" => Modifier::Exact,
        "contains" => Modifier::Contains,
        "not" => Modifier::Not,
        "text" => Modifier::Text,
        "in" => Modifier::In,
        "not-in" => Modifier::NotIn,
        "below" => Modifier::Below,
        "above" => Modifier::Above,
        "of-type" => Modifier::OfType,
        "identifier" => Modifier::Identifier,
        name if is_resource_type(name) => Modifier::Type(name.to_owned()),
        other => return Err(format!("{other} is not a modifier of R4")),
    })
}

/// Which modifiers go with which kind, <http://hl7.org/fhir/R4/search.html#modifiers>.
fn allow(parameter: &SearchParameter, modifier: &Modifier) -> Result<(), String> {
    use ParameterKind as Kind;
    let allowed = match modifier {
        Modifier::Missing => parameter.kind != Kind::Composite,
        Modifier::Exact | Modifier::Contains => parameter.kind == Kind::String,
        Modifier::Not | Modifier::Text | Modifier::In | Modifier::NotIn | Modifier::OfType => {
            parameter.kind == Kind::Token
        }
        Modifier::Below | Modifier::Above => {
            matches!(parameter.kind, Kind::Token | Kind::Uri | Kind::Reference)
        }
        Modifier::Identifier => parameter.kind == Kind::Reference,
        Modifier::Type(name) => {
            parameter.kind == Kind::Reference && target_types(parameter).contains(&name.as_str())
        }
    };
    if allowed {
        return Ok(());
    }
    Err(match modifier {
        Modifier::Type(name) => format!("{} does not point to {name}", parameter.code),
        _ => format!("{} does not take this modifier", parameter.code),
    })
}

fn alternatives(
    resource_type: &str,
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    value: &str,
) -> Result<Vec<String>, String> {
    check_escapes(value)?;
    let values = split_escaped(value, ',');
    if values.iter().any(String::is_empty) {
        return Err("has an empty alternative".to_owned());
    }
    if modifier == Some(&Modifier::Missing) && (values.len() > 1 || !is_boolean(value)) {
        return Err("takes true or false with :missing".to_owned());
    }
    values
        .into_iter()
        .map(|raw| checked(resource_type, parameter, modifier, raw))
        .collect()
}

fn is_boolean(value: &str) -> bool {
    matches!(value, "true" | "false")
}

/// The value as [`Criterion::values`] keeps it, after its syntax was checked.
fn checked(
    resource_type: &str,
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    raw: String,
) -> Result<String, String> {
    match modifier {
        Some(Modifier::Missing | Modifier::Text | Modifier::In | Modifier::NotIn) => {
            return Ok(unescape(&raw));
        }
        Some(Modifier::Identifier) => return TokenValue::parse(&raw).map(|_| raw),
        Some(Modifier::OfType) => return OfTypeValue::parse(&raw).map(|_| raw),
        _ => {}
    }
    match parameter.kind {
        ParameterKind::String | ParameterKind::Uri | ParameterKind::Special => Ok(unescape(&raw)),
        ParameterKind::Number => {
            let plain = unescape(&raw);
            NumberValue::parse(&plain).map(|_| plain)
        }
        ParameterKind::Date => {
            let plain = unescape(&raw);
            DateValue::parse(&plain).map(|_| plain)
        }
        ParameterKind::Token => TokenValue::parse(&raw).map(|_| raw),
        ParameterKind::Quantity => QuantityValue::parse(&raw).map(|_| raw),
        ParameterKind::Reference => ReferenceValue::parse(&raw).map(|_| raw),
        ParameterKind::Composite => {
            check_composite(resource_type, parameter, &raw)?;
            Ok(raw)
        }
    }
}

fn check_composite(
    resource_type: &str,
    parameter: &SearchParameter,
    raw: &str,
) -> Result<(), String> {
    let parts = composite_parts(raw);
    if parts.len() != parameter.components.len() || parts.iter().any(String::is_empty) {
        let number = parameter.components.len();
        return Err(format!("needs {number} parts separated by $"));
    }
    for ((canonical, _), part) in parameter.components.iter().zip(parts) {
        // A component that is itself composite does not exist in R4; one without a definition stays unchecked.
        let component = component_parameter(resource_type, canonical)
            .filter(|component| component.kind != ParameterKind::Composite);
        if let Some(component) = component {
            checked(resource_type, component, None, part)?;
        }
    }
    Ok(())
}
