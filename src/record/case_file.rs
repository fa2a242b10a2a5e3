//! A stored case: everything needed to run it again on any target. Symbolic: no ids, URLs or tokens of a target.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the stored form.
pub const SCHEMA: u32 = 1;

/// One case in `.rounds/cases/*.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFile {
    /// Version of this form.
    pub schema: u32,
    /// Id of the property or suite case.
    pub case: String,
    /// Seed, hexadecimal, for provenance; the body is what runs.
    pub seed: String,
    /// Fingerprint of the finding that it reproduces.
    pub fingerprint: String,
    /// The case itself in the form of its engine.
    pub body: Value,
}
