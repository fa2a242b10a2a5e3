//! Read, vread, create, update, patch and delete of one resource. Conditional forms are in `conditional`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::address;
use super::body::Body;
use super::conditional;
use super::defect::{Fault, change};
use super::modest;
use super::negotiate::{Return, preferred_return};
use super::outcome::{Refusal, success};
use super::patch;
use super::races;
use super::server::Server;
use super::store::{Draft, Version};
use super::subset::Subset;
use super::turn::{Call, Payload, Reply, Turn};
use super::variant::Difference;
use crate::fhir::Key;
use crate::fhir::resource::id;
use crate::http::message::Method;

/// `GET [base]/[type]/[id]`, <http://hl7.org/fhir/R4/http.html#read>.
pub fn read(turn: &mut Turn<'_>, call: &Call, key: &Key) -> Result<Reply, Refusal> {
    let version = match turn.living(key) {
        Ok(version) => version,
        Err(refusal) => turn.memory.reads.get(key).cloned().ok_or(refusal)?,
    };
    if turn.server.strikes(Fault::ReadCachedAfterDelete, &key.id) {
        turn.memory.reads.insert(key.clone(), Arc::clone(&version));
    }
    if conditional::is_unchanged(turn.server, call, &version) {
        return Ok(headers_of(turn, Reply::empty(304), &version));
    }
    let mut reply = represent(turn, call, &version)?;
    if turn.server.strikes(Fault::ReadAsLatin, &key.id) {
        reply.payload = match reply.payload {
            Payload::Stored(_) => version.resource.clone().map_or(Payload::Nothing, garbled),
            Payload::Made(resource) => garbled(resource),
            other => other,
        };
    }
    Ok(reply)
}

fn garbled(resource: Value) -> Payload {
    Payload::Made(change::as_latin_1(resource))
}

/// `GET [base]/[type]/[id]/_history/[vid]`, <http://hl7.org/fhir/R4/http.html#vread>.
pub fn vread(turn: &mut Turn<'_>, call: &Call, key: &Key, wanted: &str) -> Result<Reply, Refusal> {
    let versions = turn.store.versions(key);
    let found = versions
        .iter()
        .find(|version| version.version_id == wanted)
        .ok_or_else(|| Refusal::not_found("there is no such version"))?;
    if found.is_deletion() {
        if turn.server.has(Fault::VreadTombstoneCrashes) {
            return Err(Refusal::crashed());
        }
        return Err(turn.server.gone());
    }
    let mut version = Arc::clone(found);
    if turn.server.has(Fault::VreadReturnsCurrent) {
        version = turn.store.living(key).map_or(version, Arc::clone);
    }
    represent(turn, call, &version)
}

fn represent(turn: &Turn<'_>, call: &Call, version: &Arc<Version>) -> Result<Reply, Refusal> {
    let subset = Subset::of_pairs(&call.pairs)?;
    let mut reply = headers_of(turn, Reply::empty(200), version);
    reply.payload = match &version.resource {
        Some(resource) if !subset.is_whole() => Payload::Made(subset.apply(turn.server, resource)),
        _ => Payload::Stored(Arc::clone(version)),
    };
    Ok(reply)
}

/// Adds ETag, where versions are named, and Last-Modified.
pub fn headers_of(turn: &Turn<'_>, mut reply: Reply, version: &Arc<Version>) -> Reply {
    if turn.server.names_versions() {
        reply.headers.push(("ETag", turn.server.etag(version)));
    }
    let modified = match turn.server.has(Fault::LastModifiedAsInstant) {
        true => version.last_updated(),
        false => super::server::http_date(version.instant),
    };
    reply.headers.push(("Last-Modified", modified));
    reply.version = Some(Arc::clone(version));
    reply
}

/// The resource of a create or update.
pub fn resource_of(call: &Call) -> Result<Value, Refusal> {
    match &call.body {
        Body::Resource(resource) => Ok(resource.clone()),
        _ => Err(Refusal::invalid("a resource is needed as the body")),
    }
}

/// `POST [base]/[type]`: the id in the body is ignored, <http://hl7.org/fhir/R4/http.html#create>.
pub fn create(turn: &mut Turn<'_>, call: &Call, name: &str) -> Result<Reply, Refusal> {
    let resource = resource_of(call)?;
    let id = match &call.assigned {
        Some(id) => id.clone(),
        None => turn.store.assign_id(name),
    };
    store(turn, call, &Key::new(name, id), resource)
}

/// `PUT [base]/[type]/[id]`, creating if there is none, <http://hl7.org/fhir/R4/http.html#update>.
pub fn update(turn: &mut Turn<'_>, call: &Call, key: &Key) -> Result<Reply, Refusal> {
    let resource = resource_of(call)?;
    if id(&resource) != Some(key.id.as_str()) {
        return Err(Refusal::invalid(
            "the id in the body is not the id in the URL",
        ));
    }
    let newest = turn.store.newest(key);
    if turn.server.has(Fault::ReviveCrashes) && newest.is_some_and(|version| version.is_deletion())
    {
        return Err(Refusal::crashed());
    }
    races::update(turn, key)?;
    conditional::check_match(turn, call, key)?;
    store(turn, call, key, resource)
}

