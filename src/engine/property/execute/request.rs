//! The requests of the steps: places filled in, resources marked with tags and identifiers, entries of Bundles. It
//! sends nothing.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{CASE_SYSTEM, Run, SET_SYSTEM};
use crate::engine::session::TAG_SYSTEM;
use crate::fhir::{Key, query, resource};
use crate::http::{FHIR_JSON, Method, Request};
use crate::property::case::{Command, Entry, Raw, RawBody};
use crate::property::place::{self, Place};
use crate::property::trace::Event;

/// Types without an element `identifier` that repeats.
const WITHOUT_IDENTIFIERS: &[&str] = &["Binary", "Bundle", "Parameters"];

impl Run {
    /// The request of a step that is one request; `None` if what it needs is not there. References to `siblings`,
    /// entries of the same Bundle, become their URNs.
    pub(super) fn request(&self, command: &Command, siblings: &[Entry]) -> Option<Request> {
        let place = |place: Place<'_>| self.place(place, siblings);
        match command {
            Command::Create {
                name,
                resource: written,
                if_none_exist,
            } => {
                let body = self.marked(&place::fill_all(written, &place)?, name);
                let request = Request::new(Method::Post, resource::resource_type(written)?)
                    .with_header("Prefer", "return=representation")
                    .with_json(&body);
                Some(if *if_none_exist {
                    request.with_header("If-None-Exist", self.by_identifier(name))
                } else {
                    request
                })
            }
            Command::PutNew {
                name,
                resource: written,
            } => {
                let key = self.key_of_name(name, written)?;
                let body = self.marked(&place::fill_all(written, &place)?, name);
                Some(update(&key, body))
            }
            Command::Put {
                target,
                resource: written,
                if_match,
            } => {
                let key = self.key(*target)?;
                let filled = place::fill_all(written, &place)?;
                let body = self.marked(&filled, &self.name(*target));
                self.matching(update(&key, body), *if_match)
            }
            Command::PutWhere {
                name,
                resource: written,
            } => {
                let body = self.marked(&place::fill_all(written, &place)?, name);
                let name_of_type = resource::resource_type(written)?;
                let url = format!("{name_of_type}?{}", self.by_identifier(name));
                let request = Request::new(Method::Put, url);
                Some(
                    request
                        .with_header("Prefer", "return=representation")
                        .with_json(&body),
                )
            }
            Command::Patch {
                target,
                operations,
                if_match,
            } => {
                let operations = place::fill_all(operations, &place)?;
                let request = Request::new(Method::Patch, self.key(*target)?.to_string())
                    .with_header("Prefer", "return=representation")
                    .with_body("application/json-patch+json", operations.to_string());
                self.matching(request, *if_match)
            }
            Command::Delete { target, if_match } => {
                let request = Request::new(Method::Delete, self.key(*target)?.to_string());
                self.matching(request, *if_match)
            }
            Command::DeleteWhere {
                resource_type,
                name,
            } => {
                let url = format!("{resource_type}?{}", self.by_identifier(name));
                Some(Request::new(Method::Delete, url))
            }
            Command::Read { target } => Some(fresh(self.key(*target)?.to_string())),
            Command::Head { target } => Some(
                Request::new(Method::Head, self.key(*target)?.to_string())
                    .with_header("Cache-Control", "no-cache"),
            ),
            Command::ReadIf {
                target,
                seen,
                since,
            } => {
                // A request that asks caches to stand aside is answered in full, so this one does not.
                let request = Request::get(self.key(*target)?.to_string());
                Some(if *since {
                    request.with_header("If-Modified-Since", self.modified(*seen)?)
                } else {
                    request.with_header("If-None-Match", self.etag(*seen)?)
                })
            }
            Command::ReadVersion { target, seen } => {
                let (key, version) = (self.key(*target)?, self.version(*seen)?);
                Some(fresh(format!("{key}/_history/{version}")))
            }
            Command::Search(search) => {
                let (criteria, _) = self.criteria(search)?;
                Some(self.first_page(search, criteria)?.0)
            }
            Command::Raw(raw) => self.raw(raw, siblings),
            Command::Bundle { .. }
            | Command::History { .. }
            | Command::HistoryOf { .. }
            | Command::Settle { .. }
            | Command::Follow { .. }
            | Command::Pause { .. }
            | Command::Restart => None,
        }
    }

    fn matching(&self, request: Request, if_match: Option<u32>) -> Option<Request> {
        Some(match if_match {
            Some(step) => request.with_header("If-Match", self.etag(step)?),
            None => request,
        })
    }

