//! The one interface through which everything talks to a target. Implemented by `client`, wrapped by `policy`.

use std::future::Future;
use std::pin::Pin;

use super::exchange::Exchange;
use super::message::Request;

/// A boxed future, so that `dyn Transport` is possible; a request costs microseconds, the box nanoseconds.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Exchange> + Send + 'a>>;

/// Sends requests. A failure is data in the exchange, never an `Err` and never a panic.
///
/// An implementation follows redirects only within the target's origin for safe methods. It sends a request once, but for two
/// cases that are nobody's fault: a GET or HEAD whose idle connection the server had closed (`policy`), and a token that
/// expired (`auth`).
pub trait Transport: Send + Sync {
    /// Sends one request and waits for the complete response.
    fn send(&self, request: Request) -> Sending<'_>;

    /// The target's base URL, without a trailing slash.
    fn base(&self) -> &url::Url;

    /// Scopes of the newest token that was fetched, as far as they may be recorded; none where nobody was asked.
    fn granted(&self) -> Vec<String> {
        Vec::new()
    }

    /// Requests that were sent once more because an idle connection broke under them.
    fn resent(&self) -> u64 {
        0
    }

    /// True if a request may name a fault (`http::fault`) that happens to it on its way.
    fn carries_faults(&self) -> bool {
        false
    }

    /// From now on what was created is removed: a spent budget of requests no longer stops a DELETE. Permission and
    /// pace hold as before.
    fn begin_cleanup(&self) {}
}

/// A transport that can carry only safe methods; the only kind that diagnosis accepts.
///
/// Its one constructor wraps any transport and refuses everything but GET, HEAD and OPTIONS with
/// `FailureKind::Refused` before a byte is sent.
pub struct ReadOnly<T: ?Sized>(std::sync::Arc<T>);

impl<T: Transport + ?Sized> ReadOnly<T> {
    /// Wraps a transport.
    pub fn new(inner: std::sync::Arc<T>) -> Self {
        ReadOnly(inner)
    }
}

impl<T: Transport + ?Sized> Transport for ReadOnly<T> {
    fn send(&self, request: Request) -> Sending<'_> {
        if request.method.is_safe() {
            return self.0.send(request);
        }
        Box::pin(async move {
            let message = format!("{} refused: this transport only reads", request.method);
            Exchange {
                number: 0,
                request,
                outcome: Err(super::exchange::Failure {
                    kind: super::exchange::FailureKind::Refused,
                    message,
                }),
                timings: super::exchange::Timings::default(),
                translated: None,
            }
        })
    }

    fn base(&self) -> &url::Url {
        self.0.base()
    }

    fn granted(&self) -> Vec<String> {
        self.0.granted()
    }

    fn resent(&self) -> u64 {
        self.0.resent()
    }
}
