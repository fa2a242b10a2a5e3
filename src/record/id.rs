//! Identifiers of the record: run ids and fingerprints. Fingerprints hold no values of the target's data.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::seed::Seed;

/// `20261122-101502-5f1c09`: start in UTC and seed; sorts by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub String);

impl RunId {
    /// The id of a run that started at `started` with `seed`.
    pub fn new(started: Timestamp, seed: Seed) -> Self {
        RunId(format!("{}-{seed}", started.strftime("%Y%m%d-%H%M%S")))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identity of a finding across runs: case, row, rule and a normalised signature (status, issue code, element path
/// without indexes), hashed. The same bug seen 400 times is one fingerprint; reseeding does not change it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// `parts` in order: case, row, rule, then the signature; none may hold a value of the target's data.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        let digest = context.finish();
        Fingerprint(
            digest.as_ref()[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
