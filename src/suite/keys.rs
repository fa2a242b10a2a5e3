//! Every key of a suite file: what it is for and what it takes, in canonical order. The loader refuses what is not
//! here, the schema for editors is made from here, the formatter orders by it. What values mean is `load`'s affair.

mod case;
mod expect;
mod load;
mod suite;

pub use self::case::{CASE, FROM, PICK, STEP};
pub use self::expect::{EXPECT, HEADER, IDS};
pub use self::load::{LOAD_SUITE, OPERATION, VALUES};
pub use self::suite::{DATA, PROPERTY_SUITE, REQUIREMENT, SUITE};

use super::yaml::{Node, Problem};

/// A map of the format with its keys.
#[derive(Debug)]
pub struct Shape {
    /// Name of the definition in the schema.
    pub name: &'static str,
    /// As messages call it (`a case`).
    pub what: &'static str,
    /// Keys in canonical order.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// What it takes.
    pub form: Form,
    /// The map is a mistake without it.
    pub needed: bool,
}

/// What a key takes.
#[derive(Debug)]
pub enum Form {
    /// Text; numbers and booleans are taken as written.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number that is not negative.
    Number,
    /// A number that may have a fraction.
    Decimal,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A resource type of R4.
    ResourceType,
    /// JSON: a resource, or a part of one.
    Json,
    /// A map from names of one's own.
    MapOf(&'static Form),
    /// A list.
    ListOf(&'static Form),
    /// One, or a list of them.
    OneOrMore(&'static Form),
    /// One of these forms.
    Either(&'static [Form]),
    /// A map of the format.
    Map(&'static Shape),
}

impl Shape {
    /// Reports every key that the shape does not have, with a suggestion.
    pub fn check(&self, node: &Node, problems: &mut Vec<Problem>) {
        node.check_keys(self.what, &self.names(), problems);
    }

    /// Names of the keys in canonical order.
    pub fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }
}

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key {
        name,
        about,
        form,
        needed: false,
    }
}

const fn needed(name: &'static str, form: Form, about: &'static str) -> Key {
    Key {
        needed: true,
        ..key(name, form, about)
    }
}

/// Kinds of suite.
pub const KINDS: &[&str] = &["conformance", "property", "load"];
/// Strength of a rule.
pub const LEVELS: &[&str] = &["SHALL", "SHOULD", "MAY", "ROBUST"];
/// How much a violation hurts.
pub const SEVERITIES: &[&str] = &["critical", "major", "minor", "info"];

const STEPS: Form = Form::ListOf(&Form::Map(&STEP));
const FHIRPATH: Form = Form::Text;
const TEXTS: Form = Form::MapOf(&Form::Text);
const STATUSES: Form = Form::OneOrMore(&Form::Either(&[Form::Number, Form::Text]));
const DATA_FORM: Form = Form::Either(&[Form::Word(&["target"]), Form::Map(&DATA)]);
const REQUIRES: Form = Form::OneOrMore(&Form::Either(&[FHIRPATH, Form::Map(&REQUIREMENT)]));

const TITLE: Key = needed("title", Form::Text, "One line for people.");
const WHERE: Key = key("where", FHIRPATH, "FHIRPath: which resources will do.");

/// All maps of the format.
pub static SHAPES: &[&Shape] = &[
    &SUITE,
    &PROPERTY_SUITE,
    &LOAD_SUITE,
    &OPERATION,
    &VALUES,
    &DATA,
    &REQUIREMENT,
    &CASE,
    &PICK,
    &STEP,
    &EXPECT,
    &HEADER,
    &IDS,
    &FROM,
];
