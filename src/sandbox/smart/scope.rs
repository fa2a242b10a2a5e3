//! System scopes of SMART: what a token opens, and what a request needs
//! (<https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>). No patient or user scopes, no queries.

use std::fmt;

use crate::fhir::definitions::is_resource_type;
use crate::http::message::{Headers, Method};
use crate::sandbox::outcome::Refusal;
use crate::sandbox::router::Route;
use crate::sandbox::token::challenge;

/// Permissions in the order in which version 2 writes them.
const LETTERS: &str = "cruds";
/// Words of version 1 and what they mean in version 2.
const WORDS: &[(&str, &str)] = &[("read", "rs"), ("write", "cud"), ("*", "cruds")];

/// Scopes of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope {
    /// `None` for `*`.
    resource_type: Option<String>,
    letters: String,
    /// As it was asked for.
    text: String,
}

impl Scopes {
    /// The scopes of a request that are known here; `None` if none is.
    pub fn parse(text: &str) -> Option<Scopes> {
        let known: Vec<Scope> = text.split_whitespace().filter_map(read).collect();
        (!known.is_empty()).then_some(Scopes(known))
    }

    /// Lets a request through that needs no more than the scopes give.
    pub fn permit(
        &self,
        method: Method,
        route: &Route,
        pairs: &[(String, String)],
        headers: &Headers,
    ) -> Result<(), Refusal> {
        let is_permitted = needs(method, route, pairs, headers)
            .into_iter()
            .all(|(name, letters)| letters.chars().all(|letter| self.has(name, letter)));
        if is_permitted {
            return Ok(());
        }
        let message = "the scopes of the token do not cover this interaction";
        let challenge = challenge(Some("insufficient_scope"));
        Err(Refusal::new(403, "forbidden", message).with_header("WWW-Authenticate", challenge))
    }

    fn has(&self, name: Option<&str>, letter: char) -> bool {
        self.0.iter().any(|scope| {
            let covers = match (&scope.resource_type, name) {
                (None, _) => true,
                (Some(own), Some(name)) => own == name,
                (Some(_), None) => false,
            };
            covers && scope.letters.contains(letter)
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.0.iter().map(|scope| scope.text.as_str()).collect();
        f.write_str(&texts.join(" "))
    }
}

/// `system/Type.letters`, `system/*.word`.
fn read(text: &str) -> Option<Scope> {
    let (name, permission) = text.strip_prefix("system/")?.split_once('.')?;
    let word = WORDS.iter().find(|(word, _)| *word == permission);
    let letters = word.map_or(permission, |(_, letters)| letters);
    // In order, each once: walking through LETTERS must meet them all.
    let mut order = LETTERS.chars();
    let is_legal = !letters.is_empty()
        && letters
            .chars()
            .all(|letter| order.any(|next| next == letter));
    let is_type = name == "*" || is_resource_type(name);
    (is_legal && is_type).then(|| Scope {
        resource_type: (name != "*").then(|| name.to_owned()),
        letters: letters.to_owned(),
        text: text.to_owned(),
    })
}

/// Types with the letters that a request needs on them; `None` stands for all types.
fn needs<'a>(
    method: Method,
    route: &'a Route,
    pairs: &[(String, String)],
    headers: &Headers,
) -> Vec<(Option<&'a str>, &'static str)> {
    use Method::{Delete, Get, Head, Patch, Post, Put};
    let mut needs = match (method, route) {
        (_, Route::Metadata | Route::SmartConfiguration) => return Vec::new(),
        // Its entries are looked at one by one.
        (Post, Route::System) => return Vec::new(),
        (Get | Head, Route::Type(name) | Route::TypeHistory(name))
        | (_, Route::TypeSearch(name) | Route::Compartment(_, name))
        | (_, Route::CompartmentSearch(_, name)) => vec![(Some(name.as_str()), "s")],
        (Post, Route::Type(name)) if headers.get("if-none-exist").is_some() => {
            vec![(Some(name.as_str()), "cs")]
        }
        (Post, Route::Type(name)) => vec![(Some(name.as_str()), "c")],
        (Put, Route::Type(name)) => vec![(Some(name.as_str()), "cus")],
        (Patch, Route::Type(name)) => vec![(Some(name.as_str()), "us")],
        (Delete, Route::Type(name)) => vec![(Some(name.as_str()), "ds")],
        (Get | Head, Route::Instance(key) | Route::Version(key, _)) => {
            vec![(Some(key.resource_type.as_str()), "r")]
        }
        (Get | Head, Route::InstanceHistory(key)) => vec![(Some(key.resource_type.as_str()), "r")],
        (Put | Patch, Route::Instance(key)) => vec![(Some(key.resource_type.as_str()), "u")],
        (Delete, Route::Instance(key)) => vec![(Some(key.resource_type.as_str()), "d")],
        (Get | Head, _) => vec![(None, "rs")],
        _ => vec![(None, LETTERS)],
    };
    // What another type is asked about, or comes along with the matches, shows that type too.
    let reaches_out = |name: &str| {
        name.starts_with("_include")
            || name.starts_with("_revinclude")
            || name.starts_with("_has")
            || name.contains('.')
    };
    if pairs.iter().any(|(name, _)| reaches_out(name)) {
        needs.push((None, "rs"));
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Key;

    fn may(scopes: &str, method: Method, route: &Route, query: &[(&str, &str)]) -> bool {
        let pairs: Vec<(String, String)> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Scopes::parse(scopes)
            .unwrap()
            .permit(method, route, &pairs, &Headers::new())
            .is_ok()
    }

    #[test]
    fn scopes_of_both_versions_are_read_and_others_are_dropped() {
        let parsed = Scopes::parse("system/*.read openid system/Patient.cu launch").unwrap();
        assert_eq!(parsed.to_string(), "system/*.read system/Patient.cu");
        for text in [
            "patient/*.rs",
            "system/Foo.rs",
            "system/*.sr",
            "system/*.",
            "",
        ] {
            assert_eq!(Scopes::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_opens_what_its_scopes_say_and_nothing_else() {
        let patient = Route::Instance(Key::new("Patient", "1"));
        let search = Route::Type("Patient".to_owned());
        assert!(may("system/*.rs", Method::Get, &patient, &[]));
        assert!(!may("system/*.rs", Method::Put, &patient, &[]));
        assert!(!may("system/Observation.cruds", Method::Get, &patient, &[]));
        assert!(may("system/Patient.read", Method::Get, &search, &[]));
        let include = [("_revinclude", "Observation:subject")];
        assert!(!may("system/Patient.read", Method::Get, &search, &include));
        assert!(may("system/*.read", Method::Get, &search, &include));
        assert!(!may("system/Patient.r", Method::Get, &search, &[]));
    }
}
