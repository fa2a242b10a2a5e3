//! FHIR R4: its vocabulary and grammar over lossless JSON. No I/O and no network.

pub mod bundle;
pub mod capability;
pub mod datatype;
pub mod decimal;
pub mod definitions;
pub mod oracle;
pub mod outcome;
pub mod path;
pub mod query;
pub mod resource;
pub mod validate;
pub mod xml;

pub use resource::Key;
