//! SMART Backend Services (<https://hl7.org/fhir/smart-app-launch/backend-services.html>): where to ask, what to send,
//! and what a refusal means. When a token is needed is decided by `auth`.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::TokenEndpoint;
use super::assertion::{self, ASSERTION_TYPE};
use super::discovery;
use super::form::encode;
use super::grant::{self, Grant, refusal};
use super::key::SigningKey;
use crate::http::exchange::{Failure, FailureKind};
use crate::http::message::{Method, Request, Response};
use crate::http::target::{KeySource, SetupError};
use crate::http::transport::Transport;

/// Clocks that differ by less are the same clock: `Date` has whole seconds, and an answer takes time.
const SAME_CLOCK: SignedDuration = SignedDuration::from_secs(30);

/// A registered client of a server.
#[derive(Debug)]
pub struct BackendServices {
    token_url: Option<Url>,
    client_id: String,
    scopes: String,
    key: SigningKey,
    learned: Mutex<Learned>,
}

/// What the server said on the way.
#[derive(Debug, Default, Clone)]
struct Learned {
    token_url: Option<Url>,
    /// Server's clock minus ours.
    skew: SignedDuration,
}

impl BackendServices {
    /// Reads the key; asks nobody.
    ///
    /// # Errors
    /// The key cannot be read or used.
    pub fn new(
        token_url: Option<&Url>,
        client_id: &str,
        key: &KeySource,
        kid: Option<&str>,
        scopes: &str,
    ) -> Result<Self, SetupError> {
        Ok(BackendServices {
            token_url: token_url.cloned(),
            client_id: client_id.to_owned(),
            scopes: scopes.to_owned(),
            key: SigningKey::read(key, kid)?,
            learned: Mutex::default(),
        })
    }

    /// Gets a token. An assertion that was refused is made once more if the server's clock turns out to be another
    /// than ours.
    ///
    /// # Errors
    /// No token endpoint is known, it does not answer, or it grants nothing.
    pub async fn grant(
        &self,
        target: &dyn Transport,
        endpoint: &dyn TokenEndpoint,
        now: impl Fn() -> Timestamp + Send,
    ) -> Result<Grant, Failure> {
        let url = self.token_url(target, &now).await?;
        let mut response = self.ask(endpoint, &url, now()).await?;
        if response.status != 200 && self.learn_clock(grant::date(&response), now()) {
            response = self.ask(endpoint, &url, now()).await?;
        }
        if response.status == 200 {
            self.learn_clock(grant::date(&response), now());
        }
        grant::read_response(&response).map_err(|failure| self.explained(failure, &response))
    }

    async fn token_url(
        &self,
        target: &dyn Transport,
        now: &(impl Fn() -> Timestamp + Send),
    ) -> Result<Url, Failure> {
        if let Some(url) = self.token_url.clone().or(self.learned().token_url) {
            return Ok(url);
        }
        let found = discovery::discover(target).await?;
        self.learn_clock(found.server_time, now());
        let mut learned = self.learned.lock().expect("no panic while held");
        learned.token_url = Some(found.url.clone());
        Ok(found.url)
    }

    async fn ask(
        &self,
        endpoint: &dyn TokenEndpoint,
        url: &Url,
        now: Timestamp,
    ) -> Result<Response, Failure> {
        let server_now = now.checked_add(self.learned().skew).unwrap_or(now);
        let claims = assertion::claims(&self.client_id, url.as_str(), server_now);
        let assertion = assertion::sign(&self.key, &claims).ok_or_else(|| {
            refusal("the private key cannot sign: its parts do not fit each other")
        })?;
        let request = token_request(assertion.reveal(), &self.scopes);
        endpoint.ask(url, request).await.map_err(|failure| Failure {
            kind: FailureKind::Auth,
            message: format!("the token endpoint did not answer: {}", failure.message),
        })
    }

    fn learned(&self) -> Learned {
        self.learned.lock().expect("no panic while held").clone()
    }

    /// Notes the server's clock; true if it is another than was believed.
    fn learn_clock(&self, server: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(server) = server else { return false };
        let skew = server.duration_since(now);
        let mut learned = self.learned.lock().expect("no panic while held");
        let differs = (skew - learned.skew).abs() > SAME_CLOCK;
        if differs {
            learned.skew = skew;
        }
        differs
    }

    /// What a refusal means for whoever set the client up.
    fn explained(&self, failure: Failure, response: &Response) -> Failure {
        let key = match self.key.kid() {
            Some(kid) => format!("{}, kid `{kid}`", self.key.algorithm().as_str()),
            None => format!("{}, no kid", self.key.algorithm().as_str()),
        };
        let advice = match grant::error_code(response) {
            Some("invalid_client") => format!(
                "it does not know the client id, or no key registered for it verifies the assertion ({key})"
            ),
            Some("invalid_scope") => "it grants none of the `scopes`".to_owned(),
            Some("unauthorized_client" | "unsupported_grant_type") => {
                "the client is not registered for client_credentials".to_owned()
            }
            Some("invalid_request") => format!("it did not like the request ({key})"),
            _ => return failure,
        };
        Failure {
            message: format!("{}: {advice}", failure.message),
            ..failure
        }
    }
}

/// RFC 7523 section 2.2.
fn token_request(assertion: &str, scopes: &str) -> Request {
    let mut form = format!(
        "grant_type=client_credentials&client_assertion_type={}&client_assertion={assertion}",
        encode(ASSERTION_TYPE)
    );
    if !scopes.is_empty() {
        form.push_str("&scope=");
        form.push_str(&encode(scopes));
    }
    Request::new(Method::Post, "")
        .with_header("Accept", "application/json")
        .with_body("application/x-www-form-urlencoded", form)
}
