//! Templates: `${name}` in strings, filled after parsing. Not an expression language: FHIRPath is.
//!
//! Names are bound by picks, captures, rows, `--var` and the target's `vars`; `${env:X}`, `${unique}` (text that no
//! other case and no other run has) and `${token}` (the run token) are always there. In the path of a URL a value is
//! percent-encoded; in the query it is also escaped for FHIR search (`\`, `,`, `|`, `$`), so that a value is always
//! one value (<http://hl7.org/fhir/R4/search.html#escaping>).

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// A string with names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// Characters that stay as they are in a URL (RFC 3986 unreserved, and `/` and `:` for references).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// Characters of the template's own text in a URL that must not go out as they are.
const LITERAL: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl Template {
    /// Parses; `$${` stands for `${`.
    ///
    /// # Errors
    /// A sentence if a `${` is not closed or a name is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if rest[..start].ends_with('$') {
                literal.push_str(&rest[..start - 1]);
                literal.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            literal.push_str(&rest[..start]);
            let after = &rest[start + 2..];
            let end = after
                .find('}')
                .ok_or("`${` is never closed by `}`; write `$${` for the characters themselves")?;
            let name = after[..end].trim();
            if !is_name(name) {
                return Err(format!(
                    "`${{{name}}}` is not a name: use letters, digits, `.`, `-`, `_`"
                ));
            }
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = &after[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Template {
            text: text.to_owned(),
            parts,
        })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names in order of appearance.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Filled in, values as they are.
    ///
    /// # Errors
    /// A sentence that names what is not bound.
    pub fn fill(&self, bindings: &Bindings) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Name(name) => text.push_str(&bindings.text(name)?),
            }
        }
        Ok(text)
    }

    /// Filled in for a URL: values encoded, and escaped for search after the `?`. A template of one single name is
    /// a whole URL and goes out as it is.
    ///
    /// # Errors
    /// A sentence that names what is not bound.
    pub fn fill_url(&self, bindings: &Bindings) -> Result<String, String> {
        if let [Part::Name(name)] = self.parts.as_slice() {
            return bindings.text(name);
        }
        let mut url = String::new();
        let mut in_query = false;
        for part in &self.parts {
            match part {
                Part::Text(words) => {
                    in_query = in_query || words.contains('?');
                    url.extend(utf8_percent_encode(words, LITERAL));
                }
                Part::Name(name) => {
                    let value = bindings.text(name)?;
                    let is_plain = in_query && !bindings.is_escaped(name);
                    let value = if is_plain { escape(&value) } else { value };
                    url.extend(utf8_percent_encode(&value, KEPT));
                }
            }
        }
        Ok(url)
    }

    /// Filled in for a search value of a form: values escaped for search, nothing percent-encoded.
    ///
    /// # Errors
    /// A sentence that names what is not bound.
    pub fn fill_search(&self, bindings: &Bindings) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Name(name) if bindings.is_escaped(name) => {
                    text.push_str(&bindings.text(name)?);
                }
                Part::Name(name) => text.push_str(&escape(&bindings.text(name)?)),
            }
        }
        Ok(text)
    }
}

fn is_name(name: &str) -> bool {
    let name = name.strip_prefix("env:").unwrap_or(name);
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Escapes a value for FHIR search.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '|' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// What names stand for, while one case runs.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    values: BTreeMap<String, Value>,
    /// Names whose text is escaped for search already.
    escaped: BTreeSet<String>,
}

impl Bindings {
    /// Nothing bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a name; a later binding replaces an earlier one.
    pub fn bind(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.values.insert(name.into(), value.into());
    }

    /// Notes that the text of a name is a search value as it stands: `system|code` is two parts and not one text.
    pub fn mark_escaped(&mut self, name: impl Into<String>) {
        self.escaped.insert(name.into());
    }

    fn is_escaped(&self, name: &str) -> bool {
        self.escaped.contains(name)
    }

    /// The value of a name: itself, or a member of an object (`obs.code`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.values.get(name) {
            return Some(value);
        }
        let (object, member) = name.split_once('.')?;
        self.values.get(object)?.get(member)
    }

    /// The text of a name; numbers and booleans as JSON writes them.
    ///
    /// # Errors
    /// A sentence if nothing of that name is bound or it is no single value.
    pub fn text(&self, name: &str) -> Result<String, String> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            Some(_) => Err(format!("`${{{name}}}` is not a single value")),
            None => Err(format!("nothing is bound to `${{{name}}}`")),
        }
    }

    /// As variables for FHIRPath, in order of name.
    pub fn variables(&self) -> Vec<(&str, &Value)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect()
    }

    /// A JSON value with the templates in its strings filled in. A string that is one single name becomes the bound
    /// value itself, whatever its type.
    ///
    /// # Errors
    /// A sentence that names what is not bound.
    pub fn fill_json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => {
                let template = Template::parse(text)?;
                match template.parts.as_slice() {
                    [Part::Name(name)] => self
                        .get(name)
                        .cloned()
                        .ok_or_else(|| format!("nothing is bound to `${{{name}}}`"))?,
                    _ => Value::String(template.fill(self)?),
                }
            }
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.fill_json(item))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| Ok((name.clone(), self.fill_json(member)?)))
                    .collect::<Result<_, String>>()?,
            ),
            other => other.clone(),
        })
    }
}

/// Applies a JSON merge patch (RFC 7396): objects merge, `null` removes, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(members) = target.as_object_mut() else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            // `remove` would move the last member into the gap; order is part of the text.
            members.shift_remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}
