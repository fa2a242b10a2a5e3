//! `:text` on token parameters: the texts that stand beside codes, <http://hl7.org/fhir/R4/search.html#token>.
//! Not full-text search: `_text` and `_content` are beyond this oracle.

use super::Match;
use super::extract::{Node, plain_path};
use super::text::{squeezed, words};

/// The texts beside the codes of a node, and whether a server that knows the code system may have others; `None` for
/// types to which R4 gives no text.
fn texts<'a>(node: &'a Node<'_>) -> Option<(Vec<&'a str>, bool)> {
    let value = node.value.as_deref()?;
    let at = |path: &[&str]| -> Vec<&'a str> {
        plain_path(value, path)
            .into_iter()
            .filter_map(|text| text.as_str())
            .collect()
    };
    match node.type_name {
        "CodeableConcept" => {
            let mut texts = at(&["text"]);
            let displays = at(&["coding", "display"]);
            let codings = plain_path(value, &["coding"]).len();
            let more = displays.len() < codings;
            texts.extend(displays);
            Some((texts, more))
        }
        "Coding" => {
            let displays = at(&["display"]);
            let more = displays.is_empty();
            Some((displays, more))
        }
        "Identifier" => {
            // The display of a type is no text that R4 names, and a natural one to search.
            let more = !plain_path(value, &["type", "coding"]).is_empty();
            Some((at(&["type", "text"]), more))
        }
        _ => None,
    }
}

/// Whether a node matches one alternative. R4 calls it a normal string search here and a partial search elsewhere, and
/// text indexes know whole words only: sure is what holds whole words from the start on, and what holds none of it.
pub(super) fn judge(node: &Node<'_>, query: &str) -> Match {
    let Some((texts, more)) = texts(node) else {
        return Match::open(format!(":text on {} is not defined", node.type_name));
    };
    let asked = words(query);
    if asked.is_empty() {
        return Match::open("the text to search for has no words");
    }
    let known: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    if known.iter().any(|words| words.starts_with(&asked)) {
        return Match::Yes;
    }
    let all: String = texts.iter().map(|text| squeezed(text)).collect();
    if asked.iter().any(|word| all.contains(word.as_str())) {
        return Match::open("a text has a part of what is asked for, or not at its start");
    }
    match more {
        true => Match::open("a server may know a text for a code that has none here"),
        false => Match::No,
    }
}
