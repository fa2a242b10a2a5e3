//! Populate: brings a cohort about, by loading a population, by finding one that others loaded, or by reading what
//! is there. Whatever the way, the cohort is what the target gives back, never what was sent.

pub mod crawl;
pub mod isolate;
pub mod load;
pub mod provision;
pub mod references;
pub mod retract;
pub mod unload;

use serde_json::Value;

use crate::record::Cohort;

/// A cohort with what was learned on the way.
#[derive(Debug)]
pub struct Populated {
    /// The data.
    pub cohort: Cohort,
    /// What stood in the way, one cause per line (`Observation refused: 422 invalid`).
    pub causes: Vec<String>,
    /// What was sent and how it came back, for the judgement of storage.
    pub stored: Vec<Stored>,
}

/// One resource as sent and as read.
#[derive(Debug, Clone)]
pub struct Stored {
    /// As sent, with the server's id and references.
    pub sent: Value,
    /// The read by id, or the search that found it.
    pub exchange: std::sync::Arc<crate::http::Exchange>,
}
