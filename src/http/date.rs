//! HTTP dates (RFC 9110 section 5.6.7), as in `Date`, `Last-Modified` and `Retry-After`. Not FHIR dates.

use jiff::Timestamp;

/// The instant of an HTTP date in its one current form (`Sun, 06 Nov 1994 08:49:37 GMT`).
pub fn parse(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_of_the_rfc_is_read() {
        let parsed = super::parse("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(parsed.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(super::parse("yesterday"), None);
    }
}
