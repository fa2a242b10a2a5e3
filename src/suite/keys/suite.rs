//! Keys of suites of cases and of properties, of their data and of what they require. Not of what a case holds: `case`.

use super::{CASE, DATA_FORM, Form, Key, REQUIRES, STEPS, Shape, TEXTS, TITLE, key, needed};

const VARS: Key = key(
    "vars",
    TEXTS,
    "Names that --var and the target may set, with what they are otherwise.",
);

/// A suite of kind `conformance`.
pub static SUITE: Shape = Shape {
    name: "suite",
    what: "a suite",
    keys: &[
        needed("kind", Form::Word(&["conformance"]), "What the file holds."),
        TITLE,
        key(
            "data",
            DATA_FORM,
            "Data that the cases want to find: `target` is whatever is there.",
        ),
        VARS,
        key(
            "requires",
            REQUIRES,
            "Claims of the CapabilityStatement without which every case is skipped.",
        ),
        key(
            "resources",
            Form::MapOf(&Form::Json),
            "Resources by name, for `body: { from: NAME }`.",
        ),
        key(
            "fragments",
            Form::MapOf(&STEPS),
            "Steps by name, for `use` of cases.",
        ),
        key("setup", STEPS, "Steps before those of each case."),
        key(
            "teardown",
            STEPS,
            "Steps after each case, whatever happened; nobody judges them.",
        ),
        needed("cases", Form::ListOf(&Form::Map(&CASE)), "The cases."),
    ],
};

/// A suite of kind `property`.
pub static PROPERTY_SUITE: Shape = Shape {
    name: "property-suite",
    what: "a property suite",
    keys: &[
        needed("kind", Form::Word(&["property"]), "What the file holds."),
        TITLE,
        key("data", DATA_FORM, "Data that the properties want to find."),
        VARS,
        needed(
            "properties",
            Form::ListOf(&Form::Text),
            "Ids of properties; `rounds list properties` names them.",
        ),
    ],
};

/// `data`.
pub static DATA: Shape = Shape {
    name: "data",
    what: "`data`",
    keys: &[
        key("count", Form::Number, "Patients."),
        key(
            "seed",
            Form::Text,
            "Seed of the population, hexadecimal; the run's if absent.",
        ),
        key(
            "features",
            Form::ListOf(&Form::Text),
            "Labels of edge cases that it must hold.",
        ),
    ],
};

/// One claim of `requires` as a short word.
pub static REQUIREMENT: Shape = Shape {
    name: "requirement",
    what: "`requires`",
    keys: &[
        key("interaction", Form::Text, "`Patient.read`"),
        key("operation", Form::Text, "`Patient.everything`"),
        key("search", Form::Text, "`Patient.family`"),
        key("system", Form::Text, "`transaction`"),
        key("flag", Form::Text, "`Patient.conditionalCreate`"),
        key("include", Form::Text, "`Observation:subject`"),
        key("revinclude", Form::Text, "`Patient/Observation:subject`"),
    ],
};
