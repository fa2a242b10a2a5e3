//! Profiles as overlays: what a StructureDefinition demands beyond the base definitions, as a tree of elements.
//! Not the base structures (`table`), and not the judging of a resource (`fhir::validate`).
//!
//! A tree holds the constrained elements only. What R4 itself says of an element is not repeated in it.

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::fhir::path::{Expression, PathError};

/// A profile of a resource or type, or the definition of an extension.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    /// Canonical without version.
    pub url: String,
    /// Business version, empty if none.
    pub version: String,
    /// Computer-friendly name.
    pub name: String,
    /// The type that is constrained (`Patient`, `Extension`).
    pub type_name: String,
    /// Canonical of the definition that this one constrains.
    pub base: String,
    /// For extensions: where they may stand.
    pub contexts: Vec<Context>,
    /// The root element.
    pub root: Overlay,
}

/// A place where an extension may stand, <http://hl7.org/fhir/R4/defining-extensions.html#context>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Context {
    /// An element path or a type name.
    Element(String),
    /// The canonical of the extension that holds it.
    Extension(String),
    /// A FHIRPath expression.
    Expression(String),
}

/// What a profile says of one element or one slice of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Overlay {
    /// Name of the element without `[x]`; the type at the root.
    pub name: String,
    /// Name of the slice, empty for the element itself.
    pub slice: String,
    /// Minimum, where it is given.
    pub min: Option<u32>,
    /// Maximum, where it is given; `None` inside is `*`.
    pub max: Option<Option<u32>>,
    /// Allowed types; empty if the profile does not restrict them.
    pub types: Vec<TypeChoice>,
    /// The value must be exactly this.
    pub fixed: Option<Literal>,
    /// The value must have at least this.
    pub pattern: Option<Literal>,
    /// The value must not be less.
    pub min_value: Option<Literal>,
    /// The value must not be more.
    pub max_value: Option<Literal>,
    /// Longest text in characters.
    pub max_length: Option<u32>,
    /// Value set of the codes.
    pub binding: Option<Binding>,
    /// Value sets that bind the codes beside it.
    pub more_bindings: Vec<Binding>,
    /// Conditions on the element.
    pub invariants: Vec<Invariant>,
    /// A system must be able to handle it.
    pub must_support: bool,
    /// How the occurrences are told apart.
    pub slicing: Option<Slicing>,
    /// The slices.
    pub slices: Vec<Overlay>,
    /// Constrained elements below.
    pub children: Vec<Overlay>,
}

/// One allowed type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeChoice {
    /// Type name.
    pub code: String,
    /// The value must conform to one of these profiles.
    pub profiles: Vec<String>,
    /// The target of a reference must conform to one of these.
    pub targets: Vec<String>,
}

/// How the occurrences of an element are distributed on slices, <http://hl7.org/fhir/R4/profiling.html#slicing>.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Slicing {
    /// What tells the slices apart.
    pub discriminators: Vec<Discriminator>,
    /// What may stand beside the slices.
    pub rules: SlicingRules,
    /// The slices must come in their order.
    pub ordered: bool,
}

/// What may stand beside the slices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlicingRules {
    /// Anything, anywhere.
    #[default]
    Open,
    /// Anything, behind the slices.
    OpenAtEnd,
    /// Nothing.
    Closed,
}

/// What tells slices apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discriminator {
    /// Its kind.
    pub kind: DiscriminatorKind,
    /// Restricted FHIRPath from the element.
    pub path: String,
}

/// Kind of a discriminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum DiscriminatorKind {
    Value,
    Exists,
    Pattern,
    Type,
    Profile,
}

/// How strongly codes are bound, <http://hl7.org/fhir/R4/terminologies.html#strength>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strength {
    /// Codes must be of the value set.
    Required,
    /// Codes must be of the value set if one of them applies.
    Extensible,
}

/// A value set for the codes of an element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Its strength; weaker ones are not kept.
    pub strength: Strength,
    /// Canonical without version.
    pub value_set: String,
}

/// A condition in FHIRPath.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invariant {
    /// Its key (`us-core-6`).
    pub key: String,
    /// A broken one is an error, else a warning.
    pub is_error: bool,
    /// What it says.
    pub human: String,
    /// The condition; true where it holds. Empty if the definition has none.
    pub expression: String,
    #[serde(skip)]
    plan: OnceLock<Result<Expression, PathError>>,
}

impl Invariant {
    /// A condition that is parsed when it is first used.
    pub fn new(key: &str, is_error: bool, human: &str, expression: &str) -> Self {
        Invariant {
            key: key.to_owned(),
            is_error,
            human: human.to_owned(),
            expression: expression.to_owned(),
            plan: OnceLock::new(),
        }
    }

    /// The compiled expression, or why there is none.
    pub(crate) fn plan(&self) -> Result<&Expression, &PathError> {
        self.plan
            .get_or_init(|| Expression::parse(&self.expression))
            .as_ref()
    }
}

/// A JSON value that is stored as its text, which keeps numbers as they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal(pub Value);

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text)
            .map(Literal)
            .map_err(serde::de::Error::custom)
    }
}

impl Overlay {
    /// The overlay of a child element.
    pub(crate) fn child(&self, name: &str) -> Option<&Overlay> {
        self.children.iter().find(|child| child.name == name)
    }

    /// True if it demands nothing by itself or below.
    pub(crate) fn is_void(&self) -> bool {
        self.min.is_none()
            && self.max.is_none()
            && self.types.is_empty()
            && self.fixed.is_none()
            && self.pattern.is_none()
            && self.min_value.is_none()
            && self.max_value.is_none()
            && self.max_length.is_none()
            && self.binding.is_none()
            && self.more_bindings.is_empty()
            && self.invariants.is_empty()
            && !self.must_support
            && self.slicing.is_none()
            && self.slices.is_empty()
            && self.children.is_empty()
    }
}
