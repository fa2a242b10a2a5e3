//! Preconditions and conditional interactions: ETags, `If-None-Exist`, criteria in place of an id.
//! <http://hl7.org/fhir/R4/http.html#concurrency>, <http://hl7.org/fhir/R4/http.html#cond-update>

use std::sync::Arc;

use super::defect::Fault;
use super::instance;
use super::outcome::Refusal;
use super::router::Route;
use super::search;
use super::server::{Server, parse_http_date};
use super::store::Version;
use super::turn::{Call, Reply, Turn};
use super::variant::Difference;
use crate::fhir::Key;
use crate::fhir::query::decode_pairs;
use crate::fhir::resource::id;
use crate::http::Method;
use crate::http::message::Headers;

/// True if the client has the current version already: `If-None-Match`, else `If-Modified-Since`.
pub fn is_unchanged(server: &Server, call: &Call, version: &Version) -> bool {
    if call.headers.get("if-none-match").is_some() {
        let (current, shows) = (server.etag(version), server.names_versions());
        return tags(call, "if-none-match")
            .any(|tag| tag == "*" || shows && opaque_tag(&tag) == opaque_tag(&current));
    }
    let since = call
        .headers
        .get("if-modified-since")
        .and_then(parse_http_date);
    since.is_some_and(|since| version.instant.as_second() <= since.as_second())
}

fn tags<'a>(call: &'a Call, name: &'a str) -> impl Iterator<Item = String> + 'a {
    call.headers
        .all(name)
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
}

/// The version id inside an entity tag: `W/"1"` and `"1"` are the same version to FHIR.
fn opaque_tag(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

/// Refuses with 412 if `If-Match` or `If-None-Match: *` does not hold.
pub fn check_match(turn: &mut Turn<'_>, call: &Call, key: &Key) -> Result<(), Refusal> {
    let living = turn.store.living(key).cloned();
    if living.is_some() && tags(call, "if-none-match").any(|tag| tag == "*") {
        return Err(Refusal::precondition("the resource exists already"));
    }
    if call.headers.get("if-match").is_none() || is_ignored(turn.server, call) {
        return Ok(());
    }
    let shows = turn.server.names_versions();
    let holds = living.is_some_and(|version| {
        tags(call, "if-match")
            .any(|tag| tag == "*" || shows && opaque_tag(&tag) == version.version_id)
    });
    if !holds {
        return Err(stale(turn.server));
    }
    if turn.server.has(Fault::IfMatchRace) {
        turn.open_race_window(Fault::IfMatchRace);
    }
    Ok(())
}

/// Planted faults of `If-Match`.
fn is_ignored(server: &Server, call: &Call) -> bool {
    server.has(Fault::IfMatchIgnored)
        || call.method == Method::Delete && server.has(Fault::DeleteIgnoresIfMatch)
        || server.has(Fault::IfMatchListIgnored) && tags(call, "if-match").count() > 1
}

/// The criteria of `If-None-Exist`.
pub fn criteria_of<'a>(server: &Server, headers: &'a Headers) -> Option<&'a str> {
    headers
        .get("if-none-exist")
        .filter(|_| !server.has(Fault::IfNoneExistIgnored))
}

/// Says that a version is not the current one: 412, or 409 where that is the server's way.
fn stale(server: &Server) -> Refusal {
    let message = "If-Match names another version than the current one";
    match server.is(Difference::ConflictAs409) {
        true => Refusal::new(409, "conflict", message),
        false => Refusal::precondition(message),
    }
}

/// Refuses an update of what is there that names no version (variant `if-match-required`).
pub fn require_match(turn: &Turn<'_>, call: &Call) -> Result<(), Refusal> {
    let Route::Instance(key) = &call.route else {
        return Ok(());
    };
    let is_update = matches!(call.method, Method::Put | Method::Patch);
    let has_condition = ["if-match", "if-none-match"]
        .iter()
        .any(|name| call.headers.get(name).is_some());
    if !is_update || has_condition || turn.store.living(key).is_none() {
        return Ok(());
    }
    Err(Refusal::precondition(
        "an update here names the version that it is made of: If-Match is missing",
    ))
}

