//! From the payload of an answer to bytes in the format that was negotiated. Decides nothing about the request.

use bytes::Bytes;
use serde_json::Value;

use super::defect::{Fault, change};
use super::negotiate::is_xml;
use super::outcome::Refusal;
use super::server::Server;
use super::store::write;
use crate::fhir::xml::{self, Layout};

/// How a body is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Media type, as it is labelled.
    pub media_type: &'static str,
    /// `_pretty=true`: for people.
    pub pretty: bool,
}

impl Format {
    /// True if a stored version can go out as it was written.
    pub fn is_as_stored(self) -> bool {
        !self.pretty && !is_xml(self.media_type)
    }
}

/// A resource in a format.
///
/// # Errors
/// A resource that XML cannot hold (a control character in a string, a narrative that is no XHTML) is answered with
/// 406: it is there, and it can be had as JSON.
pub fn represent(server: &Server, resource: &Value, format: Format) -> Result<Bytes, Refusal> {
    if !is_xml(format.media_type) {
        return Ok(match format.pretty {
            true => serde_json::to_vec_pretty(resource)
                .expect("a JSON value is written without error")
                .into(),
            false => write(resource),
        });
    }
    let layout = match format.pretty {
        true => Layout::Pretty,
        false => Layout::Compact,
    };
    let changed = server
        .has(Fault::XmlNarrativeLost)
        .then(|| change::without_narrative(resource.clone()));
    let resource = changed.as_ref().unwrap_or(resource);
    let written = match server.has(Fault::ForbiddenCharacterInXml) {
        true => xml::write(&change::with_hidden_characters(resource.clone()), layout)
            .map(|text| change::with_shown_characters(&text)),
        false => xml::write(resource, layout),
    };
    written.map(Bytes::from).map_err(|error| {
        let message = format!("the resource cannot be written as XML: {}", error.message);
        Refusal::new(406, "not-supported", message)
    })
}
