//! What faults make of a resource that is to be kept, and of an answer.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fhir::resource::resource_type;

/// Profile that a fault claims for every patient.
const US_CORE_PATIENT: &str =
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0";

/// Every number with a fraction or exponent as a double writes it.
pub(in crate::sandbox) fn through_double(value: Value) -> Value {
    match value {
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => number
            .as_f64()
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Number(number), Value::Number),
        Value::Array(items) => Value::Array(items.into_iter().map(through_double).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, through_double(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The resource without members that start with `_`.
pub(in crate::sandbox) fn without_primitive_extensions(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(without_primitive_extensions)
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| (name, without_primitive_extensions(value)))
                .collect(),
        ),
        other => other,
    }
}

/// A patient whose languages without a text have an empty one.
pub(in crate::sandbox) fn with_empty_texts(mut value: Value) -> Value {
    let spoken = match resource_type(&value) {
        Some("Patient") => value.get_mut("communication"),
        _ => None,
    };
    for language in spoken.and_then(Value::as_array_mut).into_iter().flatten() {
        let concept = language.get_mut("language").and_then(Value::as_object_mut);
        if let Some(concept) = concept {
            concept.entry("text").or_insert_with(|| "".into());
        }
    }
    value
}

/// A patient that claims to be of US Core.
pub(in crate::sandbox) fn with_profile(mut value: Value) -> Value {
    if resource_type(&value) == Some("Patient") {
        let claims = value
            .as_object_mut()
            .map(|members| members.entry("meta").or_insert_with(|| json!({})));
        if let Some(meta) = claims.and_then(Value::as_object_mut) {
            meta.insert("profile".to_owned(), json!([US_CORE_PATIENT]));
        }
    }
    value
}

/// An observation whose encounter is an episode of care.
pub(in crate::sandbox) fn with_old_reference(mut value: Value) -> Value {
    if resource_type(&value) == Some("Observation")
        && let Some(reference) = value.pointer_mut("/encounter/reference")
        && let Some(id) = reference
            .as_str()
            .and_then(|text| text.strip_prefix("Encounter/"))
    {
        *reference = format!("EpisodeOfCare/{id}").into();
    }
    value
}

/// An observation that says why it has no value, and has one.
pub(in crate::sandbox) fn with_reason(mut value: Value) -> Value {
    let is_it = resource_type(&value) == Some("Observation");
    if let Some(members) = value.as_object_mut().filter(|_| is_it)
        && members.keys().any(|name| name.starts_with("value"))
    {
        let reason = json!({ "text": "unknown" });
        members.entry("dataAbsentReason").or_insert(reason);
    }
    value
}

/// A resource with the members that it had before and that were to go.
pub(in crate::sandbox) fn with_what_was_there(mut resource: Value, before: &Value) -> Value {
    if let (Some(members), Some(old)) = (resource.as_object_mut(), before.as_object()) {
        for (name, value) in old {
            members.entry(name).or_insert_with(|| value.clone());
        }
    }
    resource
}

/// The resource without its narrative.
pub(in crate::sandbox) fn without_narrative(mut resource: Value) -> Value {
    if let Some(members) = resource.as_object_mut() {
        members.shift_remove("text");
    }
    resource
}

/// What a database says when it is given a query that it does not take.
pub(in crate::sandbox) const DATABASE_ERROR: &str = "ORA-00936: missing expression: SELECT RES_ID, RES_TEXT FROM HFJ_RESOURCE WHERE RES_TYPE = 'Patient' AND SP_VALUE = ";

/// Every decimal without the zeros at its end, as BigDecimal strips them: 1.50 is 1.5, and 100.0 is 1e+2.
pub(in crate::sandbox) fn without_zeros(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(stripped(&number.to_string()).unwrap_or(number)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_zeros).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, without_zeros(value)))
                .collect(),
        ),
        other => other,
    }
}

/// `None` for what has no fraction or none that ends in a zero.
fn stripped(text: &str) -> Option<serde_json::Number> {
    let (whole, fraction) = text.split_once('.')?;
    let is_plain = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || !fraction.ends_with('0') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let short = match (fraction, whole.trim_end_matches('0')) {
        ("", "" | "-") => "0".to_owned(),
        ("", head) if head.len() < whole.len() => format!("{head}E+{}", whole.len() - head.len()),
        ("", _) => whole.to_owned(),
        _ => format!("{whole}.{fraction}"),
    };
    short.parse().ok()
}

/// Extensions without the values that are primitives.
pub(in crate::sandbox) fn without_extension_values(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            Value::Array(items.into_iter().map(without_extension_values).collect())
        }
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| match name.as_str() {
                    "extension" | "modifierExtension" => (name, without_primitive_values(value)),
                    _ => (name, value),
                })
                .map(|(name, value)| (name, without_extension_values(value)))
                .collect(),
        ),
        other => other,
    }
}

fn without_primitive_values(mut extensions: Value) -> Value {
    for extension in extensions.as_array_mut().into_iter().flatten() {
        if let Some(members) = extension.as_object_mut() {
            members.retain(|name, value| {
                !name.starts_with("value") || value.is_object() || value.is_array()
            });
        }
    }
    extensions
}

