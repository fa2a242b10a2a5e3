//! Planted faults of the writing side: each does what its effect says, and an honest server does not. By area.

mod bundles;
mod claims;
mod errors;
mod headers;
mod patches;
mod races;
mod writes;

use std::fmt::Debug;

use super::*;

/// Holds what is seen of an honest server and of one with the fault against what is expected of both.
fn shows<T: PartialEq + Debug>(id: &str, look: impl Fn(&Server) -> T, honest: T, faulty: T) {
    assert_ne!(honest, faulty, "{id}");
    assert_eq!(look(&server()), honest, "honest, beside {id}");
    assert_eq!(look(&with_defect(id)), faulty, "{id}");
}

/// Status of a request without a body.
fn status(server: &Server, method: Method, url: &str) -> u16 {
    server.handle(&Request::new(method, url)).status
}

/// Sends a transaction of entries `(method, url, resource, fullUrl)`.
fn transaction(server: &Server, entries: &[(&str, &str, Value, &str)]) -> Response {
    send(server, Method::Post, "", &bundle("transaction", entries))
}

fn bundle(kind: &str, entries: &[(&str, &str, Value, &str)]) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .map(|(method, url, resource, full_url)| {
            let mut entry = json!({"request": {"method": method, "url": url}});
            if !resource.is_null() {
                entry["resource"] = resource.clone();
            }
            if !full_url.is_empty() {
                entry["fullUrl"] = (*full_url).into();
            }
            entry
        })
        .collect();
    json!({"resourceType": "Bundle", "type": kind, "entry": entries})
}
