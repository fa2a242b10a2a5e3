//! The client against servers that misbehave.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::http::testing::{Reply, Server, answer, target};

fn client(server: &Server) -> Client {
    Client::new(&server.target(), Arc::new(SystemClock::new())).unwrap()
}

fn kind(exchange: &Exchange) -> FailureKind {
    exchange.outcome.as_ref().unwrap_err().kind
}

#[tokio::test]
async fn an_answer_arrives_with_the_request_as_it_was_sent() {
    let server = Server::start(|_, _| answer(200, &[("etag", "W/\"1\"")], "{\"a\":1.0}")).await;
    let mut target = server.target();
    target.headers = vec![("X-Api-Key".to_owned(), Secret::new("k".to_owned()))];
    let client = Client::new(&target, Arc::new(SystemClock::new())).unwrap();
    let exchange = client.send(Request::get("Patient?name=a%20b")).await;
    assert_eq!(exchange.status(), Some(200));
    assert_eq!(exchange.header("ETag"), Some("W/\"1\""));
    assert_eq!(exchange.json().unwrap().to_string(), "{\"a\":1.0}");
    assert_eq!(
        exchange.request.url,
        format!("{}/Patient?name=a%20b", server.base)
    );
    assert!(exchange.timings.head.unwrap() <= exchange.timings.total);
    let received = server.requests().remove(0);
    assert!(received.starts_with("GET /r4/Patient?name=a%20b HTTP/1.1\r\n"));
    for (name, value) in exchange.request.headers.iter() {
        let line = format!("\r\n{}: {value}\r\n", name.to_ascii_lowercase());
        assert!(received.contains(&line), "{name} was recorded but not sent");
    }
    for name in ["Accept", "User-Agent", "Cache-Control", "X-Api-Key"] {
        assert!(exchange.request.headers.get(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_decoded() {
    let server = Server::start(|_, _| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"{\"gzip\":true}").unwrap();
        let body = encoder.finish().unwrap();
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend(body);
        Reply::Bytes(bytes)
    })
    .await;
    let exchange = client(&server).send(Request::get("metadata")).await;
    assert_eq!(exchange.json().unwrap().to_string(), "{\"gzip\":true}");
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_a_failure_to_connect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let target = target(Url::parse(&base).unwrap());
    let client = Client::new(&target, Arc::new(SystemClock::new())).unwrap();
    assert_eq!(
        kind(&client.send(Request::get("metadata")).await),
        FailureKind::Connect
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_failure_of_dns() {
    let target = target(Url::parse("http://no-such-host.invalid/r4").unwrap());
    let client = Client::new(&target, Arc::new(SystemClock::new())).unwrap();
    assert_eq!(
        kind(&client.send(Request::get("metadata")).await),
        FailureKind::Dns
    );
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_broken_and_its_effect_unknown() {
    let server = Server::start(|_, _| Reply::Close).await;
    let request = Request::new(Method::Post, "Patient").with_json(&serde_json::json!({}));
    let exchange = client(&server).send(request).await;
    assert_eq!(kind(&exchange), FailureKind::Broken);
    assert!(exchange.outcome.unwrap_err().is_unknown());
    assert_eq!(server.requests().len(), 1, "never sent twice");
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_broken() {
    let server = Server::start(|_, _| {
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec())
    })
    .await;
    let exchange = client(&server).send(Request::get("metadata")).await;
    assert_eq!(kind(&exchange), FailureKind::Broken);
    assert!(exchange.timings.head.is_some());
}

#[tokio::test]
async fn garbage_is_not_http() {
    let server = Server::start(|_, _| Reply::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec())).await;
    assert_eq!(
        kind(&client(&server).send(Request::get("metadata")).await),
        FailureKind::Protocol
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let mut target = server.target();
    target.timeout = Duration::from_millis(50);
    let client = Client::new(&target, Arc::new(SystemClock::new())).unwrap();
    let exchange = client.send(Request::get("metadata")).await;
    assert_eq!(kind(&exchange), FailureKind::Timeout);
    assert_eq!(exchange.timings.head, None);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read_to_its_end() {
    let server = Server::start(|_, _| answer(200, &[], &"x".repeat(100_000))).await;
    let mut client = client(&server);
    client.max_body = 99_999;
    assert_eq!(
        kind(&client.send(Request::get("Patient")).await),
        FailureKind::TooLarge
    );
    client.max_body = 100_000;
    assert_eq!(
        client.send(Request::get("Patient")).await.status(),
        Some(200)
    );
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let server =
        Server::start(|_, _| answer(302, &[("location", "http://other.example/r4")], "")).await;
    let exchange = client(&server).send(Request::get("metadata")).await;
    assert_eq!(kind(&exchange), FailureKind::Redirect);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_for_reads_only_and_not_for_ever() {
    let server = Server::start(|_, request| {
        if request.contains("/old") {
            answer(301, &[("location", "new")], "")
        } else if request.contains("/loop") {
            answer(302, &[("location", "loop")], "")
        } else {
            answer(200, &[], "{}")
        }
    })
    .await;
    let client = client(&server);
    assert_eq!(client.send(Request::get("old")).await.status(), Some(200));
    let write = Request::new(Method::Delete, "old");
    assert_eq!(client.send(write).await.status(), Some(301));
    assert_eq!(
        kind(&client.send(Request::get("loop")).await),
        FailureKind::Redirect
    );
    assert_eq!(server.requests().len(), 2 + 1 + MAX_REDIRECTS + 1);
}

#[tokio::test]
async fn an_absolute_url_must_lead_to_the_target() {
    let server = Server::start(|_, _| answer(200, &[], "{}")).await;
    let client = client(&server);
    let port = server.base.port().unwrap();
    for foreign in [
        "http://other.example/r4/Patient".to_owned(),
        format!("https://127.0.0.1:{port}/r4/Patient"),
        format!("http://127.0.0.1:{}/r4/Patient", port ^ 1),
        format!("http://127.0.0.1:{port}@other.example/r4/Patient"),
    ] {
        let exchange = client.send(Request::get(foreign)).await;
        assert_eq!(kind(&exchange), FailureKind::Refused);
    }
    assert!(server.requests().is_empty());
    let own = format!("http://127.0.0.1:{port}/elsewhere?page=2");
    assert_eq!(client.send(Request::get(own)).await.status(), Some(200));
}

#[test]
fn relative_urls_go_below_the_base_whatever_they_contain() {
    let base = Url::parse("https://h.example/r4").unwrap();
    let text = |url: &str| resolve(&base, url).unwrap().as_str().to_owned();
    assert_eq!(text(""), "https://h.example/r4");
    assert_eq!(text("?_type=Patient"), "https://h.example/r4?_type=Patient");
    assert_eq!(text("/metadata"), "https://h.example/r4/metadata");
    // A link that is relative to the host leads to where it says.
    assert_eq!(text("/r4/Patient?p=2"), "https://h.example/r4/Patient?p=2");
    assert_eq!(text("/r4x/Patient"), "https://h.example/r4/r4x/Patient");
    assert_eq!(
        text("ValueSet/$expand?url=http://x.example/y"),
        "https://h.example/r4/ValueSet/$expand?url=http://x.example/y"
    );
}

#[test]
fn a_target_that_cannot_be_used_says_why_and_what_to_do() {
    let clock = || Arc::new(SystemClock::new());
    for base in ["ftp://h.example/", "https://user:pw@h.example/r4"] {
        let target = target(Url::parse(base).unwrap());
        let error = Client::new(&target, clock()).err().unwrap();
        assert!(!error.why.is_empty() && !error.hint.is_empty());
        assert!(!error.to_string().contains("pw"));
    }
    let mut target = target(Url::parse("https://h.example/").unwrap());
    target.cacert = Some("no/such/file.pem".into());
    let error = Client::new(&target, clock()).err().unwrap();
    assert!(error.what.contains("no/such/file.pem"));
}

/// Keeps every connection after its first answer and closes it when the second request of it has been read.
async fn closes_what_is_idle() -> Server {
    Server::start(|number, _| match number % 2 {
        0 => Reply::Kept(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        _ => Reply::Close,
    })
    .await
}

#[tokio::test]
async fn a_connection_that_was_idle_and_broke_is_told_from_one_that_was_new() {
    let server = closes_what_is_idle().await;
    let client = client(&server);
    let first = client.send(Request::get("Patient/a")).await;
    assert_eq!(first.status(), Some(200));
    let second = client.send(Request::get("Patient/a")).await;
    assert_eq!(kind(&second), FailureKind::Stale);
    let new = Server::start(|_, _| Reply::Close).await;
    let client = Client::new(&new.target(), Arc::new(SystemClock::new())).unwrap();
    let only = client.send(Request::get("Patient/a")).await;
    assert_eq!(kind(&only), FailureKind::Broken);
}

#[tokio::test]
async fn a_read_is_sent_once_more_when_its_idle_connection_broke_and_a_write_is_not() {
    let server = closes_what_is_idle().await;
    let transport = connect(&server.target(), Arc::new(SystemClock::new())).unwrap();
    assert_eq!(transport.send(Request::get("1")).await.status(), Some(200));
    assert_eq!(transport.resent(), 0);
    assert_eq!(transport.send(Request::get("2")).await.status(), Some(200));
    assert_eq!((transport.resent(), server.requests().len()), (1, 3));
    let write = transport.send(Request::new(Method::Put, "3")).await;
    assert_eq!(kind(&write), FailureKind::Stale);
    assert!(write.outcome.unwrap_err().is_unknown());
    assert_eq!((transport.resent(), server.requests().len()), (1, 4));
}
