//! Baselines: accepted runs, how they are stored, what changed against them, and what we live with.

pub mod compare;
pub mod store;
pub mod waiver;

pub use compare::compare;
pub use store::{Store, StoreError};
pub use waiver::Waiver;
