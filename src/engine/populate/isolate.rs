//! Isolation: the first way of confining a search to the cohort that the target proves by its answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::fhir::{Key, bundle, query};
use crate::http::Request;
use crate::record::{Cohort, Isolation};

use super::super::session::Session;

/// Pause between two looks at an index that lags.
const BARRIER_PAUSE: Duration = Duration::from_millis(50);

/// Largest page asked for while proving; the proof needs one page only.
const PROOF_PAGE: usize = 200;

/// Proves isolation by tag: a search by the tag finds exactly these keys of a type, a search by another tag finds none.
/// Waits for a lagging index, at most `index_lag`. Falls back to `_id` lists, then to nothing.
pub async fn prove(
    session: &Arc<Session>,
    clock: &dyn Clock,
    keys: &[Key],
    tag: (&str, &str),
    index_lag: Duration,
) -> Isolation {
    let Some(resource_type) = keys.first().map(|key| key.resource_type.as_str()) else {
        return Isolation::None;
    };
    let expected: BTreeSet<&Key> = keys
        .iter()
        .filter(|key| key.resource_type == resource_type)
        .take(PROOF_PAGE)
        .collect();
    let tagged = |code: &str| vec![("_tag".to_owned(), format!("{}|{code}", tag.0))];
    let deadline = clock.elapsed() + index_lag;
    loop {
        let found = search(session, resource_type, tagged(tag.1)).await;
        let complete = found
            .as_ref()
            .is_some_and(|found| found.iter().collect::<BTreeSet<_>>() == expected);
        if complete {
            let none = search(session, resource_type, tagged(&format!("{}x", tag.1))).await;
            if none.is_some_and(|found| found.is_empty()) {
                return Isolation::Tag {
                    system: tag.0.to_owned(),
                    code: tag.1.to_owned(),
                };
            }
            break;
        }
        let overshoots = found
            .as_ref()
            .is_none_or(|found| found.iter().any(|key| !expected.contains(key)));
        if overshoots || clock.elapsed() >= deadline {
            break;
        }
        tokio::time::sleep(BARRIER_PAUSE).await;
    }
    let ids: Vec<&str> = expected.iter().map(|key| key.id.as_str()).collect();
    let listed = search(
        session,
        resource_type,
        vec![("_id".to_owned(), ids.join(","))],
    )
    .await;
    if listed.is_some_and(|found| found.iter().collect::<BTreeSet<_>>() == expected) {
        return Isolation::Ids;
    }
    Isolation::None
}

/// Waits until a confined search by `_id` shows each of these resources; false if one stays away for `index_lag`.
pub async fn wait_for(
    session: &Arc<Session>,
    clock: &dyn Clock,
    keys: &[Key],
    cohort: &Cohort,
    index_lag: Duration,
) -> bool {
    let deadline = clock.elapsed() + index_lag;
    for key in keys {
        loop {
            let mut pairs = vec![("_id".to_owned(), key.id.clone())];
            pairs.extend(
                cohort
                    .confine(&key.resource_type)
                    .into_iter()
                    .filter(|(name, _)| name != "_id"),
            );
            match search(session, &key.resource_type, pairs).await {
                // A type that cannot be searched has no index to wait for.
                None => break,
                Some(found) if found.contains(key) => break,
                Some(_) if clock.elapsed() >= deadline => return false,
                Some(_) => tokio::time::sleep(BARRIER_PAUSE).await,
            }
        }
    }
    true
}

/// Keys on the first page; `None` if the search was refused.
async fn search(
    session: &Arc<Session>,
    resource_type: &str,
    mut pairs: Vec<(String, String)>,
) -> Option<Vec<Key>> {
    pairs.push(("_count".to_owned(), PROOF_PAGE.to_string()));
    let url = format!("{resource_type}?{}", query::encode_pairs(&pairs));
    let request = Request::get(url).with_header("Cache-Control", "no-cache");
    let exchange = session.send(request).await;
    if exchange.status() != Some(200) {
        return None;
    }
    Some(bundle::match_keys(&exchange.json()?))
}
