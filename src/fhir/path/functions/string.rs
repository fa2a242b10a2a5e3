//! Functions on strings. Positions and lengths count characters.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use regex::{Regex, RegexBuilder};

use super::super::PathError;
use super::super::ast::Call;
use super::super::evaluate::{Evaluator, error};
use super::super::value::{Collection, Outcome, Text, Val};

/// Bytes of a compiled regular expression.
const PATTERN_LIMIT: usize = 1 << 20;

/// Compiles a pattern; a point matches line ends too, <http://hl7.org/fhirpath/#matchesregex--string--boolean>.
pub(in super::super) fn compile(pattern: &str, position: usize) -> Result<Regex, PathError> {
    let built = RegexBuilder::new(pattern)
        .dot_matches_new_line(true)
        .size_limit(PATTERN_LIMIT)
        .build();
    built.or_else(|_| {
        error(
            position,
            "not a regular expression that this engine can run",
        )
    })
}

/// Input and first argument, if both are there.
fn both<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Result<Option<(Text<'a>, Text<'a>)>, PathError> {
    let text = evaluator.text(input, call.position)?;
    let argument = evaluator.text_argument(call, 0)?;
    Ok(text.zip(argument))
}

/// A function of the input alone.
fn of_text<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    apply: impl FnOnce(&str) -> Val<'a>,
) -> Outcome<'a> {
    let text = evaluator.text(input, call.position)?;
    Ok(text.map(|text| apply(&text)).into_iter().collect())
}

/// A function of the input and one string.
fn of_two<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    apply: impl FnOnce(&str, &str) -> Val<'a>,
) -> Outcome<'a> {
    let texts = both(evaluator, input, call)?;
    Ok(texts
        .map(|(text, argument)| apply(&text, &argument))
        .into_iter()
        .collect())
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).expect("a string fits into memory")
}

pub(super) fn length<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_text(evaluator, input, call, |text| Val::Integer(count(text)))
}

pub(super) fn upper<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_text(evaluator, input, call, |text| {
        Val::text(text.to_uppercase())
    })
}

pub(super) fn lower<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_text(evaluator, input, call, |text| {
        Val::text(text.to_lowercase())
    })
}

pub(super) fn trim<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_text(evaluator, input, call, |text| Val::text(text.trim()))
}

pub(super) fn starts_with<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_two(evaluator, input, call, |text, part| {
        Val::Boolean(text.starts_with(part))
    })
}

pub(super) fn ends_with<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_two(evaluator, input, call, |text, part| {
        Val::Boolean(text.ends_with(part))
    })
}

pub(super) fn contains<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_two(evaluator, input, call, |text, part| {
        Val::Boolean(text.contains(part))
    })
}

pub(super) fn index_of<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_two(evaluator, input, call, |text, part| {
        Val::Integer(text.find(part).map_or(-1, |at| count(&text[..at])))
    })
}

pub(super) fn last_index_of<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    of_two(evaluator, input, call, |text, part| {
        Val::Integer(text.rfind(part).map_or(-1, |at| count(&text[..at])))
    })
}

/// Empty if the start is outside of the string.
pub(super) fn substring<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let text = evaluator.text(input, call.position)?;
    let start = evaluator.integer_argument(call, 0)?;
    let length = evaluator.integer_argument(call, 1)?;
    let (Some(text), Some(start)) = (text, start) else {
        return Ok(Vec::new());
    };
    let Some(start) = usize::try_from(start)
        .ok()
        .filter(|start| *start < text.chars().count())
    else {
        return Ok(Vec::new());
    };
    let length = match length {
        None => usize::MAX,
        Some(length) => usize::try_from(length).unwrap_or(0),
    };
    let part: String = text.chars().skip(start).take(length).collect();
    Ok(vec![Val::text(part)])
}

pub(super) fn replace<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let texts = both(evaluator, input, call)?;
    let Some(((text, pattern), substitution)) = texts.zip(evaluator.text_argument(call, 1)?) else {
        return Ok(Vec::new());
    };
    charge(evaluator, &text, &substitution, call)?;
    Ok(vec![Val::text(text.replace(&*pattern, &substitution))])
}

/// A replacement costs what it may give at most.
fn charge(
    evaluator: &mut Evaluator<'_>,
    text: &str,
    substitution: &str,
    call: &Call,
) -> Result<(), PathError> {
    let most = (text.len() + 1).saturating_mul(substitution.len() + 1);
    evaluator.spend(most, call.position)
}

/// The compiled pattern of the call, or that of an argument that had to be evaluated; `None` if it is empty.
fn pattern(evaluator: &mut Evaluator<'_>, call: &Call) -> Result<Option<Regex>, PathError> {
    if let Some(pattern) = &call.pattern {
        return Ok(Some(pattern.clone()));
    }
    match evaluator.text_argument(call, 0)? {
        Some(text) => compile(&text, call.position).map(Some),
        None => Ok(None),
    }
}

