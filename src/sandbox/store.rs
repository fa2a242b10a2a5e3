//! Resources with all their versions, tombstones included, in one append-only log. Not searchable: see `index`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::fhir::Key;
use crate::http::message::Method;
use crate::seed::Seed;

/// One version of one resource, immutable once stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Which resource.
    pub key: Key,
    /// From 1, per resource.
    pub number: u64,
    /// Position in the log of the store, from 0.
    pub position: usize,
    /// `meta.versionId` and ETag.
    pub version_id: String,
    /// `meta.lastUpdated`, whole milliseconds.
    pub instant: Timestamp,
    /// How it came to be: POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// Status with which the write was answered.
    pub status: u16,
    /// The resource; `None` for a deletion.
    pub resource: Option<Value>,
    /// The resource as written to the wire; empty for a deletion.
    pub body: Bytes,
}

impl Version {
    /// True for a deletion.
    pub fn is_deletion(&self) -> bool {
        self.resource.is_none()
    }

    /// `meta.lastUpdated` as text.
    pub fn last_updated(&self) -> String {
        instant_text(self.instant)
    }
}

/// An instant with milliseconds, <http://hl7.org/fhir/R4/datatypes.html#instant>.
pub fn instant_text(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

/// What is to be stored.
pub struct Draft {
    /// Which resource.
    pub key: Key,
    /// The resource; `None` for a deletion.
    pub resource: Option<Value>,
    /// How it came to be.
    pub method: Method,
    /// Status with which the write is answered.
    pub status: u16,
}

/// All versions of all resources.
pub struct Store {
    records: BTreeMap<Key, Vec<Arc<Version>>>,
    log: Vec<Arc<Version>>,
    latest: Timestamp,
    seed: Seed,
    assigned: u64,
    naming: Naming,
}

/// How versions are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// 1, 2, 3.
    Numbers,
    /// Strings without order.
    Opaque,
    /// As numbers inside; no resource says which.
    Nameless,
}

impl Store {
    /// An empty store.
    pub fn new(seed: Seed, naming: Naming) -> Self {
        Store {
            records: BTreeMap::new(),
            log: Vec::new(),
            latest: Timestamp::UNIX_EPOCH,
            seed,
            assigned: 0,
            naming,
        }
    }

    /// A fresh logical id that no resource of the type has.
    pub fn assign_id(&mut self, resource_type: &str) -> String {
        loop {
            let id = format!("{:016x}", self.seed.derive("id").index(self.assigned).0);
            self.assigned += 1;
            if !self
                .records
                .contains_key(&Key::new(resource_type, id.as_str()))
            {
                return id;
            }
        }
    }

    /// The newest version, a deletion included.
    pub fn newest(&self, key: &Key) -> Option<&Arc<Version>> {
        self.records.get(key)?.last()
    }

    /// The newest version if it is not a deletion.
    pub fn living(&self, key: &Key) -> Option<&Arc<Version>> {
        self.newest(key).filter(|version| !version.is_deletion())
    }

    /// All versions of a resource, oldest first.
    pub fn versions(&self, key: &Key) -> &[Arc<Version>] {
        self.records.get(key).map_or(&[], Vec::as_slice)
    }

    /// All versions of all resources, oldest first.
    pub fn log(&self) -> &[Arc<Version>] {
        &self.log
    }

    /// Appends a version; time never goes back, and two versions of one resource never share an instant.
    pub fn append(&mut self, draft: Draft, now: Timestamp) -> Arc<Version> {
        let versions = self.records.entry(draft.key.clone()).or_default();
        let number = versions.len() as u64 + 1;
        let mut milliseconds = now.as_millisecond().max(self.latest.as_millisecond());
        if let Some(previous) = versions.last() {
            milliseconds = milliseconds.max(previous.instant.as_millisecond() + 1);
        }
        let instant = Timestamp::from_millisecond(milliseconds).unwrap_or(self.latest);
        self.latest = instant;
        let version_id = match self.naming {
            Naming::Opaque => opaque_id(self.seed, &draft.key, number),
            Naming::Numbers | Naming::Nameless => number.to_string(),
        };
        let shown = (self.naming != Naming::Nameless).then_some(version_id.as_str());
        let resource = draft
            .resource
            .map(|resource| stamp(resource, &draft.key, shown, instant));
        let body = resource.as_ref().map_or_else(Bytes::new, write);
        let version = Arc::new(Version {
            key: draft.key,
            number,
            position: self.log.len(),
            version_id,
            instant,
            method: draft.method,
            status: draft.status,
            resource,
            body,
        });
        versions.push(Arc::clone(&version));
        self.log.push(Arc::clone(&version));
        version
    }

    /// Appends a version as it once was; its places in the record and in the log are the next ones.
    pub fn restore(&mut self, mut version: Arc<Version>) -> Arc<Version> {
        let versions = self.records.entry(version.key.clone()).or_default();
        let (number, position) = (versions.len() as u64 + 1, self.log.len());
        if (version.number, version.position) != (number, position) {
            let version = Arc::make_mut(&mut version);
            (version.number, version.position) = (number, position);
        }
        self.latest = self.latest.max(version.instant);
        versions.push(Arc::clone(&version));
        self.log.push(Arc::clone(&version));
        version
    }

