//! Whether a crawl knows all that a small target holds, so that what it did not see was not there. Where the target may
//! have kept something back, it is a sample.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Crawler, PAGE, page};
use crate::fhir::{Key, bundle};

/// Requests at most beyond those of the patients' records: R4 has some 150 types.
const REQUESTS: u64 = 250;

/// Pages of one type at most.
const PAGES: usize = 20;

impl Crawler<'_> {
    /// Reads every type that the target lets us search, without a filter. True if each came whole, within the bounds and
    /// by the target's own total: then everything was known at one moment.
    ///
    /// A target that limits what the credentials may see, or that leaves totals out, is never known whole; nor is one to
    /// which this run writes.
    pub(super) async fn everything(&mut self) -> bool {
        let capability = Arc::clone(&self.context.capability);
        let mut types = capability.resource_types();
        types.retain(|name| capability.supports(name, "search-type"));
        if self.context.writes || !types.contains(&"Patient") || !self.may_see_all() {
            return false;
        }
        // A crawl that ended early is none of the whole.
        if self.left == 0 {
            return false;
        }
        self.left = REQUESTS;
        // Patients first: most targets have more than were read, and are left in peace then.
        types.sort_by_key(|name| *name != "Patient");
        for name in types {
            let Some(found) = self.whole(name).await else {
                return false;
            };
            self.resources.extend(found);
        }
        true
    }

    /// True if no scope, or one for all of the system, was granted: a narrower one may hide resources that the target
    /// itself looks at.
    fn may_see_all(&self) -> bool {
        let scopes = self.context.session.transport().granted();
        let is_wide = |scope: &String| {
            let all = scope.strip_prefix("system/*.");
            all.is_some_and(|rights| matches!(rights, "*" | "read") || is_read_and_search(rights))
        };
        scopes.is_empty() || scopes.iter().any(is_wide)
    }

    /// All resources of a type; `None` if some may be missing.
    async fn whole(&mut self, name: &str) -> Option<IndexMap<Key, Value>> {
        let mut found = IndexMap::new();
        let mut total = None;
        let mut url = format!("{name}?_count={PAGE}");
        for _ in 0..PAGES {
            if self.left == 0 {
                return None;
            }
            let exchange = self.get(url).await?;
            let body = exchange.json().filter(|_| exchange.status() == Some(200))?;
            total = total.or_else(|| bundle::total(&body));
            found.extend(page(&exchange));
            match bundle::link_url(&body, "next", &exchange.request.url) {
                Some(next) => url = next,
                None => return (total == Some(found.len() as u64)).then_some(found),
            }
        }
        None
    }
}

/// Rights of a scope of SMART version 2, such as `rs` or `cruds`.
fn is_read_and_search(rights: &str) -> bool {
    rights.contains('r')
        && rights.contains('s')
        && rights.chars().all(|right| "cruds".contains(right))
}
