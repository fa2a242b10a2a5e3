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
/// Two elements of one resource with the same id.
pub const DUPLICATE_ID: &str = "structure/duplicate-id";
/// A code outside of an extensible value set; a warning.
pub const EXTENSIBLE: &str = "binding/extensible";
/// A reference to a type of resource that is not allowed.
pub const TARGET: &str = "reference/target";
/// A reference to a resource in reach that does not conform to the profile.
pub const TARGET_PROFILE: &str = "reference/profile";
/// A local reference to no contained resource (ref-1).
pub const UNRESOLVED: &str = "reference/contained";
/// A contained resource that contains resources (dom-2).
pub const NESTED: &str = "contained/nested";
/// A contained resource that nothing refers to (dom-3).
pub const UNREFERENCED: &str = "contained/unreferenced";
/// A contained resource with a version, a time or a security label (dom-4, dom-5).
pub const CONTAINED_META: &str = "contained/meta";
/// A fullUrl that is not absolute, or names another resource than the entry has.
pub const FULL_URL: &str = "bundle/full-url";
/// A second link of a relation that stands for one address; a warning.
pub const LINK: &str = "bundle/link";
/// An entry of a search set that its mode or the search in the self link does not allow, or a result without an id.
pub const SEARCH_ENTRY: &str = "bundle/search-entry";
/// A code system that is a value set; a relative one is a warning.
pub const CODE_SYSTEM: &str = "coding/system";
/// An element of a profile that the type does not have.
pub const DEFINITION_PATH: &str = "definition/path";
/// A discriminator that leads to no element of what is sliced.
pub const DISCRIMINATOR: &str = "definition/discriminator";
/// A value fixed by a profile against what its base fixes.
pub const DEFINITION_BASE: &str = "definition/base";
/// An extension with both or neither of value and extensions (ext-1), or whose url is no absolute URI.
pub const EXTENSION: &str = "extension/content";
/// An extension where its definition does not allow it.
pub const EXTENSION_CONTEXT: &str = "extension/context";
/// An extension that no loaded guide defines; never an issue.
pub const EXTENSION_UNKNOWN: &str = "extension/definition";
/// Narrative with elements or attributes that are not allowed, or that is not well-formed (txt-1).
pub const XHTML: &str = "narrative/xhtml";
/// Narrative without content (txt-2).
pub const NARRATIVE_EMPTY: &str = "narrative/empty";
/// No narrative (dom-6); information.
pub const NARRATIVE: &str = "narrative/missing";
/// A condition of R4 or of a profile that does not hold.
pub const INVARIANT: &str = "invariant";
/// A profile of another type; or one that is not known, which is never an issue.
pub const PROFILE: &str = "profile/definition";
/// A profile requires an element that is missing.
pub const PROFILE_MIN: &str = "profile/min";
/// An element occurs more often than a profile allows.
pub const PROFILE_MAX: &str = "profile/max";
/// A type that a profile does not allow.
pub const PROFILE_TYPE: &str = "profile/type";
/// Another value than the fixed one.
pub const PROFILE_FIXED: &str = "profile/fixed";
/// A value that lacks something of the pattern.
pub const PROFILE_PATTERN: &str = "profile/pattern";
/// A value beyond the least, the greatest or the longest.
pub const PROFILE_RANGE: &str = "profile/range";
/// Too few occurrences of a slice.
pub const SLICE_MIN: &str = "slicing/min";
/// Too many occurrences of a slice.
pub const SLICE_MAX: &str = "slicing/max";
/// An occurrence of no slice, where nothing else is allowed.
pub const SLICE_CLOSED: &str = "slicing/closed";
/// Slices in the wrong order.
pub const SLICE_ORDER: &str = "slicing/order";
/// An Attachment that states another size than its data have.
pub const ATTACHMENT_SIZE: &str = "attachment/size";
/// A Questionnaire that is not known, or larger than what is followed; never an issue.
pub const QUESTIONNAIRE: &str = "questionnaire/definition";
/// An item whose linkId the Questionnaire does not have.
pub const LINK_ID: &str = "questionnaire/link-id";
/// An item in another group or under another question than in the Questionnaire.
pub const ITEM_NESTING: &str = "questionnaire/nesting";
/// Items in another order than in the Questionnaire; a warning.
pub const ITEM_ORDER: &str = "questionnaire/order";
/// An item or answer that is required and missing in a form that is complete.
pub const ITEM_REQUIRED: &str = "questionnaire/required";
/// Several items or answers where the item does not repeat.
pub const ITEM_REPEATS: &str = "questionnaire/repeats";
/// Fewer or more items or answers than `minOccurs` and `maxOccurs` say.
pub const ITEM_OCCURS: &str = "questionnaire/occurs";
/// An answer to an item that `enableWhen` disables; a warning as long as the form is not complete.
pub const ITEM_DISABLED: &str = "questionnaire/disabled";
/// Another text than that of the item in the Questionnaire; a warning.
pub const ITEM_TEXT: &str = "questionnaire/text";
/// An answer of another type than the question asks for, or an answer to a group or to a text.
pub const ANSWER_TYPE: &str = "questionnaire/answer-type";
/// An answer that is none of the options.
pub const ANSWER_OPTION: &str = "questionnaire/answer-option";
/// An answer beyond a limit of the question: value, length, decimal places, pattern.
pub const ANSWER_LIMIT: &str = "questionnaire/answer-limit";
/// A unit that the question does not offer.
pub const ANSWER_UNIT: &str = "questionnaire/answer-unit";
/// An attachment of a kind or size that the question does not allow.
pub const ANSWER_CONTENT: &str = "questionnaire/answer-content";
/// So many issues that the rest is not listed.
pub const LIMIT: &str = "validation/limit";

