//! Checks on Bundles as envelopes: type, entries, order. Not on whether the right resources are inside.

mod entries_fit_type;
mod full_url_matches;
mod history_order;
mod type_fits;

use std::sync::Arc;

use serde_json::Value;

use super::{Check, Evidence};
use crate::fhir::resource;
use crate::http::Exchange;

/// Checks of this area in order of id.
pub static CHECKS: &[&dyn Check] = &[
    &entries_fit_type::EntriesFitType,
    &full_url_matches::FullUrlMatches,
    &history_order::HistoryOrder,
    &type_fits::TypeFits,
];

/// The successful answers that are Bundles.
fn bundles<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = (&'a Exchange, Arc<Value>)> {
    evidence.exchanges.iter().filter_map(|exchange| {
        let status = exchange.status()?;
        let body = exchange.parsed()?;
        let is_bundle = resource::resource_type(&body) == Some("Bundle");
        ((200..300).contains(&status) && is_bundle).then_some((*exchange, body))
    })
}

/// `Bundle.type`.
fn bundle_type(bundle: &Value) -> &str {
    bundle
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
