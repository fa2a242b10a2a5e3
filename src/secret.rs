//! Secrets and patient data kept out of what is written: `Secret<T>`, header redaction, and `Disclosure`,
//! which decides for every datum whether this run may show it. Not cryptography.

mod standard;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, RwLock};

/// A value that is never printed; `reveal` is for the one place that sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value, to be sent and not to be stored.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Header fields whose values may be shown; all others are printed as `…`.
pub const OPEN_HEADERS: &[&str] = &[
    "accept",
    "allow",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "last-modified",
    "prefer",
    "retry-after",
    "transfer-encoding",
    "vary",
];

/// True if the value of a header field may be shown.
pub fn header_is_open(name: &str) -> bool {
    OPEN_HEADERS
        .iter()
        .any(|open| open.eq_ignore_ascii_case(name))
}

/// Fields of a request whose value a server may have given (an entity tag, a date); other open ones are of ours.
const ECHOING_FIELDS: &[&str] = &["if-match", "if-modified-since", "if-none-match"];

/// Path words of the protocol.
const PATH_WORDS: &[&str] = &[
    "metadata",
    "_history",
    "_search",
    ".well-known",
    "smart-configuration",
    "$everything",
    "$expand",
    "$export",
    "$lastn",
    "$lookup",
    "$validate",
    "$validate-code",
];

/// Parameters of the protocol; those of resource types are learned by whoever makes the disclosure.
const PARAMETERS: &[&str] = &[
    "_at",
    "_contained",
    "_containedType",
    "_content",
    "_count",
    "_elements",
    "_filter",
    "_format",
    "_has",
    "_id",
    "_include",
    "_lastUpdated",
    "_list",
    "_pretty",
    "_profile",
    "_query",
    "_revinclude",
    "_score",
    "_security",
    "_since",
    "_sort",
    "_source",
    "_summary",
    "_tag",
    "_text",
    "_total",
    "_type",
    "rounds-unknown",
];

/// Modifiers of parameters.
const MODIFIERS: &[&str] = &[
    "above",
    "below",
    "contains",
    "exact",
    "identifier",
    "in",
    "iterate",
    "missing",
    "not",
    "not-in",
    "of-type",
    "text",
];

/// Values that parameters of the protocol have by its definition, and those that suites use for what there is not.
const VALUES: &[&str] = &[
    "*",
    "accurate",
    "application/fhir+json",
    "application/fhir+xml",
    "application/json",
    "application/x-rounds-unknown",
    "count",
    "data",
    "estimate",
    "false",
    "id",
    "json",
    "meta",
    "none",
    "rounds-unknown",
    "text",
    "true",
    "xml",
];

/// Parameters whose values are words of the protocol, not data.
const OPEN_PARAMETERS: &[&str] = &[
    "_count",
    "_elements",
    "_format",
    "_include",
    "_include:iterate",
    "_pretty",
    "_revinclude",
    "_revinclude:iterate",
    "_sort",
    "_summary",
    "_total",
];

/// Digits of a number that counts; more could be an identifier.
const MAX_DIGITS: usize = 4;

/// A sentence made of words of ours and data of somebody. Only [`Disclosure`] turns it into text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Data(String),
    Url(String),
    Code(String),
    Field(String, String),
}

impl Phrase {
    /// Starts with words of ours.
    pub fn say(words: impl Into<String>) -> Self {
        Phrase(vec![Part::Words(words.into())])
    }

    /// Appends words of ours: literals, counts, element paths, status codes. Never a value from a body or URL.
    #[must_use]
    pub fn words(mut self, words: impl Into<String>) -> Self {
        self.0.push(Part::Words(words.into()));
        self
    }

    /// Appends a value that came from a body, a header or a URL.
    #[must_use]
    pub fn data(mut self, value: impl Into<String>) -> Self {
        self.0.push(Part::Data(value.into()));
        self
    }

    /// Appends a code that a server gave where R4 has a closed list of its own (kinds of Bundle); shown if it stands
    /// there, for it says nothing about anybody. Never a code of a record, such as a gender.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.push(Part::Code(code.into()));
        self
    }

    /// Appends the value of a header field of a response.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push(Part::Field(name.to_owned(), value.into()));
        self
    }

    /// Appends a URL of a request, relative or absolute.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.0.push(Part::Url(url.into()));
        self
    }
}

