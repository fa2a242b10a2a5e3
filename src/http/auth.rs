//! Getting in: the `Authorization` of every request, tokens fetched before they expire and once more on a 401.
//! Credentials never leave this file except on the wire. Permission to write is `policy`.

mod scope;

use std::future::Future;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::exchange::{Exchange, Failure, FailureKind, Timings};
use super::message::{Method, Request, Response};
use super::target::Auth;
use super::transport::{Sending, Transport};
use crate::clock::Clock;
use crate::secret::Secret;

/// A token is replaced this long before it expires, or when 80 % of its life is over, whichever is later.
const EARLY: Duration = Duration::from_secs(5);
/// How long a token command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that a token command may print; a token of a SMART server has two or three thousand.
const MAX_TOKEN: usize = 64 << 10;
/// What `application/x-www-form-urlencoded` leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

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
    endpoint: Arc<dyn TokenEndpoint>,
    token: Mutex<Option<Token>>,
    /// Scopes of the newest token, as far as they may be recorded.
    granted: std::sync::Mutex<Vec<String>>,
    clock: Arc<dyn Clock>,
}

impl Authorized {
    /// Wraps a transport; `endpoint` fetches tokens for client credentials.
    pub fn new(
        inner: Arc<dyn Transport>,
        auth: Auth,
        endpoint: Arc<dyn TokenEndpoint>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Authorized {
            inner,
            auth,
            endpoint,
            token: Mutex::new(None),
            granted: std::sync::Mutex::default(),
            clock,
        }
    }

    async fn authorize(&self, request: Request) -> Exchange {
        let has_own = request.headers.get("authorization").is_some();
        match &self.auth {
            Auth::None => self.inner.send(request).await,
            _ if has_own => self.inner.send(request).await,
            Auth::Bearer(token) => self.send_with(request, bearer(token)).await,
            Auth::Basic { user, password } => self.send_with(request, basic(user, password)).await,
            Auth::TokenCommand(_) | Auth::ClientCredentials { .. } => {
                self.with_token(request).await
            }
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
        let token = self.fetch(false).await?;
        *slot = Some(token.clone());
        Ok(token)
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
            Auth::None | Auth::Bearer(_) | Auth::Basic { .. } => {
                return Err(refusal("this kind of authorization has no token to fetch"));
            }
        };
        self.note_scopes(grant.scope.as_deref());
        let life = grant.expires_in.or_else(|| self.remaining(&grant.token));
        Ok(Token {
            replace_at: life.map(|life| self.clock.elapsed() + life.saturating_sub(early(life))),
            value: grant.token,
            second_try,
            proven: false,
        })
    }

    /// Time until the `exp` of a JWT (RFC 7519 section 4.1.4); `None` for any other token.
    fn remaining(&self, token: &Secret<String>) -> Option<Duration> {
        let payload = token.reveal().split('.').nth(1)?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let left = claims.get("exp")?.as_i64()? - self.clock.now().as_second();
        Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
    }
}

impl Authorized {
    /// RFC 6749 section 5.1: a response may leave the scope out if it is the one that was asked for.
    fn note_scopes(&self, said: Option<&str>) {
        let asked = match &self.auth {
            Auth::ClientCredentials { scope, .. } => scope.as_str(),
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
    let encode = |text: &str| utf8_percent_encode(text, FORM).to_string();
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

/// What was granted.
#[derive(Debug)]
struct Grant {
    token: Secret<String>,
    expires_in: Option<Duration>,
    /// As the server said it, space-separated.
    scope: Option<String>,
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

/// A bare token, or a token response in JSON.
fn read_printed(printed: &[u8]) -> Result<Grant, Failure> {
    let text = std::str::from_utf8(printed)
        .ok()
        .filter(|text| text.len() <= MAX_TOKEN)
        .map(str::trim)
        .ok_or_else(|| refusal("the token command printed something that is no token"))?;
    if text.starts_with('{') {
        return read_grant(text.as_bytes())
            .ok_or_else(|| refusal("the token command printed JSON without an access_token"));
    }
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err(refusal(
            "the token command printed something that is no token",
        ));
    }
    Ok(Grant {
        token: Secret::new(text.to_owned()),
        expires_in: None,
        scope: None,
    })
}

fn read_response(response: &Response) -> Result<Grant, Failure> {
    if response.status == 200 {
        return read_grant(&response.body)
            .ok_or_else(|| refusal("the token endpoint answered 200 without an access_token"));
    }
    /// RFC 6749 section 5.2; anything else may hold what was sent.
    const CODES: &[&str] = &[
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    ];
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body
        .get("error")
        .and_then(Value::as_str)
        .filter(|code| CODES.contains(code));
    Err(refusal(match code {
        Some(code) => format!("the token endpoint answered {} ({code})", response.status),
        None => format!("the token endpoint answered {}", response.status),
    }))
}

fn read_grant(body: &[u8]) -> Option<Grant> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let token = value.get("access_token")?.as_str()?;
    // Some servers write the number as a string.
    let seconds = match value.get("expires_in") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Grant {
        token: Secret::new(token.to_owned()),
        expires_in: seconds.map(Duration::from_secs),
        scope: value
            .get("scope")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

fn refusal(message: impl Into<String>) -> Failure {
    Failure {
        kind: FailureKind::Auth,
        message: message.into(),
    }
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
