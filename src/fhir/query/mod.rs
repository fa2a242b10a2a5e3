//! The grammar of FHIR R4 search, <http://hl7.org/fhir/R4/search.html>: from a URL or form pairs to a typed [`Query`].
//! Not a search: nothing here looks at a resource.

mod criterion;
mod date;
mod encoding;
mod shape;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;

use super::definitions::{self, SearchParameter};

pub use criterion::component_parameter;
pub use date::{PartialDate, TimeOfDay};
pub use encoding::{decode_pairs, encode_pairs};
pub use value::{
    DateValue, NumberValue, OfTypeValue, Prefix, QuantityValue, ReferenceValue, TokenValue,
    composite_parts, escape, split_escaped, unescape,
};

/// A parsed search: `Patient?family=Ada&_sort=-birthdate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Resource type; `None` for a whole-system search.
    pub resource_type: Option<String>,
    /// Criteria in order; all of them apply (AND).
    pub criteria: Vec<Criterion>,
    /// Result parameters.
    pub shape: Shape,
    /// Parameters that the grammar does not know, name and value, in order.
    pub unknown: Vec<(String, String)>,
}

/// One search parameter with its alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// As written before `=`, for messages.
    pub name: String,
    /// The parameter.
    pub subject: Subject,
    /// `:missing`, `:exact`, `:not`, … (of the last parameter, if this is a chain: then it stands in the innermost criterion and this is `None`).
    pub modifier: Option<Modifier>,
    /// Alternatives (OR) in order, never empty. Unescaped for string, uri, date, number and special parameters and
    /// where the modifier takes plain text; with escapes for token, quantity, reference and composite parameters, whose
    /// `|` and `$` are structure: read those with [`TokenValue`], [`QuantityValue`], [`ReferenceValue`], [`OfTypeValue`]
    /// and [`composite_parts`]. Empty for chains and `_has`: there the values stand in the innermost criterion.
    pub values: Vec<String>,
}

/// What a criterion is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A parameter of the type itself.
    Parameter(&'static SearchParameter),
    /// `subject:Patient.name`: reference parameter, optional type, then a criterion on the target type.
    Chain {
        /// The reference parameter on this side.
        reference: &'static SearchParameter,
        /// The type as written.
        target: Option<String>,
        /// The criterion for each target type that has it, never empty: one if a type was written. A target of another
        /// type does not match.
        branches: Vec<(String, Criterion)>,
    },
    /// `_has:Observation:patient:code`: some Observation refers to this resource by `patient` and matches `rest`.
    Has {
        /// Type of the resources that refer.
        resource_type: String,
        /// Their reference parameter.
        reference: &'static SearchParameter,
        /// The criterion on them; may be a chain or `_has` again.
        rest: Box<Criterion>,
    },
}

/// A modifier, <http://hl7.org/fhir/R4/search.html#modifiers>.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Modifier {
    Missing,
    Exact,
    Contains,
    Not,
    Text,
    In,
    NotIn,
    Below,
    Above,
    OfType,
    Identifier,
    Type(String),
}

/// Result parameters, <http://hl7.org/fhir/R4/search.html#return>, and `_type`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// `_count`.
    pub count: Option<u64>,
    /// `_sort`: parameter code and true for descending. Codes are not looked up: `_score` is none.
    pub sort: Vec<(String, bool)>,
    /// `_total`: `none`, `estimate` or `accurate`.
    pub total: Option<String>,
    /// `_summary`: `true`, `text`, `data`, `count` or `false`.
    pub summary: Option<String>,
    /// `_elements`.
    pub elements: Vec<String>,
    /// `_include`.
    pub include: Vec<Include>,
    /// `_revinclude`.
    pub revinclude: Vec<Include>,
    /// `_format`.
    pub format: Option<String>,
    /// `_pretty`.
    pub pretty: Option<bool>,
    /// `_contained`: `true`, `false` or `both`.
    pub contained: Option<String>,
    /// `_containedType`: `container` or `contained`.
    pub contained_type: Option<String>,
    /// `_type` of a whole-system search.
    pub types: Vec<String>,
}

/// `_include=Observation:subject:Patient` with `:iterate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Type that has the reference, or `*`.
    pub source: String,
    /// Its reference parameter, or `*`.
    pub parameter: String,
    /// Type of the target, if only that is wanted.
    pub target: Option<String>,
    /// Repeats on what was included.
    pub iterate: bool,
}

/// A search that breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The parameter as written before `=`; empty if the path is wrong.
    pub parameter: String,
    /// Lower-case fragment.
    pub message: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parameter.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "parameter {}: {}", self.parameter, self.message)
    }
}

impl std::error::Error for QueryError {}

impl Query {
    /// Parses pairs that are already percent-decoded. Unknown parameters land in `unknown`; a known parameter with a
    /// modifier or value that its kind does not allow is an error.
    ///
    /// # Errors
    /// The first parameter that breaks the grammar; an unknown resource type.
    pub fn parse(
        resource_type: Option<&str>,
        pairs: &[(String, String)],
    ) -> Result<Self, QueryError> {
        if let Some(name) = resource_type.filter(|name| !definitions::is_resource_type(name)) {
            return Err(path_error(format!("{name} is not a resource type of R4")));
        }
        let mut query = Query {
            resource_type: resource_type.map(str::to_owned),
            criteria: Vec::new(),
            shape: Shape::default(),
            unknown: Vec::new(),
        };
        for (name, value) in pairs {
            query
                .take(resource_type, name, value)
                .map_err(|message| QueryError {
                    parameter: name.clone(),
                    message,
                })?;
        }
        Ok(query)
    }

    fn take(&mut self, resource_type: Option<&str>, name: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err("has no value".to_owned());
        }
        if self.shape.take(name, value)? {
            return Ok(());
        }
        match criterion::parse(resource_type, name, value)? {
            Some(criterion) => self.criteria.push(criterion),
            None => self.unknown.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// Parses `Patient?family=Ada` (percent-encoded, as in a URL). The part before `?` may be a type, `Type/_search`, a
    /// whole URL that ends in these, or empty (`?_type=…`) for a whole-system search.
    ///
    /// # Errors
    /// As [`Query::parse`]; a path that ends in anything else, a compartment (`Patient/1/Observation`) included.
    pub fn parse_url(text: &str) -> Result<Self, QueryError> {
        let text = text.split('#').next().unwrap_or_default();
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Query::parse(type_of_path(path)?, &decode_pairs(query))
    }
}

/// The type that a path searches; `None` for the whole system.
fn type_of_path(path: &str) -> Result<Option<&str>, QueryError> {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("_search").unwrap_or(path);
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match segments.as_slice() {
        [] => Ok(None),
        [.., compartment, _, _] if definitions::is_resource_type(compartment) => Err(path_error(
            "a compartment is not searched by criteria alone".to_owned(),
        )),
        [.., last] if definitions::is_resource_type(last) => Ok(Some(last)),
        [last] => Err(path_error(format!("{last} is not a resource type of R4"))),
        [..] => Ok(None),
    }
}

fn path_error(message: String) -> QueryError {
    QueryError {
        parameter: String::new(),
        message,
    }
}
