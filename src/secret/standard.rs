//! Words of HTTP and R4 that say nothing about anybody, wherever a server writes them: media types, directives, kinds
//! of Bundle. Not codes of a record: a gender is a constant of R4 too, and somebody's.

/// Words that stand in open header fields by their specifications. What a server writes there besides is masked.
const HEADER_WORDS: &[&str] = &[
    "*",
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "br",
    "chunked",
    "content-type",
    "deflate",
    "delete",
    "get",
    "gzip",
    "head",
    "identity",
    "if-match",
    "if-none-match",
    "must-revalidate",
    "no-cache",
    "no-store",
    "no-transform",
    "options",
    "origin",
    "patch",
    "post",
    "prefer",
    "private",
    "proxy-revalidate",
    "public",
    "put",
];

/// Media types of FHIR, of patches, and of what servers and intermediaries answer instead, with their parameters.
const MEDIA_TYPES: &[&str] = &[
    "application/fhir+json",
    "application/fhir+ndjson",
    "application/fhir+turtle",
    "application/fhir+xml",
    "application/javascript",
    "application/json",
    "application/json+fhir",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/ndjson",
    "application/octet-stream",
    "application/problem+json",
    "application/problem+xml",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "application/xml+fhir",
    "application/xml-patch+xml",
    "charset=iso-8859-1",
    "charset=us-ascii",
    "charset=utf-8",
    "charset=utf8",
    "fhirversion=3.0",
    "fhirversion=4.0",
    "fhirversion=4.0.1",
    "fhirversion=4.3",
    "fhirversion=5.0",
    "text/css",
    "text/html",
    "text/javascript",
    "text/json",
    "text/plain",
    "text/turtle",
    "text/xml",
];

/// <http://hl7.org/fhir/R4/valueset-bundle-type.html>
const BUNDLE_TYPES: &[&str] = &[
    "batch",
    "batch-response",
    "collection",
    "document",
    "history",
    "message",
    "searchset",
    "transaction",
    "transaction-response",
];

/// True for one word of a list in an open header field.
pub(super) fn is_header_word(word: &str) -> bool {
    let lower = word.to_ascii_lowercase().replace('"', "");
    let seconds = lower.strip_prefix("max-age=").unwrap_or("x");
    HEADER_WORDS.contains(&lower.as_str())
        || MEDIA_TYPES.contains(&lower.as_str())
        || seconds.bytes().all(|byte| byte.is_ascii_digit())
}

/// True for a code of R4 about an answer.
pub(super) fn is_code(code: &str) -> bool {
    BUNDLE_TYPES.contains(&code)
}
