//! From a path to a place: which interaction a URL is about and which methods the place has. No state.

use super::operation;
use super::outcome::Refusal;
use crate::fhir::definitions::is_resource_type;
use crate::fhir::resource::{Key, is_id};
use crate::http::message::Method;

/// Types that the sandbox does not store: Binary has a REST syntax of its own, Parameters has no endpoint.
const NOT_SERVED: [&str; 2] = ["Binary", "Parameters"];

/// True for a resource type that the sandbox stores.
pub fn is_served(name: &str) -> bool {
    is_resource_type(name) && !NOT_SERVED.contains(&name)
}

/// On what an operation is invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `[base]/$op`
    System,
    /// `[base]/Patient/$op`
    Type(String),
    /// `[base]/Patient/1/$op`
    Instance(Key),
}

impl Place {
    /// The resource type, if it is not the system.
    pub fn resource_type(&self) -> Option<&str> {
        match self {
            Place::System => None,
            Place::Type(name) => Some(name),
            Place::Instance(key) => Some(&key.resource_type),
        }
    }

    /// The path below the base, without the operation.
    pub fn path(&self) -> String {
        match self {
            Place::System => String::new(),
            Place::Type(name) => name.clone(),
            Place::Instance(key) => key.to_string(),
        }
    }
}

/// A place that a URL names, <http://hl7.org/fhir/R4/http.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `[base]`
    System,
    /// `[base]/metadata`
    Metadata,
    /// `[base]/.well-known/smart-configuration`
    SmartConfiguration,
    /// `[base]/_history`
    SystemHistory,
    /// `[base]/Patient`
    Type(String),
    /// `[base]/Patient/_search`
    TypeSearch(String),
    /// `[base]/Patient/_history`
    TypeHistory(String),
    /// `[base]/Patient/1`
    Instance(Key),
    /// `[base]/Patient/1/_history`
    InstanceHistory(Key),
    /// `[base]/Patient/1/_history/2`
    Version(Key, String),
    /// `[base]/Patient/1/Observation`
    Compartment(Key, String),
    /// `[base]/Patient/1/Observation/_search`
    CompartmentSearch(Key, String),
    /// An operation, on a type or on a resource.
    Operation(Place, operation::Operation),
}

impl Route {
    /// Reads the path below the base, percent-decoded, without query.
    pub fn parse(path: &str) -> Result<Route, Refusal> {
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        if let Some(name) = segments.iter().find(|segment| segment.starts_with('$')) {
            return operation(&segments).ok_or_else(|| {
                let message = format!("the operation {} is not supported", shorten(name));
                Refusal::new(404, "not-supported", message)
            });
        }
        match segments.as_slice() {
            [] => Ok(Route::System),
            ["metadata"] => Ok(Route::Metadata),
            ["_history"] => Ok(Route::SystemHistory),
            [".well-known", "smart-configuration"] => Ok(Route::SmartConfiguration),
            [name] => Ok(Route::Type(served(name)?)),
            [name, "_search"] => Ok(Route::TypeSearch(served(name)?)),
            [name, "_history"] => Ok(Route::TypeHistory(served(name)?)),
            [name, id] => Ok(Route::Instance(key(name, id)?)),
            [name, id, "_history"] => Ok(Route::InstanceHistory(key(name, id)?)),
            [name, id, "_history", version] => {
                Ok(Route::Version(key(name, id)?, (*version).to_owned()))
            }
            ["Patient", id, name] => Ok(Route::Compartment(key("Patient", id)?, served(name)?)),
            ["Patient", id, name, "_search"] => {
                Ok(Route::CompartmentSearch(key("Patient", id)?, served(name)?))
            }
            _ => Err(Refusal::not_found("there is nothing at this URL")),
        }
    }

