//! Reference parameters, <http://hl7.org/fhir/R4/search.html#reference>.
//! Not chains: see `link`.

use super::Match;
use super::extract::Node;
use super::known::Known;
use super::{token, uri};
use crate::fhir::Key;
use crate::fhir::definitions::SearchParameter;
use crate::fhir::query::{Modifier, ReferenceValue, TokenValue};

/// Why a match between an absolute and a relative form is open: a server may have several base URLs.
const BASE: &str = "it depends on the server's own base URL";
const VERSION: &str = "one side names a version";

/// Where a reference points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pointer<'a> {
    /// `Patient/1` or `https://…/Patient/1`, with or without a version.
    Literal {
        key: Key,
        text: &'a str,
        absolute: bool,
        versioned: bool,
    },
    /// `#p1`.
    Contained(&'a str),
    /// `urn:uuid:…` or a canonical URL.
    Other(&'a str),
}

impl<'a> Pointer<'a> {
    /// Where a node points; `None` if it has no literal reference. A URL under the base is as good as a relative one.
    pub fn of(node: &'a Node<'_>, base: Option<&str>) -> Option<Self> {
        let text = match node.type_name {
            "Reference" => node.text_of("reference")?,
            _ => node.text()?,
        };
        if let Some(id) = text.strip_prefix('#') {
            return Some(Pointer::Contained(id));
        }
        let canonical = matches!(node.type_name, "canonical" | "uri" | "url");
        Some(match Key::from_reference(text) {
            Some(key) if !canonical && !text.starts_with("urn:") => Pointer::Literal {
                key,
                text,
                absolute: text.contains("://") && below(text, base).is_none(),
                versioned: text.contains("/_history/"),
            },
            _ => Pointer::Other(text),
        })
    }
}

/// What follows the base in a URL under it.
fn below<'a>(url: &'a str, base: Option<&str>) -> Option<&'a str> {
    url.strip_prefix(base?)?.strip_prefix('/')
}

/// Whether a node matches one alternative.
pub(super) fn judge(
    node: &Node<'_>,
    parameter: &SearchParameter,
    modifier: Option<&Modifier>,
    query: &str,
    known: &Known<'_>,
) -> Match {
    match modifier {
        Some(Modifier::Identifier) => return identified(node, query),
        // Of canonical URLs: with other versions, <http://hl7.org/fhir/R4/search.html#versions>.
        Some(Modifier::Below | Modifier::Above) => return uri::judge(node, modifier, query),
        _ => {}
    }
    let Ok(asked) = ReferenceValue::parse(query) else {
        return Match::open("the reference cannot be read");
    };
    let Some(pointer) = Pointer::of(node, known.base()) else {
        return Match::No;
    };
    match (asked, modifier) {
        (ReferenceValue::Id(id), Some(Modifier::Type(name))) => {
            matches_key(&pointer, &Key::new(name.as_str(), id), None)
        }
        (_, Some(Modifier::Type(_))) => Match::open("a type modifier goes with an id only"),
        (ReferenceValue::Id(id), _) => matches_id(&pointer, &id, parameter, known),
        (
            ReferenceValue::Relative {
                resource_type,
                id,
                version,
            },
            _,
        ) => matches_key(&pointer, &Key::new(resource_type, id), version.as_deref()),
        (ReferenceValue::Absolute(url), _) => {
            match below(&url, known.base()).map(ReferenceValue::parse) {
                Some(Ok(ReferenceValue::Relative {
                    resource_type,
                    id,
                    version,
                })) if matches!(pointer, Pointer::Literal { .. }) => {
                    matches_key(&pointer, &Key::new(resource_type, id), version.as_deref())
                }
                _ => matches_url(&pointer, &url),
            }
        }
    }
}

/// Several types may have the id, and a server may refuse to choose.
fn matches_id(
    pointer: &Pointer<'_>,
    id: &str,
    parameter: &SearchParameter,
    known: &Known<'_>,
) -> Match {
    let Pointer::Literal { key, .. } = pointer else {
        return Match::No;
    };
    if key.id != id {
        return Match::No;
    }
    let ambiguous = parameter
        .targets
        .iter()
        .filter(|target| **target != key.resource_type)
        .any(|target| known.find(&Key::new(target.as_str(), id)).is_some());
    let verdict = matches_key(pointer, key, None);
    match ambiguous {
        true => verdict.weakened("resources of several types have the id"),
        false => verdict,
    }
}

/// Whether a pointer points to a key.
pub(super) fn matches_key(pointer: &Pointer<'_>, asked: &Key, version: Option<&str>) -> Match {
    let Pointer::Literal {
        key,
        absolute,
        versioned,
        ..
    } = pointer
    else {
        return Match::No;
    };
    match (key == asked, *absolute, *versioned || version.is_some()) {
        (false, _, _) => Match::No,
        (true, true, _) => Match::open(BASE),
        (true, false, true) => Match::open(VERSION),
        (true, false, false) => Match::Yes,
    }
}

fn matches_url(pointer: &Pointer<'_>, url: &str) -> Match {
    match pointer {
        Pointer::Contained(_) => Match::No,
        Pointer::Other(text) => uri::equal(text, url),
        Pointer::Literal { text, .. } if *text == url => Match::Yes,
        Pointer::Literal {
            key,
            text,
            absolute,
            ..
        } => match Key::from_reference(url) {
            Some(asked) if asked == *key && !absolute => Match::open(BASE),
            Some(asked) if asked == *key && base(text) == base(url) => Match::open(VERSION),
            _ => Match::No,
        },
    }
}

/// A literal reference without its version.
fn base(url: &str) -> &str {
    url.split("/_history/").next().unwrap_or(url)
}

/// `:identifier` asks for the identifier of the reference itself, which is not resolved.
fn identified(node: &Node<'_>, query: &str) -> Match {
    let (Some(identifier), Ok(token)) = (node.get("identifier"), TokenValue::parse(query)) else {
        return Match::No;
    };
    let identifier = Node {
        value: Some(std::borrow::Cow::Borrowed(identifier)),
        type_name: "Identifier",
        computed: false,
    };
    token::judge(&identifier, &token)
}
