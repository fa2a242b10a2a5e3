//! The fault proxy between the real client and a tiny local server.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::http::testing::{Reply, Server, answer, target};
use crate::http::{Exchange, Transport, client};

/// Looks at the server before a test gives up.
const MAX_POLLS: u32 = 1_000;

/// A server that answers with the number of the request, and a client that reaches it through a proxy.
struct Stage {
    server: Server,
    transport: Arc<dyn Transport>,
    _proxy: Proxy,
}

impl Stage {
    async fn set() -> Self {
        let server = Server::start(|number, _| answer(200, &[], &format!("answer {number}"))).await;
        Stage::before(server).await
    }

    async fn before(server: Server) -> Self {
        let proxy = Proxy::start(&server.base, Limits::default()).await.unwrap();
        let through = target(proxy.base().clone());
        let transport = client::connect(&through, Arc::new(SystemClock::new())).unwrap();
        Stage {
            server,
            transport,
            _proxy: proxy,
        }
    }

    async fn put(&self, fault: Option<Fault>) -> Exchange {
        let request = Request::new(crate::http::Method::Put, "Patient/1")
            .with_body("application/fhir+json", "{\"resourceType\":\"Patient\"}");
        let request = match fault {
            Some(fault) => fault.on(request),
            None => request,
        };
        self.transport.send(request).await
    }

    /// What the server has read once it has read so many requests.
    async fn heard(&self, requests: usize) -> Vec<String> {
        for _ in 0..MAX_POLLS {
            if self.server.requests().len() >= requests {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.server.requests()
    }
}

fn body(exchange: &Exchange) -> String {
    let response = exchange.outcome.as_ref().expect("an answer");
    String::from_utf8(response.body.to_vec()).unwrap()
}

fn is_unknown(exchange: &Exchange) -> bool {
    exchange
        .outcome
        .as_ref()
        .is_err_and(|failure| failure.is_unknown())
}

#[tokio::test]
async fn without_a_fault_request_and_answer_pass() {
    let stage = Stage::set().await;
    assert_eq!(body(&stage.put(None).await), "answer 0");
    assert_eq!(body(&stage.put(None).await), "answer 1");
    let heard = stage.heard(2).await.remove(0);
    assert!(heard.starts_with("PUT /r4/Patient/1 HTTP/1.1\r\n"));
    assert!(heard.ends_with("{\"resourceType\":\"Patient\"}"));
    let host = stage.server.base.port().unwrap();
    assert!(heard.contains(&format!("Host: 127.0.0.1:{host}\r\n")));
}

#[tokio::test]
async fn the_target_never_sees_the_field_that_names_the_fault() {
    let stage = Stage::set().await;
    assert_eq!(
        body(&stage.put(Some(Fault::DelayRequest(1))).await),
        "answer 0"
    );
    assert_eq!(
        body(&stage.put(Some(Fault::DelayResponse(1))).await),
        "answer 1"
    );
    for heard in stage.heard(2).await {
        assert!(!heard.to_ascii_lowercase().contains("x-rounds-fault"));
    }
}

#[tokio::test]
async fn a_request_that_is_cut_is_not_heard_and_its_outcome_looks_unknown() {
    let stage = Stage::set().await;
    for percent in [0, 50, 100] {
        assert!(is_unknown(
            &stage.put(Some(Fault::CutRequest(percent))).await
        ));
    }
    assert_eq!(body(&stage.put(None).await), "answer 0");
}

#[tokio::test]
async fn a_request_after_which_the_client_hangs_up_is_heard() {
    let stage = Stage::set().await;
    assert!(is_unknown(&stage.put(Some(Fault::HangUp)).await));
    assert_eq!(stage.heard(1).await.len(), 1);
}

#[tokio::test]
async fn an_answer_is_cut_wherever_the_fault_says_and_never_complete() {
    let stage = Stage::set().await;
    for bytes in [0, 20, 1 << 20] {
        let exchange = stage.put(Some(Fault::CutResponse(bytes))).await;
        assert!(is_unknown(&exchange), "{bytes}: {exchange:?}");
    }
    assert_eq!(stage.heard(3).await.len(), 3);
}

#[tokio::test]
async fn a_request_that_is_doubled_is_heard_twice_and_answered_once() {
    let stage = Stage::set().await;
    let exchange = stage.put(Some(Fault::Duplicate)).await;
    assert_eq!(body(&exchange), "answer 1");
    let heard = stage.heard(2).await;
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0], heard[1]);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_ends_the_connection() {
    let long = "x".repeat(64);
    let server = Server::start(move |_, _| answer(200, &[], &long)).await;
    let limits = Limits {
        answer: 32,
        ..Limits::default()
    };
    let proxy = Proxy::start(&server.base, limits).await.unwrap();
    let through = target(proxy.base().clone());
    let transport = client::connect(&through, Arc::new(SystemClock::new())).unwrap();
    let exchange = transport.send(Request::get("metadata")).await;
    assert!(exchange.outcome.is_err());
}

#[tokio::test]
async fn a_connection_that_lasts_too_long_is_ended() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let limits = Limits {
        time: Duration::from_millis(50),
        ..Limits::default()
    };
    let proxy = Proxy::start(&server.base, limits).await.unwrap();
    let through = target(proxy.base().clone());
    let transport = client::connect(&through, Arc::new(SystemClock::new())).unwrap();
    let exchange = transport.send(Request::get("metadata")).await;
    assert!(is_unknown(&exchange), "{exchange:?}");
}

#[tokio::test]
async fn a_target_behind_tls_has_no_proxy() {
    let url = Url::parse("https://127.0.0.1/fhir").unwrap();
    let error = Proxy::start(&url, Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_fault_reads_as_it_is_written() {
    let faults = [
        Fault::DelayRequest(5),
        Fault::DelayResponse(7),
        Fault::CutRequest(50),
        Fault::HangUp,
        Fault::CutResponse(0),
        Fault::Duplicate,
    ];
    for fault in faults {
        assert_eq!(fault.to_string().parse(), Ok(fault));
    }
    assert!("cut-request".parse::<Fault>().is_err());
    assert!("explode=1".parse::<Fault>().is_err());
}

#[tokio::test]
async fn a_client_takes_a_detour_for_a_fault_and_shows_nothing_of_it() {
    let server = Server::start(|number, _| answer(200, &[], &format!("answer {number}"))).await;
    let transport = client::connect(&server.target(), Arc::new(SystemClock::new())).unwrap();
    assert!(transport.carries_faults());
    for url in ["Patient/1", &format!("{}/Patient/1", server.base)] {
        let exchange = transport.send(Fault::Duplicate.on(Request::get(url))).await;
        let shown = &exchange.request;
        assert_eq!(shown.url, format!("{}/Patient/1", server.base));
        assert!(shown.headers.get(HEADER).is_none());
        assert!(exchange.outcome.is_ok(), "{exchange:?}");
    }
    assert_eq!(server.requests().len(), 4);
    let cut = Fault::CutRequest(50).on(Request::get("Patient/1"));
    assert!(is_unknown(&transport.send(cut).await));
    assert_eq!(server.requests().len(), 4);
}
