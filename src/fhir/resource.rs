//! Resources as lossless JSON: parsing that keeps number text and sees duplicate keys, keys, and a few accessors.
//! Not a typed model: what is wrong with a resource must stay visible.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Type and logical id of a resource (`Patient/123`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Resource type.
    pub resource_type: String,
    /// Logical id.
    pub id: String,
}

impl Key {
    /// A key from its parts.
    pub fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Key {
            resource_type: resource_type.into(),
            id: id.into(),
        }
    }

    /// The key of a resource that has a type and an id.
    pub fn of(resource: &Value) -> Option<Self> {
        Some(Key::new(resource_type(resource)?, id(resource)?))
    }

    /// The key at the end of a relative or absolute reference or URL, with or without `/_history/version`.
    pub fn from_reference(reference: &str) -> Option<Self> {
        let path = reference.split(['?', '#']).next()?.trim_end_matches('/');
        let mut segments: Vec<&str> = path.split('/').collect();
        if segments.len() >= 4 && segments[segments.len() - 2] == "_history" {
            segments.truncate(segments.len() - 2);
        }
        let [.., resource_type, id] = segments.as_slice() else {
            return None;
        };
        let is_type = resource_type.starts_with(|first: char| first.is_ascii_uppercase())
            && resource_type
                .chars()
                .all(|character| character.is_ascii_alphanumeric());
        (is_type && is_id(id)).then(|| Key::new(*resource_type, *id))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)
    }
}

/// True for a legal logical id: 1 to 64 of `A-Z a-z 0-9 - .`, <http://hl7.org/fhir/R4/datatypes.html#id>.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// `resourceType`, if it is a string.
pub fn resource_type(resource: &Value) -> Option<&str> {
    resource.get("resourceType")?.as_str()
}

/// `id`, if it is a string.
pub fn id(resource: &Value) -> Option<&str> {
    resource.get("id")?.as_str()
}

/// `meta.versionId`, if it is a string.
pub fn version_id(resource: &Value) -> Option<&str> {
    resource.get("meta")?.get("versionId")?.as_str()
}

/// `meta.lastUpdated`, if it is a string.
pub fn last_updated(resource: &Value) -> Option<&str> {
    resource.get("meta")?.get("lastUpdated")?.as_str()
}

/// A resource in either format of R4, told apart by the first character: JSON as it is, XML as its JSON form.
/// `None` if it is neither.
pub fn of_body(bytes: &[u8]) -> Option<Value> {
    match is_markup(bytes) {
        true => super::xml::read(bytes).ok(),
        false => serde_json::from_slice(bytes).ok(),
    }
}

/// True for what begins like XML or HTML.
pub fn is_markup(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    bytes.trim_ascii_start().starts_with(b"<")
}

/// A JSON text that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Line from 1.
    pub line: usize,
    /// Column from 1.
    pub column: usize,
    /// Lower-case fragment without values of the text.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for ParseError {}

/// JSON with the names of members that occur twice in one object (`Value` keeps the last only).
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value; numbers keep their text.
    pub value: Value,
    /// Names of duplicate members, in order of appearance.
    pub duplicates: Vec<String>,
}

/// Parses JSON and notes duplicate member names.
pub fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let refuse = |error: serde_json::Error| ParseError {
        line: error.line(),
        column: error.column(),
        message: describe(&error).to_owned(),
    };
    let value: Value = serde_json::from_slice(bytes).map_err(refuse)?;
    let duplicates = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Duplicates(&duplicates)
        .deserialize(&mut deserializer)
        .map_err(refuse)?;
    Ok(Parsed {
        value,
        duplicates: duplicates.into_inner(),
    })
}

fn describe(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "the JSON text ends too early",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "JSON of another shape",
        serde_json::error::Category::Io => "could not be read",
    }
}

/// Walks a JSON text and notes member names that repeat within one object.
#[derive(Clone, Copy)]
struct Duplicates<'a>(&'a RefCell<Vec<String>>);

impl<'de> DeserializeSeed<'de> for Duplicates<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Duplicates<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                self.0.borrow_mut().push(name.clone());
            }
            names.push(name);
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_text_survives_parsing_and_writing_but_for_the_case_of_the_exponent() {
        let parsed = parse(br#"{"a":0.10,"b":1.2E+2,"c":12345678901234.123456}"#).unwrap();
        // The reader spells the exponent with a small letter; nothing may be concluded from that letter.
        assert_eq!(
            serde_json::to_string(&parsed.value).unwrap(),
            r#"{"a":0.10,"b":1.2e+2,"c":12345678901234.123456}"#
        );
        assert!(parsed.duplicates.is_empty());
    }

    #[test]
    fn duplicate_members_are_noted() {
        assert_eq!(
            parse(br#"{"a":1,"b":{"c":1,"c":2},"a":2.5}"#)
                .unwrap()
                .duplicates,
            ["c", "a"]
        );
    }

    #[test]
    fn an_error_has_a_position_and_no_values() {
        let error = parse(b"{\"family\": Mustermann}").unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (1, "not JSON"));
    }

    #[test]
    fn a_body_is_read_in_either_format() {
        let json = of_body(br#" {"resourceType":"Patient","active":true}"#);
        let xml =
            "\u{feff}<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"/></Patient>";
        assert_eq!(of_body(xml.as_bytes()), json);
        assert!(json.is_some() && of_body(b"<html/>").is_none() && of_body(b"").is_none());
    }

    #[test]
    fn keys_are_read_from_references() {
        assert_eq!(
            Key::from_reference("https://h/fhir/Patient/a.1/_history/2"),
            Some(Key::new("Patient", "a.1"))
        );
        assert_eq!(
            Key::from_reference("Patient/1"),
            Some(Key::new("Patient", "1"))
        );
        assert_eq!(Key::from_reference("urn:uuid:1"), None);
        assert_eq!(Key::from_reference("#p1"), None);
    }
}
