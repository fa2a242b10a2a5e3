//! One value of a criterion against the postings of its parameter: strings, tokens and uris here, other kinds in their
//! own files. <http://hl7.org/fhir/R4/search.html#ptypes>

use super::super::defect::Fault;
use super::super::fold::{fold, fold_ascii, fold_case};
use super::super::index::{Postings, Rows};
use super::super::outcome::Refusal;
use super::super::term::Term;
use super::super::turn::Turn;
use super::{amount, date, reference};
use crate::fhir::definitions::{ParameterKind, SearchParameter};
use crate::fhir::query::{Modifier, OfTypeValue, TokenValue, unescape};

/// Rows that have a term which the value matches.
pub fn find(
    turn: &Turn<'_>,
    postings: &Postings,
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    value: &str,
) -> Result<Rows, Refusal> {
    match (parameter.kind, modifier) {
        (ParameterKind::String, None) => Ok(starts_with(turn, postings, value)),
        (ParameterKind::String, Some(Modifier::Contains)) => Ok(contains(turn, postings, value)),
        (ParameterKind::String, Some(Modifier::Exact)) => Ok(exact(postings, value)),
        (ParameterKind::Token, None | Some(Modifier::Not)) => token(turn, postings, value),
        (ParameterKind::Token, Some(Modifier::OfType)) => of_type(postings, value),
        (ParameterKind::Uri, None) => Ok(postings.exactly(&Term::Uri(value.to_owned()))),
        (ParameterKind::Uri, Some(Modifier::Below)) => Ok(below(postings, value)),
        (ParameterKind::Uri, Some(Modifier::Above)) => Ok(above(postings, value)),
        (ParameterKind::Reference, None | Some(Modifier::Type(_))) => {
            reference::find(turn, postings, parameter, modifier, value)
        }
        (ParameterKind::Reference, Some(Modifier::Identifier)) => logical(turn, postings, value),
        (ParameterKind::Date, None) => date::find(turn, postings, parameter, value),
        (ParameterKind::Number, None) => amount::number(postings, value),
        (ParameterKind::Quantity, None) => amount::quantity(turn, postings, value),
        _ => Err(Refusal::new(
            400,
            "not-supported",
            format!(
                "the parameter {} is not supported with this modifier",
                parameter.code
            ),
        )),
    }
}

/// A part of a composite as a query holds the values of its kind: those without inner structure are unescaped.
pub(super) fn plain_if_unescaped(kind: ParameterKind, text: String) -> String {
    match kind {
        ParameterKind::Token | ParameterKind::Quantity | ParameterKind::Reference => text,
        _ => unescape(&text),
    }
}

pub(super) fn malformed(message: String) -> Refusal {
    Refusal::new(400, "value", format!("a value {message}"))
}

/// A search value as the index has texts.
fn folded(turn: &Turn<'_>, value: &str) -> String {
    match turn.server.strikes(Fault::AsciiCaseOnly, value) {
        true => fold_ascii(value),
        false => fold(value),
    }
}

fn starts_with(turn: &Turn<'_>, postings: &Postings, value: &str) -> Rows {
    if turn.server.strikes(Fault::StringCaseSensitive, value) {
        return postings
            .select(|term| matches!(term, Term::Text { exact, .. } if exact.starts_with(value)));
    }
    let prefix = folded(turn, value);
    if prefix.is_empty() {
        // Nothing but punctuation: folding would make it match everything.
        let prefix = fold_case(value);
        return postings.select(|term| {
            matches!(term, Term::Text { exact, .. } if fold_case(exact).starts_with(&prefix))
        });
    }
    let low = Term::Text {
        folded: prefix.clone(),
        exact: String::new(),
    };
    let within =
        |term: &Term| matches!(term, Term::Text { folded, .. } if folded.starts_with(&prefix));
    postings.scan(&low, within, |_| true)
}

fn contains(turn: &Turn<'_>, postings: &Postings, value: &str) -> Rows {
    let part = folded(turn, value);
    let plain = fold_case(value);
    postings.select(|term| match term {
        Term::Text { exact, .. } if part.is_empty() => fold_case(exact).contains(&plain),
        Term::Text { folded, .. } => folded.contains(&part),
        _ => false,
    })
}

fn exact(postings: &Postings, value: &str) -> Rows {
    postings.exactly(&Term::Text {
        folded: fold(value),
        exact: value.to_owned(),
    })
}

fn token(turn: &Turn<'_>, postings: &Postings, value: &str) -> Result<Rows, Refusal> {
    let wanted = TokenValue::parse(value).map_err(malformed)?;
    let Some(code) = wanted.code else {
        let system = wanted.system.unwrap_or_default();
        return Ok(postings.select(|term| is_of_system(term, &system)));
    };
    let has_system = |known: &String| wanted.system.as_ref().is_none_or(|wanted| wanted == known);
    if turn.server.strikes(Fault::TokenAccentsFolded, value) {
        let plain = fold(&code);
        return Ok(postings.select(|term| {
            matches!(term, Term::Token { code, system, .. } if fold(code) == plain && has_system(system))
        }));
    }
    let folded = fold_case(&code);
    let low = Term::Token {
        folded: folded.clone(),
        system: String::new(),
        code: String::new(),
        strict: false,
    };
    let within =
        |term: &Term| matches!(term, Term::Token { folded: known, .. } if *known == folded);
    Ok(postings.scan(&low, within, |term| {
        let Term::Token {
            system,
            code: known,
            strict,
            ..
        } = term
        else {
            return false;
        };
        (!strict || *known == code) && has_system(system)
    }))
}

fn is_of_system(term: &Term, wanted: &str) -> bool {
    matches!(term, Term::Token { system, .. } if system == wanted)
}

fn of_type(postings: &Postings, value: &str) -> Result<Rows, Refusal> {
    let wanted = OfTypeValue::parse(value).map_err(malformed)?;
    Ok(postings.exactly(&Term::OfType {
        value: wanted.value,
        system: wanted.system,
        code: wanted.code,
    }))
}

/// `:identifier`: the identifier inside a reference.
fn logical(turn: &Turn<'_>, postings: &Postings, value: &str) -> Result<Rows, Refusal> {
    let wanted = TokenValue::parse(value).map_err(malformed)?;
    if turn.server.has(Fault::IdentifierAsType) {
        return Ok(Rows::new());
    }
    let code = wanted.code.as_deref().map(fold_case);
    Ok(postings.select(|term| {
        let Term::Logical { folded, system } = term else {
            return false;
        };
        code.as_ref().is_none_or(|code| code == folded)
            && wanted.system.as_ref().is_none_or(|wanted| wanted == system)
    }))
}

/// The uri itself and those further down its path.
fn below(postings: &Postings, value: &str) -> Rows {
    let low = Term::Uri(value.to_owned());
    let within = |term: &Term| matches!(term, Term::Uri(uri) if uri.starts_with(value));
    postings.scan(
        &low,
        within,
        |term| matches!(term, Term::Uri(uri) if leads_to(value, uri)),
    )
}

/// The uri itself and those further up its path.
fn above(postings: &Postings, value: &str) -> Rows {
    postings.select(|term| matches!(term, Term::Uri(uri) if leads_to(uri, value)))
}

/// True if `long` is `short` or lies below it in the path.
fn leads_to(short: &str, long: &str) -> bool {
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || short.ends_with('/') || rest.starts_with('/'))
}
