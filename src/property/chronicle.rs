//! Histories as judges read them: the entries of all pages, and the writes that they must tell of. What is wrong with
//! a history is said by the properties of that family.

use jiff::Timestamp;
use serde_json::Value;

use super::case::Command;
use super::trace::{Event, Trace, etag_version, shown_version};
use super::version_monotone::versioned_types;
use super::{Ground, PropertySpec};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, bundle, resource};
use crate::http::Exchange;
use crate::record::{Completeness, Verdict, Violation};
use crate::secret::Phrase;

/// One entry of a history.
pub(super) struct Chapter {
    /// Whose version it is.
    pub key: Option<Key>,
    /// Version id, from the resource or the response.
    pub version: Option<String>,
    /// `entry.request.method`.
    pub method: Option<String>,
    /// When the version was made.
    pub instant: Option<Timestamp>,
    /// It holds a resource.
    pub has_resource: bool,
}

impl Chapter {
    fn read(entry: &Value) -> Self {
        let held = bundle::resource(entry);
        let said = |part: &str, name: &str| entry.get(part)?.get(name)?.as_str();
        let location = said("response", "location");
        let version = held
            .and_then(resource::version_id)
            .or_else(|| said("response", "etag").map(etag_version))
            .or_else(|| location?.split_once("/_history/").map(|(_, id)| id));
        let instant = held
            .and_then(resource::last_updated)
            .or_else(|| said("response", "lastModified"));
        let url = said("request", "url").and_then(Key::from_reference);
        let full = || Key::from_reference(entry.get("fullUrl")?.as_str()?);
        Chapter {
            key: held.and_then(Key::of).or(url).or_else(full),
            version: version.map(str::to_owned),
            method: said("request", "method").map(str::to_owned),
            instant: instant.and_then(|text| text.parse().ok()),
            has_resource: held.is_some(),
        }
    }

    /// It tells of a delete.
    pub fn is_delete(&self) -> bool {
        match &self.method {
            Some(method) => method == "DELETE",
            None => !self.has_resource,
        }
    }
}

/// The entries of a history page by page; `None` if a page is none.
pub(super) fn pages(event: &Event) -> Option<Vec<Vec<Chapter>>> {
    event.accepted()?;
    let page = |exchange: &Exchange| {
        let page = exchange.json()?;
        (resource::resource_type(&page) == Some("Bundle"))
            .then(|| bundle::entries(&page).map(Chapter::read).collect())
    };
    event
        .exchanges
        .iter()
        .map(|exchange| page(exchange))
        .collect()
}

/// The entries of a history over all its pages.
pub(super) fn chapters(event: &Event) -> Option<Vec<Chapter>> {
    pages(event).map(|pages| pages.into_iter().flatten().collect())
}

/// One accepted write.
pub(super) struct Written<'a> {
    /// The step.
    pub event: &'a Event,
    /// The version that its answer shows.
    pub version: Option<String>,
    /// It was a delete.
    pub is_delete: bool,
}

/// Accepted writes to what a step created, before an event, oldest first.
pub(super) fn writes<'a>(trace: &'a Trace, target: u32, before: &Event) -> Vec<Written<'a>> {
    trace
        .events
        .iter()
        .take_while(|event| event.step.id != before.step.id)
        .filter(|event| event.step.command.writes())
        .filter(|event| event.step.id == target || event.step.command.target() == Some(target))
        .filter_map(|event| {
            let exchange = event.accepted()?;
            Some(Written {
                event,
                version: shown_version(exchange),
                is_delete: matches!(event.step.command, Command::Delete { .. }),
            })
        })
        .collect()
}

/// Types that keep versions and claim these interactions as well.
pub(super) fn types(
    ground: &Ground<'_>,
    interactions: &[&str],
) -> Result<Vec<&'static str>, Verdict> {
    let mut types = versioned_types(ground)?;
    types.retain(|name| claims(ground.capability, name, interactions));
    if types.is_empty() {
        let names = interactions.join(", ");
        return Err(Verdict::Skip(format!("not claimed: {names} with versions")));
    }
    Ok(types)
}

fn claims(capability: &Capability, resource_type: &str, interactions: &[&str]) -> bool {
    interactions
        .iter()
        .all(|interaction| capability.supports(resource_type, interaction))
}

/// A violation over a history of resources of the case's own.
pub(super) fn broken(
    spec: &PropertySpec,
    (sign, title): (&str, &str),
    expected: impl Into<Phrase>,
    actual: impl Into<Phrase>,
) -> Violation {
    let mut violation = Violation::new(spec.id, title, expected, actual).signed(sign);
    violation.oracle = Some(Completeness::Exact);
    violation
}

/// Versions in words; a delete whose version is not known is said to be one.
pub(super) fn listing<'a>(versions: impl IntoIterator<Item = &'a str>) -> Phrase {
    let mut phrase = Phrase::say("versions");
    for (index, version) in versions.into_iter().enumerate() {
        phrase = phrase.words(if index == 0 { " " } else { ", " });
        phrase = match version {
            DELETE => phrase.words("delete"),
            version => phrase.data(version),
        };
    }
    phrase
}

/// Stands for a delete in lists of versions; no version id has this form.
pub(super) const DELETE: &str = "(delete)";

#[cfg(test)]
pub(super) mod testing {
    use serde_json::{Value, json};

    /// An entry of a version.
    pub fn version(id: &str, at: &str) -> Value {
        json!({"fullUrl": "http://h/fhir/Patient/1",
            "resource": {"resourceType": "Patient", "id": "1", "meta": {"versionId": id, "lastUpdated": at}},
            "request": {"method": "PUT", "url": "Patient/1"}})
    }

    /// An entry of a delete.
    pub fn delete(id: &str) -> Value {
        json!({"fullUrl": "http://h/fhir/Patient/1", "request": {"method": "DELETE", "url": "Patient/1"},
            "response": {"etag": format!("W/\"{id}\""), "lastModified": "2020-01-01T00:00:09Z"}})
    }

    /// A history Bundle.
    pub fn bundle(entries: Vec<Value>) -> Value {
        json!({"resourceType": "Bundle", "type": "history", "entry": entries})
    }

    /// A body that shows a version.
    pub fn shown(id: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": id}})
    }
}