impl From<&str> for Phrase {
    fn from(words: &str) -> Self {
        Phrase::say(words)
    }
}

/// What may be shown of the data of one run.
///
/// A value may be stored or printed only if this run generated it (or the server assigned it to a resource that
/// this run created). Everything else is shown by shape: `‹8 characters›`.
#[derive(Debug, Clone, Default)]
pub struct Disclosure {
    everything: bool,
    known: Arc<RwLock<HashSet<String>>>,
    /// What this run wrote into URLs by itself; shown in URLs only, for a record may hold the same text.
    asked: Arc<RwLock<HashSet<String>>>,
}

impl Disclosure {
    /// Everything on the target was made by this process: the in-process sandbox.
    pub fn everything() -> Self {
        Disclosure {
            everything: true,
            ..Self::default()
        }
    }

    /// Nothing is known yet.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// True if nothing needs masking.
    pub fn is_everything(&self) -> bool {
        self.everything
    }

    /// Adds a value that this run generated.
    pub fn learn(&self, value: impl Into<String>) {
        if !self.everything {
            self.known
                .write()
                .expect("no panic while the set is held")
                .insert(value.into());
        }
    }

    /// Adds a segment of a path, or the whole value of a parameter (not percent-encoded), that this run wrote without
    /// looking at anybody's data: it is shown in URLs.
    pub fn learn_asked(&self, value: impl Into<String>) {
        if !self.everything {
            self.asked
                .write()
                .expect("no panic while the set is held")
                .insert(value.into());
        }
    }

    /// Adds every string and number inside a resource that this run generated or created.
    pub fn learn_resource(&self, resource: &serde_json::Value) {
        if self.everything {
            return;
        }
        match resource {
            serde_json::Value::String(text) => self.learn(text.as_str()),
            serde_json::Value::Number(number) => self.learn(number.to_string()),
            serde_json::Value::Array(items) => {
                items.iter().for_each(|item| self.learn_resource(item))
            }
            serde_json::Value::Object(members) => members
                .values()
                .for_each(|member| self.learn_resource(member)),
            serde_json::Value::Bool(_) | serde_json::Value::Null => {}
        }
    }

