//! Tokens against a server that refuses all but the newest one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::clock::SystemClock;
use crate::http::client::connect;
use crate::http::target::Target;
use crate::http::testing::{Reply, Server, answer};
use jiff::Timestamp;

/// A clock that a test moves.
#[derive(Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

fn with_credentials(server: &Server) -> Target {
    let mut target = server.target();
    target.auth = Auth::ClientCredentials {
        token_url: Url::parse(&format!("{}/token", server.base)).unwrap(),
        client_id: "me".to_owned(),
        client_secret: Secret::new("s+cret".to_owned()),
        scope: "system/*.rs".to_owned(),
    };
    target
}

/// Grants `t0`, `t1`, … for 30 s and accepts any of them that `accepts` accepts.
async fn granting(accepts: fn(&str) -> bool) -> Server {
    let granted = AtomicU64::new(0);
    Server::start(move |_, request| {
        if request.starts_with("POST /r4/token") {
            let number = granted.fetch_add(1, Ordering::Relaxed);
            let body = format!("{{\"access_token\":\"t{number}\",\"expires_in\":30}}");
            return answer(200, &[], &body);
        }
        if accepts(request) {
            answer(200, &[], "{}")
        } else {
            answer(401, &[], "")
        }
    })
    .await
}

fn tokens_asked(server: &Server) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.starts_with("POST /r4/token"))
        .count()
}

#[tokio::test]
async fn client_credentials_are_exchanged_once_and_again_before_they_expire() {
    let server = granting(|_| true).await;
    let clock = Arc::new(HandClock::default());
    let transport = connect(&with_credentials(&server), Arc::clone(&clock) as _).unwrap();
    for (second, asked) in [(0, 1), (24, 1), (25, 2), (26, 2)] {
        clock.0.store(second, Ordering::Relaxed);
        assert_eq!(
            transport.send(Request::get("metadata")).await.status(),
            Some(200)
        );
        assert_eq!(tokens_asked(&server), asked, "after {second} s");
    }
    let asked = &server.requests()[0];
    assert!(asked.ends_with("grant_type=client_credentials&scope=system%2F*.rs"));
    // `me:s%2Bcret`, form-encoded before base64 as RFC 6749 section 2.3.1 says.
    assert!(asked.contains("authorization: Basic bWU6cyUyQmNyZXQ=\r\n"));
}

#[tokio::test]
async fn the_scopes_of_the_newest_token_are_known_and_those_asked_for_if_none_are_said() {
    let server = Server::start(
        |number, request| match request.starts_with("POST /r4/token") {
            true if number == 0 => answer(200, &[], r#"{"access_token":"t","expires_in":30}"#),
            true => answer(
                200,
                &[],
                r#"{"access_token":"u","expires_in":30,"scope":"system/Patient.r tenant:x"}"#,
            ),
            false => answer(200, &[], "{}"),
        },
    )
    .await;
    let clock = Arc::new(HandClock::default());
    let transport = connect(&with_credentials(&server), Arc::clone(&clock) as _).unwrap();
    assert!(transport.granted().is_empty());
    transport.send(Request::get("metadata")).await;
    assert_eq!(transport.granted(), ["system/*.rs"]);
    clock.0.store(29, Ordering::Relaxed);
    transport.send(Request::get("metadata")).await;
    assert_eq!(transport.granted(), ["system/Patient.r", "…"]);
}

#[tokio::test]
async fn a_read_refused_with_401_is_sent_again_with_a_fresh_token() {
    let server = granting(|request| !request.contains("Bearer t0")).await;
    let clock = Arc::new(SystemClock::new());
    let transport = connect(&with_credentials(&server), clock).unwrap();
    let exchange = transport.send(Request::get("metadata")).await;
    assert_eq!(exchange.status(), Some(200));
    assert_eq!(
        exchange.request.headers.get("Authorization"),
        Some("Bearer t1")
    );
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_write_refused_with_401_is_not_sent_again() {
    let server = granting(|request| !request.contains("Bearer t0")).await;
    let clock = Arc::new(SystemClock::new());
    let transport = connect(&with_credentials(&server), clock).unwrap();
    let write = || Request::new(Method::Put, "Patient/1").with_json(&serde_json::json!({}));
    assert_eq!(transport.send(write()).await.status(), Some(401));
    assert_eq!(transport.send(write()).await.status(), Some(200));
    assert_eq!(tokens_asked(&server), 2);
}

#[tokio::test]
async fn a_server_that_refuses_every_token_is_not_asked_for_ever() {
    let server = granting(|_| false).await;
    let clock = Arc::new(SystemClock::new());
    let transport = connect(&with_credentials(&server), clock).unwrap();
    for _ in 0..3 {
        let exchange = transport.send(Request::get("metadata")).await;
        assert_eq!(exchange.status(), Some(401));
    }
    assert_eq!(tokens_asked(&server), 2);
}

#[tokio::test]
async fn a_token_command_prints_the_token() {
    let server = Server::start(|_, request| {
        let status = if request.contains("authorization: Bearer abc.def\r\n") {
            200
        } else {
            401
        };
        answer(status, &[], "{}")
    })
    .await;
    let mut target = server.target();
    target.auth = Auth::TokenCommand("printf 'abc.def\\n'".to_owned());
    let transport = connect(&target, Arc::new(SystemClock::new())).unwrap();
    let exchange = transport.send(Request::get("metadata")).await;
    assert_eq!(exchange.status(), Some(200));
    let own = Request::get("metadata").with_header("Authorization", "");
    let exchange = transport.send(own).await;
    assert_eq!(exchange.status(), Some(401), "an empty field asks for none");
    assert!(!server.requests()[1].contains("authorization"));
}

#[tokio::test]
async fn a_token_command_that_fails_is_a_failure_without_its_output() {
    let server = Server::start(|_, _| Reply::Close).await;
    for command in ["echo s3cret >&2; exit 3", "echo 's3cret and more'", "true"] {
        let mut target = server.target();
        target.auth = Auth::TokenCommand(command.to_owned());
        let transport = connect(&target, Arc::new(SystemClock::new())).unwrap();
        let exchange = transport.send(Request::get("metadata")).await;
        let failure = exchange.outcome.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        assert!(!failure.message.contains("s3cret"));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_token_response_is_read_with_its_life() {
    let grant = read_printed(br#"{"access_token":"t","expires_in":"3600"}"#).unwrap();
    assert_eq!(grant.token.reveal(), "t");
    assert_eq!(grant.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(early(Duration::from_secs(3600)), Duration::from_secs(5));
    assert_eq!(early(Duration::from_secs(10)), Duration::from_secs(2));
}

#[tokio::test]
async fn basic_credentials_are_sent() {
    let server = Server::start(|_, _| answer(200, &[], "{}")).await;
    let mut target = server.target();
    target.auth = Auth::Basic {
        user: "Aladdin".to_owned(),
        password: Secret::new("open sesame".to_owned()),
    };
    let transport = connect(&target, Arc::new(SystemClock::new())).unwrap();
    transport.send(Request::get("metadata")).await;
    // The example of RFC 7617 section 2.
    assert!(server.requests()[0].contains("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
}
