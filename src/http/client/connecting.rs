//! Which requests made a connection of their own: where none was made, an idle one was used again. A layer around the
//! client's connector says so to the task that sends. It changes no connection.

use std::cell::Cell;
use std::future::Future;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// A connection was begun while this request was being sent.
    static HAS_CONNECTED: Cell<bool>;
}

/// Sends, and says besides whether a connection was begun meanwhile. One that was begun and not used (another became
/// free first) counts too: then nothing is claimed about the one that was.
pub(super) async fn watched<F: Future>(sending: F) -> (F::Output, bool) {
    let watch = async {
        let output = sending.await;
        (output, HAS_CONNECTED.with(Cell::get))
    };
    HAS_CONNECTED.scope(Cell::new(false), watch).await
}

/// The layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted;

impl<S> Layer<S> for Noted {
    type Service = NotedConnector<S>;

    fn layer(&self, inner: S) -> NotedConnector<S> {
        NotedConnector(inner)
    }
}

/// A connector that notes when it is called.
#[derive(Debug, Clone)]
pub(super) struct NotedConnector<S>(S);

impl<S, R> Service<R> for NotedConnector<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        // Connections are begun in the task of the request that wants one; outside of any there is nobody to tell.
        let _ = HAS_CONNECTED.try_with(|has_connected| has_connected.set(true));
        self.0.call(request)
    }
}
