//! Expectations on header fields and on the kind of body.

use crate::fhir::{outcome as operation_outcome, resource};
use crate::record::Violation;
use crate::secret::Phrase;

use super::super::ir::{BodyKind, Matcher};
use super::super::template::Template;
use super::{Judgement, StepOutcome};

/// A header field of the first answer.
pub(super) fn header(name: &str, matcher: &Matcher, outcome: &StepOutcome<'_>) -> Judgement {
    let Some(exchange) = outcome.evidence.exchanges.first() else {
        return Judgement::default();
    };
    let found = exchange
        .header(name)
        .map(str::trim)
        .filter(|value| !value.is_empty());
    let fill = |template: &Template| template.fill(outcome.bindings);
    let (holds, expected) = match matcher {
        Matcher::Present => (found.is_some(), Phrase::say(format!("{name} is there"))),
        Matcher::Absent => (found.is_none(), Phrase::say(format!("{name} is not there"))),
        Matcher::Matches(pattern) => (
            found.is_some_and(|value| pattern.is_match(value)),
            Phrase::say(format!("{name} matches {pattern}")),
        ),
        Matcher::Equals(template) => match fill(template) {
            Err(reason) => return Judgement::undecided(reason),
            Ok(wanted) => (
                found == Some(wanted.as_str()),
                wanted_field(&format!("{name}: "), name, template, wanted),
            ),
        },
        Matcher::Contains(template) => match fill(template) {
            Err(reason) => return Judgement::undecided(reason),
            Ok(wanted) => (
                found.is_some_and(|value| value.contains(&wanted)),
                wanted_field(&format!("{name} with "), name, template, wanted),
            ),
        },
    };
    if holds {
        return Judgement::default();
    }
    let actual = match found {
        Some(value) => Phrase::say(format!("{name}: ")).field(name, value),
        None => Phrase::say(format!("no {name}")),
    };
    Judgement::broken(
        Violation::new(
            "expect/header",
            "A header field is not as R4 demands",
            expected,
            actual,
        )
        .at(name)
        .seen_in([exchange.number])
        .signed(name.to_ascii_lowercase()),
    )
}

/// What a field should be: words of the suite's author, or made of values that only the disclosure can weigh.
fn wanted_field(words: &str, name: &str, template: &Template, wanted: String) -> Phrase {
    match template.names().next() {
        None => Phrase::say(words).words(wanted),
        Some(_) => Phrase::say(words).field(name, wanted),
    }
}

/// The kind of body of the first answer.
pub(super) fn is(kind: BodyKind, outcome: &StepOutcome<'_>) -> Judgement {
    let Some(exchange) = outcome.evidence.exchanges.first() else {
        return Judgement::default();
    };
    let Some(response) = exchange.response() else {
        return Judgement::undecided("no answer");
    };
    let json = exchange.parsed();
    let resource_type = json.as_deref().and_then(resource::resource_type);
    let (holds, expected) = match kind {
        BodyKind::Empty => (response.body.is_empty(), "no body"),
        BodyKind::Resource => (resource_type.is_some(), "a resource"),
        BodyKind::Outcome => (
            json.as_deref().is_some_and(operation_outcome::is_outcome),
            "an OperationOutcome",
        ),
        BodyKind::Bundle => (resource_type == Some("Bundle"), "a Bundle"),
    };
    if holds {
        return Judgement::default();
    }
    let actual = match resource_type {
        _ if response.body.is_empty() => Phrase::say("no body"),
        Some(found) => Phrase::say("a ").data(found),
        None if json.is_some() => Phrase::say("JSON that is no resource"),
        None => Phrase::say("a body that is neither JSON nor FHIR XML"),
    };
    Judgement::broken(
        Violation::new(
            "expect/body",
            "The body is not what the case demands",
            expected,
            actual,
        )
        .at("body")
        .seen_in([exchange.number])
        .signed(expected),
    )
}
