//! Keys of a case, its picks, its steps and their bodies. Not of what is expected: `expect`.

use super::{
    EXPECT, FHIRPATH, Form, LEVELS, REQUIRES, SEVERITIES, STEPS, Shape, TEXTS, WHERE, key, needed,
};

/// `get:` with nothing after it is the base itself.
const REQUEST: Form = Form::Text;

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
            Form::Either(&[Form::Text, Form::ListOf(&TEXTS)]),
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
        WHERE,
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
            TEXTS,
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
        key("headers", TEXTS, "Header fields."),
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
        key("form", TEXTS, "Fields of a form, in place of a body."),
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
            TEXTS,
            "Values for later steps: FHIRPath, `header NAME`, `created-id`, `created-version`.",
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
