//! A transport for tests that answers from a function and notes what reached it. Nothing goes over a wire: for that
//! see `testing`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{Exchange, FHIR_JSON, Method, Request, Response, Sending, Timings, Transport};

/// Number of the request from 0, its method, its URL relative to the base.
type Answer = dyn Fn(usize, Method, &str) -> Response + Send + Sync;

/// What reached the transport.
#[derive(Clone)]
struct Sent {
    method: Method,
    url: String,
    /// Since the transport was made.
    at: Duration,
}

/// An endpoint made of a function.
pub(crate) struct Scripted {
    base: Url,
    answer: Box<Answer>,
    start: Instant,
    sent: Mutex<Vec<Sent>>,
}

impl Scripted {
    /// An endpoint at `base` that answers what a function says.
    pub(crate) fn new(
        base: &str,
        answer: impl Fn(usize, Method, &str) -> Response + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Scripted {
            base: Url::parse(base).unwrap(),
            answer: Box::new(answer),
            start: Instant::now(),
            sent: Mutex::default(),
        })
    }

    /// An endpoint whose answers are a status and a FHIR body in JSON.
    pub(crate) fn json(
        base: &str,
        answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Scripted::new(base, move |_, _, url| {
            let (status, body) = answer(url);
            Response {
                status,
                version: "HTTP/1.1",
                headers: [("content-type", FHIR_JSON)].into_iter().collect(),
                body: body.to_string().into(),
            }
        })
    }

    /// Methods and relative URLs of the requests so far.
    pub(crate) fn log(&self) -> Vec<(Method, String)> {
        let sent = self.sent.lock().unwrap();
        sent.iter()
            .map(|sent| (sent.method, sent.url.clone()))
            .collect()
    }

    /// When the requests so far came, since the transport was made.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.sent
            .lock()
            .unwrap()
            .iter()
            .map(|sent| sent.at)
            .collect()
    }
}

impl Transport for Scripted {
    fn send(&self, mut request: Request) -> Sending<'_> {
        let base = self.base.as_str();
        let url = request
            .url
            .strip_prefix(base)
            .unwrap_or(&request.url)
            .trim_start_matches('/')
            .to_owned();
        request.url = format!("{base}/{url}");
        let method = request.method;
        let number = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(Sent {
                method,
                url: url.clone(),
                at: self.start.elapsed(),
            });
            sent.len() - 1
        };
        Box::pin(async move {
            Exchange {
                number: 0,
                request,
                outcome: Ok((self.answer)(number, method, &url)),
                timings: Timings::default(),
                translated: None,
            }
        })
    }

    fn base(&self) -> &Url {
        &self.base
    }
}
