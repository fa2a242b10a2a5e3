//! Content negotiation and preferences: `Accept`, `_format`, `Content-Type`, `Prefer`. No writing: see `represent`.

use super::defect::Fault;
use super::outcome::Refusal;
use super::server::Server;
use crate::http::message::{FHIR_JSON, FHIR_XML, Headers};

/// Media types of a FHIR body, each named as it is answered, the preferred ones first,
/// <http://hl7.org/fhir/R4/http.html#mime-type>.
pub const RESOURCE_TYPES: [&str; 6] = [
    FHIR_JSON,
    FHIR_XML,
    "application/json",
    "application/xml",
    "text/json",
    "text/xml",
];

/// True for a media type of XML.
pub fn is_xml(media_type: &str) -> bool {
    media_type.ends_with("xml")
}

/// The media type of the answer to a request, else a 406.
pub fn answer_type(
    server: &Server,
    headers: &Headers,
    format: Option<&str>,
) -> Result<&'static str, Box<Refusal>> {
    match format.filter(|_| !server.has(Fault::FormatIgnored)) {
        Some(format) => named(format).ok_or_else(|| not_acceptable("_format")),
        None if server.has(Fault::AcceptIgnored) => Ok(FHIR_JSON),
        None => accepted(headers, !server.has(Fault::AcceptWeightIgnored))
            .ok_or_else(|| not_acceptable("Accept")),
    }
}

fn not_acceptable(what: &str) -> Box<Refusal> {
    Box::new(Refusal::new(
        406,
        "not-supported",
        format!(
            "{what} asks for a format that this server does not write; it writes {FHIR_JSON} and {FHIR_XML}"
        ),
    ))
}

/// `_format` takes short names and media types; a space stands for a `+` that was not percent-encoded.
fn named(format: &str) -> Option<&'static str> {
    let essence = essence(format).replace(' ', "+");
    if parameters(format).any(|(name, value)| name == "fhirversion" && !is_r4(&value)) {
        return None;
    }
    match essence.as_str() {
        "json" => Some(FHIR_JSON),
        "xml" => Some(FHIR_XML),
        other => RESOURCE_TYPES.into_iter().find(|known| *known == other),
    }
}

/// What weighs most in `Accept`, RFC 9110 section 12.5.1; of equals what was named first, of a wildcard JSON.
fn accepted(headers: &Headers, weighed: bool) -> Option<&'static str> {
    let ranges: Vec<&str> = headers
        .all("accept")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .collect();
    if ranges.is_empty() {
        return Some(FHIR_JSON);
    }
    let mut best: Option<(&'static str, f32, usize)> = None;
    for media_type in RESOURCE_TYPES {
        let Some((weight, position)) = weight(media_type, &ranges) else {
            continue;
        };
        let weight = if weighed { weight } else { 1.0 };
        let is_better = best
            .is_none_or(|(_, most, first)| weight > most || (weight >= most && position < first));
        if weight > 0.0 && is_better {
            best = Some((media_type, weight, position));
        }
    }
    best.map(|(media_type, ..)| media_type)
}

/// Weight of a media type by the most specific range that it falls into, and where that stands.
fn weight(media_type: &str, ranges: &[&str]) -> Option<(f32, usize)> {
    let kind = media_type.split('/').next().unwrap_or_default();
    let mut found: Option<(u8, f32, usize)> = None;
    for (position, range) in ranges.iter().enumerate() {
        let specific = match essence(range).as_str() {
            "*/*" => 0,
            other if other.strip_suffix("/*") == Some(kind) => 1,
            other if other == media_type => 2,
            _ => continue,
        };
        let other_version =
            parameters(range).any(|(name, value)| name == "fhirversion" && !is_r4(&value));
        if other_version || found.is_some_and(|(known, ..)| known >= specific) {
            continue;
        }
        let weight = parameters(range)
            .find(|(name, _)| name == "q")
            .and_then(|(_, value)| value.parse::<f32>().ok())
            .unwrap_or(1.0);
        found = Some((specific, weight, position));
    }
    found.map(|(_, weight, position)| (weight, position))
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
    let fits = parameters(value).all(|(name, value)| match name.as_str() {
        "charset" => value.eq_ignore_ascii_case("utf-8"),
        "fhirversion" => is_r4(&value),
        _ => true,
    });
    if allowed.contains(&essence(value).as_str()) && fits {
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

    fn of(value: &str) -> Option<&'static str> {
        accepted(&[("Accept", value)].into_iter().collect(), true)
    }

    #[test]
    fn a_format_is_written_in_the_media_type_that_was_asked_for() {
        assert_eq!(of("application/fhir+json"), Some(FHIR_JSON));
        assert_eq!(of("application/json;q=0.9"), Some("application/json"));
        assert_eq!(of("application/fhir+xml"), Some(FHIR_XML));
        assert_eq!(of("text/xml"), Some("text/xml"));
        assert_eq!(of("text/html, */*;q=0.1"), Some(FHIR_JSON));
        assert_eq!(accepted(&Headers::new(), true), Some(FHIR_JSON));
    }

    #[test]
    fn weights_decide_then_the_order_in_which_formats_are_named() {
        let both = "application/fhir+xml;q=0.1, application/fhir+json;q=0.9";
        assert_eq!(of(both), Some(FHIR_JSON));
        let both = "application/fhir+xml, application/fhir+json";
        assert_eq!(of(both), Some(FHIR_XML));
        assert_eq!(of("application/fhir+json;q=0, */*"), Some(FHIR_XML));
        assert_eq!(of("*/*;q=0.5, text/*"), Some("text/json"));
    }

    #[test]
    fn html_and_other_versions_are_not_acceptable() {
        assert_eq!(
            of("application/fhir+json; fhirVersion=4.0"),
            Some(FHIR_JSON)
        );
        for value in [
            "text/html",
            "application/fhir+json;q=0",
            "application/fhir+json; fhirVersion=3.0",
        ] {
            assert_eq!(of(value), None, "{value}");
        }
    }

    #[test]
    fn format_takes_short_names_and_media_types() {
        assert_eq!(named("json"), Some(FHIR_JSON));
        assert_eq!(named("xml"), Some(FHIR_XML));
        assert_eq!(named("application/fhir xml"), Some(FHIR_XML));
        assert_eq!(named("text/xml; charset=utf-8"), Some("text/xml"));
        assert_eq!(named("text/turtle"), None);
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
