//! Token parameters, <http://hl7.org/fhir/R4/search.html#token>.
//! Not terminology: `:in`, `:below` and the like are beyond this oracle.

use serde_json::Value;

use super::Match;
use super::extract::{Node, plain_path};
use super::text::squeezed;
use crate::fhir::query::{OfTypeValue, TokenValue};

/// A pair that a token can match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facet<'a> {
    pub system: System<'a>,
    pub code: Option<&'a str>,
    /// Telephone numbers and the like, whose spelling varies.
    pub loose: bool,
}

/// The system of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum System<'a> {
    Absent,
    Is(&'a str),
    /// The element has no place for one: what a server implies, R4 does not say everywhere.
    Implied,
}

/// The pairs of a node; `None` for a type that no token parameter of R4 has.
pub(super) fn facets<'a>(node: &'a Node<'_>) -> Option<Vec<Facet<'a>>> {
    let Some(value) = node.value.as_deref() else {
        return Some(Vec::new());
    };
    Some(match node.type_name {
        "Coding" => vec![coded(value, "code")],
        "CodeableConcept" => plain_path(value, &["coding"])
            .into_iter()
            .map(|coding| coded(coding, "code"))
            .collect(),
        "Identifier" => vec![coded(value, "value")],
        "ContactPoint" => vec![Facet {
            system: System::Implied,
            code: value.get("value").and_then(Value::as_str),
            loose: true,
        }],
        "boolean" => vec![implied(match value.as_bool()? {
            true => "true",
            false => "false",
        })],
        "code" | "string" | "id" | "uri" | "url" | "canonical" | "oid" | "uuid" => {
            vec![implied(value.as_str()?)]
        }
        _ => return None,
    })
}

fn coded<'a>(value: &'a Value, member: &str) -> Facet<'a> {
    Facet {
        system: match value.get("system").and_then(Value::as_str) {
            Some(system) => System::Is(system),
            None => System::Absent,
        },
        code: value.get(member).and_then(Value::as_str),
        loose: false,
    }
}

fn implied(code: &str) -> Facet<'_> {
    Facet {
        system: System::Implied,
        code: Some(code),
        loose: false,
    }
}

/// Whether a node matches one alternative.
pub(super) fn judge(node: &Node<'_>, token: &TokenValue) -> Match {
    match facets(node) {
        Some(facets) => Match::any(
            facets
                .iter()
                .map(|facet| system(facet, token).and(code(facet, token))),
        ),
        None => Match::open(format!(
            "a token parameter on {} is not defined",
            node.type_name
        )),
    }
}

fn system(facet: &Facet<'_>, token: &TokenValue) -> Match {
    match (token.system.as_deref(), &facet.system) {
        (None, _) => Match::Yes,
        (Some(_), System::Implied) => Match::open("the element's system is implied"),
        (Some(asked), System::Absent) => Match::from(asked.is_empty()),
        (Some(asked), System::Is(known)) => Match::from(asked == *known),
    }
}

/// When in doubt, servers should ignore the case of codes, and whether there is doubt only the code system says.
fn code(facet: &Facet<'_>, token: &TokenValue) -> Match {
    let (Some(asked), Some(known)) = (token.code.as_deref(), facet.code) else {
        return match (&token.code, facet.code) {
            (None, Some(_)) => Match::Yes,
            (None, None) => Match::open("a system without a code"),
            (Some(_), _) => Match::No,
        };
    };
    if asked == known {
        return Match::Yes;
    }
    if asked.to_lowercase() == known.to_lowercase() {
        return Match::open("equal but for the case");
    }
    if facet.loose && squeezed(asked) == squeezed(known) {
        return Match::open("equal but for punctuation");
    }
    Match::No
}

/// Whether an identifier matches one alternative of `:of-type`.
pub(super) fn judge_of_type(node: &Node<'_>, asked: &OfTypeValue) -> Match {
    if node.type_name != "Identifier" {
        return Match::open(format!(":of-type on {} is not defined", node.type_name));
    }
    let Some(identifier) = node.value.as_deref() else {
        return Match::No;
    };
    let of_type = |coding: &Value| {
        let facet = coded(coding, "code");
        let token = TokenValue {
            system: Some(asked.system.clone()),
            code: Some(asked.code.clone()),
        };
        system(&facet, &token).and(code(&facet, &token))
    };
    let value = TokenValue {
        system: None,
        code: Some(asked.value.clone()),
    };
    Match::any(
        plain_path(identifier, &["type", "coding"])
            .into_iter()
            .map(of_type),
    )
    .and(code(&coded(identifier, "value"), &value))
}
