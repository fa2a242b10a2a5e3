//! The faults of one sandbox with their strengths, as the places ask for them. Not what there is to plant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Planted, Strength};

/// The planted faults; a copy is cheap.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Faults(Arc<BTreeMap<Fault, Strength>>);

impl Faults {
    /// The switches behind what is planted.
    pub fn of(planted: &[Planted]) -> Self {
        let faults = planted
            .iter()
            .map(|planted| (planted.fault, planted.strength));
        Faults(Arc::new(faults.collect()))
    }

    /// True for an honest server.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if a fault is planted.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains_key(&fault)
    }

    /// True if a fault is planted and shows for this value.
    pub fn strikes(&self, fault: Fault, value: &str) -> bool {
        self.0
            .get(&fault)
            .is_some_and(|strength| strength.strikes(value))
    }

    /// How long a planted race keeps its window open; zero if it is not planted.
    pub fn window(&self, fault: Fault) -> Duration {
        self.0
            .get(&fault)
            .map_or(Duration::ZERO, |strength| strength.window())
    }
}
