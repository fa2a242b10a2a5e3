//! Every key of a suite file: what it is for and what it takes, in canonical order. The loader refuses what is not
//! here, the schema for editors is made from here, the formatter orders by it. What values mean is `load`'s affair.

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
const VARS: Form = Form::MapOf(&Form::Text);
const DATA_FORM: Form = Form::Either(&[Form::Word(&["target"]), Form::Map(&DATA)]);
const REQUIRES: Form = Form::OneOrMore(&Form::Either(&[FHIRPATH, Form::Map(&REQUIREMENT)]));

/// A suite of kind `conformance`.
pub static SUITE: Shape = Shape {
    name: "suite",
    what: "a suite",
    keys: &[
        needed("kind", Form::Word(&["conformance"]), "What the file holds."),
        needed("title", Form::Text, "One line for people."),
        key(
            "data",
            DATA_FORM,
            "Data that the cases want to find: `target` is whatever is there.",
        ),
        key(
            "vars",
            VARS,
            "Names that --var and the target may set, with what they are otherwise.",
        ),
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
        needed("title", Form::Text, "One line for people."),
        key("data", DATA_FORM, "Data that the properties want to find."),
        key(
            "vars",
            VARS,
            "Names that --var and the target may set, with what they are otherwise.",
        ),
        needed(
            "properties",
            Form::ListOf(&Form::Text),
            "Ids of properties; `rounds list properties` names them.",
        ),
    ],
};

/// A suite of kind `load`.
pub static LOAD_SUITE: Shape = Shape {
    name: "load-suite",
    what: "a load suite",
    keys: &[
        needed("kind", Form::Word(&["load"]), "What the file holds."),
        needed("title", Form::Text, "One line for people."),
        key("data", DATA_FORM, "Data that the operations want to find."),
        needed(
            "rate",
            Form::Either(&[Form::Decimal, Form::Text]),
            "Requests per second.",
        ),
        needed("duration", Form::Text, "How long it lasts, such as `60s`."),
        key("warmup", Form::Text, "Time before it that is not counted."),
        key("arrivals", Form::Text, "How requests are spread over time."),
        key("in-flight", Form::Number, "Requests in flight at most."),
        key(
            "max-lateness",
            Form::Text,
            "How late a request may leave before the generator is too slow.",
        ),
        needed(
            "operations",
            Form::ListOf(&Form::Map(&OPERATION)),
            "What is sent.",
        ),
        key(
            "thresholds",
            Form::MapOf(&Form::OneOrMore(&Form::Text)),
            "Limits by operation, such as `p95 < 100ms`; `all` is all.",
        ),
    ],
};

/// One operation of a load suite.
pub static OPERATION: Shape = Shape {
    name: "operation",
    what: "an operation",
    keys: &[
        needed("name", Form::Text, "Name in reports and thresholds."),
        key(
            "weight",
            Form::Either(&[Form::Decimal, Form::Text]),
            "Share among the operations.",
        ),
        needed(
            "get",
            Form::Text,
            "URL relative to the base; `${value}` is taken from the data.",
        ),
        key("from", Form::Map(&VALUES), "Where `${value}` comes from."),
        key(
            "status",
            Form::OneOrMore(&Form::Either(&[Form::Number, Form::Text])),
            "Statuses that are a success.",
        ),
        key("body", Form::Text, "What must be in the answer."),
    ],
};

