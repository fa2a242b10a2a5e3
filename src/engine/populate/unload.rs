//! Unloading: what a run created on a target of others goes again at its end, newest first, so that what refers goes
//! before what it refers to. Best effort: what stays is said, and `rounds clean` knows it.

use crate::fhir::Key;
use crate::http::{Method, Request};
use crate::record::event::Event;

use super::super::context::Context;
use super::retract::{OnClean, retract};

/// Times that what could not be removed is tried again; a reference among the rest may have been in the way.
const MAX_ROUNDS: usize = 8;

/// Types among these that the target does not claim to delete, with the number of their resources.
pub fn lasting(context: &Context, keys: &[Key]) -> usize {
    keys.iter()
        .filter(|key| !context.capability.supports(&key.resource_type, "delete"))
        .count()
}

/// Deletes what the session created; what is left is marked as entered in error, if the target wants that. Gives how many
/// resources are marked.
pub async fn unload(context: &Context, on_clean: OnClean) -> usize {
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
    match on_clean {
        OnClean::Delete => 0,
        OnClean::EnteredInError => retract_all(context, &left).await,
    }
}

async fn retract_all(context: &Context, left: &[Key]) -> usize {
    let mut marked = 0;
    for key in left.iter().rev() {
        if context.is_stopped() {
            break;
        }
        let send = async |request| context.session.send(request).await;
        marked += usize::from(retract(key, send).await.is_ok());
    }
    marked
}
