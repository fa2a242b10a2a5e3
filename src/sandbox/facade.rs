//! The variant `facade`: a read-only endpoint before an EHR, as most production endpoints are. It restricts what the
//! server does; it answers nothing that the server would not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

use super::Options;
use super::index::is_supported;
use super::outcome::Refusal;
use super::router::Route;
use super::server::Server;
use super::token::{Tokens, uncached};
use super::turn::{Payload, Reply};
use crate::fhir::definitions::patient_compartment;
use crate::fhir::query::{Query, Subject, decode_pairs};
use crate::http::message::{Headers, Method, Request};
use crate::seed::Seed;

/// Largest page.
pub const PAGE_LIMIT: usize = 10;

/// The client that gets tokens.
pub const CLIENT_ID: &str = "rounds";

/// Its secret, which is none.
pub const CLIENT_SECRET: &str = "sandbox";

/// Tokens kept; the oldest is forgotten beyond that.
const TOKENS: usize = 1_024;

/// Types that the endpoint shows.
const TYPES: [&str; 12] = [
    "AllergyIntolerance",
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "Immunization",
    "Location",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "Procedure",
];

/// Parameters of all resources that the endpoint does not know.
const UNKNOWN: [&str; 4] = ["_tag", "_security", "_profile", "_source"];

/// Sets of parameters of which a search for patients needs one.
const IDENTIFYING: [&[&str]; 4] = [
    &["_id"],
    &["identifier"],
    &["name", "birthdate"],
    &["family", "birthdate"],
];

/// True if the endpoint shows a type.
pub fn has_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// True if the endpoint has a parameter.
pub fn has_parameter(code: &str) -> bool {
    !UNKNOWN.contains(&code)
}

/// Tokens and rate of one endpoint.
pub struct Facade {
    lifetime: Duration,
    rate: u32,
    seed: Seed,
    state: Mutex<Admission>,
}

struct Admission {
    tokens: Tokens<()>,
    /// Requests admitted at full rate, in units of one request, and when that was counted.
    allowance: Option<(f64, Duration)>,
}

impl Facade {
    /// An endpoint without tokens.
    pub fn new(options: &Options) -> Self {
        Facade {
            lifetime: options.token_lifetime,
            rate: options.rate,
            seed: options.seed.derive("token"),
            state: Mutex::new(Admission {
                tokens: Tokens::new(TOKENS),
                allowance: None,
            }),
        }
    }

