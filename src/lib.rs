//! `rounds`: a test and troubleshooting harness for EHR record endpoints (HL7 FHIR R4 REST).

pub mod check;
pub mod clock;
pub mod engine;
pub mod fhir;
pub mod http;
pub mod population;
pub mod probe;
pub mod property;
pub mod record;
pub mod sandbox;
pub mod secret;
pub mod seed;
pub mod stats;
pub mod suite;
