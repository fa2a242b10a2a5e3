//! HTTP: its vocabulary, and the one place that talks to the network. No FHIR here.

pub mod auth;
pub mod classify;
pub mod client;
pub mod curl;
pub mod date;
pub mod dial;
pub mod exchange;
pub mod fault;
pub mod message;
mod parsed;
pub mod policy;
#[cfg(test)]
pub(crate) mod scripted;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;
pub mod transport;

pub use exchange::{Exchange, Failure, FailureKind, Timings};
pub use message::{FHIR_JSON, FHIR_XML, Headers, Method, Request, Response};
pub use transport::{ReadOnly, Sending, Transport};
