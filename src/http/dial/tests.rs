//! A TLS server with a private authority: what the dial sees, and what the client makes of it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::clock::SystemClock;
use crate::http::client::Client;
use crate::http::testing::{Server, answer, target};
use crate::http::{Request, Transport as _};

/// Starts a server for `127.0.0.1` whose certificate is signed by a private authority; gives the port and the
/// authority's PEM.
async fn private_server() -> (u16, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    leaf.not_after = rcgen::date_time_ymd(2100, 1, 2);
    leaf.distinguished_name
        .push(rcgen::DnType::CommonName, "leaf");
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                    let text = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                    let _ = stream.write_all(text).await;
                }
            });
        }
    });
    (port, pem)
}

fn private_target(port: u16) -> Target {
    target(Url::parse(&format!("https://127.0.0.1:{port}/r4")).unwrap())
}

fn facts(way: Way) -> Facts {
    match way {
        Way::Direct(facts) => *facts,
        Way::Proxied => panic!("not behind a proxy"),
    }
}

#[tokio::test]
async fn a_private_authority_is_unknown_until_it_is_given() {
    let (port, pem) = private_server().await;
    let folder = std::env::temp_dir().join(format!("rounds-dial-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("authority.pem");
    std::fs::write(&file, pem).unwrap();
    let clock = Arc::new(SystemClock::new());

    let mut target = private_target(port);
    let found = facts(dial(&target, &*clock).await.unwrap());
    let seen = found.tls.unwrap().unwrap();
    assert_eq!(seen.version, "TLS 1.3");
    assert_eq!(seen.certificates, 1);
    assert!(seen.verified.is_err());
    let certificate = seen.certificate.unwrap();
    assert_eq!(certificate.names, ["127.0.0.1"]);
    assert_eq!(certificate.not_after.to_string(), "2100-01-02T00:00:00Z");
    assert!(!certificate.self_signed);
    let client = Client::new(&target, clock.clone()).unwrap();
    let failure = client
        .send(Request::get("metadata"))
        .await
        .outcome
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls);

    target.cacert = Some(file);
    let found = facts(dial(&target, &*clock).await.unwrap());
    assert_eq!(found.tls.unwrap().unwrap().verified, Ok(()));
    let client = Client::new(&target, clock.clone()).unwrap();
    let exchange = client.send(Request::get("metadata")).await;
    assert_eq!(exchange.status(), Some(200));

    target.cacert = None;
    target.insecure = true;
    let client = Client::new(&target, clock).unwrap();
    let exchange = client.send(Request::get("metadata")).await;
    assert_eq!(exchange.status(), Some(200));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_plain_server_has_no_tls_and_tls_on_it_is_a_fact() {
    let server = Server::start(|_, _| answer(200, &[], "{}")).await;
    let clock = SystemClock::new();
    let found = facts(dial(&server.target(), &clock).await.unwrap());
    assert_eq!(found.addresses.len(), 1);
    assert_eq!(found.connected_to.port(), server.base.port().unwrap());
    assert_eq!((found.resolved_in, found.tls), (Duration::ZERO, None));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_an_error() {
    let target = target(Url::parse("http://no-such-host.invalid/").unwrap());
    let failure = dial(&target, &SystemClock::new()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Dns);
}
