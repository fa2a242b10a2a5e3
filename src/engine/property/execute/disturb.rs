//! Steps that disturb: requests that go wrong on their way, the death of the target, and the removal of what they may
//! have left. What may be true afterwards is judged elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Run, SET_SYSTEM};
use crate::fhir::{Key, bundle, query, resource};
use crate::http::fault::Fault;
use crate::http::{Exchange, Method, Request};
use crate::property::case::Command;
use crate::property::trace::Outcome;

impl Run {
    /// Sends one request that something happens to on its way; skipped where nothing can happen to it.
    pub(super) async fn send_faulty(
        &self,
        fault: Option<Fault>,
        request: Request,
    ) -> (Vec<Arc<Exchange>>, Outcome) {
        let carries = self.ctx().session.transport().carries_faults();
        match fault {
            Some(fault) if carries => {
                let exchange = self.scope.send(fault.on(request)).await;
                (vec![exchange], Outcome::Done)
            }
            _ => (Vec::new(), Outcome::Skipped),
        }
    }

    /// Kills the target and starts it again; skipped where that is not ours to do.
    pub(super) async fn restart(&mut self) -> (Vec<Arc<Exchange>>, Outcome) {
        let Some(restart) = self.ctx().restart.clone() else {
            return (Vec::new(), Outcome::Skipped);
        };
        if let Err(why) = restart.restart().await {
            self.obstacle = Some(format!(
                "the target did not come back after it was killed: {why}"
            ));
        }
        (Vec::new(), Outcome::Done)
    }

    /// Removes what writes may have left whose answer was lost, as far as a search shows it.
    pub(super) async fn clean_up_lost(&self) {
        for name in self.lost_types() {
            let capability = &self.ctx().capability;
            if !["search-type", "delete"]
                .iter()
                .all(|interaction| capability.supports(&name, interaction))
            {
                continue;
            }
            let set = format!("{SET_SYSTEM}|{}", self.code);
            let wanted = query::encode_pairs(&[("identifier".to_owned(), set)]);
            let found = self
                .scope
                .send(Request::get(format!("{name}?{wanted}")))
                .await;
            let found: Vec<Key> = found
                .json()
                .as_ref()
                .map(bundle::match_keys)
                .unwrap_or_default();
            let requests = found
                .iter()
                .map(|key| Request::new(Method::Delete, key.to_string()))
                .collect();
            self.scope.send_all(requests, super::CLEAN_UP_JOBS).await;
        }
    }

    /// Types of what was written without an answer.
    fn lost_types(&self) -> BTreeSet<String> {
        let lost = self
            .events
            .iter()
            .filter(|event| event.doubt().is_some() && event.step.command.writes());
        lost.flat_map(|event| match &event.step.command {
            Command::Bundle { entries, .. } => entries
                .iter()
                .filter_map(|entry| entry.command.payload())
                .collect(),
            command => Vec::from_iter(command.payload()),
        })
        .filter_map(resource::resource_type)
        .map(str::to_owned)
        .collect()
    }
}
