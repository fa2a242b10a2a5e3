//! Code systems and the codes that several generators share. Only systems whose content may be given away.
//!
//! Allowed: LOINC (with its notice), RxNorm normalised names, CVX, ICD-10-CM and ICD-10-PCS (United States
//! use), UCUM, HL7's own code systems, and our own `urn:rounds:` systems. No SNOMED CT, no CPT.

/// LOINC. <http://hl7.org/fhir/R4/loinc.html>
pub(super) const LOINC: &str = "http://loinc.org";
/// ICD-10-CM. <http://hl7.org/fhir/R4/icd.html>
pub(super) const ICD10CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
/// ICD-10-PCS.
pub(super) const ICD10PCS: &str = "http://www.cms.gov/Medicare/Coding/ICD10";
/// RxNorm. <http://hl7.org/fhir/R4/rxnorm.html>
pub(super) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
/// Vaccines administered, of the CDC.
pub(super) const CVX: &str = "http://hl7.org/fhir/sid/cvx";
/// Units. <http://hl7.org/fhir/R4/ucum.html>
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
/// Our own codes, where no free system has one.
pub(super) const OWN: &str = "urn:rounds:code";

/// Every system that a generated coding may have, sorted; the tests hold all output to it.
#[cfg(test)]
pub(super) const ALLOWED: &[&str] = &[
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips",
    "http://loinc.org",
    "http://terminology.hl7.org/CodeSystem/",
    "http://unitsofmeasure.org",
    "http://www.cms.gov/Medicare/Coding/ICD10",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "urn:ietf:bcp:47",
    "urn:rounds:code",
    "urn:rounds:other-code",
];

/// A code with the display of its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

/// A code of any system.
pub(super) const fn code(system: &'static str, code: &'static str, display: &'static str) -> Code {
    Code {
        system,
        code,
        display,
    }
}

/// A LOINC code.
pub(super) const fn loinc(number: &'static str, display: &'static str) -> Code {
    code(LOINC, number, display)
}

/// An ICD-10-CM code.
pub(super) const fn icd(number: &'static str, display: &'static str) -> Code {
    code(ICD10CM, number, display)
}

/// An ICD-10-PCS code.
pub(super) const fn pcs(number: &'static str, display: &'static str) -> Code {
    code(ICD10PCS, number, display)
}

/// An RxNorm concept.
pub(super) const fn rxnorm(number: &'static str, display: &'static str) -> Code {
    code(RXNORM, number, display)
}

/// A unit: what people read, and the UCUM code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) text: &'static str,
    pub(super) ucum: &'static str,
}

/// A unit whose readable form differs from its code, or not.
pub(super) const fn unit(text: &'static str, ucum: &'static str) -> Unit {
    Unit { text, ucum }
}
