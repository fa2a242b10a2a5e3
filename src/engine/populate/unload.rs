//! Unloading: what a run created on a target of others goes again at its end, newest first, so that what refers goes
//! before what it refers to. Best effort: what stays is said, and `rounds clean` knows it.

use crate::fhir::Key;
use crate::http::{Method, Request};
use crate::record::event::Event;

use super::super::context::Context;

/// Times that what could not be removed is tried again; a reference among the rest may have been in the way.
const MAX_ROUNDS: usize = 8;

/// Types among these that the target does not claim to delete, with the number of their resources.
pub fn lasting(context: &Context, keys: &[Key]) -> usize {
    keys.iter()
        .filter(|key| !context.capability.supports(&key.resource_type, "delete"))
        .count()
}

/// Deletes what the session created; gives how many resources are left.
pub async fn unload(context: &Context) -> usize {
    let mut left = context.session.created();
    if !left.is_empty() {
        context
            .observer
            .observe(Event::Stage(format!("removing {} resources", left.len())));
    }
    context.session.transport().begin_cleanup();
    for _ in 0..MAX_ROUNDS {
        let tried = left.len();
        let requests: Vec<Request> = left
            .iter()
            .rev()
            .filter(|key| context.capability.supports(&key.resource_type, "delete"))
            .map(|key| Request::new(Method::Delete, key.to_string()))
            .collect();
        if requests.is_empty() || context.is_stopped() {
            break;
        }
        // One at a time: the order is what makes it work on servers that guard references.
        context.session.send_all(requests, 1).await;
        left = context.session.created();
        if left.is_empty() || left.len() == tried {
            break;
        }
    }
    left.len()
}
