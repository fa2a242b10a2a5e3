//! XML as a tree of elements in the namespace of FHIR, with positions; narratives stay text. Knows no definitions.

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::{FHIR, MAX_DEPTH, MAX_ELEMENTS, ReadError, XHTML, narrative};

/// Attributes that say how to read the document, not what is in it.
const FOREIGN_PREFIXES: [&str; 3] = ["xmlns", "xsi", "xml"];

/// An element of FHIR.
#[derive(Debug)]
pub(super) struct Element {
    /// Local name.
    pub name: String,
    /// Attributes in order, without namespaces and schema locations; entities resolved.
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Child>,
    /// Byte offset of the tag.
    pub position: usize,
}

/// What stands in an element.
#[derive(Debug)]
pub(super) enum Child {
    Element(Element),
    /// A `div` of XHTML, as it is written.
    Narrative(String),
}

/// The root element of a document.
pub(super) fn parse(text: &str) -> Result<Element, ReadError> {
    let refuse = |position: usize, message: &str| located(text, position, message);
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0usize;
    loop {
        let start = offset(&reader);
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|error| refuse(start, &describe(&error)))?;
        match event {
            Event::Start(tag) => {
                count += 1;
                if open.len() == MAX_DEPTH || count > MAX_ELEMENTS {
                    return Err(refuse(start, "nested too deep, or too many elements"));
                }
                if is(&namespace, XHTML) && !open.is_empty() {
                    let div = narrative::take(text, start, &tag, &mut reader)?;
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(Child::Narrative(div));
                    }
                    continue;
                }
                if !is(&namespace, FHIR) {
                    return Err(refuse(start, "an element outside of the namespace of FHIR"));
                }
                if root.is_some() {
                    return Err(refuse(start, "a second root element"));
                }
                open.push(element(text, start, &tag)?);
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { continue };
                match open.last_mut() {
                    Some(parent) => parent.children.push(Child::Element(done)),
                    None => root = Some(done),
                }
            }
            Event::Text(piece) if piece.iter().all(u8::is_ascii_whitespace) => {}
            // A byte order mark stands before the root.
            Event::Text(piece) if open.is_empty() && piece.as_ref() == "\u{feff}".as_bytes() => {}
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                return Err(refuse(start, "text where FHIR has none"));
            }
            Event::DocType(_) => return Err(refuse(start, "a document type is not read")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
            Event::Eof => {
                return root
                    .filter(|_| open.is_empty())
                    .ok_or_else(|| refuse(start, "the document ends too early"));
            }
        }
    }
}

fn element(text: &str, position: usize, tag: &BytesStart<'_>) -> Result<Element, ReadError> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute =
            attribute.map_err(|_| located(text, position, "an attribute is not well formed"))?;
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        if is_foreign(&name) {
            continue;
        }
        let raw = String::from_utf8_lossy(&attribute.value);
        let value = value(&raw)
            .ok_or_else(|| located(text, position, "an entity or character that XML has not"))?;
        attributes.push((name, value));
    }
    Ok(Element {
        name: String::from_utf8_lossy(tag.local_name().as_ref()).into_owned(),
        attributes,
        children: Vec::new(),
        position,
    })
}

fn is_foreign(name: &str) -> bool {
    let prefix = name.split(':').next().unwrap_or_default();
    FOREIGN_PREFIXES.contains(&prefix)
}

/// The value of an attribute: white space becomes spaces, then references are resolved
/// (<https://www.w3.org/TR/xml/#AVNormalize>). `None` for an unknown entity and for a character outside of XML.
fn value(raw: &str) -> Option<String> {
    let normal = raw.replace(['\n', '\t'], " ");
    let value = unescape(&normal).ok()?.into_owned();
    value.chars().all(is_xml).then_some(value)
}

/// True for a character of XML 1.0, <https://www.w3.org/TR/xml/#charsets>.
pub(super) fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

pub(super) fn is(namespace: &ResolveResult<'_>, wanted: &str) -> bool {
    matches!(namespace, ResolveResult::Bound(Namespace(found)) if *found == wanted.as_bytes())
}

pub(super) fn offset(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// What is wrong, without the names and values that the reader's own messages quote.
pub(super) fn describe(error: &quick_xml::Error) -> String {
    use quick_xml::Error;
    let what = match error {
        Error::Syntax(_) => "not XML",
        Error::IllFormed(_) => "tags do not match",
        Error::InvalidAttr(_) => "an attribute is not well formed",
        Error::Encoding(_) => "not UTF-8",
        Error::Escape(_) => "an entity that XML has not",
        Error::Namespace(_) => "a namespace prefix is not declared",
        Error::Io(_) => "could not be read",
    };
    what.to_owned()
}

/// An error at a byte offset.
pub(super) fn located(text: &str, position: usize, message: &str) -> ReadError {
    let before = &text.as_bytes()[..position.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    ReadError {
        line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
        column: 1 + before.len() - line_start,
        message: message.to_owned(),
    }
}
