//! `application/x-www-form-urlencoded` as OAuth wants it (RFC 6749 appendix B). Not FHIR search.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What the encoding leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

/// A value of a form.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}
