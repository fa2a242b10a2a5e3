//! The CapabilityStatement: exactly what the server does, from the same tables that it works by.
//! <http://hl7.org/fhir/R4/capabilitystatement.html>

use serde_json::{Value, json};

use super::body::PATCH_TYPES;
use super::defect::Fault;
use super::facade;
use super::index::{Indexed, supported};
use super::modest;
use super::operation;
use super::router::is_served;
use super::server::Server;
use super::unversioned;
use super::variant::Difference;
use crate::fhir::definitions::{ParameterKind, resource_types};
use crate::http::message::{FHIR_JSON, FHIR_XML};

/// The day on which this statement last changed; a constant, so that the same server says the same.
const DATE: &str = "2026-11-01";

const INSTANCE: [&str; 9] = [
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
];
/// The last one alone where there are no Bundles.
const SYSTEM: [&str; 3] = ["transaction", "batch", "history-system"];

/// Stands for the statement in a reply, which is then written from the copy that the server keeps.
pub fn marker() -> Value {
    json!({ "resourceType": "CapabilityStatement" })
}

/// True for [`marker`].
pub fn is_marker(resource: &Value) -> bool {
    *resource == marker()
}

/// The statement of a server.
pub fn statement(server: &Server) -> Value {
    let is_facade = server.facade().is_some();
    let types = resource_types()
        .iter()
        .filter(|name| is_served(name) && (!is_facade || facade::has_type(name)));
    let resources: Vec<Value> = types
        .map(|name| match is_facade {
            true => read_only(name),
            false => resource(server, name),
        })
        .collect();
    let mut rest = json!({ "mode": "server", "resource": resources });
    if is_facade || server.smart().is_some() {
        rest["security"] = facade::security(server);
    }
    if !is_facade {
        let system = match server.is(Difference::Modest) {
            true => &SYSTEM[2..],
            false => &SYSTEM,
        };
        rest["interaction"] = codes(system);
        if !server.names_versions() {
            unversioned::leave_out(&mut rest["interaction"]);
            drop_if_empty(&mut rest, "interaction");
        }
        rest["compartment"] = json!(["http://hl7.org/fhir/CompartmentDefinition/patient"]);
    }
    let mut statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "experimental": true,
        "date": DATE,
        "kind": "instance",
        "software": { "name": "rounds sandbox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "In-memory endpoint for tests", "url": server.base() },
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON, FHIR_XML, "json", "xml"],
    });
    if !is_facade && !server.is(Difference::Modest) {
        statement["patchFormat"] = json!(PATCH_TYPES);
    }
    statement["rest"] = json!([rest]);
    statement
}

fn codes(codes: &[&str]) -> Value {
    codes.iter().map(|code| json!({ "code": code })).collect()
}

fn resource(server: &Server, name: &str) -> Value {
    let parameters = supported(name);
    let mut resource = json!({
        "type": name,
        "interaction": codes(&INSTANCE),
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalRead": "full-support",
        "conditionalUpdate": true,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical"],
    });
    add(&mut resource, "searchInclude", includes(name, parameters));
    add(&mut resource, "searchRevInclude", reverse_includes(name));
    resource["searchParam"] = parameters.iter().map(parameter).collect();
    if server.has(Fault::ParameterClaimedTwice)
        && let Some(claims) = resource["searchParam"].as_array_mut()
    {
        claims.push(json!({ "name": "_id", "type": "string" }));
    }
    if name == "Basic" && server.has(Fault::EmptyInteractions) {
        resource["interaction"] = json!([]);
    }
    resource["operation"] = operation::claims(name);
    if server.is(Difference::DeleteMany) {
        resource["conditionalDelete"] = "multiple".into();
    }
    if server.is(Difference::Modest) {
        modest::claim(&mut resource);
    }
    if !server.names_versions() {
        unversioned::claim(&mut resource);
    }
    resource
}

fn read_only(name: &str) -> Value {
    let parameters = supported(name)
        .iter()
        .filter(|indexed| facade::has_parameter(&indexed.parameter.code));
    json!({
        "type": name,
        "interaction": codes(&["read", "search-type"]),
        "searchParam": parameters.map(parameter).collect::<Value>(),
    })
}

/// FHIR JSON has no empty arrays.
fn drop_if_empty(parent: &mut Value, member: &str) {
    if parent[member].as_array().is_some_and(Vec::is_empty)
        && let Some(members) = parent.as_object_mut()
    {
        members.shift_remove(member);
    }
}

/// Adds what there is.
fn add(resource: &mut Value, member: &str, values: Vec<String>) {
    if !values.is_empty() {
        resource[member] = values.into();
    }
}

fn parameter(indexed: &Indexed) -> Value {
    json!({
        "name": indexed.parameter.code,
        "definition": indexed.parameter.url,
        "type": kind(indexed.parameter.kind),
    })
}

fn kind(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Number => "number",
        ParameterKind::Date => "date",
        ParameterKind::String => "string",
        ParameterKind::Token => "token",
        ParameterKind::Reference => "reference",
        ParameterKind::Composite => "composite",
        ParameterKind::Quantity => "quantity",
        ParameterKind::Uri => "uri",
        ParameterKind::Special => "special",
    }
}

fn includes(name: &str, parameters: &[Indexed]) -> Vec<String> {
    parameters
        .iter()
        .filter(|indexed| indexed.parameter.kind == ParameterKind::Reference)
        .map(|indexed| format!("{name}:{}", indexed.parameter.code))
        .collect()
}

fn reverse_includes(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for source in resource_types().iter().filter(|source| is_served(source)) {
        for indexed in supported(source) {
            let points_here = indexed
                .parameter
                .targets
                .iter()
                .any(|target| target == name);
            if indexed.parameter.kind == ParameterKind::Reference && points_here {
                found.push(format!("{source}:{}", indexed.parameter.code));
            }
        }
    }
    found
}
