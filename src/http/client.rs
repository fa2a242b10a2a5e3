//! The network client, and the only file that names reqwest. One request in, one exchange out: bounded in time, size
//! and redirects, pinned to the target's origin, sent once. Authorization is `auth`, permission is `policy`.

mod connecting;
mod detour;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use self::detour::Detour;
use super::auth::{Authorized, TokenAnswer, TokenEndpoint};
use super::classify::{Stage, classify};
use super::exchange::{Exchange, Failure, FailureKind, Timings};
use super::fault;
use super::message::{FHIR_JSON, Headers, Method, Request, Response};
use super::policy::{Policed, Terms};
use super::target::{Auth, SetupError, Target};
use super::tls;
use super::transport::{Sending, Transport};
use crate::clock::Clock;
use crate::secret::Secret;

/// Bytes of a response body, after content decoding, beyond which reading stops.
pub const MAX_BODY: usize = 64 << 20;
/// Redirects followed within one exchange.
pub const MAX_REDIRECTS: usize = 5;
/// Idle connections kept per host: as many as a load run keeps busy.
const MAX_IDLE: usize = 256;
/// `User-Agent` unless the target sets another.
pub const USER_AGENT: &str = concat!("rounds/", env!("CARGO_PKG_VERSION"));

/// The transport for a target as a run uses it: authorized, within the terms of the target.
///
/// A request passes `auth` (which may resend it once on a 401), then `policy`, then the [`Client`]: what is resent is
/// paced and counted like everything else.
///
/// # Errors
/// As [`Client::new`], or a private key cannot be used.
pub fn connect(target: &Target, clock: Arc<dyn Clock>) -> Result<Arc<dyn Transport>, SetupError> {
    connect_on(target, Terms::of(target), clock)
}

/// The same target for further identities: each with its own authorization, all within the same terms.
///
/// # Errors
/// As [`connect`].
pub fn connect_all(
    target: &Target,
    identities: &BTreeMap<String, Auth>,
    clock: Arc<dyn Clock>,
) -> Result<Connected, SetupError> {
    let client = Arc::new(Client::new(target, Arc::clone(&clock))?);
    let terms = Terms::of(target);
    let policed = Arc::new(Policed::new(Arc::clone(&client), terms, Arc::clone(&clock)));
    let authorized = |auth: &Auth| -> Result<Arc<dyn Transport>, SetupError> {
        let inner = Arc::clone(&policed) as Arc<dyn Transport>;
        let endpoint = Arc::clone(&client) as Arc<dyn TokenEndpoint>;
        let authorized = Authorized::new(inner, auth.clone(), endpoint, Arc::clone(&clock))?;
        Ok(Arc::new(authorized))
    };
    let others = identities
        .iter()
        .map(|(name, auth)| Ok((name.clone(), authorized(auth)?)))
        .collect::<Result<_, SetupError>>()?;
    Ok((authorized(&target.auth)?, others))
}

/// The transport of a target, and those of further identities by name.
pub type Connected = (Arc<dyn Transport>, BTreeMap<String, Arc<dyn Transport>>);

