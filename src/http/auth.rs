//! Getting in: the `Authorization` of every request, tokens fetched before they expire and once more on a 401.
//! Credentials never leave this file except on the wire. Permission to write is `policy`.

mod assertion;
mod backend;
mod discovery;
mod form;
mod grant;
pub mod key;
mod scope;

use std::future::Future;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::exchange::{Exchange, Failure, FailureKind, Timings};
use super::message::{Method, Request, Response};
use super::target::{Auth, SetupError};
use super::transport::{Sending, Transport};
use crate::clock::Clock;
use crate::secret::Secret;

use self::backend::BackendServices;
use self::form::encode;
use self::grant::{Grant, read_printed, read_response, refusal};

/// A token is replaced this long before it expires, or when 80 % of its life is over, whichever is later.
const EARLY: Duration = Duration::from_secs(5);
/// How long a token command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a refused grant is taken as refused: a server that locks clients out is not asked for every request.
const REFUSAL_HOLDS: Duration = Duration::from_secs(5);

/// A boxed answer of a token endpoint.
pub type TokenAnswer<'a> = Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + 'a>>;

/// Whoever can ask a token endpoint; it need not be on the target's host.
pub trait TokenEndpoint: Send + Sync {
    /// Sends one request to a token endpoint.
    fn ask<'a>(&'a self, url: &'a Url, request: Request) -> TokenAnswer<'a>;
}

/// A token and how long it is good for.
#[derive(Debug, Clone)]
struct Token {
    value: Secret<String>,
    /// On the clock's monotonic reading; `None` if it was not said.
    replace_at: Option<Duration>,
    /// Fetched because the one before it was refused. If this one is refused too, another will not help.
    second_try: bool,
    /// The target has taken it at least once.
    proven: bool,
}

/// A transport that authorizes each request which does not carry an `Authorization` of its own.
pub struct Authorized {
    inner: Arc<dyn Transport>,
    auth: Auth,
    /// The client behind [`Auth::BackendServices`], its key read.
    backend: Option<BackendServices>,
    endpoint: Arc<dyn TokenEndpoint>,
    token: Mutex<Option<Token>>,
    /// Scopes of the newest token, as far as they may be recorded.
    granted: std::sync::Mutex<Vec<String>>,
    refused: std::sync::Mutex<Option<(Duration, Failure)>>,
    clock: Arc<dyn Clock>,
}

impl Authorized {
    /// Wraps a transport; `endpoint` fetches tokens.
    ///
    /// # Errors
    /// A private key that cannot be read or used.
    pub fn new(
        inner: Arc<dyn Transport>,
        auth: Auth,
        endpoint: Arc<dyn TokenEndpoint>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let backend = match &auth {
            Auth::BackendServices {
                token_url,
                client_id,
                key,
                kid,
                scopes,
            } => Some(BackendServices::new(
                token_url.as_ref(),
                client_id,
                key,
                kid.as_deref(),
                scopes,
            )?),
            _ => None,
        };
        Ok(Authorized {
            inner,
            auth,
            backend,
            endpoint,
            token: Mutex::new(None),
            granted: std::sync::Mutex::default(),
            refused: std::sync::Mutex::new(None),
            clock,
        })
    }

    async fn authorize(&self, request: Request) -> Exchange {
        let has_own = request.headers.get("authorization").is_some();
        match &self.auth {
            Auth::None => self.inner.send(request).await,
            _ if has_own => self.inner.send(request).await,
            Auth::Bearer(token) => self.send_with(request, bearer(token)).await,
            Auth::Basic { user, password } => self.send_with(request, basic(user, password)).await,
            Auth::TokenCommand(_)
            | Auth::ClientCredentials { .. }
            | Auth::BackendServices { .. } => self.with_token(request).await,
        }
    }

    async fn send_with(&self, request: Request, authorization: Secret<String>) -> Exchange {
        let request = request.with_header("Authorization", authorization.reveal().as_str());
        self.inner.send(request).await
    }

    async fn with_token(&self, request: Request) -> Exchange {
        let token = match self.current().await {
            Ok(token) => token,
            Err(failure) => return unsent(request, failure, self.clock.elapsed()),
        };
        let exchange = self.send_with(request.clone(), bearer(&token.value)).await;
        if exchange.status() != Some(401) {
            if exchange.response().is_some() {
                self.prove(&token).await;
            }
            return exchange;
        }
        // A 401 says that the request was not processed, so a safe one may be sent again; a write never is.
        match self.replace(&token).await {
            Some(fresh) if request.method.is_safe() => {
                let again = self.send_with(request, bearer(&fresh.value)).await;
                if again.response().is_some() && again.status() != Some(401) {
                    self.prove(&fresh).await;
                }
                again
            }
            _ => exchange,
        }
    }

    /// The token to use now, fetched if there is none or the one at hand is about to expire.
    async fn current(&self) -> Result<Token, Failure> {
        let mut slot = self.token.lock().await;
        if let Some(token) = &*slot
            && token
                .replace_at
                .is_none_or(|instant| self.clock.elapsed() < instant)
        {
            return Ok(token.clone());
        }
        if let Some(failure) = self.refused_lately() {
            return Err(failure);
        }
        match self.fetch(false).await {
            Ok(token) => {
                *slot = Some(token.clone());
                Ok(token)
            }
            Err(failure) => {
                let mut refused = self.refused.lock().expect("no panic while held");
                *refused = Some((self.clock.elapsed(), failure.clone()));
                Err(failure)
            }
        }
    }

