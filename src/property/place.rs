//! Places in the texts of a case: `${key:3}` is `Type/id` of what step 3 created, `${id:3}` its id, `${version:3}` the
//! version and `${etag:3}` the entity tag that step 3 saw, `${modified:3}` its Last-Modified, `${next:3}` the next link of
//! its first page (`${next-cut:3}` without the last two characters, `${next-turned:3}` with another last character),
//! `${identifier:x}` the identifier made from the name x as `system|value`, `${tag}` the tag of the execution as
//! `system|code`, `${base}` the base URL, `${body:3}` the body with which step 3 was answered. Anything else in braces is text. Finding places is done here; what they mean
//! is known to the executor.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a place asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// `Type/id`.
    Key(u32),
    /// Logical id.
    Id(u32),
    /// Version id.
    Version(u32),
    /// Entity tag, as it stands in a header field.
    Etag(u32),
    /// Last-Modified, as it stands in a header field.
    Modified(u32),
    /// The next link of the first page of a search.
    Next(u32, Tampered),
    /// `system|value` of an identifier.
    Identifier(&'a str),
    /// `system|code` of the tag.
    Tag,
    /// Base URL without a trailing slash.
    Base,
    /// The body of an answer, as it was received.
    Body(u32),
}

/// What was done to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tampered {
    /// Nothing.
    No,
    /// The last two characters are gone.
    Cut,
    /// The last character is another one.
    Turned,
}

impl Tampered {
    /// The link as it is after that.
    pub fn apply(self, link: &str) -> String {
        let before = |number: usize| {
            let end = link.char_indices().rev().nth(number.saturating_sub(1));
            link[..end.map_or(0, |(at, _)| at)].to_owned()
        };
        match self {
            Tampered::No => link.to_owned(),
            Tampered::Cut => before(2),
            Tampered::Turned => {
                let other = if link.ends_with('7') { "3" } else { "7" };
                before(1) + other
            }
        }
    }
}

impl<'a> Place<'a> {
    fn parse(inner: &'a str) -> Option<Self> {
        match inner {
            "tag" => return Some(Place::Tag),
            "base" => return Some(Place::Base),
            _ => {}
        }
        let (kind, rest) = inner.split_once(':')?;
        if kind == "identifier" {
            return Some(Place::Identifier(rest));
        }
        let step: u32 = rest.parse().ok()?;
        Some(match kind {
            "key" => Place::Key(step),
            "id" => Place::Id(step),
            "version" => Place::Version(step),
            "etag" => Place::Etag(step),
            "modified" => Place::Modified(step),
            "next" => Place::Next(step, Tampered::No),
            "next-cut" => Place::Next(step, Tampered::Cut),
            "next-turned" => Place::Next(step, Tampered::Turned),
            "body" => Place::Body(step),
            _ => return None,
        })
    }

    /// The step that it depends on.
    pub fn step(self) -> Option<u32> {
        match self {
            Place::Key(step)
            | Place::Id(step)
            | Place::Version(step)
            | Place::Etag(step)
            | Place::Modified(step)
            | Place::Next(step, _)
            | Place::Body(step) => Some(step),
            Place::Identifier(_) | Place::Tag | Place::Base => None,
        }
    }
}

/// The text with every place filled in; `None` if something has no value.
pub fn fill(text: &str, value: &impl Fn(Place<'_>) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        filled.push_str(before);
        let end = after.find('}');
        let place = end.and_then(|end| Some((end, Place::parse(&after[2..end])?)));
        match place {
            Some((end, place)) => {
                filled.push_str(&value(place)?);
                rest = &after[end + 1..];
            }
            None => {
                filled.push_str("${");
                rest = &after[2..];
            }
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// The resource with the places of all its strings filled in; `None` if something has no value.
pub fn fill_all(value: &Value, with: &impl Fn(Place<'_>) -> Option<String>) -> Option<Value> {
    Some(match value {
        Value::String(text) if text.contains("${") => Value::String(fill(text, with)?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill_all(item, with))
                .collect::<Option<_>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, item)| Some((name.clone(), fill_all(item, with)?)))
                .collect::<Option<_>>()?,
        ),
        other => other.clone(),
    })
}

/// Steps on which a text depends.
pub fn steps(text: &str) -> BTreeSet<u32> {
    let found = std::cell::RefCell::new(BTreeSet::new());
    fill(text, &|place| {
        found.borrow_mut().extend(place.step());
        Some(String::new())
    });
    found.into_inner()
}

/// Adds the steps on which the strings of a resource depend.
pub fn steps_of(value: &Value, found: &mut BTreeSet<u32>) {
    match value {
        Value::String(text) => found.extend(steps(text)),
        Value::Array(items) => items.iter().for_each(|item| steps_of(item, found)),
        Value::Object(members) => members.values().for_each(|item| steps_of(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(place: Place<'_>) -> Option<String> {
        match place {
            Place::Key(3) => Some("Patient/p".to_owned()),
            Place::Identifier(name) => Some(format!("s|{name}")),
            _ => None,
        }
    }

    #[test]
    fn places_are_filled_and_other_braces_are_text() {
        let filled = fill("a ${key:3} ${x} ${ ${identifier:r1}$", &named);
        assert_eq!(filled.unwrap(), "a Patient/p ${x} ${ s|r1$");
    }

    #[test]
    fn a_place_without_a_value_leaves_nothing() {
        assert_eq!(fill("${key:4}", &named), None);
        assert_eq!(fill_all(&json!({"a": ["${id:3}"]}), &named), None);
    }

    #[test]
    fn a_tampered_link_differs_at_its_end() {
        assert_eq!(Tampered::Cut.apply("http://h/x?c=12"), "http://h/x?c=");
        assert_eq!(Tampered::Turned.apply("c=12"), "c=17");
        assert_eq!(Tampered::Turned.apply("c=17"), "c=13");
        assert_eq!(Tampered::Cut.apply("x"), "");
    }

    #[test]
    fn the_steps_of_a_resource_are_those_of_its_strings() {
        let mut found = BTreeSet::new();
        let value =
            json!({"subject": {"reference": "${key:3}"}, "x": ["${id:7}/${version:9}", "${x}"]});
        steps_of(&value, &mut found);
        assert_eq!(found, BTreeSet::from([3, 7, 9]));
    }
}