    fn raw(&self, raw: &Raw, siblings: &[Entry]) -> Option<Request> {
        let place = |place: Place<'_>| self.place(place, siblings);
        let mut request = Request::new(raw.method, place::fill(&raw.url, &place)?);
        match &raw.body {
            RawBody::None => {}
            RawBody::Json(value) => {
                let filled = place::fill_all(value, &place)?;
                let body = match &raw.name {
                    Some(name) => self.marked(&filled, name),
                    None => filled,
                };
                request = request.with_json(&body);
            }
            RawBody::Text(text) => {
                request = request.with_body(FHIR_JSON, place::fill(text, &place)?);
            }
            RawBody::Hex(digits) => request = request.with_body(FHIR_JSON, bytes(digits)?),
        }
        for (name, value) in &raw.headers {
            request.headers.set(name, place::fill(value, &place)?);
        }
        Some(request)
    }

    /// A batch or transaction; `None` if what an entry needs is not there.
    pub(super) fn bundle(&self, transaction: bool, entries: &[Entry]) -> Option<Request> {
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| self.entry(entry, entries))
            .collect::<Option<_>>()?;
        let kind = if transaction { "transaction" } else { "batch" };
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        let request = Request::new(Method::Post, "").with_json(&bundle);
        Some(request.with_header("Prefer", "return=representation"))
    }

    fn entry(&self, entry: &Entry, siblings: &[Entry]) -> Option<Value> {
        let request = self.request(&entry.command, siblings)?;
        let mut asked = json!({ "method": request.method.as_str(), "url": request.url });
        let conditions = [
            ("If-Match", "ifMatch"),
            ("If-None-Exist", "ifNoneExist"),
            ("If-None-Match", "ifNoneMatch"),
            ("If-Modified-Since", "ifModifiedSince"),
        ];
        for (field, member) in conditions {
            if let Some(value) = request.headers.get(field) {
                asked[member] = json!(value);
            }
        }
        let mut written = json!({});
        if entry.command.creates() {
            written["fullUrl"] = json!(self.full_url(entry));
        }
        if !request.body.is_empty() {
            // What is no JSON has no place in a Bundle.
            let body: Value = serde_json::from_slice(&request.body).ok()?;
            written["resource"] = match &entry.command {
                Command::Patch { .. } => patch_as_binary(&body),
                _ => body,
            };
        }
        written["request"] = asked;
        Some(written)
    }

    /// Where a creating entry will be: at the id that the client chose, or nowhere yet.
    fn full_url(&self, entry: &Entry) -> String {
        match &entry.command {
            Command::PutNew { name, resource } => match self.key_of_name(name, resource) {
                Some(key) => format!("{}/{key}", self.ctx().session.base()),
                None => urn(&self.code, entry.id),
            },
            _ => urn(&self.code, entry.id),
        }
    }

    /// What stands in a place.
    fn place(&self, place: Place<'_>, siblings: &[Entry]) -> Option<String> {
        match place {
            Place::Key(step) => {
                let sibling = siblings.iter().find(|entry| entry.id == step);
                match sibling.filter(|entry| entry.command.creates()) {
                    Some(entry) => Some(match &entry.command {
                        Command::PutNew { name, resource } => {
                            self.key_of_name(name, resource)?.to_string()
                        }
                        _ => urn(&self.code, step),
                    }),
                    None => Some(self.key(step)?.to_string()),
                }
            }
            Place::Id(step) => Some(self.key(step)?.id),
            Place::Version(step) => self.version(step),
            Place::Etag(step) => self.etag(step),
            Place::Modified(step) => self.modified(step),
            Place::Next(step, tampered) => Some(tampered.apply(&self.next_link(step)?)),
            Place::Identifier(name) => Some(self.token(name)),
            Place::Tag => Some(format!("{CASE_SYSTEM}|{}", self.code)),
            Place::Base => Some(self.ctx().session.base()),
            Place::Body(step) => self.body(step),
        }
    }

    /// The version id that a step saw.
    fn version(&self, step: u32) -> Option<String> {
        let etag = self.etag(step)?;
        Some(crate::property::trace::etag_version(&etag).to_owned())
    }

    /// Last-Modified as a step saw it.
    fn modified(&self, step: u32) -> Option<String> {
        let exchange = self.event(step).and_then(Event::accepted)?;
        exchange.header("last-modified").map(str::to_owned)
    }

    /// The body with which a step was answered.
    fn body(&self, step: u32) -> Option<String> {
        let exchange = self.event(step).and_then(Event::accepted)?;
        let body = exchange.response()?.body.to_vec();
        String::from_utf8(body).ok()
    }

    /// The key of what a client names by itself.
    pub(super) fn key_of_name(&self, name: &str, written: &Value) -> Option<Key> {
        let id: String = self
            .identifier(name)
            .chars()
            .map(|letter| match letter {
                'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '.' => letter,
                _ => '-',
            })
            .collect();
        Some(Key::new(resource::resource_type(written)?, id))
    }

    fn identifier(&self, name: &str) -> String {
        format!("{}-{name}", self.code)
    }

    fn name(&self, step: u32) -> String {
        let own = self.event(step).map(|event| &event.step.command);
        let entries = self.events.iter().chain(self.before.iter());
        let entry = || {
            entries
                .filter_map(|event| match &event.step.command {
                    Command::Bundle { entries, .. } => Some(entries),
                    _ => None,
                })
                .flatten()
                .find(|entry| entry.id == step)
                .map(|entry| &entry.command)
        };
        match own.or_else(entry).and_then(Command::name) {
            Some(name) => name.to_owned(),
            None => format!("r{step}"),
        }
    }

    pub(super) fn token(&self, name: &str) -> String {
        format!("{CASE_SYSTEM}|{}", self.identifier(name))
    }

    fn by_identifier(&self, name: &str) -> String {
        query::encode_pairs(&[("identifier".to_owned(), self.token(name))])
    }

    /// A resource with the tags of run and execution and the identifiers of execution and name, beside its own.
    fn marked(&self, written: &Value, name: &str) -> Value {
        let mut body = written.clone();
        let Some(members) = body.as_object_mut() else {
            return body;
        };
        let has_identifiers = members
            .get("resourceType")
            .and_then(Value::as_str)
            .is_some_and(|name| !WITHOUT_IDENTIFIERS.contains(&name));
        let meta = members.entry("meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            append(
                meta.entry("tag").or_insert_with(|| json!([])),
                [
                    json!({ "system": TAG_SYSTEM, "code": self.ctx().token.to_string() }),
                    json!({ "system": CASE_SYSTEM, "code": &*self.code }),
                ],
            );
        }
        if has_identifiers {
            append(
                members.entry("identifier").or_insert_with(|| json!([])),
                [
                    json!({ "system": CASE_SYSTEM, "value": self.identifier(name) }),
                    json!({ "system": SET_SYSTEM, "value": &*self.code }),
                ],
            );
        }
        body
    }
}

