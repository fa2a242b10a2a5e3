//! The names of the rules that the validator applies, each with the page of R4 that it rests on.
//! Not the rules themselves: `walk`, `primitive`, `binding` and `reference` apply them.

/// No `resourceType`, or one that R4 does not have.
pub const RESOURCE_TYPE: &str = "structure/resource-type";
/// A member that the type does not define.
pub const UNKNOWN_ELEMENT: &str = "structure/unknown-element";
/// An array where a single value belongs, a string where a number belongs, and so on.
pub const SHAPE: &str = "structure/shape";
/// `null` where it does not stand for the missing half of a primitive in an array.
pub const NULL: &str = "structure/null";
/// An empty object, array or string, or an element with nothing but an id.
pub const EMPTY: &str = "structure/empty";
/// Two types of one choice element, or a type that it does not allow.
pub const CHOICE: &str = "structure/choice";
/// Deeper nesting than the validator follows.
pub const DEPTH: &str = "structure/depth";
/// A required element is missing.
pub const MIN: &str = "cardinality/min";
/// An element occurs too often.
pub const MAX: &str = "cardinality/max";
/// A primitive value that its type does not allow.
pub const FORMAT: &str = "primitive/format";
/// A code outside of a required value set.
pub const BINDING: &str = "binding/required";
/// A reference that is no literal reference of R4.
pub const REFERENCE: &str = "reference/shape";
/// Narrative that is no XHTML `div`.
pub const DIV: &str = "narrative/div";
/// So many issues that the rest is not listed.
pub const LIMIT: &str = "validation/limit";

/// All rules with their basis, sorted by name.
pub const RULES: &[(&str, &str)] = &[
    (
        BINDING,
        "http://hl7.org/fhir/R4/terminologies.html#required",
    ),
    (
        MAX,
        "http://hl7.org/fhir/R4/conformance-rules.html#cardinality",
    ),
    (
        MIN,
        "http://hl7.org/fhir/R4/conformance-rules.html#cardinality",
    ),
    (DIV, "http://hl7.org/fhir/R4/narrative.html#xhtml"),
    (FORMAT, "http://hl7.org/fhir/R4/datatypes.html#primitive"),
    (REFERENCE, "http://hl7.org/fhir/R4/references.html#literal"),
    (CHOICE, "http://hl7.org/fhir/R4/formats.html#choice"),
    (DEPTH, "http://hl7.org/fhir/R4/json.html"),
    (EMPTY, "http://hl7.org/fhir/R4/json.html"),
    (NULL, "http://hl7.org/fhir/R4/json.html#primitive"),
    (RESOURCE_TYPE, "http://hl7.org/fhir/R4/json.html#resources"),
    (SHAPE, "http://hl7.org/fhir/R4/json.html"),
    (UNKNOWN_ELEMENT, "http://hl7.org/fhir/R4/json.html"),
    (LIMIT, "http://hl7.org/fhir/R4/validation.html"),
];
