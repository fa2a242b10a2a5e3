//! The way through the fault proxy, made when the first request asks for it. What can go wrong there is in
//! `http::fault`.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Client, failure};
use crate::clock::Clock;
use crate::http::exchange::{Exchange, FailureKind, Timings};
use crate::http::fault::{self, Limits, Proxy};
use crate::http::message::{Headers, Request};
use crate::http::target::Target;

/// The same target behind a fault proxy of this process.
pub(super) struct Detour {
    target: Target,
    clock: Arc<dyn Clock>,
    way: OnceCell<Box<Way>>,
}

struct Way {
    proxy: Proxy,
    client: Client,
}

impl Detour {
    pub(super) fn new(target: &Target, clock: Arc<dyn Clock>) -> Self {
        Detour {
            target: target.clone(),
            clock,
            way: OnceCell::new(),
        }
    }

    /// Sends a request that names a fault; the exchange looks as if it had gone straight to the target.
    pub(super) async fn send(&self, request: Request) -> Exchange {
        let way = match self.way.get_or_try_init(|| self.open()).await {
            Ok(way) => way,
            Err(why) => return self.refused(request, why),
        };
        let base = self.target.base.as_str().trim_end_matches('/');
        let through = way.proxy.base().as_str().trim_end_matches('/');
        let request = Request {
            url: moved(&request.url, base, through),
            ..request
        };
        let mut exchange = way.client.exchange(request).await;
        exchange.request.url = moved(&exchange.request.url, through, base);
        exchange.request.headers = without_fault(&exchange.request.headers);
        exchange
    }

    async fn open(&self) -> Result<Box<Way>, String> {
        let proxy = Proxy::start(&self.target.base, Limits::default())
            .await
            .map_err(|error| error.to_string())?;
        let target = Target {
            base: proxy.base().clone(),
            // It is in this process, whatever proxy the environment names.
            in_process: true,
            ..self.target.clone()
        };
        let client =
            Client::new(&target, Arc::clone(&self.clock)).map_err(|error| error.to_string())?;
        Ok(Box::new(Way { proxy, client }))
    }

    fn refused(&self, request: Request, why: String) -> Exchange {
        Exchange {
            number: 0,
            request,
            outcome: Err(failure(FailureKind::Refused, why)),
            timings: Timings {
                started: self.clock.elapsed(),
                ..Timings::default()
            },
            translated: None,
        }
    }
}

/// An absolute URL below another base; others stay as they are.
fn moved(url: &str, from: &str, to: &str) -> String {
    match url.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}"),
        None => url.to_owned(),
    }
}

/// The fields without those that are between the client and its proxy.
fn without_fault(headers: &Headers) -> Headers {
    let ours = [fault::HEADER, "Connection"];
    headers
        .iter()
        .filter(|(name, _)| !ours.iter().any(|own| name.eq_ignore_ascii_case(own)))
        .collect()
}
