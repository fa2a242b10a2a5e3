//! The variant `smart`: the sandbox as its own authorization server for SMART Backend Services. Tokens are had for a
//! signed assertion and open what their scopes say. Shares no code with the client in `http::auth`.

mod assertion;
mod scope;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use self::scope::Scopes;

use super::Options;
use super::facade::token_url;
use super::outcome::Refusal;
use super::router::Route;
use super::server::Server;
use super::token::{Tokens, uncached};
use super::turn::{Payload, Reply};
use crate::fhir::query::decode_pairs;
use crate::http::message::{Headers, Method, Request};
use crate::seed::Seed;

/// Tokens and assertion ids kept; the oldest is forgotten beyond that.
const KEPT: usize = 4_096;

/// `client_assertion_type` of RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client that is registered with the sandbox.
#[derive(Debug, Clone)]
pub struct Client {
    /// Client id.
    pub id: String,
    /// JWK Set with its public keys.
    pub jwks: Value,
}

/// The authorization server of one sandbox.
pub struct Smart {
    client: Option<Client>,
    lifetime: Duration,
    seed: Seed,
    state: Mutex<Issued>,
}

struct Issued {
    tokens: Tokens<Scopes>,
    /// `jti` of assertions that were accepted; none is good twice.
    seen: VecDeque<String>,
}

impl Smart {
    /// A server that has issued nothing.
    pub fn new(options: &Options) -> Self {
        Smart {
            client: options.client.clone(),
            lifetime: options.token_lifetime,
            seed: options.seed.derive("smart-token"),
            state: Mutex::new(Issued {
                tokens: Tokens::new(KEPT),
                seen: VecDeque::new(),
            }),
        }
    }

    /// The scopes of the token that a request carries; places that are open to everybody ask for none.
    pub fn authorize(
        &self,
        route: &Route,
        headers: &Headers,
        now: Duration,
    ) -> Result<Scopes, Refusal> {
        if matches!(route, Route::Metadata | Route::SmartConfiguration) {
            return Ok(Scopes::default());
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens.opened(headers, now)
    }

    /// Answers the token endpoint.
    pub fn token(&self, server: &Server, request: &Request) -> Reply {
        if request.method != Method::Post {
            return Reply::empty(405).with_header("Allow", "POST");
        }
        let (wall, elapsed) = (server.clock().now(), server.clock().elapsed());
        let audience = token_url(server);
        let reply = match self.grant(request, &audience, wall, elapsed) {
            Ok(granted) => Reply {
                payload: Payload::Plain(granted),
                ..Reply::empty(200)
            },
            Err((code, description)) => Reply {
                payload: Payload::Plain(json!({ "error": code, "error_description": description })),
                ..Reply::empty(400)
            },
        };
        uncached(reply).with_header("Date", super::server::http_date(wall))
    }

    /// RFC 6749 section 4.4 with the client authenticated as in RFC 7523 section 2.2.
    fn grant(
        &self,
        request: &Request,
        audience: &str,
        wall: Timestamp,
        elapsed: Duration,
    ) -> Result<Value, (&'static str, &'static str)> {
        let text = String::from_utf8_lossy(&request.body);
        let form = decode_pairs(&text);
        let field = |name: &str| {
            let mut found = form.iter().filter(|(known, _)| known == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Some(value.as_str()),
                _ => None,
            }
        };
        match field("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return Err(("unsupported_grant_type", "only client_credentials")),
            None => return Err(("invalid_request", "grant_type is missing")),
        }
        if field("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err((
                "invalid_request",
                "client_assertion_type is missing or another",
            ));
        }
        let signed =
            field("client_assertion").ok_or(("invalid_request", "client_assertion is missing"))?;
        let client = |why| ("invalid_client", why);
        let known = self
            .client
            .as_ref()
            .ok_or(client("no client is registered"))?;
        let id = assertion::verify(signed, known, audience, wall).map_err(client)?;
        let scopes = field("scope")
            .and_then(Scopes::parse)
            .ok_or(("invalid_scope", "no system scope that is known here"))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.seen.contains(&id) {
            return Err(client("the assertion was used before"));
        }
        state.remember(id);
        let token = format!("smart-{:016x}", self.seed.index(state.tokens.issued()).0);
        let granted = scopes.to_string();
        let expiry = elapsed + self.lifetime;
        state.tokens.issue(token.clone(), expiry, scopes);
        Ok(json!({
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.lifetime.as_secs(),
            "scope": granted,
        }))
    }

    /// `.well-known/smart-configuration`, <https://hl7.org/fhir/smart-app-launch/conformance.html>.
    pub fn configuration(server: &Server) -> Reply {
        Reply {
            payload: Payload::Plain(json!({
                "token_endpoint": token_url(server),
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
                "scopes_supported": ["system/*.cruds", "system/*.rs", "system/*.read", "system/*.write"],
                "code_challenge_methods_supported": ["S256"],
                "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
            })),
            ..Reply::empty(200)
        }
    }
}

impl Issued {
    fn remember(&mut self, id: String) {
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(id);
    }
}
