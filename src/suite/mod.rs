//! Suites: the YAML format, its checked form, and the pure evaluation of expectations. Nothing here sends a request.
//!
//! A file is read by [`yaml`] into a marked tree, checked by [`mod@load`] into the [`ir`], and handed to an engine. The
//! engine picks witnesses ([`pick`]), fills templates ([`template`]), sends, and asks [`expect`] what is broken.

pub mod builtin;
mod csv;
pub mod expect;
pub mod filter;
pub mod format;
pub mod generated;
pub mod ir;
pub mod keys;
pub mod load;
pub mod pick;
pub mod pivot;
pub mod request;
pub mod schema;
pub mod template;
pub mod yaml;

pub use ir::{Case, Step, Suite};
pub use load::{Source, load, load_with};
