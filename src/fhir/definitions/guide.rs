//! One implementation guide in the shape that the validator reads: profiles, extensions, value sets, search parameters
//! and what its server CapabilityStatement claims. Not the documents it is made of: `build` distils those.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ParameterKind;
use super::codes::Codes;
use super::pack::{self, PackError, Part};
use super::profile::Profile;

/// The US Core pack of this build.
static US_CORE: &[u8] = include_bytes!("../../../fixtures/definitions/us-core-6.1.0.pack");

/// A guide.
#[derive(Debug, Default)]
pub struct Guide {
    /// What it is and what it expects of a server.
    pub about: About,
    /// Profiles and extensions.
    pub profiles: Vec<Profile>,
    /// Code systems and value sets.
    pub codes: Codes,
    /// Questionnaires as published; a pack does not keep them.
    pub questionnaires: Vec<Value>,
}

/// Name of a guide and what it expects of a server.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct About {
    /// Package name (`hl7.fhir.us.core`).
    pub name: String,
    /// Package version.
    pub version: String,
    /// Search parameters that the guide defines.
    pub parameters: Vec<GuideParameter>,
    /// Expectations by resource type, from the CapabilityStatement for servers.
    pub expectations: Vec<Expectation>,
    /// Resource types with the canonical of a profile that all resources of the type have to conform to,
    /// <http://hl7.org/fhir/R4/implementationguide-definitions.html#ImplementationGuide.global>.
    pub globals: Vec<(String, String)>,
}

/// A search parameter of a guide.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuideParameter {
    /// Canonical.
    pub url: String,
    /// Name in a query.
    pub code: String,
    /// Kind.
    pub kind: ParameterKind,
    /// Resource types.
    pub bases: Vec<String>,
    /// FHIRPath, as published.
    pub expression: String,
    /// Target types of a reference.
    pub targets: Vec<String>,
}

/// What a guide expects of a server for one resource type. Conformance words are those of the extension
/// `capabilitystatement-expectation` (`SHALL`, `SHOULD`, `MAY`); empty if the guide is silent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Expectation {
    /// Resource type.
    pub resource_type: String,
    /// For the type as a whole.
    pub conformance: String,
    /// Profiles with their conformance.
    pub profiles: Vec<(String, String)>,
    /// Interaction codes with their conformance.
    pub interactions: Vec<(String, String)>,
    /// Search parameter codes with their conformance.
    pub parameters: Vec<(String, String)>,
    /// Parameters that go together, with the conformance of the combination.
    pub combinations: Vec<(String, Vec<String>)>,
    /// `_include` values with their conformance.
    pub includes: Vec<(String, String)>,
    /// `_revinclude` values with their conformance.
    pub revincludes: Vec<(String, String)>,
}

impl Guide {
    /// Reads a guide from its pack.
    ///
    /// # Errors
    /// Not a pack of this version, or a damaged one.
    pub fn from_pack(bytes: &[u8]) -> Result<Self, PackError> {
        Ok(Guide {
            about: pack::decode(bytes, Part::About)?,
            profiles: pack::decode(bytes, Part::Profiles)?,
            codes: pack::decode(bytes, Part::Codes)?,
            questionnaires: Vec::new(),
        })
    }

    /// Writes a guide as a pack.
    ///
    /// # Errors
    /// A part of more than 4 GB.
    pub fn to_pack(&self) -> Result<Vec<u8>, PackError> {
        let none = Vec::new;
        pack::write([
            none(),
            none(),
            none(),
            none(),
            pack::encode(&self.profiles)?,
            pack::encode(&self.codes)?,
            pack::encode(&self.about)?,
        ])
    }
}

/// The profiles, extensions and value sets of R4 itself.
pub(super) fn r4() -> &'static Arc<Guide> {
    static GUIDE: OnceLock<Arc<Guide>> = OnceLock::new();
    GUIDE.get_or_init(|| embedded(pack::r4_pack()))
}

/// US Core 6.1.0.
pub fn us_core() -> &'static Arc<Guide> {
    static GUIDE: OnceLock<Arc<Guide>> = OnceLock::new();
    GUIDE.get_or_init(|| embedded(US_CORE))
}

fn embedded(bytes: &[u8]) -> Arc<Guide> {
    Arc::new(Guide::from_pack(bytes).expect("the embedded packs are whole: a test reads them"))
}
