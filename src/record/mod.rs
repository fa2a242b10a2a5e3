//! What happened: plain data that engines write and that reports, baselines and comparisons read. No judgement.

pub mod case_file;
pub mod cohort;
pub mod comparison;
pub mod consultation;
pub mod event;
pub mod finding;
pub mod id;
pub mod run;
pub mod scoreboard;
pub mod verdict;
pub mod violation;

pub use cohort::{Cohort, Completeness, Isolation, Provenance};
pub use finding::{Finding, Level, Severity};
pub use run::Run;
pub use scoreboard::Scoreboard;
pub use verdict::Verdict;
pub use violation::Violation;
