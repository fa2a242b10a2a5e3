//! The sandbox on a socket: accepts connections, reads requests up to a limit, stops when dropped. The only file of
//! the sandbox that knows a network; what is answered is decided in `server`.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::Options;
use super::log::RequestLog;
use super::outcome::Refusal;
use super::server::Server;
use super::store::write;
use super::tls::Authority;
use super::variant::Difference;
use crate::http::message::{FHIR_JSON, Headers, Method, Request, Response};

/// Largest request body in bytes; a larger one is answered with 413.
pub const BODY_LIMIT: usize = 16 << 20;

/// Path of the base on the host.
const BASE_PATH: &str = "/fhir";

/// A sandbox that listens; dropping it stops it, letting requests in flight finish.
#[derive(Debug)]
pub struct Running {
    /// `http://127.0.0.1:PORT/fhir`, `https` with the variant `facade`.
    pub base: Url,
    /// The certificate to trust, PEM (variant `facade`).
    pub ca_pem: Option<String>,
    /// Where to get a token: client credentials `rounds` and `sandbox` (variant `facade`), or an assertion (`smart`).
    pub token_url: Option<Url>,
    /// What was asked.
    pub log: Arc<RequestLog>,
    /// What ends its process, as far as its clients can tell.
    pub plug: Plug,
    stop: watch::Sender<bool>,
}

/// The plug of a running sandbox.
#[derive(Clone)]
pub struct Plug(Arc<Server>);

impl fmt::Debug for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plug")
    }
}

impl Plug {
    /// Pulls it and puts it in again: what was acknowledged is there afterwards, whatever else is lost.
    pub fn pull(&self) {
        self.0.crash();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Starts a sandbox on the current tokio runtime.
///
/// # Errors
/// The address is taken, or a resource to load beforehand has no type or no id.
pub async fn serve(options: Options) -> io::Result<Running> {
    let listener = TcpListener::bind(options.bind).await?;
    let address = listener.local_addr()?;
    let is_facade = options
        .variants
        .iter()
        .any(|variant| variant.difference == Difference::Facade);
    let is_smart = options
        .variants
        .iter()
        .any(|variant| variant.difference == Difference::Smart);
    let authority = if is_facade {
        Some(Authority::new(address.ip()).map_err(io::Error::other)?)
    } else {
        None
    };
    let scheme = if is_facade { "https" } else { "http" };
    let url =
        |path: &str| Url::parse(&format!("{scheme}://{address}{path}")).map_err(io::Error::other);
    let base = url(BASE_PATH)?;
    let server = Server::new(&options, base.as_str())
        .map(Arc::new)
        .map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
    let (stop, stopped) = watch::channel(false);
    let running = Running {
        token_url: (is_facade || is_smart).then(|| url("/token")).transpose()?,
        base,
        ca_pem: authority.as_ref().map(|authority| authority.ca_pem.clone()),
        log: Arc::clone(server.log()),
        plug: Plug(Arc::clone(&server)),
        stop,
    };
    let acceptor = authority.map(|authority| authority.acceptor);
    let far = Far {
        server,
        latency: options.latency,
    };
    tokio::spawn(accept(listener, far, acceptor, stopped));
    Ok(running)
}

/// A server with its distance.
#[derive(Clone)]
struct Far {
    server: Arc<Server>,
    latency: Duration,
}

async fn accept(
    listener: TcpListener,
    server: Far,
    acceptor: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        // A connection that fails before it is accepted concerns its client alone.
        let Ok((stream, _)) = accepted else { continue };
        let (server, acceptor, stopped) = (server.clone(), acceptor.clone(), stopped.clone());
        tokio::spawn(async move {
            // Without this, small answers wait for the client's delayed acknowledgement.
            let _ = stream.set_nodelay(true);
            match acceptor {
                None => connection(TokioIo::new(stream), server, stopped).await,
                Some(acceptor) => secured(stream, acceptor, server, stopped).await,
            }
        });
    }
}

async fn secured(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    server: Far,
    stopped: watch::Receiver<bool>,
) {
    // A handshake that fails (an unknown authority on the client's side) ends the connection, nothing else.
    if let Ok(stream) = acceptor.accept(stream).await {
        connection(TokioIo::new(stream), server, stopped).await;
    }
}

async fn connection<S>(stream: S, server: Far, mut stopped: watch::Receiver<bool>)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let service = service_fn(move |request| {
        let Far { server, latency } = server.clone();
        async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            Ok::<_, Infallible>(exchange(server, request).await)
        }
    });
    let connection = http1::Builder::new().serve_connection(stream, service);
    tokio::pin!(connection);
    let finished = tokio::select! {
        _ = connection.as_mut() => true,
        _ = stopped.wait_for(|stopped| *stopped) => false,
    };
    if !finished {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn exchange(
    server: Arc<Server>,
    request: hyper::Request<Incoming>,
) -> hyper::Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Some(method) = method(&head.method) else {
        return refuse(&Refusal::new(
            501,
            "not-supported",
            "the method is not known",
        ));
    };
    // What is announced as too large is not waited for.
    let announced = body.size_hint().lower() > BODY_LIMIT as u64;
    let body = match announced {
        true => None,
        false => Limited::new(body, BODY_LIMIT).collect().await.ok(),
    };
    let Some(body) = body else {
        let message = format!("the body is larger than {BODY_LIMIT} bytes or ended too early");
        return refuse(&Refusal::new(413, "too-long", message));
    };
    let headers: Headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let request = Request {
        method,
        url: below_base(&head.uri),
        headers,
        body: body.to_bytes(),
    };
    let response = if server.pauses() {
        tokio::task::spawn_blocking(move || server.handle(&request)).await
    } else {
        Ok(server.handle(&request))
    };
    match response {
        Ok(response) => wire(response),
        Err(_) => refuse(&Refusal::new(
            500,
            "exception",
            "the request could not be processed",
        )),
    }
}

fn method(method: &hyper::Method) -> Option<Method> {
    Some(match method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    })
}

/// The URL below the base; what is not below it keeps its leading slash.
fn below_base(uri: &hyper::Uri) -> String {
    let text = uri
        .path_and_query()
        .map_or("/", |path_and_query| path_and_query.as_str());
    match text.strip_prefix(BASE_PATH) {
        Some("") => String::new(),
        Some(rest) if rest.starts_with('?') => rest.to_owned(),
        Some(rest) if rest.starts_with('/') => rest[1..].to_owned(),
        _ => text.to_owned(),
    }
}

fn wire(response: Response) -> hyper::Response<Full<Bytes>> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in response.headers.iter() {
        // A value that is no legal field value (a client's own X-Request-Id, say) is left out.
        if let Ok(value) = hyper::header::HeaderValue::from_bytes(value.as_bytes()) {
            builder = builder.header(name, value);
        }
    }
    builder
        .body(Full::new(response.body))
        .unwrap_or_else(|_| hyper::Response::new(Full::new(Bytes::new())))
}

fn refuse(refusal: &Refusal) -> hyper::Response<Full<Bytes>> {
    wire(Response {
        status: refusal.status,
        version: "HTTP/1.1",
        headers: [("Content-Type", FHIR_JSON), ("Connection", "close")]
            .into_iter()
            .collect(),
        body: write(&refusal.outcome()),
    })
}
