//! History of an instance, a type and the system: newest first, deletions included, in pages.
//! <http://hl7.org/fhir/R4/http.html#history>

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::address;
use super::defect::Fault;
use super::negotiate::is_strict;
use super::outcome::Refusal;
use super::page::{self, CURSOR, Content, Snapshot};
use super::server::{Server, reason};
use super::store::Version;
use super::turn::{Call, Reply, Turn};
use super::variant::Difference;
use crate::fhir::Key;
use crate::fhir::datatype::interval;

/// Whose history.
pub enum Scope<'a> {
    /// One resource.
    Instance(&'a Key),
    /// One type.
    Type(&'a str),
    /// Everything.
    System,
}

impl Scope<'_> {
    fn path(&self) -> String {
        match self {
            Scope::Instance(key) => format!("{key}/_history"),
            Scope::Type(name) => format!("{name}/_history"),
            Scope::System => "_history".into(),
        }
    }
}

/// Answers a history request.
pub fn history(turn: &mut Turn<'_>, call: &Call, scope: &Scope<'_>) -> Result<Reply, Refusal> {
    if let Some((_, cursor)) = call.pairs.iter().find(|(name, _)| name == CURSOR) {
        return page::resume(turn, cursor);
    }
    let strict = is_strict(&call.headers) && !turn.server.is(Difference::UnknownIgnored);
    let wanted = Wanted::read(call, strict)?;
    let mut versions: Vec<Arc<Version>> = match scope {
        Scope::Instance(key) => turn.store.versions(key).to_vec(),
        Scope::Type(name) => of_type(turn.store.log(), name),
        Scope::System => turn.store.log().to_vec(),
    };
    if versions.is_empty() && matches!(scope, Scope::Instance(_)) {
        return Err(Refusal::not_found("there is no such resource"));
    }
    forget(turn, scope, &mut versions);
    let excludes = i128::from(turn.server.has(Fault::SinceExclusive));
    versions.retain(|version| version.instant.as_nanosecond() - excludes >= wanted.since);
    if !turn.server.has(Fault::HistoryOldestFirst) {
        versions.reverse();
    }
    let snapshot = Snapshot {
        path: scope.path(),
        used: wanted.used,
        total: Some(versions.len() as u64),
        count: page::size(turn.server, wanted.count),
        matches: versions,
        content: Content::History,
    };
    page::first(turn, snapshot)
}

/// Planted faults: versions that a history does not hold.
fn forget(turn: &Turn<'_>, scope: &Scope<'_>, versions: &mut Vec<Arc<Version>>) {
    const FORGETFUL: Duration = Duration::from_secs(2);
    let deleted = versions.last().filter(|version| version.is_deletion());
    let is_fresh = deleted.is_some_and(|version| {
        let age = turn.server.clock().now().duration_since(version.instant);
        age.unsigned_abs() < FORGETFUL
    });
    let is_instance = matches!(scope, Scope::Instance(_));
    if is_instance && is_fresh && turn.server.has(Fault::HistoryForgetsFirst) {
        versions.retain(|version| version.number != 1);
    }
    if turn.server.has(Fault::HistoryWithoutDeletes) {
        versions.retain(|version| !version.is_deletion());
    }
}

fn of_type(log: &[Arc<Version>], name: &str) -> Vec<Arc<Version>> {
    log.iter()
        .filter(|version| version.key.resource_type == name)
        .cloned()
        .collect()
}

/// Parameters of a history request.
struct Wanted {
    since: i128,
    count: Option<u64>,
    used: Vec<(String, String)>,
}

impl Wanted {
    fn read(call: &Call, strict: bool) -> Result<Self, Refusal> {
        let mut wanted = Wanted {
            since: i128::MIN,
            count: None,
            used: Vec::new(),
        };
        for (name, value) in &call.pairs {
            let refuse = || Refusal::new(400, "value", format!("the value of {name} is not valid"));
            match name.as_str() {
                "_since" => wanted.since = interval(value, 0).ok_or_else(refuse)?.start,
                "_count" => wanted.count = Some(value.parse().map_err(|_| refuse())?),
                "_format" | "_pretty" => continue,
                _ if strict => {
                    return Err(Refusal::new(
                        400,
                        "not-supported",
                        "a parameter is not supported by history",
                    ));
                }
                _ => continue,
            }
            if wanted.used.iter().any(|(known, _)| known == name) {
                let message = format!("{name} appears more than once");
                return Err(Refusal::invalid(message));
            }
            wanted.used.push((name.clone(), value.clone()));
        }
        Ok(wanted)
    }
}

/// One entry of a history Bundle, <http://hl7.org/fhir/R4/bundle.html#history>.
pub fn entry(server: &Server, version: &Version) -> Value {
    let mut full_url = format!("{}/{}", address::of_entries(server), version.key);
    if server.has(Fault::FullUrlWithVersion) {
        full_url = format!("{full_url}/_history/{}", version.version_id);
    }
    let mut entry = json!({ "fullUrl": full_url });
    if let Some(resource) = &version.resource {
        entry["resource"] = resource.clone();
    }
    let url = match version.method {
        crate::http::message::Method::Post => version.key.resource_type.clone(),
        _ => version.key.to_string(),
    };
    if !server.has(Fault::EntryWithoutRequest) {
        entry["request"] = json!({ "method": version.method.as_str(), "url": url });
    }
    entry["response"] = json!({
        "status": format!("{} {}", version.status, reason(version.status)),
        "etag": server.etag(version),
        "lastModified": version.last_updated(),
    });
    entry
}