    /// Methods of a place. Who supports search supports it by POST too (<http://hl7.org/fhir/R4/http.html#search>).
    pub fn methods(route: &Route) -> &'static [Method] {
        match route {
            Route::TypeSearch(_) => route.methods(),
            _ => &[Method::Get, Method::Head, Method::Options],
        }
    }

    /// Counts a request against the rate: a bucket that holds one second's worth and fills evenly.
    pub fn admit(&self, now: Duration) -> Result<(), Refusal> {
        let full = f64::from(self.rate);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (allowance, since) = state.allowance.unwrap_or((full, now));
        let earned = now.saturating_sub(since).as_secs_f64() * full;
        let allowance = (allowance + earned).min(full);
        if allowance < 1.0 {
            state.allowance = Some((allowance, now));
            let message = format!("more than {} requests per second", self.rate);
            return Err(Refusal::new(429, "throttled", message).with_header("Retry-After", "1"));
        }
        state.allowance = Some((allowance - 1.0, now));
        Ok(())
    }

    /// Asks for a living token everywhere but at the metadata.
    pub fn authorize(
        &self,
        route: &Route,
        headers: &Headers,
        now: Duration,
    ) -> Result<(), Refusal> {
        if matches!(route, Route::Metadata | Route::SmartConfiguration) {
            return Ok(());
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens.opened(headers, now)
    }

    /// Lets reads and searches of its types through.
    pub fn permit(&self, route: &Route) -> Result<(), Refusal> {
        let name = match route {
            Route::Metadata | Route::SmartConfiguration => return Ok(()),
            Route::Type(name) | Route::TypeSearch(name) => name,
            Route::Instance(key) => &key.resource_type,
            _ => {
                return Err(forbidden(
                    "this interaction is not offered: read and search only",
                ));
            }
        };
        if has_type(name) {
            return Ok(());
        }
        let message = format!("the resource type {name} is not supported");
        Err(Refusal::new(404, "not-supported", message))
    }

    /// Refuses parameters that it does not have and searches that are too wide.
    pub fn check_search(&self, name: &str, query: &Query) -> Result<(), Refusal> {
        let mut given = Vec::new();
        for criterion in &query.criteria {
            match &criterion.subject {
                Subject::Parameter(parameter) if has_parameter(&parameter.code) => {
                    given.push(parameter.code.as_str());
                }
                Subject::Chain { .. } => {}
                Subject::Parameter(_) | Subject::Has { .. } => {
                    let message = format!("the parameter {} is not supported", criterion.name);
                    return Err(Refusal::new(400, "not-supported", message));
                }
            }
        }
        wide_enough(name, &given)
    }

    /// Answers the token endpoint: client credentials, RFC 6749 section 4.4.
    pub fn token(&self, request: &Request, now: Duration) -> Reply {
        if request.method != Method::Post {
            return Reply::empty(405).with_header("Allow", "POST");
        }
        let text = String::from_utf8_lossy(&request.body);
        let form = decode_pairs(&text);
        let field = |name: &str| {
            let found = form.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        if field("grant_type") != Some("client_credentials") {
            return oauth_error(400, "unsupported_grant_type");
        }
        let (client, secret) = basic(&request.headers).unwrap_or_else(|| {
            let text = |name| field(name).unwrap_or_default().to_owned();
            (text("client_id"), text("client_secret"))
        });
        if client != CLIENT_ID || secret != CLIENT_SECRET {
            return oauth_error(401, "invalid_client")
                .with_header("WWW-Authenticate", "Basic realm=\"rounds sandbox\"");
        }
        uncached(Reply {
            payload: Payload::Plain(json!({
                "access_token": self.issue(now),
                "token_type": "bearer",
                "expires_in": self.lifetime.as_secs(),
                "scope": "system/*.read",
            })),
            ..Reply::empty(200)
        })
    }

    fn issue(&self, now: Duration) -> String {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.tokens.issued();
        let token = format!("sandbox-{:016x}", self.seed.index(number).0);
        state.tokens.issue(token.clone(), now + self.lifetime, ());
        token
    }

    /// `/.well-known/smart-configuration`, where there is a token endpoint.
    pub fn smart_configuration(server: &Server) -> Result<Reply, Refusal> {
        if server.facade().is_none() {
            return Err(Refusal::not_found("there is nothing at this URL"));
        }
        Ok(Reply {
            payload: Payload::Plain(json!({
                "token_endpoint": token_url(server),
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "scopes_supported": ["system/*.read"],
                "capabilities": ["permission-v1"],
            })),
            ..Reply::empty(200)
        })
    }
}

fn forbidden(message: &str) -> Refusal {
    Refusal::new(403, "forbidden", message)
}

/// The parameters that keep a search narrow; the message names them, so that a client can learn.
fn wide_enough(name: &str, given: &[&str]) -> Result<(), Refusal> {
    let has = |code: &&str| given.contains(code);
    let refuse = |message: String| Err(Refusal::new(400, "required", message));
    if given.contains(&"_id") {
        return Ok(());
    }
    if name == "Patient" {
        if IDENTIFYING.iter().any(|set| set.iter().all(has)) {
            return Ok(());
        }
        let sets: Vec<String> = IDENTIFYING.iter().map(|set| set.join(" and ")).collect();
        return refuse(format!(
            "a search of Patient requires one of: {}",
            sets.join("; ")
        ));
    }
    let is_clinical = !patient_compartment(name).is_empty() && is_supported(name, "patient");
    if !is_clinical {
        if given.is_empty() {
            return refuse(format!(
                "a search of {name} requires at least one search parameter"
            ));
        }
        return Ok(());
    }
    let required: Vec<&str> = ["patient", "category"]
        .into_iter()
        .filter(|code| is_supported(name, code))
        .collect();
    if required.iter().all(has) {
        return Ok(());
    }
    refuse(format!(
        "a search of {name} requires the parameters: {}",
        required.join(", ")
    ))
}

fn basic(headers: &Headers) -> Option<(String, String)> {
    let (scheme, credentials) = headers.get("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(credentials.trim())
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (client, secret) = text.split_once(':')?;
    Some((client.to_owned(), secret.to_owned()))
}

fn oauth_error(status: u16, code: &str) -> Reply {
    Reply {
        payload: Payload::Plain(json!({ "error": code })),
        ..Reply::empty(status)
    }
}

/// The token endpoint stands beside the base, not below it.
pub fn token_url(server: &Server) -> String {
    let origin = server
        .base()
        .rsplit_once('/')
        .map_or("", |(origin, _)| origin);
    format!("{origin}/token")
}

/// `rest.security` of the CapabilityStatement.
pub fn security(server: &Server) -> Value {
    json!({
        "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            "extension": [{ "url": "token", "valueUri": token_url(server) }],
        }],
        "service": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
            }],
        }],
    })
}
