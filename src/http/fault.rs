//! A proxy before an `http://` target that makes one request go wrong as it is told: late, cut off, or twice. It gives
//! writes an outcome that nobody knows, which is what retries, timeouts and crashes of gateways do. Not a load
//! generator, and no judge: what may be true afterwards is said elsewhere.
//!
//! Which request goes wrong, and how, stands in the header field [`HEADER`] of that request; the proxy removes it.
//! Everything else passes, but for what a proxy must change: `Host` names the target, and each connection carries one
//! request (`Connection: close`), so that an answer ends where the target ends it.

mod message;
mod relay;

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::message::Request;

/// Header field by which a request says what is to happen to it; no target ever sees it.
pub const HEADER: &str = "X-Rounds-Fault";

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is kept back for so many milliseconds before the target sees any of it.
    DelayRequest(u64),
    /// The target has answered; the answer is kept back for so many milliseconds.
    DelayResponse(u64),
    /// The target gets so many percent of its bytes, never all, then the connections end: it cannot have been heard.
    CutRequest(u8),
    /// The target gets all of it, and the connections end without waiting for an answer, as when a client dies.
    HangUp,
    /// The target gets all of it and answers; so many bytes of the answer are passed on, then the connection ends.
    CutResponse(u64),
    /// The target gets it twice, the second time when it has answered the first; the second answer is passed on.
    Duplicate,
}

impl Fault {
    /// True if the target has not seen the whole request, so that nothing may have come of it.
    pub fn is_unheard(self) -> bool {
        matches!(self, Fault::CutRequest(_))
    }

    /// True if the sender gets no complete answer.
    pub fn hides_the_answer(self) -> bool {
        matches!(
            self,
            Fault::CutRequest(_) | Fault::HangUp | Fault::CutResponse(_)
        )
    }

    /// As said in the steps of a finding, behind what was answered.
    pub fn sentence(self) -> &'static str {
        match self {
            Fault::DelayRequest(_) => ", the request was late",
            Fault::DelayResponse(_) => ", the answer was late",
            Fault::CutRequest(_) => ", cut before the target had all of it",
            Fault::HangUp => ", the client hung up once it was sent",
            Fault::CutResponse(_) => ", the answer was cut",
            Fault::Duplicate => ", sent twice on its way",
        }
    }

    /// The request with this fault on it, for a transport that leads through a [`Proxy`].
    #[must_use]
    pub fn on(self, request: Request) -> Request {
        // Nobody sends a second request on a connection that is about to be cut.
        request
            .with_header(HEADER, self.to_string())
            .with_header("Connection", "close")
    }
}

/// `hang-up`, `cut-request=50`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::DelayRequest(milliseconds) => write!(f, "delay-request={milliseconds}"),
            Fault::DelayResponse(milliseconds) => write!(f, "delay-response={milliseconds}"),
            Fault::CutRequest(percent) => write!(f, "cut-request={percent}"),
            Fault::HangUp => f.write_str("hang-up"),
            Fault::CutResponse(bytes) => write!(f, "cut-response={bytes}"),
            Fault::Duplicate => f.write_str("duplicate"),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("`{text}` needs a number"))
        };
        Ok(match name {
            "delay-request" => Fault::DelayRequest(number()?),
            "delay-response" => Fault::DelayResponse(number()?),
            "cut-request" => Fault::CutRequest(u8::try_from(number()?.min(100)).unwrap_or(100)),
            "hang-up" => Fault::HangUp,
            "cut-response" => Fault::CutResponse(number()?),
            "duplicate" => Fault::Duplicate,
            _ => return Err(format!("there is no fault `{text}`")),
        })
    }
}

/// What a proxy carries at most; what is beyond ends the connection without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// Bytes of request line and header fields.
    pub head: usize,
    /// Bytes of a request's body.
    pub body: u64,
    /// Bytes of an answer.
    pub answer: u64,
    /// Time of one connection, delays included.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 64,
            head: 64 << 10,
            body: 64 << 20,
            answer: 256 << 20,
            time: Duration::from_secs(120),
        }
    }
}

/// A running proxy; it ends, with all its connections, when dropped.
#[derive(Debug)]
pub struct Proxy {
    base: Url,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Starts a proxy on a free loopback port of the current runtime.
    ///
    /// # Errors
    /// The target is not an `http://` URL with a host, or no port is free.
    pub async fn start(target: &Url, limits: Limits) -> io::Result<Self> {
        let refuse = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
        if target.scheme() != "http" {
            return Err(refuse("a connection can be cut only where it is not TLS"));
        }
        let authority = match (target.host_str(), target.port_or_known_default()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            _ => return Err(refuse("the target has no host")),
        };
        let host = match target.port() {
            Some(_) => authority.clone(),
            None => target.host_str().unwrap_or_default().to_owned(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut base = target.clone();
        let port = listener.local_addr()?.port();
        base.set_host(Some("127.0.0.1")).map_err(io::Error::other)?;
        base.set_port(Some(port))
            .map_err(|()| refuse("the target's URL takes no port"))?;
        let route = Arc::new(relay::Route {
            authority,
            host,
            limits,
        });
        Ok(Proxy {
            base,
            accepting: tokio::spawn(accept(listener, route)),
        })
    }

    /// The target's base URL as it is through the proxy.
    pub fn base(&self) -> &Url {
        &self.base
    }
}

/// Accepts for ever; what was accepted ends with it.
async fn accept(listener: TcpListener, route: Arc<relay::Route>) {
    let slots = Arc::new(Semaphore::new(route.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        // A connection that fails before it is accepted concerns its client alone.
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let route = Arc::clone(&route);
        connections.spawn(async move {
            let _slot = slot;
            // Whatever goes wrong, the client learns it from a connection that ends.
            let _ = tokio::time::timeout(route.limits.time, relay::carry(client, &route)).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests;
