//! Narratives: the `div` of XHTML as text, out of a document and into one. Does not judge which tags stand in it.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::QName;

use super::tree::{describe, is, is_xml, located, offset};
use super::{MAX_DEPTH, ReadError, XHTML};

/// Takes a narrative out of a document, its start tag just read: as it is written where it declares its own
/// namespace, else written anew with the namespace declared.
pub(super) fn take(
    text: &str,
    start: usize,
    tag: &BytesStart<'_>,
    reader: &mut NsReader<&[u8]>,
) -> Result<String, ReadError> {
    let declares = tag
        .attributes()
        .flatten()
        .any(|attribute| &*attribute.value == XHTML.as_bytes());
    let mut anew = format!("<{}", local(tag.name()));
    anew.push_str(&format!(" xmlns=\"{XHTML}\""));
    push_attributes(tag, &mut anew);
    let mut depth = 1usize;
    loop {
        let position = offset(reader);
        let event = reader
            .read_event()
            .map_err(|error| located(text, position, &describe(&error)))?;
        match &event {
            Event::Start(tag) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(located(text, position, "a narrative is nested too deep"));
                }
                anew.push_str(&format!("<{}", local(tag.name())));
                push_attributes(tag, &mut anew);
            }
            Event::End(tag) => {
                depth -= 1;
                anew.push_str(&format!("</{}>", local(tag.name())));
                if depth == 0 {
                    break;
                }
            }
            Event::GeneralRef(name) if !is_known(name) => {
                return Err(located(text, position, "an entity that XML has not"));
            }
            Event::DocType(_) | Event::Decl(_) | Event::Eof => {
                return Err(located(text, position, "a narrative is not well formed"));
            }
            _ => anew.push_str(&text[position..offset(reader)]),
        }
    }
    Ok(match declares {
        true => text[start..offset(reader)].to_owned(),
        false => anew,
    })
}

fn local(name: QName<'_>) -> String {
    String::from_utf8_lossy(name.local_name().as_ref()).into_owned()
}

fn push_attributes(tag: &BytesStart<'_>, to: &mut String) {
    for attribute in tag.attributes().flatten() {
        let name = String::from_utf8_lossy(attribute.key.as_ref());
        if name != "xmlns" && !name.starts_with("xmlns:") {
            let value = String::from_utf8_lossy(&attribute.value).replace('"', "&quot;");
            to.push_str(&format!(" {name}=\"{value}\""));
        }
    }
    to.push('>');
}

/// The five entities of XML and references to characters.
fn is_known(name: &quick_xml::events::BytesRef<'_>) -> bool {
    name.is_char_ref() || matches!(&**name, b"lt" | b"gt" | b"amp" | b"quot" | b"apos")
}

/// True if a text can stand in a document as a narrative: one well-formed element `div` of XHTML, no DTD, no entities
/// that XML has not.
pub(super) fn fits(text: &str) -> bool {
    walk(text, &mut |_| {}).is_some()
}

/// The words of a narrative, white space made single: what two spellings of one narrative have in common.
/// `None` if it is not well formed.
pub fn text_of(narrative: &str) -> Option<String> {
    let mut words = String::new();
    walk(narrative, &mut |piece| words.push_str(piece))?;
    Some(words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn walk(text: &str, on_text: &mut dyn FnMut(&str)) -> Option<()> {
    if !text.chars().all(is_xml) {
        return None;
    }
    let mut reader = NsReader::from_str(text.trim());
    reader.config_mut().expand_empty_elements = true;
    let (mut depth, mut done) = (0usize, false);
    loop {
        let (namespace, event) = reader.read_resolved_event().ok()?;
        match event {
            Event::Start(tag) => {
                let is_root = depth == 0;
                let is_div = tag.local_name().as_ref() == b"div" && is(&namespace, XHTML);
                if depth == MAX_DEPTH || (is_root && (done || !is_div)) {
                    return None;
                }
                if tag.attributes().any(|attribute| attribute.is_err()) {
                    return None;
                }
                depth += 1;
                on_text(" ");
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                done = depth == 0;
                on_text(" ");
            }
            Event::Text(piece) => {
                let piece = std::str::from_utf8(&piece).ok()?;
                if depth == 0 && !piece.trim().is_empty() {
                    return None;
                }
                on_text(piece);
            }
            Event::CData(piece) if depth > 0 => on_text(std::str::from_utf8(&piece).ok()?),
            Event::GeneralRef(name) if depth > 0 && is_known(&name) => {
                let character = match &*name {
                    b"lt" => '<',
                    b"gt" => '>',
                    b"amp" => '&',
                    b"quot" => '"',
                    b"apos" => '\'',
                    _ => name.resolve_char_ref().ok()??,
                };
                on_text(character.encode_utf8(&mut [0; 4]));
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return done.then_some(()),
            _ => return None,
        }
    }
}
