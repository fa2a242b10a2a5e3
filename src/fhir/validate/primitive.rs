//! Whether a JSON value is a value of a primitive type.
//! Not bindings, and not what stands beside the value (ids, extensions).
//! <http://hl7.org/fhir/R4/datatypes.html#primitive>

use serde_json::{Number, Value};

use super::datetime;
use crate::fhir::definitions::Primitive;
use crate::fhir::resource::is_id;

/// R4: strings SHALL NOT exceed 1 MB, counted in characters.
const MAX_STRING: usize = 1024 * 1024;

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Another JSON type; holds the words for the right one.
    Shape(&'static str),
    /// A string without characters.
    Empty,
    /// Not in the lexical or value space; holds the words for it.
    Format(&'static str),
    /// No XHTML `div`.
    Div,
}

/// Checks a value that is neither `null` nor absent.
pub(super) fn check(primitive: Primitive, value: &Value) -> Result<(), Fault> {
    match primitive {
        Primitive::Boolean => match value {
            Value::Bool(_) => Ok(()),
            _ => Err(Fault::Shape("true or false")),
        },
        Primitive::Decimal => number(value).map(drop),
        Primitive::Integer => integer(value, i32::MIN, "a whole number of 32 bits"),
        Primitive::UnsignedInt => integer(value, 0, "a whole number from 0 to 2147483647"),
        Primitive::PositiveInt => integer(value, 1, "a whole number from 1 to 2147483647"),
        _ => match value {
            Value::String(text) if text.is_empty() => Err(Fault::Empty),
            Value::String(text) => check_text(primitive, text),
            _ => Err(Fault::Shape("a string")),
        },
    }
}

fn number(value: &Value) -> Result<&Number, Fault> {
    match value {
        Value::Number(number) => Ok(number),
        _ => Err(Fault::Shape("a number")),
    }
}

/// The text decides: `1.0` and `1e0` are decimals, not integers.
fn integer(value: &Value, least: i32, what: &'static str) -> Result<(), Fault> {
    let is_right = number(value)?
        .as_str()
        .parse()
        .is_ok_and(|number: i32| number >= least);
    if is_right {
        Ok(())
    } else {
        Err(Fault::Format(what))
    }
}

fn check_text(primitive: Primitive, text: &str) -> Result<(), Fault> {
    let (is_right, what) = match primitive {
        Primitive::String | Primitive::Markdown => (
            is_string(text),
            "text of at most 1 MB without control characters other than tab and line ends",
        ),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => (
            is_uri(text),
            "a URI: no white space, and a UUID or OID behind urn:uuid: or urn:oid:",
        ),
        Primitive::Code => (
            is_code(text),
            "a code: no white space at the ends, one space at most between words",
        ),
        Primitive::Id => (is_id(text), "1 to 64 of A-Z, a-z, 0-9, - and ."),
        Primitive::Oid => (is_oid(text), "urn:oid: and an OID"),
        Primitive::Uuid => (is_uuid(text), "urn:uuid: and a UUID in lower case"),
        Primitive::Date => (
            datetime::is_date(text),
            "YYYY, YYYY-MM or YYYY-MM-DD of the calendar",
        ),
        Primitive::DateTime => (
            datetime::is_date_time(text),
            "a date of the calendar, or with a time: to the second and with a zone",
        ),
        Primitive::Instant => (
            datetime::is_instant(text),
            "a date of the calendar with a time to the second and a zone",
        ),
        Primitive::Time => (datetime::is_time(text), "hh:mm:ss without a zone"),
        Primitive::Base64Binary => (is_base64(text), "base64 with padding"),
        Primitive::Xhtml => {
            return if is_div(text) {
                Ok(())
            } else {
                Err(Fault::Div)
            };
        }
        // Not texts; `check` has dealt with them.
        Primitive::Boolean
        | Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => return Ok(()),
    };
    if is_right {
        Ok(())
    } else {
        Err(Fault::Format(what))
    }
}

fn is_string(text: &str) -> bool {
    let is_short = text.len() <= MAX_STRING || text.chars().count() <= MAX_STRING;
    is_short
        && !text
            .bytes()
            .any(|byte| is_control(byte) && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

fn is_control(byte: u8) -> bool {
    byte < 0x20
}

/// White space as XML and the regular expressions of R4 know it; other Unicode spaces pass.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

/// R4 asks for little more than the absence of white space; the two URN schemes that it uses have forms of their own
/// (RFC 4122, RFC 3061). UUIDs in capitals pass: R4 only advises against them here.
fn is_uri(text: &str) -> bool {
    if text.starts_with("urn:uuid:") {
        is_uuid(&text.to_ascii_lowercase())
    } else if text.starts_with("urn:oid:") {
        is_oid(text)
    } else {
        !text.bytes().any(|byte| is_space(byte) || is_control(byte))
    }
}

fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at_end = |byte: Option<&u8>| byte.is_none_or(|byte| is_space(*byte));
    is_string(text)
        && !at_end(bytes.first())
        && !at_end(bytes.last())
        && !bytes
            .windows(2)
            .any(|pair| is_space(pair[0]) && is_space(pair[1]))
}

fn is_oid(text: &str) -> bool {
    let Some(mut arcs) = text.strip_prefix("urn:oid:").map(|oid| oid.split('.')) else {
        return false;
    };
    matches!(arcs.next(), Some("0" | "1" | "2"))
        && arcs.clone().next().is_some()
        && arcs.all(|arc| {
            arc == "0"
                || !arc.is_empty()
                    && !arc.starts_with('0')
                    && arc.bytes().all(|byte| byte.is_ascii_digit())
        })
}

fn is_uuid(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else {
        return false;
    };
    uuid.len() == 36
        && uuid.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Groups of four with padding at the end only; white space anywhere, as line breaks are usual.
fn is_base64(text: &str) -> bool {
    let (mut length, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes().filter(|byte| !is_space(*byte)) {
        length += 1;
        match byte {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
    }
    length > 0 && length.is_multiple_of(4) && padding <= 2
}

/// Starts with a `div` element, with or without a namespace prefix; comments may come before.
fn is_div(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("<!--") {
        let Some((_, after)) = comment.split_once("-->") else {
            return false;
        };
        rest = after.trim_start();
    }
    let Some(tag) = rest.strip_prefix('<') else {
        return false;
    };
    let end = tag
        .find(|character: char| character.is_whitespace() || matches!(character, '>' | '/'))
        .unwrap_or(tag.len());
    let name = &tag[..end];
    end < tag.len() && name.rsplit(':').next() == Some("div")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepts(primitive: Primitive, values: &[Value]) {
        for value in values {
            assert_eq!(check(primitive, value), Ok(()), "{primitive:?} {value}");
        }
    }

    fn refuses(primitive: Primitive, values: &[Value]) {
        for value in values {
            assert!(check(primitive, value).is_err(), "{primitive:?} {value}");
        }
    }

    fn raw(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_judged_by_their_text() {
        accepts(
            Primitive::Decimal,
            &[
                raw("0.010"),
                raw("-1.2E+3"),
                raw("7"),
                raw("123456789012345678901234567890"),
            ],
        );
        refuses(Primitive::Decimal, &[json!("1.0"), json!(true)]);
        accepts(
            Primitive::Integer,
            &[raw("-2147483648"), raw("2147483647"), raw("0")],
        );
        refuses(
            Primitive::Integer,
            &[raw("2147483648"), raw("1.0"), raw("1e2"), json!("1")],
        );
        accepts(Primitive::UnsignedInt, &[raw("0"), raw("2147483647")]);
        refuses(Primitive::UnsignedInt, &[raw("-1"), raw("0.5")]);
        accepts(Primitive::PositiveInt, &[raw("1")]);
        refuses(Primitive::PositiveInt, &[raw("0"), raw("2147483648")]);
    }

    #[test]
    fn strings_hold_no_control_characters() {
        accepts(
            Primitive::String,
            &[json!(" a\tb\r\n"), json!("\u{a0}é💊"), json!(" ")],
        );
        refuses(
            Primitive::String,
            &[json!(""), json!("a\u{0}b"), json!("a\u{b}b"), json!(1)],
        );
        accepts(Primitive::String, &[json!("é".repeat(MAX_STRING))]);
        refuses(Primitive::Markdown, &[json!("x".repeat(MAX_STRING + 1))]);
    }

    #[test]
    fn codes_and_uris_keep_their_white_space_rules() {
        accepts(
            Primitive::Code,
            &[json!("a"), json!("in progress"), json!("<=")],
        );
        refuses(
            Primitive::Code,
            &[json!(" a"), json!("a "), json!("a  b"), json!("")],
        );
        accepts(
            Primitive::Uri,
            &[
                json!("urn:oid:1.2"),
                json!("http://a/b?c=d#e|f"),
                json!("urn:uuid:C757873D-ec9a-4326-a141-556f43239520"),
                json!("a"),
            ],
        );
        refuses(
            Primitive::Uri,
            &[json!("urn:uuid:1"), json!("urn:oid:x"), json!("a b")],
        );
        refuses(Primitive::Url, &[json!("http://a b"), json!("")]);
        refuses(Primitive::Canonical, &[json!("http://a\n")]);
    }

    #[test]
    fn identifiers_keep_their_forms() {
        accepts(Primitive::Id, &[json!("A-z.9")]);
        refuses(
            Primitive::Id,
            &[json!("a_b"), json!("a/b"), json!("x".repeat(65))],
        );
        accepts(Primitive::Oid, &[json!("urn:oid:2.16.840.1.0")]);
        refuses(
            Primitive::Oid,
            &[
                json!("2.16"),
                json!("urn:oid:3.1"),
                json!("urn:oid:1"),
                json!("urn:oid:1.02"),
                json!("urn:oid:1."),
            ],
        );
        accepts(
            Primitive::Uuid,
            &[json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239520")],
        );
        refuses(
            Primitive::Uuid,
            &[
                json!("c757873d-ec9a-4326-a141-556f43239520"),
                json!("urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
                json!("urn:uuid:1"),
            ],
        );
    }

    #[test]
    fn base64_is_padded_to_groups_of_four() {
        accepts(
            Primitive::Base64Binary,
            &[json!("YQ=="), json!("YWJj"), json!("YW\nJj YWI=")],
        );
        refuses(
            Primitive::Base64Binary,
            &[
                json!("YQ"),
                json!("YQ=a"),
                json!("Y==="),
                json!("Y-_j"),
                json!("  "),
            ],
        );
    }

    #[test]
    fn narrative_is_a_div() {
        accepts(
            Primitive::Xhtml,
            &[
                json!("<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"),
                json!(" <!-- made -->\n<div>a</div>"),
                json!("<h:div xmlns:h=\"http://www.w3.org/1999/xhtml\"/>"),
            ],
        );
        refuses(
            Primitive::Xhtml,
            &[
                json!("a"),
                json!("<p>a</p>"),
                json!("<divide>"),
                json!("<!-- "),
                json!("<div"),
                json!({}),
            ],
        );
    }
}