pub(super) fn matches<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let text = evaluator.text(input, call.position)?;
    let matched = text
        .zip(pattern(evaluator, call)?)
        .map(|(text, pattern)| Val::Boolean(pattern.is_match(&text)));
    Ok(matched.into_iter().collect())
}

pub(super) fn matches_full<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let text = evaluator.text(input, call.position)?;
    let Some((text, pattern)) = text.zip(pattern(evaluator, call)?) else {
        return Ok(Vec::new());
    };
    let anchored = compile(&format!("^(?:{})$", pattern.as_str()), call.position)?;
    Ok(vec![Val::Boolean(anchored.is_match(&text))])
}

/// An empty pattern changes nothing.
pub(super) fn replace_matches<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let text = evaluator.text(input, call.position)?;
    let pattern = pattern(evaluator, call)?;
    let substitution = evaluator.text_argument(call, 1)?;
    let Some(((text, pattern), substitution)) = text.zip(pattern).zip(substitution) else {
        return Ok(Vec::new());
    };
    if pattern.as_str().is_empty() {
        return Ok(vec![Val::String(text)]);
    }
    charge(evaluator, &text, &substitution, call)?;
    Ok(vec![Val::text(pattern.replace_all(&text, &*substitution))])
}

pub(super) fn to_chars<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some(text) = evaluator.text(input, call.position)? else {
        return Ok(Vec::new());
    };
    evaluator.spend(text.len(), call.position)?;
    Ok(text.chars().map(Val::text).collect())
}

pub(super) fn split<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some((text, separator)) = both(evaluator, input, call)? else {
        return Ok(Vec::new());
    };
    evaluator.spend(text.len(), call.position)?;
    if separator.is_empty() {
        return Ok(text.chars().map(Val::text).collect());
    }
    Ok(text.split(&*separator).map(Val::text).collect())
}

/// Items without value are left out.
pub(super) fn join<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let separator = evaluator
        .text_argument(call, 0)?
        .unwrap_or(Text::Borrowed(""));
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let mut texts = Vec::with_capacity(input.len());
    for item in input {
        if let Some(text) = evaluator.text(vec![item], call.position)? {
            evaluator.spend(text.len() + separator.len(), call.position)?;
            texts.push(text.to_string());
        }
    }
    Ok(vec![Val::text(texts.join(&separator))])
}

pub(super) fn encode<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some((text, format)) = both(evaluator, input, call)? else {
        return Ok(Vec::new());
    };
    let encoded = match &*format {
        "hex" => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "base64" => STANDARD.encode(text.as_bytes()),
        "urlbase64" => URL_SAFE.encode(text.as_bytes()),
        _ => return error(call.position, "encodings are hex, base64 and urlbase64"),
    };
    Ok(vec![Val::text(encoded)])
}

/// Empty if the text is not what the encoding gives.
pub(super) fn decode<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some((text, format)) = both(evaluator, input, call)? else {
        return Ok(Vec::new());
    };
    let bytes = match &*format {
        "hex" => from_hex(&text),
        "base64" => STANDARD.decode(text.as_bytes()).ok(),
        "urlbase64" => URL_SAFE.decode(text.as_bytes()).ok(),
        _ => return error(call.position, "encodings are hex, base64 and urlbase64"),
    };
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(decoded.map(Val::text).into_iter().collect())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

/// Characters of HTML that are escaped, the ampersand first.
const HTML: &[(&str, &str)] = &[
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ("\"", "&quot;"),
    ("'", "&#39;"),
];

pub(super) fn escape<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some((text, format)) = both(evaluator, input, call)? else {
        return Ok(Vec::new());
    };
    let escaped = match &*format {
        "html" => HTML
            .iter()
            .fold(text.to_string(), |text, (plain, escaped)| {
                text.replace(plain, escaped)
            }),
        "json" => {
            let quoted = serde_json::Value::from(&*text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        _ => return error(call.position, "escapes are html and json"),
    };
    Ok(vec![Val::text(escaped)])
}

/// Empty if the text is not what the escape gives.
pub(super) fn unescape<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some((text, format)) = both(evaluator, input, call)? else {
        return Ok(Vec::new());
    };
    let unescaped = match &*format {
        "html" => {
            let rows = HTML.iter().rev();
            Some(rows.fold(text.to_string(), |text, (plain, escaped)| {
                text.replace(escaped, plain)
            }))
        }
        // Quotes that are not escaped are taken as they are.
        "json" if !text.contains('\\') => Some(text.to_string()),
        "json" => serde_json::from_str(&format!("\"{}\"", &*text)).ok(),
        _ => return error(call.position, "escapes are html and json"),
    };
    Ok(unescaped.map(Val::text).into_iter().collect())
}
