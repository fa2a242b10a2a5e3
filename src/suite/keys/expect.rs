//! Keys of what is expected of an answer. Not of how it is asked for: `case`.

use super::{FHIRPATH, Form, STATUSES, Shape, key};

/// `expect`.
pub static EXPECT: Shape = Shape {
    name: "expect",
    what: "`expect`",
    keys: &[
        key(
            "status",
            STATUSES,
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
