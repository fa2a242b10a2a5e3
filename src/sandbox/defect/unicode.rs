//! Faults that can be planted: letters outside ASCII.

use super::{ALWAYS, BY_VALUE, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "ascii-case-only",
        title: "Only ASCII letters have a case",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/4249",
        class: "unicode",
        effect: "capital letters outside ASCII in the value of a string parameter find nothing",
        strengths: BY_VALUE,
        fault: Fault::AsciiCaseOnly,
    },
    Defect {
        id: "forbidden-character-in-xml",
        title: "XML holds characters that XML forbids",
        provenance: "https://github.com/samply/blaze/issues/1552",
        class: "unicode",
        effect: "a resource with U+FFFE, U+FFFF or a control character in a string is written as XML that is not well-formed",
        strengths: ALWAYS,
        fault: Fault::ForbiddenCharacterInXml,
    },
    Defect {
        id: "latin-bytes",
        title: "Bodies are not UTF-8",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/1612",
        class: "unicode",
        effect: "characters from U+0080 to U+00FF are sent as one byte",
        strengths: ALWAYS,
        fault: Fault::LatinBytes,
    },
    Defect {
        id: "read-as-latin",
        title: "A read garbles accents",
        provenance: "https://github.com/awslabs/fhir-works-on-aws-deployment/issues/324",
        class: "unicode",
        effect: "a read answers with each byte of a text outside ASCII as a character; a search does not",
        strengths: BY_VALUE,
        fault: Fault::ReadAsLatin,
    },
    Defect {
        id: "token-accents-folded",
        title: "Tokens match across accents",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/4260",
        class: "unicode",
        effect: "a token parameter finds codes that differ from the value in accents or punctuation",
        strengths: BY_VALUE,
        fault: Fault::TokenAccentsFolded,
    },
];