    /// True if every string and number of a JSON value may be shown; what servers add (`meta`, links, ids of others)
    /// is not known and keeps a body out of the record.
    pub fn knows_resource(&self, value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::String(text) => self.knows(text),
            serde_json::Value::Number(number) => self.knows(&number.to_string()),
            serde_json::Value::Array(items) => items.iter().all(|item| self.knows_resource(item)),
            serde_json::Value::Object(members) => {
                members.values().all(|member| self.knows_resource(member))
            }
            serde_json::Value::Bool(_) | serde_json::Value::Null => true,
        }
    }

    /// True if a value may be shown.
    pub fn knows(&self, value: &str) -> bool {
        self.everything
            || value.is_empty()
            || self
                .known
                .read()
                .expect("no panic while the set is held")
                .contains(value)
    }

    fn is_asked(&self, value: &str) -> bool {
        self.asked
            .read()
            .expect("no panic while the set is held")
            .contains(value)
    }

    /// The value, or its shape.
    pub fn value(&self, value: &str) -> String {
        if self.knows(value) {
            value.to_owned()
        } else {
            format!("‹{} characters›", value.chars().count())
        }
    }

    /// A URL with everything masked that this run did not generate: known path words (resource types, `_history`,
    /// `$operations`) and parameter names stay, ids and parameter values are masked.
    pub fn url(&self, url: &str) -> String {
        if self.everything {
            return url.to_owned();
        }
        let (path, query) = url
            .split_once('?')
            .map_or((url, None), |(path, query)| (path, Some(query)));
        let masked = self.path(path);
        let Some(query) = query else { return masked };
        let parameters: Vec<String> = query
            .split('&')
            .map(|parameter| self.parameter(parameter))
            .collect();
        format!("{masked}?{}", parameters.join("&"))
    }

    fn path(&self, path: &str) -> String {
        let (origin, rest) = match path.find("://") {
            Some(scheme) => {
                let after = scheme + 3;
                let end = path[after..]
                    .find('/')
                    .map_or(path.len(), |slash| after + slash);
                (&path[..end], &path[end..])
            }
            None => ("", path),
        };
        let segments: Vec<String> = rest
            .split('/')
            .map(|segment| self.segment(segment))
            .collect();
        format!("{origin}{}", segments.join("/"))
    }

    /// A path segment stays if it is a word of the protocol (`_history`, `$validate`, `metadata`) or was learned;
    /// resource types are learned by whoever makes the disclosure, so that a logical id is never taken for a word.
    fn segment(&self, segment: &str) -> String {
        if PATH_WORDS.contains(&segment) || self.knows(segment) || self.is_asked(segment) {
            segment.to_owned()
        } else {
            "‹id›".to_owned()
        }
    }

    /// Servers write URLs too (links to pages), so that a name is masked like a value unless it is a known word.
    fn parameter(&self, parameter: &str) -> String {
        let Some((name, value)) = parameter.split_once('=') else {
            return "‹parameter›".to_owned();
        };
        let decoded = percent_encoding::percent_decode_str(value)
            .decode_utf8_lossy()
            .into_owned();
        let is_shown = self.is_asked(&decoded)
            || decoded.split([',', '|', '$']).all(|part| self.knows(part))
            || (OPEN_PARAMETERS.contains(&name)
                && decoded.split(',').all(|part| self.is_protocol(part)));
        let is_word = |part: &str| {
            PARAMETERS.contains(&part) || MODIFIERS.contains(&part) || self.knows(part)
        };
        let name = if name.split([':', '.']).all(is_word) {
            name
        } else {
            "‹parameter›"
        };
        if is_shown {
            format!("{name}={value}")
        } else {
            format!("{name}=‹masked›")
        }
    }

    /// The form of a search by POST as far as it may be shown; the same bytes if all of it may be.
    pub fn form(&self, form: &str) -> String {
        if self.everything || form.is_empty() {
            return form.to_owned();
        }
        let fields: Vec<String> = form.split('&').map(|field| self.parameter(field)).collect();
        fields.join("&")
    }

    /// True for values of `_sort`, `_include`, `_count` and their like that are made of known words and small numbers.
    fn is_protocol(&self, value: &str) -> bool {
        let is_count = value.len() <= MAX_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit());
        is_count
            || VALUES.contains(&value)
            || value.trim_start_matches('-').split(':').all(|part| {
                PARAMETERS.contains(&part) || VALUES.contains(&part) || self.knows(part)
            })
    }

    /// The value of an open field of a response: numbers and words of HTTP as they are, entity tags and dates, which
    /// are data of a record, by their shape.
    pub fn response_field(&self, name: &str, value: &str) -> String {
        if self.knows(value) {
            return value.to_owned();
        }
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "etag" | "if-match" | "if-none-match" => self.entity_tag(value),
            "location" | "content-location" => self.url(value),
            "content-length" | "retry-after" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                value.to_owned()
            }
            _ => self.words(value),
        }
    }

    /// The value of an open field of a request, which is ours unless it repeats what a server gave.
    pub fn request_field(&self, name: &str, value: &str) -> String {
        let echoes = ECHOING_FIELDS
            .iter()
            .any(|field| field.eq_ignore_ascii_case(name));
        if echoes {
            self.response_field(name, value)
        } else {
            value.to_owned()
        }
    }

    /// Keeps the weakness and the quotation marks of an entity tag, which are what goes wrong with them.
    fn entity_tag(&self, value: &str) -> String {
        let (weak, opaque) = match value.strip_prefix("W/") {
            Some(opaque) => ("W/", opaque),
            None => ("", value),
        };
        let inner = opaque
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match inner {
            Some(inner) => format!("{weak}\"{}\"", self.value(inner)),
            None => format!("{weak}{}", self.value(opaque)),
        }
    }

    /// A list of words with those masked that no specification puts into an open field.
    fn words(&self, list: &str) -> String {
        if list
            .split([',', ';'])
            .all(|word| standard::is_header_word(word.trim()))
        {
            list.to_owned()
        } else {
            self.value(list)
        }
    }

    /// The sentence with its data shown or masked.
    pub fn phrase(&self, phrase: &Phrase) -> String {
        let mut text = String::new();
        for part in &phrase.0 {
            match part {
                Part::Words(words) => text.push_str(words),
                Part::Data(value) => text.push_str(&self.value(value)),
                Part::Url(url) => text.push_str(&self.url(url)),
                Part::Code(code) if standard::is_code(code) => text.push_str(code),
                Part::Code(code) => text.push_str(&self.value(code)),
                Part::Field(name, value) => text.push_str(&self.response_field(name, value)),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert!(!format!("{:?}", Secret::new("hunter2")).contains("hunter2"));
    }

    #[test]
    fn a_url_keeps_its_structure_and_loses_foreign_values() {
        let disclosure = Disclosure::nothing();
        for word in ["Ada", "Patient", "family", "given", "r4"] {
            disclosure.learn(word);
        }
        assert_eq!(
            disclosure.url("Patient?family=Ada&given=Eve"),
            "Patient?family=Ada&given=‹masked›"
        );
        assert_eq!(
            disclosure.url("https://h.example/r4/Patient/77/_history/1"),
            "https://h.example/r4/Patient/‹id›/_history/‹id›"
        );
    }

    #[test]
    fn a_link_of_a_server_is_masked_wherever_it_differs_from_the_protocol() {
        let disclosure = Disclosure::nothing();
        disclosure.learn("Patient");
        assert_eq!(
            disclosure.url("Patient/_Ada/$Eve?_count=10&_sort=Ada&_count=19310317&Ada=1&Ada"),
            "Patient/‹id›/‹id›?_count=10&_sort=‹masked›&_count=‹masked›&‹parameter›=‹masked›&‹parameter›"
        );
    }

    #[test]
    fn an_open_field_shows_the_words_of_http_and_the_shape_of_the_rest() {
        let disclosure = Disclosure::nothing();
        for (name, value, shown) in [
            ("ETag", "W/\"ada-1\"", "W/\"‹5 characters›\""),
            ("ETag", "ada-1", "‹5 characters›"),
            (
                "Cache-Control",
                "no-store, max-age=0",
                "no-store, max-age=0",
            ),
            ("Vary", "Accept, Ada", "‹11 characters›"),
            ("Retry-After", "30", "30"),
            (
                "Last-Modified",
                "Tue, 17 Mar 1931 00:00:00 GMT",
                "‹29 characters›",
            ),
            (
                "Content-Type",
                "application/fhir+json; charset=UTF-8",
                "application/fhir+json; charset=UTF-8",
            ),
        ] {
            assert_eq!(disclosure.response_field(name, value), shown, "{name}");
        }
        assert_eq!(disclosure.request_field("Accept", "x/y"), "x/y");
        assert_eq!(
            disclosure.request_field("If-Match", "\"1\""),
            "\"‹1 characters›\""
        );
    }

    #[test]
    fn what_was_asked_is_shown_in_urls_and_nowhere_else() {
        let disclosure = Disclosure::nothing();
        disclosure.learn("Patient");
        disclosure.learn("birthdate");
        disclosure.learn_asked("ge1970-01-01");
        disclosure.learn_asked("rounds-none");
        for url in ["Patient?birthdate=ge1970-01-01", "Patient/rounds-none"] {
            assert_eq!(disclosure.url(url), url);
        }
        assert_eq!(
            disclosure.form("birthdate=ge1970-01-01&birthdate=1931"),
            "birthdate=ge1970-01-01&birthdate=‹masked›"
        );
        assert_eq!(disclosure.value("ge1970-01-01"), "‹12 characters›");
    }

    #[test]
    fn a_code_of_the_protocol_is_shown_and_another_is_not() {
        let disclosure = Disclosure::nothing();
        let phrase = Phrase::say("").code("searchset").words(", ").code("female");
        assert_eq!(disclosure.phrase(&phrase), "searchset, ‹6 characters›");
        // The same text from a record is data.
        assert_eq!(disclosure.value("document"), "‹8 characters›");
        let field = Phrase::say("got ").field("Content-Type", "text/turtle; charset=utf-8");
        assert_eq!(disclosure.phrase(&field), "got text/turtle; charset=utf-8");
    }

    #[test]
    fn a_phrase_shows_what_is_ours_and_the_shape_of_the_rest() {
        let disclosure = Disclosure::nothing();
        disclosure.learn("ours");
        let phrase = Phrase::say("got ")
            .data("ours")
            .words(", not ")
            .data("theirs");
        assert_eq!(disclosure.phrase(&phrase), "got ours, not ‹6 characters›");
    }
}