    /// Puts another resource into the newest version: only a planted fault does that to what is immutable.
    pub fn overwrite(&mut self, key: &Key, resource: Value) -> Option<Arc<Version>> {
        let newest = self.records.get_mut(key)?.last_mut()?;
        let resource = stamp(resource, key, Some(&newest.version_id), newest.instant);
        let version = Arc::new(Version {
            key: key.clone(),
            number: newest.number,
            position: newest.position,
            version_id: newest.version_id.clone(),
            instant: newest.instant,
            method: newest.method,
            status: newest.status,
            body: write(&resource),
            resource: Some(resource),
        });
        *newest = Arc::clone(&version);
        self.log[version.position] = Arc::clone(&version);
        Some(version)
    }

    /// Takes back everything appended since the log had `length` entries; gives the keys concerned, sorted.
    pub fn rollback(&mut self, length: usize) -> Vec<Key> {
        let mut keys: Vec<Key> = self
            .log
            .drain(length.min(self.log.len())..)
            .map(|version| version.key.clone())
            .collect();
        for key in &keys {
            if let Some(versions) = self.records.get_mut(key) {
                versions.pop();
                if versions.is_empty() {
                    self.records.remove(key);
                }
            }
        }
        keys.sort();
        keys.dedup();
        keys
    }
}

/// JSON as bytes.
pub fn write(value: &Value) -> Bytes {
    serde_json::to_vec(value)
        .expect("a JSON value is written without error")
        .into()
}

fn opaque_id(seed: Seed, key: &Key, number: u64) -> String {
    let seed = seed.derive("version").derive(&key.to_string());
    format!("v{:016x}", seed.index(number).0)
}

/// Sets id, version (or takes out what a client wrote there) and instant; members that are there keep their place, new ones follow `resourceType` and `id`.
fn stamp(mut resource: Value, key: &Key, version_id: Option<&str>, instant: Timestamp) -> Value {
    let Some(members) = resource.as_object_mut() else {
        return resource;
    };
    place(members, "id", json!(key.id), 1);
    if !members.get("meta").is_some_and(Value::is_object) {
        members.shift_remove("meta");
        place(members, "meta", Value::Object(Map::new()), 2);
    }
    if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
        match version_id {
            Some(version_id) => place(meta, "versionId", json!(version_id), 0),
            None => {
                meta.shift_remove("versionId");
            }
        }
        place(meta, "lastUpdated", json!(instant_text(instant)), 1);
    }
    resource
}

fn place(members: &mut Map<String, Value>, name: &str, value: Value, index: usize) {
    if let Some(known) = members.get_mut(name) {
        *known = value;
    } else {
        members.shift_insert(index.min(members.len()), name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(id: &str, resource: Option<Value>) -> Draft {
        Draft {
            key: Key::new("Patient", id),
            resource,
            method: Method::Put,
            status: 200,
        }
    }

    fn text(version: &Version) -> String {
        String::from_utf8(version.body.to_vec()).unwrap()
    }

    #[test]
    fn member_order_and_number_text_survive_the_stamp() {
        let mut store = Store::new(Seed(1), Naming::Numbers);
        let source: Value =
            serde_json::from_str(r#"{"resourceType":"Patient","z":1.10,"a":1e+2}"#).unwrap();
        let version = store.append(draft("1", Some(source)), Timestamp::UNIX_EPOCH);
        assert_eq!(
            text(&version),
            concat!(
                r#"{"resourceType":"Patient","id":"1","meta":{"versionId":"1","#,
                r#""lastUpdated":"1970-01-01T00:00:00.000Z"},"z":1.10,"a":1e+2}"#
            )
        );
    }

    #[test]
    fn a_rollback_takes_versions_and_log_back() {
        let mut store = Store::new(Seed(1), Naming::Numbers);
        let empty = || Some(json!({"resourceType": "Patient"}));
        store.append(draft("1", empty()), Timestamp::UNIX_EPOCH);
        let mark = store.log().len();
        store.append(draft("1", None), Timestamp::UNIX_EPOCH);
        store.append(draft("2", empty()), Timestamp::UNIX_EPOCH);
        let keys = store.rollback(mark);
        assert_eq!(keys, [Key::new("Patient", "1"), Key::new("Patient", "2")]);
        assert_eq!(store.versions(&keys[0]).len(), 1);
        assert!(store.newest(&keys[1]).is_none());
    }

    #[test]
    fn instants_of_one_resource_grow_even_when_the_clock_stands() {
        let mut store = Store::new(Seed(1), Naming::Opaque);
        let first = store.append(draft("1", None), Timestamp::UNIX_EPOCH);
        let second = store.append(draft("1", None), Timestamp::UNIX_EPOCH);
        assert!(second.instant > first.instant);
        assert_ne!(second.version_id, first.version_id);
    }
}
