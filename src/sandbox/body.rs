//! Request bodies: read, checked for type and validity before the state is touched. Nothing is stored here.

use base64::Engine;
use serde_json::Value;

use super::defect::{Fault, change};
use super::negotiate::{RESOURCE_TYPES, essence, is_xml, require_type};
use super::outcome::Refusal;
use super::patch::{JSON_PATCH, Patch};
use super::router::Route;
use super::server::Server;
use crate::fhir::query::decode_pairs;
use crate::fhir::resource::{parse, resource_type};
use crate::fhir::validate::validate;
use crate::fhir::xml;
use crate::http::message::{FHIR_JSON, FHIR_XML, Method, Request};

/// Media types of a patch: a JSON Patch, or a FHIRPath Patch in either format.
pub const PATCH_TYPES: [&str; 3] = [JSON_PATCH, FHIR_JSON, FHIR_XML];
/// Media type of a search by POST.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A body that is fit for its place.
#[derive(Debug, Clone)]
pub enum Body {
    /// None expected or none sent.
    Empty,
    /// A valid resource of the type of the place.
    Resource(Value),
    /// A Bundle for the system; its entries are not checked yet.
    Bundle(Value),
    /// A patch.
    Patch(Patch),
    /// What an operation is given: a Parameters resource, or a resource as it is. Not checked: that may be the
    /// operation's business.
    Input(Value),
    /// Search parameters.
    Form(Vec<(String, String)>),
}

/// Reads the body that a method takes at a place.
pub fn read(server: &Server, route: &Route, request: &Request) -> Result<Body, Refusal> {
    match (request.method, route) {
        (Method::Post, Route::System) => {
            let bundle = parsed(server, request, &RESOURCE_TYPES)?;
            of_type(&bundle, "Bundle")?;
            Ok(Body::Bundle(bundle))
        }
        (Method::Post, Route::TypeSearch(_) | Route::CompartmentSearch(..)) => form(request),
        (Method::Post, Route::Operation(..)) if request.body.is_empty() => Ok(Body::Empty),
        (Method::Post, Route::Operation(..)) => input(parsed(server, request, &RESOURCE_TYPES)?),
        (Method::Post | Method::Put, Route::Type(name)) => resource(server, request, name),
        (Method::Put, Route::Instance(key)) => resource(server, request, &key.resource_type),
        (Method::Patch, _) => {
            let document = parsed(server, request, &PATCH_TYPES)
                .map_err(|refusal| refusal.with_header("Accept-Patch", PATCH_TYPES.join(", ")))?;
            let media_type = request.headers.get("content-type").map(essence);
            match media_type.as_deref() {
                Some(FHIR_JSON | FHIR_XML) => parameters(server, &document),
                _ => json_patch(server, document),
            }
            .map(Body::Patch)
        }
        _ => Ok(Body::Empty),
    }
}

/// Checks the resource of a Bundle entry as the body of its request.
pub fn of_entry(
    server: &Server,
    method: Method,
    route: &Route,
    resource: Option<&Value>,
) -> Result<Body, Refusal> {
    let name = match (method, route) {
        (Method::Post | Method::Put, Route::Type(name)) => name,
        (Method::Put, Route::Instance(key)) => &key.resource_type,
        (Method::Patch, _) => return patch_of_entry(server, resource),
        (Method::Post, Route::Operation(..)) => {
            return resource.map_or(Ok(Body::Empty), |resource| input(resource.clone()));
        }
        _ => return Ok(Body::Empty),
    };
    let resource =
        resource.ok_or_else(|| Refusal::invalid("the entry needs a resource for its request"))?;
    checked(server, resource.clone(), name)
}

fn parameters(server: &Server, document: &Value) -> Result<Patch, Refusal> {
    let is_other = resource_type(document) != Some("Parameters");
    if is_other && server.has(Fault::PatchNotParametersCrashes) {
        return Err(Refusal::crashed());
    }
    Patch::of_parameters(document)
}

fn json_patch(server: &Server, document: Value) -> Result<Patch, Refusal> {
    Patch::of_json(document).map_err(|refusal| match server.has(Fault::BadPatchCrashes) {
        true => Refusal::crashed(),
        false => refusal,
    })
}