/// `POST` with `If-None-Exist`: 200 with what is there, 412 if it is more than one, else a create.
pub fn create(turn: &mut Turn<'_>, call: &Call, name: &str) -> Result<Reply, Refusal> {
    let Some(criteria) = criteria_of(turn.server, &call.headers) else {
        return instance::create(turn, call, name);
    };
    let criteria = criteria.rsplit('?').next().unwrap_or_default();
    let found = matches(turn, name, &decode_pairs(criteria))?;
    match found.as_slice() {
        [] => {
            if turn.server.has(Fault::ConditionalCreateRace) {
                turn.open_race_window(Fault::ConditionalCreateRace);
            }
            instance::create(turn, call, name)
        }
        [version] if turn.server.has(Fault::ConditionalCreateUpdates) => {
            let (mut call, key) = (call.clone(), version.key.clone());
            let mut resource = instance::resource_of(&call)?;
            resource["id"] = key.id.clone().into();
            call.body = super::body::Body::Resource(resource);
            instance::update(turn, &call, &key)
        }
        [version] => Ok(instance::written(turn, call, version, 200)),
        _ => Err(several()),
    }
}

/// `PUT [base]/[type]?criteria`.
pub fn update(turn: &mut Turn<'_>, call: &Call, name: &str) -> Result<Reply, Refusal> {
    let resource = instance::resource_of(call)?;
    let offered = id(&resource);
    match matches(turn, name, &call.pairs)?.as_slice() {
        [] => match offered {
            None => instance::create(turn, call, name),
            Some(offered) if turn.store.living(&Key::new(name, offered)).is_some() => {
                Err(Refusal::new(
                    409,
                    "conflict",
                    "the id is taken by a resource that does not match",
                ))
            }
            Some(offered) => instance::update(turn, call, &Key::new(name, offered)),
        },
        [version] => {
            let takes_any = turn.server.has(Fault::ConditionalUpdateTakesAnyId);
            if !takes_any && offered.is_some_and(|offered| offered != version.key.id) {
                return Err(Refusal::invalid(
                    "the id in the body is not the id of the match",
                ));
            }
            let mut call = call.clone();
            if turn.server.has(Fault::ConditionalUpdateIgnoresIfMatch) {
                let fields = call.headers.iter();
                let others = fields.filter(|(name, _)| !name.eq_ignore_ascii_case("if-match"));
                call.headers = others.collect();
            }
            let mut resource = resource;
            resource["id"] = version.key.id.clone().into();
            call.body = super::body::Body::Resource(resource);
            instance::update(turn, &call, &version.key)
        }
        _ => Err(several()),
    }
}

/// `PATCH [base]/[type]?criteria`.
pub fn patch(turn: &mut Turn<'_>, call: &Call, name: &str) -> Result<Reply, Refusal> {
    match matches(turn, name, &call.pairs)?.as_slice() {
        [] => Err(Refusal::not_found("no resource matches the criteria")),
        [version] => instance::patch(turn, call, &version.key),
        _ => Err(several()),
    }
}

/// `DELETE [base]/[type]?criteria`, one match at most unless the server deletes many.
pub fn delete(turn: &mut Turn<'_>, call: &Call, name: &str) -> Result<Reply, Refusal> {
    match matches(turn, name, &call.pairs)?.as_slice() {
        [] => Ok(instance::deleted(turn.server, call)),
        [version] => instance::delete(turn, call, &version.key),
        several if turn.server.is(Difference::DeleteMany) => {
            for version in several {
                instance::delete(turn, call, &version.key)?;
            }
            Ok(instance::deleted(turn.server, call))
        }
        _ => Err(several()),
    }
}

/// What the criteria find now. Unlike a search, nothing in them may be ignored: a misspelt name would widen the
/// criteria and hit resources that the client did not mean.
pub fn matches(
    turn: &mut Turn<'_>,
    name: &str,
    pairs: &[(String, String)],
) -> Result<Vec<Arc<Version>>, Refusal> {
    let pairs: Vec<(String, String)> = pairs
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "_format" | "_pretty"))
        .cloned()
        .collect();
    if pairs.is_empty() {
        return Err(Refusal::precondition(
            "a conditional request needs criteria",
        ));
    }
    turn.index.flush();
    match search::find(turn, name, &pairs, true) {
        Err(_) if turn.server.has(Fault::CriteriaUnknownMatchesNothing) => Ok(Vec::new()),
        Err(_) if turn.server.has(Fault::CriteriaUnknownIgnored) => {
            search::find(turn, name, &pairs, false)
        }
        found => found,
    }
}

fn several() -> Refusal {
    Refusal::new(
        412,
        "multiple-matches",
        "the criteria match more than one resource",
    )
}
