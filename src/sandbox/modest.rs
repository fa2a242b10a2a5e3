//! The variant `modest`: what a server may leave out, left out, claimed so, and refused as R4 says. It restricts what
//! the server does; it answers nothing that the server would not.

use serde_json::{Value, json};

use super::operation::everything::references;
use super::outcome::Refusal;
use super::router::Route;
use super::turn::{Call, Turn};
use crate::fhir::Key;
use crate::http::message::Method;

/// Interactions of every type.
pub const INTERACTIONS: [&str; 7] = [
    "read",
    "vread",
    "update",
    "history-instance",
    "history-type",
    "create",
    "search-type",
];

/// Depth of elements in which references are looked for.
const MAX_DEPTH: usize = 64;

/// Methods of a place.
pub fn methods(route: &Route) -> &'static [Method] {
    use Method::{Get, Head, Options, Post, Put};
    match route {
        Route::System => &[Options],
        Route::Type(_) => &[Get, Head, Post, Options],
        Route::Instance(_) => &[Get, Head, Put, Options],
        route => route.methods(),
    }
}

/// Refuses what is conditional or an operation.
pub fn permit(call: &Call) -> Result<(), Refusal> {
    if call.method == Method::Post && call.headers.get("if-none-exist").is_some() {
        let message = "conditional create is not supported";
        return Err(Refusal::new(400, "not-supported", message));
    }
    match call.route {
        Route::Operation(..) => Err(Refusal::new(
            404,
            "not-supported",
            "the operation is not supported",
        )),
        _ => Ok(()),
    }
}

/// Refuses an update of nothing, and references to nothing.
pub fn check_write(turn: &Turn<'_>, call: &Call, key: &Key, body: &Value) -> Result<(), Refusal> {
    if call.method == Method::Put && turn.store.living(key).is_none() {
        let message = "there is no such resource, and ids are given by the server";
        return Err(Refusal::new(405, "not-supported", message));
    }
    let mut keys = Vec::new();
    references(body, turn.server.base(), MAX_DEPTH, &mut keys);
    match keys
        .iter()
        .find(|found| turn.store.living(found).is_none() && *found != key)
    {
        Some(_) => Err(Refusal::new(
            422,
            "not-found",
            "a reference does not lead to a resource of this server",
        )),
        None => Ok(()),
    }
}

/// Changes what is claimed of a type.
pub fn claim(resource: &mut Value) {
    let codes = INTERACTIONS.iter().map(|code| json!({ "code": code }));
    resource["interaction"] = codes.collect();
    for flag in ["updateCreate", "conditionalCreate", "conditionalUpdate"] {
        resource[flag] = false.into();
    }
    resource["conditionalDelete"] = "not-supported".into();
    resource["referencePolicy"] = json!(["literal", "logical", "enforced"]);
    if let Some(members) = resource.as_object_mut() {
        members.shift_remove("operation");
    }
}