/// As [`connect`], on other terms than the target's.
///
/// # Errors
/// As [`Client::new`].
pub fn connect_on(
    target: &Target,
    terms: Terms,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, SetupError> {
    let client = Arc::new(Client::new(target, Arc::clone(&clock))?);
    let endpoint: Arc<dyn TokenEndpoint> = Arc::clone(&client) as Arc<dyn TokenEndpoint>;
    let policed = Arc::new(Policed::new(client, terms, Arc::clone(&clock)));
    let authorized = Authorized::new(policed, target.auth.clone(), endpoint, clock)?;
    Ok(Arc::new(authorized))
}

/// A client for one target. Knows neither credentials (see `auth`) nor permissions (see `policy`).
pub struct Client {
    http: reqwest::Client,
    base: Url,
    headers: Vec<(String, Secret<String>)>,
    timeout: Duration,
    max_body: usize,
    clock: Arc<dyn Clock>,
    detour: Detour,
}

impl Client {
    /// Prepares a client; nothing is sent.
    ///
    /// # Errors
    /// The base URL is not one that can be asked, or a certificate file cannot be used.
    pub fn new(target: &Target, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let base = checked_base(&target.base)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(target)?)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(MAX_IDLE)
            .connector_layer(connecting::Noted);
        if target.in_process {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            SetupError::new(
                "the HTTP client cannot be set up",
                error.without_url().to_string(),
                "check the proxy variables of the environment",
            )
        })?;
        Ok(Client {
            http,
            base,
            headers: target.headers.clone(),
            timeout: target.timeout,
            max_body: MAX_BODY,
            detour: Detour::new(target, Arc::clone(&clock)),
            clock,
        })
    }

    async fn exchange(&self, request: Request) -> Exchange {
        let started = self.clock.elapsed();
        let mut head = None;
        let (request, outcome) = match resolve(&self.base, &request.url) {
            Err(failure) => (request, Err(failure)),
            Ok(url) => {
                let request = self.complete(request, &url);
                let outcome = self.within_time(&request, url, started, &mut head).await;
                (request, outcome)
            }
        };
        Exchange {
            number: 0,
            request,
            outcome,
            timings: Timings {
                started,
                queued: Duration::ZERO,
                head,
                total: self.clock.elapsed().saturating_sub(started),
            },
            translated: None,
        }
    }

    async fn within_time(
        &self,
        request: &Request,
        url: Url,
        started: Duration,
        head: &mut Option<Duration>,
    ) -> Result<Response, Failure> {
        match tokio::time::timeout(self.timeout, self.follow(request, url, started, head)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure(
                FailureKind::Timeout,
                format!("no complete answer within {:?}", self.timeout),
            )),
        }
    }

    /// Sends, and follows redirects of GET and HEAD as long as they stay where they are.
    async fn follow(
        &self,
        request: &Request,
        mut url: Url,
        started: Duration,
        head: &mut Option<Duration>,
    ) -> Result<Response, Failure> {
        for _ in 0..=MAX_REDIRECTS {
            let received = self.begin(request, url.clone()).await?;
            *head = Some(self.clock.elapsed().saturating_sub(started));
            let response = self.finish(received).await?;
            match redirection(request.method, &url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(failure(
            FailureKind::Redirect,
            format!("more than {MAX_REDIRECTS} redirects"),
        ))
    }

    /// Sends the request and waits for the response head.
    async fn begin(&self, request: &Request, url: Url) -> Result<reqwest::Response, Failure> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Options => reqwest::Method::OPTIONS,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut wire = reqwest::Request::new(method, url);
        for (name, value) in request.headers.iter() {
            let unsendable = || {
                failure(
                    FailureKind::Refused,
                    "a request header field holds characters that cannot be sent",
                )
            };
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| unsendable())?;
            let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| unsendable())?;
            wire.headers_mut().append(name, value);
        }
        if !request.body.is_empty() {
            *wire.body_mut() = Some(request.body.clone().into());
        }
        let (outcome, has_connected) = connecting::watched(self.http.execute(wire)).await;
        outcome.map_err(|error| {
            let failure = broken(&error);
            match failure.kind {
                FailureKind::Broken if !has_connected => stale(&failure),
                _ => failure,
            }
        })
    }

    /// Reads the body up to the limit.
    async fn finish(&self, mut received: reqwest::Response) -> Result<Response, Failure> {
        let status = received.status().as_u16();
        let version = match received.version() {
            reqwest::Version::HTTP_2 => "HTTP/2",
            reqwest::Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        };
        let headers: Headers = received
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let mut body = bytes::BytesMut::new();
        while let Some(chunk) = received.chunk().await.map_err(|error| broken(&error))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(failure(
                    FailureKind::TooLarge,
                    format!("the response body is larger than {} bytes", self.max_body),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            version,
            headers,
            body: body.freeze(),
        })
    }

    /// The request with its absolute URL and every field that will be sent. An empty `Authorization` asks for none.
    fn complete(&self, request: Request, url: &Url) -> Request {
        let mut headers: Headers = request
            .headers
            .iter()
            .filter(|(name, value)| {
                !(name.eq_ignore_ascii_case("authorization") && value.is_empty())
            })
            .collect();
        for (name, value) in &self.headers {
            if request.headers.get(name).is_none() {
                headers.append(name.as_str(), value.reveal().as_str());
            }
        }
        let is_search = url.query().is_some() || url.path().ends_with("/_search");
        let defaults = [
            ("Accept", FHIR_JSON, true),
            ("Accept-Encoding", "gzip", true),
            // Servers may answer a repeated search from a cache; what is tested is what is stored now.
            ("Cache-Control", "no-cache", is_search),
            ("User-Agent", USER_AGENT, true),
        ];
        for (name, value, applies) in defaults {
            if applies && headers.get(name).is_none() {
                headers.append(name, value);
            }
        }
        Request {
            method: request.method,
            url: url.as_str().to_owned(),
            headers,
            body: request.body,
        }
    }
}

