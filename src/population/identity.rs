//! Ids and identifiers that depend only on the seed, the patient's index, the type and the ordinal.
//! Nothing here makes them unique to a run; `tag` does.

use serde_json::{Value, json};

use crate::seed::Seed;

/// The system of the identifier that every generated resource has.
pub const SYSTEM: &str = "urn:rounds:id";
/// The system of medical record numbers.
pub const RECORD_NUMBER: &str = "urn:rounds:mrn";

/// The index that stands for what all patients share.
const SHARED: u64 = u64::MAX;

/// Whose resources are numbered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    seed: Seed,
    index: u64,
}

impl Identity {
    /// The resources of one patient.
    pub(super) fn patient(seed: Seed, index: u64) -> Self {
        Identity { seed, index }
    }

    /// The resources that all patients share.
    pub(super) fn shared(seed: Seed) -> Self {
        Identity {
            seed,
            index: SHARED,
        }
    }

    /// A logical id in the form of a UUID of version 8 (RFC 9562, section 5.8).
    pub(super) fn id(self, resource_type: &str, ordinal: usize) -> String {
        let base = self.seed.derive(resource_type).derive("population/id");
        let ordinal = ordinal as u64;
        let high = base.index(self.index).index(ordinal).0;
        let low = Seed(!base.0).index(self.index).index(ordinal).0;
        format!(
            "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        )
    }

    /// `{"reference": "Type/id"}`.
    pub(super) fn reference(self, resource_type: &str, ordinal: usize) -> Value {
        json!({"reference": format!("{resource_type}/{}", self.id(resource_type, ordinal))})
    }

    /// The value of the identifier: readable, and unlike any other of any seed.
    pub(super) fn value(self, resource_type: &str, ordinal: usize) -> String {
        match self.index {
            SHARED => format!("{}-shared-{resource_type}-{ordinal}", self.seed),
            index => format!("{}-{index:06}-{resource_type}-{ordinal}", self.seed),
        }
    }

    /// The identifier that every resource has.
    pub(super) fn identifier(self, resource_type: &str, ordinal: usize) -> Value {
        json!({"system": SYSTEM, "value": self.value(resource_type, ordinal)})
    }

    /// The medical record number of the patient: eight digits, unlike for 10^8 patients of one seed.
    pub(super) fn record_number(self) -> String {
        let start = self.seed.derive("population/mrn").0 % 100_000_000;
        // 48,271 has no factor in common with 10^8, so the numbers of consecutive patients differ and spread.
        let step = (self.index % 100_000_000) * 48_271;
        format!("{:08}", (start + step) % 100_000_000)
    }
}
