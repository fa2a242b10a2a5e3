//! Engines: they execute plans on a target and fold what happened into records. They never import the sandbox.

pub mod confine;
pub mod conformance;
pub mod context;
pub mod diagnose;
pub mod fold;
pub mod load;
pub mod plan;
pub mod populate;
pub mod precondition;
pub mod preflight;
pub mod property;
pub mod require;
pub mod scoreboard;
pub mod session;
