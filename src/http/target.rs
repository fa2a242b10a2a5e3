//! What is known about a target before the first request: where it is, how to get in, and what is allowed.
//! Plain data made by `cli` from flags and `rounds.yaml`; the client and the policy obey it.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::secret::Secret;

/// A records endpoint and the terms on which it may be used.
#[derive(Debug, Clone)]
pub struct Target {
    /// Name in `rounds.yaml`, or the host.
    pub name: String,
    /// Base URL without a trailing slash.
    pub base: Url,
    /// How requests are authorized.
    pub auth: Auth,
    /// Extra header fields on every request; values may be secrets.
    pub headers: Vec<(String, Secret<String>)>,
    /// PEM file with the certificate authorities to trust beside the system's.
    pub cacert: Option<PathBuf>,
    /// The same as text, for a server that this process started.
    pub cacert_pem: Option<String>,
    /// PEM files of a client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Certificates are not checked. Printed in every report.
    pub insecure: bool,
    /// Time limit of one exchange, connection included.
    pub timeout: Duration,
    /// At most so many requests per second; `None` for no pacing.
    pub rate: Option<f64>,
    /// At most so many requests in one run.
    pub max_requests: Option<u64>,
    /// Writing is permitted.
    pub writes: bool,
    /// POST `$validate` stores nothing, so its owner says: it is permitted where writing is not.
    pub validate_is_safe: bool,
    /// Load, fuzzing and concurrency are permitted.
    pub load: bool,
    /// True for the sandbox that this process started itself: everything on it is ours.
    pub in_process: bool,
}

/// A target that cannot be used as described: an unreadable certificate, a URL that is none. The user's to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupError {
    /// What cannot be done.
    pub what: String,
    /// Why, as the cause puts it.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

impl SetupError {
    /// An error from its three sentences.
    pub fn new(what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        SetupError {
            what: what.into(),
            why: why.into(),
            hint: hint.into(),
        }
    }
}

impl std::fmt::Display for SetupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.why, self.hint)
    }
}

impl std::error::Error for SetupError {}

/// How requests are authorized.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// No credentials.
    #[default]
    None,
    /// A fixed bearer token.
    Bearer(Secret<String>),
    /// RFC 7617.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: Secret<String>,
    },
    /// A shell command that prints a token (or a JSON token response); run again before expiry and once on a 401.
    TokenCommand(String),
    /// OAuth 2.0 client credentials (RFC 6749 section 4.4).
    ClientCredentials {
        /// Token endpoint.
        token_url: Url,
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: Secret<String>,
        /// Space-separated scopes; empty for none.
        scope: String,
    },
    /// SMART Backend Services: client credentials with a signed assertion in place of a secret.
    BackendServices {
        /// Token endpoint; `None` to ask the target for it.
        token_url: Option<Url>,
        /// Client id.
        client_id: String,
        /// The private key.
        key: KeySource,
        /// Name of the key for the server; chooses from a JWK Set.
        kid: Option<String>,
        /// Space-separated scopes; empty for none.
        scopes: String,
    },
}

/// Where a private key is.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A PEM or JWK file.
    File(PathBuf),
    /// The same as text, for a server that this process started.
    Text(Secret<String>),
}

/// Time limit of one exchange unless the user sets another.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests per second where writing is not allowed, unless the user sets another.
pub const READ_ONLY_RATE: f64 = 5.0;