/// `from` of an operation.
pub static VALUES: Shape = Shape {
    name: "values",
    what: "`from`",
    keys: &[
        needed("type", Form::ResourceType, "Resource type of the cohort."),
        needed("value", FHIRPATH, "FHIRPath of the value."),
        key("where", FHIRPATH, "FHIRPath: which resources will do."),
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

/// A case.
pub static CASE: Shape = Shape {
    name: "case",
    what: "a case",
    keys: &[
        needed("id", Form::Text, "`AREA/words`, stable for ever."),
        needed(
            "title",
            Form::Text,
            "One sentence: what holds if the case passes.",
        ),
        needed("spec", Form::Text, "URL of the rule."),
        key(
            "sentence",
            Form::Text,
            "The sentence of R4 that it rests on, word for word, or in other words after `(paraphrase)`; needed unless the level is ROBUST.",
        ),
        needed(
            "level",
            Form::Word(LEVELS),
            "Strength of the rule; ROBUST fails only on 5xx, a hang or lost data.",
        ),
        needed(
            "severity",
            Form::Word(SEVERITIES),
            "How much a violation hurts.",
        ),
        key("checklist", Form::Text, "Row of the checklist."),
        key("was", Form::OneOrMore(&Form::Text), "Former ids."),
        key(
            "requires",
            REQUIRES,
            "Claims without which the case is skipped.",
        ),
        key(
            "identities",
            Form::OneOrMore(&Form::Text),
            "Identities of the target that its steps use besides the usual one.",
        ),
        key(
            "each",
            Form::Either(&[Form::Text, Form::ListOf(&VARS)]),
            "Rows, one testcase each: `${column}` is filled in. A list, or a CSV file beside this one.",
        ),
        key(
            "pick",
            Form::MapOf(&Form::Map(&PICK)),
            "Witnesses from the data, by name.",
        ),
        key(
            "use",
            Form::OneOrMore(&Form::Text),
            "Fragments whose steps go before its own.",
        ),
        needed(
            "steps",
            STEPS,
            "Requests with what is expected of their answers.",
        ),
        key(
            "teardown",
            STEPS,
            "Steps after the last one, whatever happened.",
        ),
    ],
};

/// A pick.
pub static PICK: Shape = Shape {
    name: "pick",
    what: "a pick",
    keys: &[
        needed("type", Form::ResourceType, "Resource type."),
        key("where", FHIRPATH, "FHIRPath: which resources will do."),
        key(
            "value",
            FHIRPATH,
            "FHIRPath: what `${name}` stands for; `${name.id}` is always there.",
        ),
        key(
            "values",
            Form::MapOf(&FHIRPATH),
            "Further values: `${name.KEY}`.",
        ),
        key(
            "search",
            Form::MapOf(&Form::Text),
            "Search parameters of the type: `${name.KEY}` is a value that finds the witness.",
        ),
    ],
};

/// A step.
pub static STEP: Shape = Shape {
    name: "step",
    what: "a step",
    keys: &[
        key("get", REQUEST, "GET this URL, relative to the base."),
        key("head", REQUEST, "HEAD."),
        key("options", REQUEST, "OPTIONS."),
        key("post", REQUEST, "POST."),
        key("put", REQUEST, "PUT."),
        key("patch", REQUEST, "PATCH."),
        key("delete", REQUEST, "DELETE."),
        key(
            "identity",
            Form::Text,
            "Who asks, if not the usual one; one of `identities`.",
        ),
        key("headers", Form::MapOf(&Form::Text), "Header fields."),
        key(
            "body",
            Form::Json,
            "JSON, text, or `{ from: NAME, with: MERGE-PATCH }`.",
        ),
        key(
            "format",
            Form::Word(&["json", "xml"]),
            "How a body that is a map is written.",
        ),
        key(
            "form",
            Form::MapOf(&Form::Text),
            "Fields of a form, in place of a body.",
        ),
        key("as", Form::Text, "Name of the answer for later steps."),
        key(
            "confine",
            Form::Flag,
            "Whether a search is confined to the data and given what the target demands.",
        ),
        key(
            "decides",
            Form::Flag,
            "Whether its refusal breaks the rule; of a step before the last it blocks the case else.",
        ),
        key(
            "follow",
            Form::Either(&[Form::Flag, Form::Number, Form::Word(&["next"])]),
            "Follow `next` links; a number is the most pages.",
        ),
        key(
            "poll",
            Form::Either(&[Form::Flag, Form::Text]),
            "Repeat until the expectations hold; a time is the longest.",
        ),
        key(
            "expect",
            Form::OneOrMore(&Form::Map(&EXPECT)),
            "What must hold of the answer.",
        ),
        key(
            "capture",
            Form::MapOf(&Form::Text),
            "Values for later steps: FHIRPath, `header NAME`, `created-id`, `created-version`.",
        ),
    ],
};

/// `get:` with nothing after it is the base itself.
const REQUEST: Form = Form::Text;

/// `expect`.
pub static EXPECT: Shape = Shape {
    name: "expect",
    what: "`expect`",
    keys: &[
        key(
            "status",
            Form::OneOrMore(&Form::Either(&[Form::Number, Form::Text])),
            "A code (`404`) or a class (`4xx`), or several.",
        ),
        key(
            "headers",
            Form::MapOf(&Form::Either(&[Form::Text, Form::Map(&HEADER)])),
            "`present`, `absent`, a value, or one of equals, contains, matches.",
        ),
        key(
            "body",
            Form::Word(&["empty", "resource", "outcome", "bundle"]),
            "Kind of body.",
        ),
        key(
            "path",
            Form::OneOrMore(&FHIRPATH),
            "FHIRPath that is true on the body.",
        ),
        key(
            "ids",
            Form::Either(&[
                Form::Word(&["oracle"]),
                Form::ListOf(&Form::Text),
                Form::Map(&IDS),
            ]),
            "Which resources are the matches.",
        ),
        key(
            "total",
            Form::Either(&[Form::Word(&["oracle"]), Form::Number]),
            "`Bundle.total`, where it is given.",
        ),
        key(
            "sorted",
            Form::Flag,
            "The matches are in the order of `_sort`.",
        ),
        key(
            "checks",
            Form::OneOrMore(&Form::Text),
            "Checks by id; `rounds list checks` names them.",
        ),
        key(
            "any-of",
            Form::ListOf(&Form::OneOrMore(&Form::Map(&EXPECT))),
            "Groups, one of which holds completely.",
        ),
    ],
};

/// What a header field must be.
pub static HEADER: Shape = Shape {
    name: "header",
    what: "a header",
    keys: &[
        key("equals", Form::Text, "Exactly this."),
        key("contains", Form::Text, "This somewhere in it."),
        key(
            "matches",
            Form::Text,
            "A regular expression that matches somewhere in it.",
        ),
    ],
};

/// `ids`.
pub static IDS: Shape = Shape {
    name: "ids",
    what: "`ids`",
    keys: &[
        key("include", Form::ListOf(&Form::Text), "These among them."),
        key("exclude", Form::ListOf(&Form::Text), "None of these."),
        key(
            "same-as",
            Form::Text,
            "The same as an earlier step's (`as`).",
        ),
    ],
};

/// A body made from another one.
pub static FROM: Shape = Shape {
    name: "from",
    what: "a body with `from`",
    keys: &[
        needed(
            "from",
            Form::Text,
            "One of `resources`, or the `as` of an earlier step.",
        ),
        key("with", Form::Json, "JSON merge patch (RFC 7396)."),
    ],
};

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
