//! String parameters, <http://hl7.org/fhir/R4/search.html#string>.
//! Not sorting of strings.

use super::Match;
use super::extract::Node;
use super::text::{fold_case, fold_marks, squeezed, words};
use crate::fhir::query::Modifier;

/// The texts that a node offers to a search: of names and addresses every part that is a string; `None` for a type
/// that no string parameter of R4 has.
pub(super) fn texts<'a>(node: &'a Node<'_>) -> Option<Vec<&'a str>> {
    match node.type_name {
        "HumanName" => Some(parts(
            node,
            &["text", "family", "given", "prefix", "suffix"],
        )),
        "Address" => Some(parts(
            node,
            &[
                "text",
                "line",
                "city",
                "district",
                "state",
                "postalCode",
                "country",
            ],
        )),
        "string" | "markdown" | "code" | "id" | "uri" => Some(node.text().into_iter().collect()),
        _ => None,
    }
}

fn parts<'a>(node: &'a Node<'_>, names: &[&str]) -> Vec<&'a str> {
    let Some(value) = node.value.as_deref() else {
        return Vec::new();
    };
    names
        .iter()
        .flat_map(|name| super::extract::plain_path(value, &[name]))
        .filter_map(|part| part.as_str())
        .collect()
}

/// Whether a node matches one alternative.
pub(super) fn judge(node: &Node<'_>, modifier: Option<&Modifier>, query: &str) -> Match {
    let Some(texts) = texts(node) else {
        return Match::open(format!(
            "a string parameter on {} is not defined",
            node.type_name
        ));
    };
    let parts = texts.iter().map(|text| match modifier {
        Some(Modifier::Exact) => exactly(text, query),
        Some(Modifier::Contains) => contains(text, query),
        _ => starts(text, query),
    });
    match Match::any(parts) {
        Match::Yes => Match::Yes,
        other => other.or(whole(&texts, modifier, query)),
    }
}

/// Equal or starting with, whatever the case and the accents.
fn starts(text: &str, query: &str) -> Match {
    if fold_case(text).starts_with(&fold_case(query))
        || fold_marks(text).starts_with(&fold_marks(query))
    {
        return Match::Yes;
    }
    if squeezed(text).starts_with(&squeezed(query)) {
        return Match::open("equal only without punctuation, spaces or special letters");
    }
    Match::No
}

fn contains(text: &str, query: &str) -> Match {
    if fold_case(text).contains(&fold_case(query)) || fold_marks(text).contains(&fold_marks(query))
    {
        return Match::Yes;
    }
    if squeezed(text).contains(&squeezed(query)) {
        return Match::open("equal only without punctuation, spaces or special letters");
    }
    Match::No
}

fn exactly(text: &str, query: &str) -> Match {
    use unicode_normalization::UnicodeNormalization;
    if text == query {
        return Match::Yes;
    }
    if text.trim().nfc().eq(query.trim().nfc()) {
        return Match::open("equal but for the Unicode form or outer spaces");
    }
    Match::No
}

/// What servers may do beyond the single text: search words independently, or the parts of a name as one text.
fn whole(texts: &[&str], modifier: Option<&Modifier>, query: &str) -> Match {
    let known: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
    let begins = |asked: &String| known.iter().any(|word| word.starts_with(asked.as_str()));
    let contained = |asked: &String| known.iter().any(|word| word.contains(asked.as_str()));
    let asked = words(query);
    let open = match modifier {
        Some(Modifier::Exact) => asked.len() > 1 && texts.len() > 1 && asked.iter().all(begins),
        Some(Modifier::Contains) => asked.len() > 1 && asked.iter().all(contained),
        _ => asked.iter().all(begins),
    };
    if open {
        return Match::open("words may be searched independently or parts as one text");
    }
    Match::No
}
