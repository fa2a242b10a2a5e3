//! Tokens against a server that refuses all but the newest one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::clock::SystemClock;
use crate::http::client::connect;
use crate::http::target::{KeySource, Target};
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

/// A target for a client that signs.
fn signed(server: &Server, key: &str, token_url: bool) -> Target {
    let mut target = server.target();
    let path = format!("{}/fixtures/smart/{key}", env!("CARGO_MANIFEST_DIR"));
    target.auth = Auth::BackendServices {
        token_url: token_url.then(|| Url::parse(&format!("{}/token", server.base)).unwrap()),
        client_id: "me".to_owned(),
        key: KeySource::File(path.into()),
        kid: Some("k".to_owned()),
        scopes: "system/*.rs system/Patient.cud".to_owned(),
    };
    target
}

/// Claims of the assertion in a token request.
fn claims(request: &str) -> Value {
    let (_, form) = request.split_once("client_assertion=").unwrap();
    let assertion = form.split('&').next().unwrap();
    let payload = assertion.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_signed_assertion_names_the_client_the_endpoint_and_four_minutes() {
    let server = granting(|_| true).await;
    for key in ["rs384.pem", "es384.pem"] {
        let clock = Arc::new(HandClock::default());
        clock.0.store(1_000, Ordering::Relaxed);
        let transport = connect(&signed(&server, key, true), clock).unwrap();
        assert_eq!(
            transport.send(Request::get("metadata")).await.status(),
            Some(200)
        );
    }
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|request| request.starts_with("POST"))
        .collect();
    let (first, second) = (claims(&asked[0]), claims(&asked[1]));
    assert_eq!((&first["iss"], &first["sub"]), (&"me".into(), &"me".into()));
    assert_eq!(first["aud"], format!("{}/token", server.base));
    assert_eq!(first["exp"], 1_240);
    assert_ne!(first["jti"], second["jti"]);
    assert!(asked[0].contains("&scope=system%2F*.rs%20system%2FPatient.cud"));
    assert!(asked[0].contains(
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    ));
}

#[tokio::test]
async fn the_token_endpoint_is_found_in_either_document_or_it_is_said_that_it_is_not() {
    let found = Server::start(|_, request| {
        let host = request
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap_or_default();
        if request.starts_with("GET /r4/.well-known") {
            return answer(404, &[], "");
        }
        if request.starts_with("POST") {
            return answer(200, &[], r#"{"access_token":"t","expires_in":30}"#);
        }
        let claims = serde_json::json!({ "rest": [{ "security": { "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            "extension": [{ "url": "token", "valueUri": format!("http://{host}/r4/token") }] }] } }] });
        answer(200, &[], &claims.to_string())
    })
    .await;
    let clock = || Arc::new(SystemClock::new());
    let transport = connect(&signed(&found, "es384.pem", false), clock()).unwrap();
    assert_eq!(
        transport.send(Request::get("Patient/1")).await.status(),
        Some(200)
    );

    let silent = Server::start(|_, _| answer(404, &[], "")).await;
    let transport = connect(&signed(&silent, "es384.pem", false), clock()).unwrap();
    let failure = transport
        .send(Request::get("Patient/1"))
        .await
        .outcome
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    for words in [
        "smart-configuration answers 404",
        "no oauth-uris",
        "`token-url`",
    ] {
        assert!(failure.message.contains(words), "{}", failure.message);
    }
    // A second request does not ask again at once.
    let asked = silent.requests().len();
    assert!(
        transport
            .send(Request::get("Patient/1"))
            .await
            .outcome
            .is_err()
    );
    assert_eq!(silent.requests().len(), asked);
}

#[tokio::test]
async fn a_clock_that_differs_is_learned_from_the_refusal() {
    // Half past ten on the server, whatever it is here.
    let server = Server::start(|_, request| {
        if !request.starts_with("POST") {
            return answer(200, &[], "{}");
        }
        let headers = [("Date", "Tue, 05 Mar 2030 10:30:00 GMT")];
        let left = claims(request)["exp"].as_i64().unwrap() - 1_898_937_000;
        match left {
            0..=300 => answer(200, &headers, r#"{"access_token":"t","expires_in":30}"#),
            _ => answer(400, &headers, r#"{"error":"invalid_client"}"#),
        }
    })
    .await;
    let transport = connect(
        &signed(&server, "es384.pem", true),
        Arc::new(SystemClock::new()),
    )
    .unwrap();
    assert_eq!(
        transport.send(Request::get("Patient/1")).await.status(),
        Some(200)
    );
    assert_eq!(tokens_asked(&server), 2);
}

#[tokio::test]
async fn a_refused_client_is_told_what_to_look_at_and_no_secret_is_in_it() {
    for (code, words) in [
        ("invalid_client", "ES384, kid `k`"),
        ("invalid_scope", "none of the `scopes`"),
        ("unauthorized_client", "not registered"),
    ] {
        let body = format!(r#"{{"error":"{code}","error_description":"of Ada Lovelace"}}"#);
        let server = Server::start(move |_, _| answer(400, &[], &body)).await;
        let clock = Arc::new(SystemClock::new());
        let transport = connect(&signed(&server, "es384.pem", true), clock).unwrap();
        let failure = transport
            .send(Request::get("Patient/1"))
            .await
            .outcome
            .unwrap_err();
        assert!(
            failure.message.contains(code) && failure.message.contains(words),
            "{}",
            failure.message
        );
        assert!(!failure.message.contains("Ada"));
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_before_anything_is_sent() {
    let target = |key: &str| {
        let mut target = crate::http::testing::target(Url::parse("http://127.0.0.1:9/r4").unwrap());
        let path = format!("{}/fixtures/smart/{key}", env!("CARGO_MANIFEST_DIR"));
        target.auth = Auth::BackendServices {
            token_url: None,
            client_id: "me".to_owned(),
            key: KeySource::File(path.into()),
            kid: None,
            scopes: String::new(),
        };
        target
    };
    for (key, words) in [
        ("nowhere.pem", "cannot be read"),
        (
            "p256.pem",
            "P-256; SMART Backend Services signs with RS384 or ES384",
        ),
        ("public.jwks.json", "no such private key"),
    ] {
        let error = connect(&target(key), Arc::new(SystemClock::new()))
            .err()
            .unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}