    /// Methods of the place; HEAD goes with GET, OPTIONS with everything.
    pub fn methods(&self) -> &'static [Method] {
        use Method::{Delete, Get, Head, Options, Patch, Post, Put};
        match self {
            Route::System => &[Post, Options],
            Route::Metadata
            | Route::SmartConfiguration
            | Route::SystemHistory
            | Route::TypeHistory(_)
            | Route::InstanceHistory(_)
            | Route::Version(..)
            | Route::Compartment(..) => &[Get, Head, Options],
            Route::Type(_) => &[Get, Head, Post, Put, Patch, Delete, Options],
            Route::TypeSearch(_) | Route::CompartmentSearch(..) => &[Post, Options],
            Route::Operation(..) => &[Get, Head, Post, Options],
            Route::Instance(_) => &[Get, Head, Put, Patch, Delete, Options],
        }
    }

    /// The path with ids replaced, for the request log (`Patient/{id}`).
    pub fn template(&self) -> String {
        match self {
            Route::System => String::new(),
            Route::Metadata => "metadata".into(),
            Route::SmartConfiguration => ".well-known/smart-configuration".into(),
            Route::SystemHistory => "_history".into(),
            Route::Type(name) => name.clone(),
            Route::TypeSearch(name) => format!("{name}/_search"),
            Route::TypeHistory(name) => format!("{name}/_history"),
            Route::Instance(key) => format!("{}/{{id}}", key.resource_type),
            Route::InstanceHistory(key) => format!("{}/{{id}}/_history", key.resource_type),
            Route::Version(key, _) => format!("{}/{{id}}/_history/{{vid}}", key.resource_type),
            Route::Compartment(key, name) => format!("{}/{{id}}/{name}", key.resource_type),
            Route::CompartmentSearch(key, name) => {
                format!("{}/{{id}}/{name}/_search", key.resource_type)
            }
            Route::Operation(Place::Instance(key), code) => {
                format!("{}/{{id}}/${}", key.resource_type, code.name())
            }
            Route::Operation(place, code) => format!("{}/${}", place.path(), code.name()),
        }
    }
}

/// The operation at the end of a path, if there is such a one at such a place.
fn operation(segments: &[&str]) -> Option<Route> {
    let (name, place) = segments.split_last()?;
    let place = match place {
        [] => Place::System,
        [name] => Place::Type(served(name).ok()?),
        [name, id] => Place::Instance(key(name, id).ok()?),
        _ => return None,
    };
    let code = operation::at(&place, name.strip_prefix('$')?)?;
    Some(Route::Operation(place, code))
}

/// A list of methods as a value of `Allow`.
pub fn allow(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    names.join(", ")
}

fn served(name: &str) -> Result<String, Refusal> {
    if is_served(name) {
        return Ok(name.to_owned());
    }
    Err(Refusal::new(
        404,
        "not-supported",
        format!("the resource type {} is not supported", shorten(name)),
    ))
}

fn key(name: &str, id: &str) -> Result<Key, Refusal> {
    let name = served(name)?;
    if is_id(id) {
        return Ok(Key::new(name, id));
    }
    Err(Refusal::new(
        400,
        "value",
        "the logical id has characters or a length that R4 does not allow",
    ))
}

/// What a client wrote goes into a message, but not without end.
fn shorten(text: &str) -> String {
    const LENGTH: usize = 64;
    text.chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_interactions() {
        let key = Key::new("Patient", "1");
        let of = |path| Route::parse(path).unwrap();
        assert_eq!(of(""), Route::System);
        assert_eq!(of("metadata"), Route::Metadata);
        assert_eq!(of("Patient/"), Route::Type("Patient".into()));
        assert_eq!(of("Patient/_search"), Route::TypeSearch("Patient".into()));
        assert_eq!(of("Patient/1"), Route::Instance(key.clone()));
        assert_eq!(
            of("Patient/1/_history/2"),
            Route::Version(key.clone(), "2".into())
        );
        assert_eq!(
            of("Patient/1/Observation"),
            Route::Compartment(key, "Observation".into())
        );
    }

    #[test]
    fn unknown_types_operations_and_depths_are_not_found() {
        for path in [
            "Foo",
            "patient",
            "Foo/1",
            "Patient/1/2/3/4",
            "Patient/$unknown",
            "$validate",
            "Observation/$everything",
            "Patient/$everything/1",
            "Binary",
        ] {
            assert_eq!(Route::parse(path).unwrap_err().status, 404, "{path}");
        }
        assert_eq!(Route::parse("Patient/a_b").unwrap_err().status, 400);
    }
}