    fn refused_lately(&self) -> Option<Failure> {
        let refused = self.refused.lock().expect("no panic while held");
        let (since, failure) = refused.as_ref()?;
        (self.clock.elapsed().saturating_sub(*since) < REFUSAL_HOLDS).then(|| failure.clone())
    }

    /// Another token for one that was refused; `None` if there is no other, or another would not help.
    async fn replace(&self, refused: &Token) -> Option<Token> {
        let mut slot = self.token.lock().await;
        if let Some(known) = &*slot
            && known.value != refused.value
        {
            return Some(known.clone());
        }
        let known = slot.as_ref().unwrap_or(refused);
        if known.second_try && !known.proven {
            return None;
        }
        let token = self.fetch(true).await.ok()?;
        *slot = Some(token.clone());
        (token.value != refused.value).then_some(token)
    }

    async fn prove(&self, used: &Token) {
        if used.proven {
            return;
        }
        if let Some(token) = &mut *self.token.lock().await
            && token.value == used.value
        {
            token.proven = true;
        }
    }

    async fn fetch(&self, second_try: bool) -> Result<Token, Failure> {
        let grant = match &self.auth {
            Auth::TokenCommand(command) => run(command).await?,
            Auth::ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
            } => {
                let request = token_request(client_id, client_secret, scope);
                let response = self.endpoint.ask(token_url, request).await;
                read_response(&response.map_err(|failure| Failure {
                    kind: FailureKind::Auth,
                    message: format!("the token endpoint did not answer: {}", failure.message),
                })?)?
            }
            Auth::BackendServices { .. } => {
                let client = self.backend.as_ref().expect("made with the authorization");
                let now = || self.clock.now();
                let target = self.inner.as_ref();
                client.grant(target, self.endpoint.as_ref(), now).await?
            }
            Auth::None | Auth::Bearer(_) | Auth::Basic { .. } => {
                return Err(refusal("this kind of authorization has no token to fetch"));
            }
        };
        self.note_scopes(grant.scope.as_deref());
        let granted_at = grant.granted_at.unwrap_or_else(|| self.clock.now());
        let life = grant
            .expires_in
            .or_else(|| remaining(&grant.token, granted_at));
        Ok(Token {
            replace_at: life.map(|life| self.clock.elapsed() + life.saturating_sub(early(life))),
            value: grant.token,
            second_try,
            proven: false,
        })
    }
}

/// Time until the `exp` of a JWT (RFC 7519 section 4.1.4); `None` for any other token.
fn remaining(token: &Secret<String>, now: Timestamp) -> Option<Duration> {
    let payload = token.reveal().split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let left = claims.get("exp")?.as_i64()? - now.as_second();
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

impl Authorized {
    /// RFC 6749 section 5.1: a response may leave the scope out if it is the one that was asked for.
    fn note_scopes(&self, said: Option<&str>) {
        let asked = match &self.auth {
            Auth::ClientCredentials { scope, .. } => scope.as_str(),
            Auth::BackendServices { scopes, .. } => scopes.as_str(),
            _ => "",
        };
        let scopes = scope::known(said.unwrap_or(asked));
        *self.granted.lock().expect("no panic while held") = scopes;
    }
}

impl Transport for Authorized {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.authorize(request))
    }

    fn base(&self) -> &Url {
        self.inner.base()
    }

    fn granted(&self) -> Vec<String> {
        self.granted.lock().expect("no panic while held").clone()
    }

    fn resent(&self) -> u64 {
        self.inner.resent()
    }

    fn carries_faults(&self) -> bool {
        self.inner.carries_faults()
    }

    fn begin_cleanup(&self) {
        self.inner.begin_cleanup();
    }
}

/// How long before its end a token is replaced: 5 s, or a fifth of its life if that is less.
fn early(life: Duration) -> Duration {
    EARLY.min(life / 5)
}

fn bearer(token: &Secret<String>) -> Secret<String> {
    Secret::new(format!("Bearer {}", token.reveal()))
}

fn basic(user: &str, password: &Secret<String>) -> Secret<String> {
    let pair = format!("{user}:{}", password.reveal());
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

/// RFC 6749 section 4.4.2, the client authenticated as in section 2.3.1.
fn token_request(client_id: &str, client_secret: &Secret<String>, scope: &str) -> Request {
    let secret = Secret::new(encode(client_secret.reveal()));
    let mut form = "grant_type=client_credentials".to_owned();
    if !scope.is_empty() {
        form.push_str("&scope=");
        form.push_str(&encode(scope));
    }
    Request::new(Method::Post, "")
        .with_header("Accept", "application/json")
        .with_header(
            "Authorization",
            basic(&encode(client_id), &secret).reveal().as_str(),
        )
        .with_body("application/x-www-form-urlencoded", form)
}

async fn run(command: &str) -> Result<Grant, Failure> {
    let child = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND_TIMEOUT, child)
        .await
        .map_err(|_| refusal("the token command did not end in time"))?
        .map_err(|error| refusal(format!("the token command could not be run: {error}")))?;
    if !output.status.success() {
        // Its error output is not shown: nobody knows whether it holds the secret.
        return Err(refusal(format!(
            "the token command failed ({})",
            output.status
        )));
    }
    read_printed(&output.stdout)
}

fn unsent(request: Request, failure: Failure, started: Duration) -> Exchange {
    Exchange {
        number: 0,
        request,
        outcome: Err(failure),
        timings: Timings {
            started,
            ..Timings::default()
        },
        translated: None,
    }
}

#[cfg(test)]
mod tests;
