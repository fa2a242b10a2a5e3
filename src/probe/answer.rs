//! Reading answers for probes: what kind of thing came back, in words that hold nothing of it. No judgement.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::fhir::{bundle, resource};
use crate::http::Exchange;

/// Media types that may be named; any other could hold anything.
const NAMED: &[&str] = &[
    "application/fhir+json",
    "application/fhir+xml",
    "application/json",
    "application/json+fhir",
    "application/octet-stream",
    "application/problem+json",
    "application/xml",
    "text/html",
    "text/plain",
    "text/xml",
];

/// The media type of an answer, `no media type`, or `another media type`.
pub fn media_type(exchange: &Exchange) -> &'static str {
    let media_type = exchange
        .response()
        .map(|response| response.media_type())
        .unwrap_or_default();
    if media_type.is_empty() {
        return "no media type";
    }
    NAMED
        .iter()
        .copied()
        .find(|named| *named == media_type)
        .unwrap_or("another media type")
}

/// The searchset of a search that succeeded.
pub fn searchset(exchange: &Exchange) -> Option<Value> {
    let body = exchange.json()?;
    let is_bundle = resource::resource_type(&body) == Some("Bundle");
    (exchange.status() == Some(200) && is_bundle).then_some(body)
}

/// Matches in a searchset: its total, or what is on the page.
pub fn matches(searchset: &Value) -> u64 {
    let on_page = bundle::matches(searchset).count() as u64;
    bundle::total(searchset).unwrap_or(0).max(on_page)
}

/// What came back in two or three words: a status, or why there is none.
pub fn outcome(exchange: &Exchange) -> String {
    match &exchange.outcome {
        Ok(response) => response.status.to_string(),
        Err(failure) => failure.message.clone(),
    }
}

/// Names of the query parameters of a URL without modifiers, decoded, in order.
pub fn parameters(url: &str) -> Vec<String> {
    let query = url
        .split_once('?')
        .map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let name = parameter.split(['=']).next().unwrap_or_default();
            let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            name.split([':', '.']).next().unwrap_or_default().to_owned()
        })
        .collect()
}

/// True if a link of a bundle stays below the base that was asked; relative links do.
pub fn is_own(base: &Url, link: &str) -> bool {
    match Url::parse(link) {
        Err(_) => true,
        Ok(url) => {
            url.scheme() == base.scheme()
                && url.host() == base.host()
                && url.port_or_known_default() == base.port_or_known_default()
        }
    }
}

/// `38ms`, `1.9s`; `<1ms` below that.
pub fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "<1ms".to_owned(),
        ms @ 1..1000 => format!("{ms}ms"),
        _ => format!("{:.1}s", duration.as_secs_f64()),
    }
}

/// `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 page`, `3 pages`, `2 matches`.
pub fn plural(number: usize, noun: &str) -> String {
    let ending = match (number, noun.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {noun}{ending}", count(number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_names_are_read_without_modifiers() {
        assert_eq!(
            parameters("https://h/Patient?family%3Aexact=a&_count=1&subject.name=b#x"),
            ["family", "_count", "subject"]
        );
        assert!(parameters("https://h/Patient").is_empty());
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(1204), "1,204");
        assert_eq!(count(999), "999");
        assert_eq!(duration(Duration::from_millis(1900)), "1.9s");
        assert_eq!(duration(Duration::from_micros(10)), "<1ms");
    }

    #[test]
    fn a_link_to_another_port_is_not_own() {
        let base = Url::parse("https://h.example/r4").unwrap();
        assert!(is_own(&base, "https://h.example:443/r4/Patient?page=2"));
        assert!(is_own(&base, "Patient?page=2"));
        assert!(!is_own(&base, "http://h.example/r4/Patient"));
        assert!(!is_own(&base, "https://h.example:8443/r4/Patient"));
    }
}
