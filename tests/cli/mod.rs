//! The program as its users run it: the real binary, in a temporary folder with an empty environment. What a command
//! computes is tested beside its code; here is what it says, stores and answers.

/// Bad input: one message with what, why and what to do, and the right exit code.
mod bad_input;
/// Baselines, comparisons, reports and findings of stored runs.
mod baselines;
/// `generate` and runs on data that was loaded by other means.
mod cohorts;
/// Durability, on a program that is killed.
mod crash;
/// `list`, `explain`, `config`, `completions`, `suite check`: what asks nobody.
mod inform;
/// Ctrl-C, kills, and `clean`.
mod interrupt;
/// `sandbox --journal`: kills and restarts.
mod journal;
/// `diagnose`, `init` and `replay` on live endpoints.
mod live;
/// What suites of users rest on: identities, retries, the fallback of cleaning up.
mod own_suites;
/// SMART Backend Services end to end.
mod smart;
/// Folders, servers and processes for all of them.
pub(crate) mod stage;
/// Targets that are programs to start.
mod started;
