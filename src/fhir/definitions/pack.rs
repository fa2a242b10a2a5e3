//! The pack format: zstd frames of postcard rows behind a small header, each decoded by itself on first use.
//! Not the compiled tables: rows are what `build` writes and what the other files here read.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ParameterKind;

/// First bytes of a pack; the digit changes with the rows below.
const MAGIC: &[u8; 8] = b"RNDSDEF3";

/// zstd level: the pack is written once and read often.
const LEVEL: i32 = 19;

/// The largest decoded part that a reader accepts, in bytes.
const MAX_PART: usize = 64 << 20;

/// The R4 pack of this build.
static R4: &[u8] = include_bytes!("../../../fixtures/definitions/r4.pack");

/// The parts of a pack in the order in which they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Base types and resources; empty in the pack of a guide, as are the next three.
    Structures,
    Search,
    Terminology,
    /// What the base definitions say beyond structure.
    Rules,
    /// Profiles and extensions.
    Profiles,
    /// Code systems and value sets.
    Codes,
    /// Name, search parameters and claims of a guide.
    About,
}

const PARTS: [(Part, &str); 7] = [
    (Part::Structures, "structures"),
    (Part::Search, "search"),
    (Part::Terminology, "terminology"),
    (Part::Rules, "rules"),
    (Part::Profiles, "profiles"),
    (Part::Codes, "codes"),
    (Part::About, "about"),
];

/// What a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// `string`, `date`, …
    Primitive,
    /// `HumanName`, `Quantity`, …
    Complex,
    /// `Patient`, …
    Resource,
    /// An element with elements of its own (`Patient.contact`); never a row, only a node.
    Backbone,
}

/// One type.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StructureRow<'a> {
    pub name: &'a str,
    pub kind: Kind,
    pub is_abstract: bool,
    pub base: Option<&'a str>,
    #[serde(borrow)]
    pub elements: Vec<ElementRow<'a>>,
}

/// One element below the root of a type, inherited ones included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ElementRow<'a> {
    /// Full path (`Patient.contact.name`, `Observation.value[x]`).
    pub path: &'a str,
    pub min: u32,
    /// `None` is `*`.
    pub max: Option<u32>,
    /// An array in JSON: a matter of the base definition, not of a constraint on it.
    pub repeats: bool,
    /// An attribute in XML, which has neither id nor extensions (`Coding.id`, `Extension.url`).
    pub attribute: bool,
    #[serde(borrow)]
    pub types: Vec<TypeRow<'a>>,
    /// Path of the element whose definition holds (`Questionnaire.item`).
    pub content: Option<&'a str>,
    /// Index of the required value set in the terminology part.
    pub binding: Option<u32>,
}

/// One allowed type of an element.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct TypeRow<'a> {
    pub code: &'a str,
    /// Constrained type whose rules hold (`SimpleQuantity` for the code `Quantity`).
    pub profile: Option<&'a str>,
}

/// The search part.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SearchRows<'a> {
    #[serde(borrow)]
    pub parameters: Vec<ParameterRow<'a>>,
    /// Type and parameter codes, sorted by type.
    #[serde(borrow)]
    pub patient_compartment: Vec<(&'a str, Vec<&'a str>)>,
}

/// One search parameter.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ParameterRow<'a> {
    pub code: &'a str,
    pub url: &'a str,
    pub kind: ParameterKind,
    /// Base type with the expression restricted to it.
    #[serde(borrow)]
    pub uses: Vec<(&'a str, Cow<'a, str>)>,
    #[serde(borrow)]
    pub targets: Vec<&'a str>,
    #[serde(borrow)]
    pub components: Vec<(&'a str, Cow<'a, str>)>,
}

/// One value set, sorted by canonical in its part.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ValueSetRow<'a> {
    pub url: &'a str,
    /// Code systems with their sorted codes; `None` if the value set cannot be enumerated from the sources.
    #[serde(borrow)]
    pub systems: Option<Vec<(&'a str, Vec<&'a str>)>>,
}

/// A pack that cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackError(pub(super) String);

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PackError {}

/// Size of one part of a pack in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSize {
    /// Name of the part.
    pub name: &'static str,
    /// As stored.
    pub compressed: usize,
    /// After decompression.
    pub raw: usize,
}

/// Writes a pack of the parts in their order, each already encoded.
pub(super) fn write(parts: [Vec<u8>; PARTS.len()]) -> Result<Vec<u8>, PackError> {
    let mut bytes = MAGIC.to_vec();
    for raw in parts {
        let frame = zstd::bulk::compress(&raw, LEVEL)
            .map_err(|error| PackError(format!("a part could not be compressed: {error}")))?;
        for length in [frame.len(), raw.len()] {
            let length = u32::try_from(length)
                .map_err(|_| PackError("a part is larger than 4 GB".to_owned()))?;
            bytes.extend(length.to_le_bytes());
        }
        bytes.extend(frame);
    }
    Ok(bytes)
}

/// Encodes the rows of a part.
pub(super) fn encode<T: Serialize + ?Sized>(rows: &T) -> Result<Vec<u8>, PackError> {
    postcard::to_stdvec(rows)
        .map_err(|error| PackError(format!("rows could not be encoded: {error}")))
}

/// Sizes of the parts of a pack.
pub fn sizes(pack: &[u8]) -> Result<Vec<PartSize>, PackError> {
    PARTS
        .iter()
        .map(|&(part, name)| {
            let (frame, raw) = frame(pack, part)?;
            Ok(PartSize {
                name,
                compressed: frame.len(),
                raw,
            })
        })
        .collect()
}

/// Decompresses one part.
pub(super) fn decompress(pack: &[u8], part: Part) -> Result<Vec<u8>, PackError> {
    let (frame, raw) = frame(pack, part)?;
    zstd::bulk::decompress(frame, raw)
        .map_err(|error| PackError(format!("a part could not be decompressed: {error}")))
}

/// Decodes the rows of one part of any pack.
pub(super) fn decode<T: serde::de::DeserializeOwned>(
    pack: &[u8],
    part: Part,
) -> Result<T, PackError> {
    let bytes = decompress(pack, part)?;
    postcard::from_bytes(&bytes)
        .map_err(|error| PackError(format!("a part could not be decoded: {error}")))
}

/// The embedded R4 pack.
pub(super) fn r4_pack() -> &'static [u8] {
    R4
}

/// Decompresses one part of the embedded R4 pack.
pub(super) fn r4(part: Part) -> Vec<u8> {
    decompress(R4, part).expect("the embedded pack is whole: a test reads all of its parts")
}

/// Decodes rows of the embedded R4 pack.
pub(super) fn rows<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> T {
    postcard::from_bytes(bytes).expect("the embedded pack has these rows: a test reads them all")
}

fn frame(pack: &[u8], part: Part) -> Result<(&[u8], usize), PackError> {
    let short = || PackError("the pack ends too early".to_owned());
    let mut rest = pack
        .strip_prefix(MAGIC)
        .ok_or_else(|| PackError("not a definitions pack of this version".to_owned()))?;
    for (stored, _) in PARTS {
        let (compressed, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (raw, after) = after.split_first_chunk::<4>().ok_or_else(short)?;
        let (compressed, raw) = (length(*compressed), length(*raw));
        if after.len() < compressed {
            return Err(short());
        }
        if raw > MAX_PART {
            return Err(PackError("a part is too large".to_owned()));
        }
        if stored == part {
            return Ok((&after[..compressed], raw));
        }
        rest = &after[compressed..];
    }
    Err(short())
}

fn length(bytes: [u8; 4]) -> usize {
    u32::from_le_bytes(bytes) as usize
}