/// A JSON Patch in a Bundle stands in a Binary, <http://hl7.org/fhir/R4/http.html#jsonpatch>.
fn patch_as_binary(operations: &Value) -> Value {
    let data = BASE64_STANDARD.encode(operations.to_string());
    json!({ "resourceType": "Binary", "contentType": "application/json-patch+json", "data": data })
}

fn append(list: &mut Value, marks: [Value; 2]) {
    if let Some(items) = list.as_array_mut() {
        items.extend(marks);
    }
}

fn update(key: &Key, mut body: Value) -> Request {
    if let Some(members) = body.as_object_mut() {
        members.insert("id".to_owned(), json!(key.id.as_str()));
    }
    Request::new(Method::Put, key.to_string())
        .with_header("Prefer", "return=representation")
        .with_json(&body)
}

/// A GET that asks caches to stand aside.
pub(super) fn fresh(url: String) -> Request {
    Request::get(url).with_header("Cache-Control", "no-cache")
}

/// A URN for an entry, in the form of a version 4 UUID: the same in every execution with the same code.
fn urn(code: &str, entry: u32) -> String {
    let hash = |salt: u64| {
        let bytes = code.bytes().chain(entry.to_be_bytes());
        // FNV-1a, with a salt for the second half.
        bytes.fold(0xcbf2_9ce4_8422_2325_u64 ^ salt, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let (high, low) = (hash(0), hash(0x9e37_79b9_7f4a_7c15));
    format!(
        "urn:uuid:{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The bytes of hexadecimal digits; `None` if they are none.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_urn_is_a_uuid_and_belongs_to_its_entry() {
        let one = urn("abc-1", 3);
        assert_eq!(one.len(), "urn:uuid:".len() + 36);
        assert_eq!(one, urn("abc-1", 3));
        assert_ne!(one, urn("abc-1", 4));
        assert_ne!(one, urn("abc-2", 3));
    }

    #[test]
    fn hexadecimal_digits_are_bytes() {
        assert_eq!(bytes("c328ff"), Some(vec![0xc3, 0x28, 0xff]));
        assert_eq!(bytes("zz"), None);
    }
}