/// All rules with their basis, sorted by name.
pub const RULES: &[(&str, &str)] = &[
    (
        ATTACHMENT_SIZE,
        "http://hl7.org/fhir/R4/datatypes-definitions.html#Attachment.size",
    ),
    (
        EXTENSIBLE,
        "http://hl7.org/fhir/R4/terminologies.html#extensible",
    ),
    (
        BINDING,
        "http://hl7.org/fhir/R4/terminologies.html#required",
    ),
    (FULL_URL, "http://hl7.org/fhir/R4/bundle.html#bundle-unique"),
    (LINK, "http://hl7.org/fhir/R4/http.html#paging"),
    (
        SEARCH_ENTRY,
        "http://hl7.org/fhir/R4/codesystem-search-entry-mode.html",
    ),
    (
        MAX,
        "http://hl7.org/fhir/R4/conformance-rules.html#cardinality",
    ),
    (
        MIN,
        "http://hl7.org/fhir/R4/conformance-rules.html#cardinality",
    ),
    (CODE_SYSTEM, "http://hl7.org/fhir/R4/terminologies.html"),
    (
        CONTAINED_META,
        "http://hl7.org/fhir/R4/references.html#contained",
    ),
    (NESTED, "http://hl7.org/fhir/R4/references.html#contained"),
    (
        UNREFERENCED,
        "http://hl7.org/fhir/R4/references.html#contained",
    ),
    (
        DEFINITION_BASE,
        "http://hl7.org/fhir/R4/profiling.html#limitations",
    ),
    (
        DISCRIMINATOR,
        "http://hl7.org/fhir/R4/profiling.html#discriminator",
    ),
    (
        DEFINITION_PATH,
        "http://hl7.org/fhir/R4/elementdefinition.html#path",
    ),
    (
        EXTENSION,
        "http://hl7.org/fhir/R4/extensibility.html#Extension",
    ),
    (
        EXTENSION_CONTEXT,
        "http://hl7.org/fhir/R4/defining-extensions.html#context",
    ),
    (
        EXTENSION_UNKNOWN,
        "http://hl7.org/fhir/R4/extensibility.html#Extension",
    ),
    (
        INVARIANT,
        "http://hl7.org/fhir/R4/conformance-rules.html#constraints",
    ),
    (DIV, "http://hl7.org/fhir/R4/narrative.html#xhtml"),
    (
        NARRATIVE_EMPTY,
        "http://hl7.org/fhir/R4/narrative.html#xhtml",
    ),
    (NARRATIVE, "http://hl7.org/fhir/R4/narrative.html"),
    (XHTML, "http://hl7.org/fhir/R4/narrative.html#xhtml"),
    (FORMAT, "http://hl7.org/fhir/R4/datatypes.html#primitive"),
    (PROFILE, "http://hl7.org/fhir/R4/profiling.html"),
    (PROFILE_FIXED, "http://hl7.org/fhir/R4/profiling.html"),
    (PROFILE_MAX, "http://hl7.org/fhir/R4/profiling.html"),
    (PROFILE_MIN, "http://hl7.org/fhir/R4/profiling.html"),
    (PROFILE_PATTERN, "http://hl7.org/fhir/R4/profiling.html"),
    (PROFILE_RANGE, "http://hl7.org/fhir/R4/profiling.html"),
    (PROFILE_TYPE, "http://hl7.org/fhir/R4/profiling.html"),
    (
        ANSWER_CONTENT,
        "http://hl7.org/fhir/R4/questionnaire-profiles.html#extensions",
    ),
    (
        ANSWER_LIMIT,
        "http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.maxLength",
    ),
    (
        ANSWER_OPTION,
        "http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.answerOption",
    ),
    (
        ANSWER_TYPE,
        "http://hl7.org/fhir/R4/valueset-item-type.html",
    ),
    (
        ANSWER_UNIT,
        "http://hl7.org/fhir/R4/extension-questionnaire-unitoption.html",
    ),
    (
        QUESTIONNAIRE,
        "http://hl7.org/fhir/R4/questionnaireresponse-definitions.html#QuestionnaireResponse.questionnaire",
    ),
    (
        ITEM_DISABLED,
        "http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen",
    ),
    (
        LINK_ID,
        "http://hl7.org/fhir/R4/questionnaireresponse-definitions.html#QuestionnaireResponse.questionnaire",
    ),
    (
        ITEM_NESTING,
        "http://hl7.org/fhir/R4/questionnaireresponse-definitions.html#QuestionnaireResponse.questionnaire",
    ),
    (
        ITEM_OCCURS,
        "http://hl7.org/fhir/R4/extension-questionnaire-maxoccurs.html",
    ),
    (
        ITEM_ORDER,
        "http://hl7.org/fhir/R4/questionnaireresponse.html",
    ),
    (
        ITEM_REPEATS,
        "http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.repeats",
    ),
    (
        ITEM_REQUIRED,
        "http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.required",
    ),
    (
        ITEM_TEXT,
        "http://hl7.org/fhir/R4/questionnaireresponse-definitions.html#QuestionnaireResponse.item.text",
    ),
    (
        UNRESOLVED,
        "http://hl7.org/fhir/R4/references.html#contained",
    ),
    (
        TARGET_PROFILE,
        "http://hl7.org/fhir/R4/references.html#Reference",
    ),
    (REFERENCE, "http://hl7.org/fhir/R4/references.html#literal"),
    (TARGET, "http://hl7.org/fhir/R4/references.html#Reference"),
    (
        SLICE_CLOSED,
        "http://hl7.org/fhir/R4/profiling.html#slicing",
    ),
    (SLICE_MAX, "http://hl7.org/fhir/R4/profiling.html#slicing"),
    (SLICE_MIN, "http://hl7.org/fhir/R4/profiling.html#slicing"),
    (SLICE_ORDER, "http://hl7.org/fhir/R4/profiling.html#slicing"),
    (CHOICE, "http://hl7.org/fhir/R4/formats.html#choice"),
    (DEPTH, "http://hl7.org/fhir/R4/json.html"),
    (DUPLICATE_ID, "http://hl7.org/fhir/R4/element.html#id"),
    (EMPTY, "http://hl7.org/fhir/R4/json.html"),
    (NULL, "http://hl7.org/fhir/R4/json.html#primitive"),
    (RESOURCE_TYPE, "http://hl7.org/fhir/R4/json.html#resources"),
    (SHAPE, "http://hl7.org/fhir/R4/json.html"),
    (UNKNOWN_ELEMENT, "http://hl7.org/fhir/R4/json.html"),
    (LIMIT, "http://hl7.org/fhir/R4/validation.html"),
];
