//! All integration tests in one binary, one module each. A test that needs neither sockets, files nor a process of its
//! own belongs beside what it tests, in `src`.

/// The program as its users run it: arguments in, text and exit code out.
mod cli;
/// Diagnosis as a library over real connections.
mod diagnose;
/// The shortest case that shows each planted defect.
mod minimal;
/// The property engine as a library over real connections.
mod property;
/// What the README promises.
mod readme;
/// The harness against known truth.
mod selftest;
/// Nothing of a patient is stored or printed by a command that reads.
mod sentinel;
/// The rules of the house against the source text.
mod tidy;