/// True if a resource refers to another by a URL that starts with the base.
pub(in crate::sandbox) fn refers_by_url(value: &Value, base: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| refers_by_url(item, base)),
        Value::Object(members) => members.iter().any(|(name, value)| match value {
            Value::String(text) => name == "reference" && text.starts_with(base),
            value => refers_by_url(value, base),
        }),
        _ => false,
    }
}

/// True if two resources are the same but for `meta`, and `meta` is not.
pub(in crate::sandbox) fn differs_in_meta_alone(before: Option<&Value>, after: &Value) -> bool {
    let without_meta = |resource: &Value| {
        let mut copy = resource.clone();
        copy.as_object_mut()
            .and_then(|members| members.remove("meta"));
        copy
    };
    before.is_some_and(|before| {
        without_meta(before) == without_meta(after) && before.get("meta") != after.get("meta")
    })
}

/// True if a text of a resource is a date before the year 1000.
pub(in crate::sandbox) fn has_early_year(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_early_year),
        Value::Object(members) => members.values().any(has_early_year),
        Value::String(text) => {
            let digits = |range| {
                let part: Option<&[u8]> = text.as_bytes().get::<std::ops::Range<usize>>(range);
                part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
            };
            text.starts_with('0') && digits(0..4) && text[4..].starts_with('-') && digits(5..7)
        }
        _ => false,
    }
}

/// A body whose numbers are as JSON wants them: no zeros in front, digits on both sides of the point.
pub(in crate::sandbox) fn with_strict_numbers(body: &[u8]) -> Vec<u8> {
    let mut strict = Vec::with_capacity(body.len());
    let (mut rest, mut in_text) = (body, false);
    while let Some((&byte, after)) = rest.split_first() {
        if in_text && byte == b'\\' && !after.is_empty() {
            strict.extend_from_slice(&rest[..2]);
            rest = &after[1..];
            continue;
        }
        if byte == b'"' {
            in_text = !in_text;
        }
        let is_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        if in_text || !(byte.is_ascii_digit() || b"-.".contains(&byte)) {
            strict.push(byte);
            rest = after;
            continue;
        }
        let end = rest
            .iter()
            .position(|byte| !is_number(byte))
            .unwrap_or(rest.len());
        strict.extend(strict_number(&String::from_utf8_lossy(&rest[..end])).bytes());
        rest = &rest[end..];
    }
    strict
}

fn strict_number(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let exponent = digits.find(['e', 'E']).unwrap_or(digits.len());
    let (mantissa, exponent) = digits.split_at(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}{exponent}")
}

/// What a web framework answers when nobody asked it for FHIR.
pub(in crate::sandbox) fn error_page(status: u16, reason: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1></body></html>"
    )
}

/// The resource with every text outside ASCII read byte by byte.
pub(in crate::sandbox) fn as_latin_1(value: Value) -> Value {
    with_texts(value, &|text| text.bytes().map(char::from).collect())
}

/// A body whose characters up to U+00FF are one byte each.
pub(in crate::sandbox) fn to_latin_1(body: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let mut bytes = Vec::with_capacity(body.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend(character.encode_utf8(&mut buffer).bytes()),
        }
    }
    bytes.into()
}

/// Where characters that XML forbids stand while a resource is written: in the Private Use Area.
const HIDDEN: u32 = 0xe000;

/// The resource with other characters in place of those that XML forbids.
pub(in crate::sandbox) fn with_hidden_characters(value: Value) -> Value {
    let hide = |character: char| match character {
        '\t' | '\n' | '\r' => character,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
            let hidden = HIDDEN + (u32::from(character) & 0xff);
            char::from_u32(hidden).unwrap_or(character)
        }
        other => other,
    };
    with_texts(value, &|text| text.chars().map(hide).collect())
}

/// XML with the characters that [`with_hidden_characters`] hid.
pub(in crate::sandbox) fn with_shown_characters(xml: &str) -> String {
    let show = |character: char| match u32::from(character).wrapping_sub(HIDDEN) {
        control @ 0..=0x1f => char::from_u32(control).unwrap_or(character),
        0xfe => '\u{fffe}',
        0xff => '\u{ffff}',
        _ => character,
    };
    xml.chars().map(show).collect()
}

/// A date or Period with `Z` in place of every zone.
pub(in crate::sandbox) fn without_zones(value: Value) -> Value {
    with_texts(value, &|text| {
        let zone = text.len().checked_sub("+00:00".len());
        match zone.and_then(|zone| text.split_at_checked(zone)) {
            Some((local, zone)) if local.contains('T') && zone.starts_with(['+', '-']) => {
                format!("{local}Z")
            }
            _ => text.to_owned(),
        }
    })
}

/// True if some Quantity of a resource has no value.
pub(in crate::sandbox) fn has_empty_quantity(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_empty_quantity),
        Value::Object(members) => members.iter().any(|(name, member)| {
            let is_quantity = name.to_ascii_lowercase().ends_with("quantity");
            let lacks = member.is_object() && member.get("value").is_none();
            is_quantity && lacks || has_empty_quantity(member)
        }),
        _ => false,
    }
}

/// The value with every text in it changed.
fn with_texts(value: Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(&text).into(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| with_texts(item, change))
            .collect(),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, with_texts(value, change)))
                .collect(),
        ),
        other => other,
    }
}
