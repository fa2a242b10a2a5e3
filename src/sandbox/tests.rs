//! What the sandbox does, asked without a network. One module for each concern.

mod bundles;
mod catalogue;
mod conditions;
mod crashes;
mod facade;
mod faults;
mod formats;
mod instances;
mod network;
mod operations;
mod searching;
mod smart;
mod variants;

use std::sync::Arc;

use serde_json::{Value, json};

use super::server::Server;
use super::{Options, defect, variant};
use crate::clock::SteppingClock;
use crate::http::message::{Method, Request, Response};

const BASE: &str = "http://127.0.0.1:1/fhir";

fn options() -> Options {
    let start = "2024-05-01T10:00:00Z".parse().unwrap();
    Options {
        clock: Arc::new(SteppingClock::new(start)),
        ..Options::default()
    }
}

pub(super) fn server() -> Server {
    Server::new(&options(), BASE).unwrap()
}

fn with_defect(id: &str) -> Server {
    let defects = vec![defect(id).unwrap()];
    Server::new(
        &Options {
            defects,
            ..options()
        },
        BASE,
    )
    .unwrap()
}

fn with_variant(id: &str) -> Server {
    let variants = vec![variant(id).unwrap()];
    Server::new(
        &Options {
            variants,
            ..options()
        },
        BASE,
    )
    .unwrap()
}

fn get(server: &Server, url: &str) -> Response {
    server.handle(&Request::get(url))
}

fn send(server: &Server, method: Method, url: &str, body: &Value) -> Response {
    server.handle(&Request::new(method, url).with_json(body))
}

fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn put(server: &Server, resource: &Value) -> Response {
    let url = format!(
        "{}/{}",
        resource["resourceType"].as_str().unwrap(),
        resource["id"].as_str().unwrap()
    );
    let response = send(server, Method::Put, &url, resource);
    let body = String::from_utf8_lossy(&response.body).into_owned();
    assert!(matches!(response.status, 200 | 201), "{body}");
    response
}

fn patient(id: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]})
}

fn observation(id: &str, subject: &str, code: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": subject},
    })
}

/// Ids of the matches, in order.
fn ids(server: &Server, url: &str) -> Vec<String> {
    let response = get(server, url);
    let bundle = json(&response);
    assert_eq!(response.status, 200, "{url}: {bundle}");
    ids_of(&bundle, "match")
}

fn ids_of(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == mode)
        .map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned())
        .collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    crate::fhir::bundle::link(bundle, relation).map(str::to_owned)
}

fn assert_outcome(response: &Response, status: u16) {
    let body = json(response);
    assert_eq!(response.status, status, "{body}");
    assert_eq!(body["resourceType"], "OperationOutcome");
    assert!(!body["issue"].as_array().unwrap().is_empty());
}
