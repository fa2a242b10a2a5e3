//! Keys of load suites. Not of how they are run: `engine::load`.

use super::{DATA_FORM, FHIRPATH, Form, STATUSES, Shape, TITLE, WHERE, key, needed};

/// A number, or text with a hole that becomes one.
const RATIO: Form = Form::Either(&[Form::Decimal, Form::Text]);

/// A suite of kind `load`.
pub static LOAD_SUITE: Shape = Shape {
    name: "load-suite",
    what: "a load suite",
    keys: &[
        needed("kind", Form::Word(&["load"]), "What the file holds."),
        TITLE,
        key("data", DATA_FORM, "Data that the operations want to find."),
        needed("rate", RATIO, "Requests per second."),
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
        key("weight", RATIO, "Share among the operations."),
        needed(
            "get",
            Form::Text,
            "URL relative to the base; `${value}` is taken from the data.",
        ),
        key("from", Form::Map(&VALUES), "Where `${value}` comes from."),
        key("status", STATUSES, "Statuses that are a success."),
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
        WHERE,
    ],
};