/// `PATCH [base]/[type]/[id]`, <http://hl7.org/fhir/R4/http.html#patch>.
pub fn patch(turn: &mut Turn<'_>, call: &Call, key: &Key) -> Result<Reply, Refusal> {
    let Body::Patch(document) = &call.body else {
        return Err(Refusal::invalid("a patch is needed as the body"));
    };
    turn.living(key)?;
    conditional::check_match(turn, call, key)?;
    let version = turn.living(key)?;
    let before = version.resource.as_ref().unwrap_or(&Value::Null);
    match patch::apply(turn.server, before, document, key) {
        Ok(after) => store(turn, call, key, after),
        Err(refusal) => {
            if turn.server.has(Fault::PatchKeepsPart)
                && let Some(part) = patch::so_far(turn.server, before, document, key)
            {
                store(turn, call, key, part)?;
            }
            Err(refusal)
        }
    }
}

/// `DELETE [base]/[type]/[id]`: 204 also if there is nothing, <http://hl7.org/fhir/R4/http.html#delete>.
pub fn delete(turn: &mut Turn<'_>, call: &Call, key: &Key) -> Result<Reply, Refusal> {
    conditional::check_match(turn, call, key)?;
    let mut reply = deleted(turn.server, call);
    if turn.store.living(key).is_some() {
        let version = turn.write(Draft {
            key: key.clone(),
            resource: None,
            method: Method::Delete,
            status: reply.status,
        });
        if turn.server.names_versions() {
            reply.headers.push(("ETag", turn.server.etag(&version)));
        }
        reply.version = Some(version);
    }
    Ok(reply)
}

/// The answer to a delete: 204, or 200 with an outcome where the client asks for one or the server has one for all.
pub fn deleted(server: &Server, call: &Call) -> Reply {
    let speaks = match preferred_return(&call.headers) {
        Some(Return::Outcome) => true,
        Some(Return::Minimal) => false,
        Some(Return::Representation) | None => server.is(Difference::DeleteWithOutcome),
    };
    match speaks {
        true => Reply::made(200, success("deleted")),
        false => Reply::empty(204),
    }
}

/// Stores a resource and answers as the client prefers; 201 if there was none.
fn store(turn: &mut Turn<'_>, call: &Call, key: &Key, resource: Value) -> Result<Reply, Refusal> {
    if turn.server.is(Difference::Modest) {
        modest::check_write(turn, call, key, &resource)?;
    }
    if change::has_empty_quantity(&resource) && turn.server.has(Fault::QuantityWithoutValueCrashes)
    {
        let message = "the server could not index the resource";
        return Err(Refusal::new(500, "exception", message));
    }
    if turn.server.has(Fault::AbsoluteReferenceRefused)
        && change::refers_by_url(&resource, turn.server.base())
    {
        let message = "a reference does not lead to a resource of this server";
        return Err(Refusal::new(409, "conflict", message));
    }
    let living = turn.store.living(key).cloned();
    let status = if living.is_some() { 200 } else { 201 };
    if call.method == Method::Patch
        && turn.server.has(Fault::MetaPatchOverwrites)
        && let Some(current) = &living
        && change::differs_in_meta_alone(current.resource.as_ref(), &resource)
    {
        let version = turn.overwrite(key, resource);
        return Ok(written(turn, call, &version, 200));
    }
    if let Some(current) = living.filter(|_| turn.server.is(Difference::QuietUpdate))
        && same_content(
            current.resource.as_ref(),
            &turn.server.stored_form(resource.clone()),
        )
    {
        return Ok(written(turn, call, &current, 200));
    }
    let resource = match turn
        .store
        .living(key)
        .and_then(|version| version.resource.as_ref())
    {
        Some(before)
            if call.method == Method::Put && turn.server.has(Fault::UpdateKeepsRemoved) =>
        {
            change::with_what_was_there(resource, before)
        }
        _ => resource,
    };
    let version = turn.write(Draft {
        key: key.clone(),
        resource: Some(resource),
        method: call.method,
        status,
    });
    Ok(written(turn, call, &version, status))
}

/// True if two resources differ at most in what the server sets.
fn same_content(stored: Option<&Value>, offered: &Value) -> bool {
    let plain = |resource: &Value| {
        let mut copy = resource.clone();
        if let Some(members) = copy.as_object_mut() {
            if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
                meta.remove("versionId");
                meta.remove("lastUpdated");
            }
            if members.get("meta") == Some(&json!({})) {
                members.remove("meta");
            }
        }
        copy
    };
    stored.is_some_and(|stored| plain(stored) == plain(offered))
}

/// The answer to a write, or to a conditional create that found what it would have made.
pub fn written(turn: &Turn<'_>, call: &Call, version: &Arc<Version>, status: u16) -> Reply {
    let mut reply = headers_of(turn, Reply::empty(status), version);
    if call.method == Method::Put && turn.server.has(Fault::UpdateWithoutEtag) {
        reply.headers.clear();
    }
    let mut location = format!("{}/{}", address::of_location(turn.server), version.key);
    if turn.server.names_versions() {
        location = format!("{location}/_history/{}", version.version_id);
    }
    let elsewhere = match call.method {
        Method::Post => Fault::CreateSaysContentLocation,
        _ => Fault::UpdateSaysContentLocation,
    };
    let field = match status == 201 && turn.server.has(elsewhere) {
        true => "Content-Location",
        false => "Location",
    };
    reply.headers.push((field, location));
    let preferred = match turn.server.has(Fault::PreferIgnored) {
        true => Return::default(),
        false => preferred_return(&call.headers).unwrap_or_default(),
    };
    reply.payload = match preferred {
        Return::Minimal => Payload::Nothing,
        Return::Representation => Payload::Stored(Arc::clone(version)),
        Return::Outcome => Payload::Made(success("stored")),
    };
    reply
}
