//! Servers that want every update to name the version that it is made of: told from their refusal, and satisfied with
//! a fresh look. What a stale version leads to is for cases and properties to judge, not for this.
//! <http://hl7.org/fhir/R4/http.html#concurrency>

use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::fhir::resource;
use crate::http::{Exchange, Method, Request};

use super::session::Scope;

/// Statuses with which a server that claims `versioned-update` may refuse an update without a version.
const REFUSALS: &[u16] = &[400, 409, 412];
/// Precondition Required, RFC 6585 section 3: says it by itself.
const PRECONDITION_REQUIRED: u16 = 428;

/// The instance whose version the server wants to be named; `None` if the answer is no such demand.
pub fn demanded(exchange: &Exchange, capability: &Capability, base: &str) -> Option<Key> {
    let request = &exchange.request;
    let is_update = matches!(request.method, Method::Put | Method::Patch);
    let has_condition = ["if-match", "if-none-match"]
        .iter()
        .any(|name| request.headers.get(name).is_some());
    if !is_update || has_condition || request.url.contains('?') {
        return None;
    }
    let path = request.url.strip_prefix(base).unwrap_or(&request.url);
    let (name, id) = path.trim_matches('/').split_once('/')?;
    let key = (!id.contains('/')).then(|| Key::new(name, id))?;
    let claims = capability
        .member(name, "versioning")
        .is_some_and(|versioning| versioning == "versioned-update");
    match exchange.status()? {
        PRECONDITION_REQUIRED => Some(key),
        status if claims && REFUSALS.contains(&status) => Some(key),
        _ => None,
    }
}

/// The entity tag of the current version; `None` if there is no such resource, which needs none.
pub async fn current(scope: &Scope, key: &Key) -> Option<String> {
    let request = Request::get(key.to_string()).with_header("Cache-Control", "no-cache");
    let exchange = scope.send(request).await;
    if exchange.status() != Some(200) {
        return None;
    }
    match exchange.header("etag") {
        Some(etag) => Some(etag.to_owned()),
        None => {
            let body = exchange.json()?;
            resource::version_id(&body).map(|version| format!("W/\"{version}\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Headers, Response, Timings};

    const BASE: &str = "http://h/r4";

    fn answered(request: Request, status: u16) -> Exchange {
        Exchange {
            number: 1,
            request,
            outcome: Ok(Response {
                status,
                version: "HTTP/1.1",
                headers: Headers::new(),
                body: Vec::new().into(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    fn claims(versioning: &str) -> Capability {
        Capability::new(
            json!({ "resourceType": "CapabilityStatement", "rest": [{ "mode": "server",
            "resource": [{ "type": "Patient", "versioning": versioning }] }] }),
        )
    }

    #[test]
    fn only_a_refused_update_without_a_version_is_a_demand() {
        let put = || Request::new(Method::Put, "http://h/r4/Patient/1");
        let wants = |request: Request, status, versioning: &str| {
            demanded(&answered(request, status), &claims(versioning), BASE).is_some()
        };
        assert!(wants(put(), 412, "versioned-update"));
        assert!(wants(put(), 428, "versioned"));
        assert!(!wants(put(), 412, "versioned"));
        assert!(!wants(put(), 422, "versioned-update"));
        assert!(!wants(
            put().with_header("If-Match", "W/\"1\""),
            412,
            "versioned-update"
        ));
        let conditional = Request::new(Method::Put, "http://h/r4/Patient?identifier=1");
        assert!(!wants(conditional, 412, "versioned-update"));
        assert!(!wants(
            Request::get("http://h/r4/Patient/1"),
            412,
            "versioned-update"
        ));
    }
}
