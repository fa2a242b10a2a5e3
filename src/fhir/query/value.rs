//! Values of search parameters: escapes, prefixes and the parts of tokens, quantities and references.
//! Not the meaning of a value: what it matches is the business of whoever searches.

use crate::fhir::decimal::Decimal;
use crate::fhir::resource::is_id;

use super::date::PartialDate;

/// Splits at unescaped occurrences of a separator and keeps escapes (`\,`, `\|`, `\$`, `\\`).
pub fn split_escaped(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == separator && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = character == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

/// Removes one level of escapes: `a\,b` is `a,b`.
pub fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut escaped = false;
    for character in text.chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        plain.push(character);
    }
    plain
}

/// Escapes a literal value, <http://hl7.org/fhir/R4/search.html#escaping>.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ',' | '|' | '$' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A backslash stands only before `\`, `,`, `|` and `$`.
pub(super) fn check_escapes(text: &str) -> Result<(), String> {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' && !matches!(characters.next(), Some('\\' | ',' | '|' | '$')) {
            return Err("has a backslash that escapes nothing".to_owned());
        }
    }
    Ok(())
}

/// The `$`-separated parts of a composite value, with their escapes.
pub fn composite_parts(value: &str) -> Vec<String> {
    split_escaped(value, '$')
}

/// A comparison prefix, <http://hl7.org/fhir/R4/search.html#prefix>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

impl Prefix {
    /// Takes the prefix off a value; none written is `eq`. Two letters that are no prefix stay in the value, which then
    /// is no number or date.
    pub fn split(value: &str) -> (Prefix, &str) {
        const PREFIXES: [(&str, Prefix); 9] = [
            ("eq", Prefix::Eq),
            ("ne", Prefix::Ne),
            ("gt", Prefix::Gt),
            ("lt", Prefix::Lt),
            ("ge", Prefix::Ge),
            ("le", Prefix::Le),
            ("sa", Prefix::Sa),
            ("eb", Prefix::Eb),
            ("ap", Prefix::Ap),
        ];
        PREFIXES
            .iter()
            .find_map(|(text, prefix)| Some((*prefix, value.strip_prefix(text)?)))
            .unwrap_or((Prefix::Eq, value))
    }
}

/// `[prefix][number]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberValue {
    /// `eq` if none is written.
    pub prefix: Prefix,
    /// A decimal as written, without a leading `+`; its digits carry the precision.
    pub number: String,
}

impl NumberValue {
    /// Reads an unescaped value.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let (prefix, number) = Prefix::split(value);
        let number = number.strip_prefix('+').unwrap_or(number);
        if Decimal::parse(number).is_none() {
            return Err("is not a number with an optional prefix".to_owned());
        }
        Ok(NumberValue {
            prefix,
            number: number.to_owned(),
        })
    }
}

/// `[prefix][date]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateValue {
    /// `eq` if none is written.
    pub prefix: Prefix,
    /// The date as written.
    pub text: String,
    /// The date.
    pub date: PartialDate,
}

impl DateValue {
    /// Reads an unescaped value.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let (prefix, text) = Prefix::split(value);
        Ok(DateValue {
            prefix,
            text: text.to_owned(),
            date: PartialDate::parse(text)?,
        })
    }
}

/// `[code]`, `[system]|[code]`, `|[code]` or `[system]|`, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenValue {
    /// `None`: any system or none (`code`). `Some("")`: no system (`|code`).
    pub system: Option<String>,
    /// `None`: any code of the system (`system|`).
    pub code: Option<String>,
}

impl TokenValue {
    /// Reads a value with its escapes.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let parts: Vec<String> = split_escaped(value, '|')
            .iter()
            .map(|part| unescape(part))
            .collect();
        let (system, code) = match parts.as_slice() {
            [code] => (None, code),
            [system, code] => (Some(system.clone()), code),
            _ => return Err("has more than one | (a literal one is written \\|)".to_owned()),
        };
        let code = Some(code.clone()).filter(|code| !code.is_empty());
        if code.is_none() && system.as_ref().is_none_or(String::is_empty) {
            return Err("has neither system nor code".to_owned());
        }
        Ok(TokenValue { system, code })
    }
}

/// `[system]|[code]|[value]` of `:of-type`, unescaped; all three are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfTypeValue {
    /// System of the identifier's type.
    pub system: String,
    /// Code of the identifier's type.
    pub code: String,
    /// Value of the identifier.
    pub value: String,
}

impl OfTypeValue {
    /// Reads a value with its escapes.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let parts: Vec<String> = split_escaped(value, '|')
            .iter()
            .map(|part| unescape(part))
            .collect();
        match parts.as_slice() {
            [system, code, value] if parts.iter().all(|part| !part.is_empty()) => Ok(OfTypeValue {
                system: system.clone(),
                code: code.clone(),
                value: value.clone(),
            }),
            _ => Err("is not system|code|value".to_owned()),
        }
    }
}

/// `[prefix][number]` or `[prefix][number]|[system]|[code]`, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityValue {
    /// `eq` if none is written.
    pub prefix: Prefix,
    /// A decimal as written; its digits carry the precision.
    pub number: String,
    /// `None`: any system or none.
    pub system: Option<String>,
    /// Code of the unit, or its text if no system is given; `None`: any.
    pub code: Option<String>,
}

impl QuantityValue {
    /// Reads a value with its escapes.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let parts: Vec<String> = split_escaped(value, '|')
            .iter()
            .map(|part| unescape(part))
            .collect();
        let (number, system, code) = match parts.as_slice() {
            [number] => (number, None, None),
            [number, system, code] => (number, Some(system.clone()), Some(code.clone())),
            _ => return Err("is not number or number|system|code".to_owned()),
        };
        let NumberValue { prefix, number } = NumberValue::parse(number)?;
        Ok(QuantityValue {
            prefix,
            number,
            system: system.filter(|system| !system.is_empty()),
            code: code.filter(|code| !code.is_empty()),
        })
    }
}

/// The forms of a reference, <http://hl7.org/fhir/R4/search.html#reference>, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceValue {
    /// `23`: an id of any of the target types.
    Id(String),
    /// `Patient/23`, with or without `/_history/version`.
    Relative {
        /// Type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// Version, if written.
        version: Option<String>,
    },
    /// `https://…/Patient/23`, `urn:uuid:…` or a canonical URL with or without `|version`.
    Absolute(String),
}

impl ReferenceValue {
    /// Reads a value with its escapes.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let text = unescape(value);
        if is_id(&text) {
            return Ok(ReferenceValue::Id(text));
        }
        let segments: Vec<&str> = text.split('/').collect();
        let (resource_type, id, version) = match segments.as_slice() {
            [resource_type, id] => (resource_type, id, None),
            [resource_type, id, "_history", version] => {
                (resource_type, id, Some((*version).to_owned()))
            }
            _ => return absolute(text),
        };
        let capital = resource_type.starts_with(|first: char| first.is_ascii_uppercase());
        if !capital || !is_id(id) {
            return absolute(text);
        }
        Ok(ReferenceValue::Relative {
            resource_type: (*resource_type).to_owned(),
            id: (*id).to_owned(),
            version,
        })
    }
}

/// RFC 3986: a scheme starts with a letter and ends with a colon.
fn absolute(text: String) -> Result<ReferenceValue, String> {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) && !rest.is_empty() => {
            Ok(ReferenceValue::Absolute(text))
        }
        _ => Err("is neither an id, Type/id nor an absolute URL".to_owned()),
    }
}
