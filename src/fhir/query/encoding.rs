//! Percent-encoding of search parameters, in URLs and in form bodies alike, <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>.
//! Not the escapes of FHIR (`\,`): those are in `value`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but unreserved characters and those that a query carries readably (RFC 3986, 3.4) and FHIR uses often.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',')
    .remove(b'$')
    .remove(b'*');

/// Splits and percent-decodes the query part of a URL or a form body (`+` is a space in both). Bytes that are not UTF-8
/// become U+FFFD; empty pairs (`a=1&&b=2`) disappear.
pub fn decode_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Percent-encodes pairs for a URL or a form body; [`decode_pairs`] reads them back.
pub fn encode_pairs(pairs: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}
