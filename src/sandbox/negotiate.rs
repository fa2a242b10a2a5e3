//! Content negotiation and preferences: `Accept`, `_format`, `Content-Type`, `Prefer`. JSON only; no writing of it.

use super::outcome::Refusal;
use crate::http::message::{FHIR_JSON, Headers};

/// Media types that mean FHIR JSON, <http://hl7.org/fhir/R4/http.html#mime-type>.
const JSON_TYPES: [&str; 3] = [FHIR_JSON, "application/json", "text/json"];

/// The media type of the answer: what was asked for if it is JSON, else a 406.
pub fn answer_type(headers: &Headers, format: Option<&str>) -> Result<&'static str, Box<Refusal>> {
    if let Some(format) = format {
        return format_type(format).ok_or_else(|| not_acceptable("_format"));
    }
    let accepts: Vec<&str> = headers
        .all("accept")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .collect();
    if accepts.is_empty() {
        return Ok(FHIR_JSON);
    }
    accepts
        .iter()
        .find_map(|range| range_type(range))
        .ok_or_else(|| not_acceptable("Accept"))
}

fn not_acceptable(what: &str) -> Box<Refusal> {
    Box::new(Refusal::new(
        406,
        "not-supported",
        format!("{what} asks for a format that this server does not write; it writes {FHIR_JSON}"),
    ))
}

/// `_format` takes short names and media types; a space stands for a `+` that was not percent-encoded.
fn format_type(format: &str) -> Option<&'static str> {
    let essence = essence(format).replace(' ', "+");
    match essence.as_str() {
        "json" => Some(FHIR_JSON),
        other => JSON_TYPES.into_iter().find(|known| *known == other),
    }
}

fn range_type(range: &str) -> Option<&'static str> {
    let refused = parameters(range)
        .any(|(name, value)| name == "q" && value.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
    let other_version =
        parameters(range).any(|(name, value)| name == "fhirversion" && !is_r4(&value));
    if refused || other_version {
        return None;
    }
    match essence(range).as_str() {
        "*/*" | "application/*" => Some(FHIR_JSON),
        other => JSON_TYPES.into_iter().find(|known| *known == other),
    }
}

fn is_r4(version: &str) -> bool {
    version == "4" || version == "4.0" || version.starts_with("4.0.")
}

/// Media type in lower case, without parameters.
pub fn essence(value: &str) -> String {
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn parameters(value: &str) -> impl Iterator<Item = (String, String)> + '_ {
    value.split(';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').to_owned();
        Some((name.trim().to_ascii_lowercase(), value))
    })
}

/// Refuses a body of another media type than those named; a body without `Content-Type` is read as the first.
pub fn require_type(headers: &Headers, allowed: &[&str]) -> Result<(), Refusal> {
    let Some(value) = headers.get("content-type") else {
        return Ok(());
    };
    let charset_fits = parameters(value)
        .all(|(name, value)| name != "charset" || value.eq_ignore_ascii_case("utf-8"));
    if allowed.contains(&essence(value).as_str()) && charset_fits {
        return Ok(());
    }
    Err(Refusal::new(
        415,
        "not-supported",
        format!(
            "the media type of the body is not supported; supported: {}",
            allowed.join(", ")
        ),
    ))
}

/// Media types of a FHIR body.
pub const RESOURCE_TYPES: [&str; 3] = JSON_TYPES;

/// What `Prefer: return=` asks for, <http://hl7.org/fhir/R4/http.html#ops>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Return {
    /// Headers only.
    Minimal,
    /// The resource.
    #[default]
    Representation,
    /// An OperationOutcome.
    Outcome,
}

/// Reads `Prefer: return=`.
pub fn preferred_return(headers: &Headers) -> Option<Return> {
    preference(headers, "return").and_then(|value| match value.as_str() {
        "minimal" => Some(Return::Minimal),
        "representation" => Some(Return::Representation),
        "operationoutcome" => Some(Return::Outcome),
        _ => None,
    })
}

/// True for `Prefer: handling=strict`, <http://hl7.org/fhir/R4/search.html#errors>.
pub fn is_strict(headers: &Headers) -> bool {
    preference(headers, "handling").as_deref() == Some("strict")
}

fn preference(headers: &Headers, wanted: &str) -> Option<String> {
    headers
        .all("prefer")
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            name.trim().eq_ignore_ascii_case(wanted).then_some(value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> Headers {
        [("Accept", value)].into_iter().collect()
    }

    #[test]
    fn json_is_written_in_the_media_type_that_was_asked_for() {
        let of = |value| answer_type(&accept(value), None).ok();
        assert_eq!(of("application/fhir+json"), Some(FHIR_JSON));
        assert_eq!(of("application/json;q=0.9"), Some("application/json"));
        assert_eq!(of("text/html, */*;q=0.1"), Some(FHIR_JSON));
        assert_eq!(
            of("application/fhir+json; fhirVersion=4.0"),
            Some(FHIR_JSON)
        );
        assert_eq!(answer_type(&Headers::new(), None).ok(), Some(FHIR_JSON));
    }

    #[test]
    fn xml_html_and_other_versions_are_not_acceptable() {
        for value in [
            "application/fhir+xml",
            "text/html",
            "application/fhir+json;q=0",
            "application/fhir+json; fhirVersion=3.0",
        ] {
            let refusal = answer_type(&accept(value), None).unwrap_err();
            assert_eq!(refusal.status, 406, "{value}");
        }
    }

    #[test]
    fn format_overrides_accept() {
        let xml = accept("application/fhir+xml");
        assert_eq!(answer_type(&xml, Some("json")).ok(), Some(FHIR_JSON));
        assert_eq!(
            answer_type(&xml, Some("application/fhir json")).ok(),
            Some(FHIR_JSON)
        );
        assert!(answer_type(&Headers::new(), Some("xml")).is_err());
    }

    #[test]
    fn preferences_are_read_from_one_or_several_fields() {
        let mut headers = Headers::new();
        headers.append("Prefer", "handling=strict, return=OperationOutcome");
        assert!(is_strict(&headers));
        assert_eq!(preferred_return(&headers), Some(Return::Outcome));
        assert_eq!(preferred_return(&Headers::new()), None);
    }
}
