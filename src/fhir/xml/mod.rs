//! FHIR XML, <http://hl7.org/fhir/R4/xml.html>: from XML to the JSON form that everything else here reads, and back,
//! driven by the definitions. Not a validator: what R4 does not know becomes a member that the validator will name.
//!
//! What the mapping keeps: the order of repetitions, the text of decimals, ids and extensions of primitives, and the
//! narrative as it is written, its namespace included. What it does not keep: comments, carriage returns in
//! narratives, the order of elements (the writer puts them in the order of the definition) and the spelling of
//! entities outside of narratives.
//!
//! A DTD is refused, and with it every entity but the five of XML itself and character references
//! (<http://hl7.org/fhir/R4/security.html#narrative> warns of what they can do).

mod narrative;
mod read;
mod tree;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;

pub use narrative::text_of as narrative_text;
pub use read::read;
pub use write::{Layout, write};

/// Largest document, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// Deepest nesting of elements; the validator walks as deep.
pub const MAX_DEPTH: usize = 128;
/// Elements of one document at most.
pub const MAX_ELEMENTS: usize = 4_000_000;

/// Namespace of FHIR.
const FHIR: &str = "http://hl7.org/fhir";
/// Namespace of narratives.
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Why a text is not FHIR XML; without values of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Line from 1.
    pub line: usize,
    /// Column from 1, in bytes.
    pub column: usize,
    /// Lower-case fragment.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for ReadError {}

/// Why a resource cannot be written as XML; without values of the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// Where (`Patient.name[0].family`).
    pub path: String,
    /// Lower-case fragment.
    pub message: &'static str,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for WriteError {}