impl Transport for Client {
    fn send(&self, request: Request) -> Sending<'_> {
        match request.headers.get(fault::HEADER) {
            None => Box::pin(self.exchange(request)),
            Some(_) => Box::pin(self.detour.send(request)),
        }
    }

    fn carries_faults(&self) -> bool {
        self.base.scheme() == "http"
    }

    fn base(&self) -> &Url {
        &self.base
    }
}

impl TokenEndpoint for Client {
    /// The one request that may leave the target's origin: to the token endpoint that the user named.
    fn ask<'a>(&'a self, url: &'a Url, request: Request) -> TokenAnswer<'a> {
        Box::pin(async move {
            let asking = async {
                let received = self.begin(&request, url.clone()).await?;
                self.finish(received).await
            };
            match tokio::time::timeout(self.timeout, asking).await {
                Ok(outcome) => outcome,
                Err(_) => Err(failure(FailureKind::Timeout, "no answer in time")),
            }
        })
    }
}

fn checked_base(base: &Url) -> Result<Url, SetupError> {
    let refuse = |why: &str| {
        Err(SetupError::new(
            "the target cannot be asked",
            why,
            "give the base URL, like https://fhir.example.org/r4",
        ))
    };
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return refuse("its URL is not an http or https URL with a host");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return refuse("its URL holds credentials, which would be stored with every exchange");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return refuse("its URL has a query or a fragment");
    }
    Ok(base.clone())
}

/// The absolute URL of a request. Relative ones go below the base, and so do paths that start with the base's own (a
/// link that is relative to the host); absolute ones must have its scheme, host and port.
fn resolve(base: &Url, url: &str) -> Result<Url, Failure> {
    let unusable = |_| failure(FailureKind::Refused, "the request URL is not a URL");
    if is_absolute(url) {
        let absolute = Url::parse(url).map_err(unusable)?;
        if !same_origin(base, &absolute) {
            return Err(failure(
                FailureKind::Refused,
                "the URL leads to another scheme, host or port than the target's",
            ));
        }
        return Ok(absolute);
    }
    let root = base.as_str().trim_end_matches('/');
    let path = base.path().trim_end_matches('/');
    let below = url
        .strip_prefix(path)
        .filter(|rest| !path.is_empty() && rest.starts_with(['/', '?']));
    let url = below.unwrap_or(url);
    let text = match url.chars().next() {
        None => root.to_owned(),
        Some('?') => format!("{root}{url}"),
        Some(_) => format!("{root}/{}", url.trim_start_matches('/')),
    };
    Url::parse(&text).map_err(unusable)
}

/// RFC 3986 section 3: begins with a scheme and an authority.
fn is_absolute(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Where a response sends a GET or HEAD on to; `None` if it is an answer.
fn redirection(method: Method, url: &Url, response: &Response) -> Result<Option<Url>, Failure> {
    let redirects = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    if !redirects || !matches!(method, Method::Get | Method::Head) {
        return Ok(None);
    }
    let Some(location) = response.headers.get("location") else {
        return Ok(None);
    };
    let next = url
        .join(location)
        .map_err(|_| failure(FailureKind::Redirect, "redirected to what is not a URL"))?;
    if same_origin(url, &next) {
        return Ok(Some(next));
    }
    let message = if url.host() == next.host() && next.scheme() == "https" {
        "redirected to https; give the https URL as the target"
    } else {
        "redirected to another scheme, host or port, which is not followed"
    };
    Err(failure(FailureKind::Redirect, message))
}

fn broken(error: &reqwest::Error) -> Failure {
    let stage = if error.is_timeout() {
        Stage::TimedOut
    } else if error.is_dns() {
        Stage::Resolving
    } else if error.is_connect() {
        Stage::Connecting
    } else if error.is_decode() {
        Stage::Decoding
    } else {
        Stage::Exchanging
    };
    classify(error, stage)
}

/// The connection broke before the head of an answer, and it was not made for this request.
fn stale(broken: &Failure) -> Failure {
    failure(
        FailureKind::Stale,
        format!("{}; it had been idle", broken.message),
    )
}

fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