/// In a Bundle a JSON Patch travels as a Binary, a FHIRPath Patch as it is, <http://hl7.org/fhir/R4/http.html#patch>.
fn patch_of_entry(server: &Server, resource: Option<&Value>) -> Result<Body, Refusal> {
    let refuse = || {
        Refusal::invalid(format!(
            "a PATCH entry needs a Parameters, or a Binary of type {JSON_PATCH}"
        ))
    };
    let resource = resource.ok_or_else(refuse)?;
    let member = |name: &str| resource.get(name).and_then(Value::as_str);
    match resource_type(resource) {
        Some("Parameters") => return parameters(server, resource).map(Body::Patch),
        Some("Binary") if member("contentType") == Some(JSON_PATCH) => {}
        _ => return Err(refuse()),
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(member("data").unwrap_or_default())
        .map_err(|_| Refusal::invalid("Binary.data is not base64"))?;
    let document = parse(&bytes).map_err(|error| Refusal::invalid(error.to_string()))?;
    json_patch(server, document.value).map(Body::Patch)
}

fn input(value: Value) -> Result<Body, Refusal> {
    match resource_type(&value) {
        Some(_) => Ok(Body::Input(value)),
        None => Err(Refusal::new(
            400,
            "structure",
            "the body has no resourceType",
        )),
    }
}

fn resource(server: &Server, request: &Request, name: &str) -> Result<Body, Refusal> {
    checked(server, parsed(server, request, &RESOURCE_TYPES)?, name)
}

fn checked(server: &Server, resource: Value, name: &str) -> Result<Body, Refusal> {
    of_type(&resource, name)?;
    if server.has(Fault::EarlyYearRefused) && change::has_early_year(&resource) {
        return Err(Refusal::new(
            422,
            "value",
            "the year of a date is not valid",
        ));
    }
    let mut violations = validate(&resource);
    if server.has(Fault::RequiredNotChecked) {
        violations.retain(|violation| violation.rule != "cardinality/min");
    }
    if violations.is_empty() {
        return Ok(Body::Resource(resource));
    }
    let is_narrative = |rule: &str| rule.starts_with("narrative/");
    if server.has(Fault::BadNarrativeCrashes)
        && violations
            .iter()
            .any(|violation| is_narrative(violation.rule))
    {
        return Err(Refusal::crashed());
    }
    Err(Refusal::unprocessable(&violations))
}

/// The body in the format that its media type names.
fn parsed(server: &Server, request: &Request, types: &[&str]) -> Result<Value, Refusal> {
    require_type(&request.headers, types)?;
    let media_type = request.headers.get("content-type").map(essence);
    if !media_type.as_deref().is_some_and(is_xml) {
        return json(server, request);
    }
    xml::read(&request.body).map_err(|error| {
        let message = format!("the body is not FHIR XML: {error}");
        Refusal::new(400, "structure", message)
    })
}

fn json(server: &Server, request: &Request) -> Result<Value, Refusal> {
    let loose = server
        .has(Fault::LooseNumbers)
        .then(|| change::with_strict_numbers(&request.body));
    let parsed = parse(loose.as_deref().unwrap_or(&request.body)).map_err(|error| {
        if server.has(Fault::BadJsonCrashes) {
            return Refusal::new(500, "exception", "the server could not read the request");
        }
        Refusal::new(400, "structure", format!("the body is not JSON: {error}"))
    })?;
    match parsed.duplicates.first() {
        None => Ok(parsed.value),
        Some(_) => Err(Refusal::new(
            400,
            "structure",
            "a member occurs twice in one JSON object",
        )),
    }
}

fn of_type(resource: &Value, name: &str) -> Result<(), Refusal> {
    match resource_type(resource) {
        Some(found) if found == name => Ok(()),
        Some(_) => Err(Refusal::invalid(format!(
            "the body is not of type {name}, as the URL says"
        ))),
        None => Err(Refusal::new(
            400,
            "structure",
            "the body has no resourceType",
        )),
    }
}

fn form(request: &Request) -> Result<Body, Refusal> {
    if request.body.is_empty() {
        return Ok(Body::Form(Vec::new()));
    }
    require_type(&request.headers, &[FORM])?;
    let text = std::str::from_utf8(&request.body)
        .map_err(|_| Refusal::invalid("the form is not UTF-8"))?;
    Ok(Body::Form(decode_pairs(text)))
}
