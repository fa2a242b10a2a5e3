//! The sandbox on a socket.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::sandbox::{Running, serve};

async fn exchange(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        received.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&received).into_owned();
        if count == 0 || is_complete(&text) {
            return text;
        }
    }
}

fn is_complete(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

fn address(running: &Running) -> String {
    format!(
        "{}:{}",
        running.base.host_str().unwrap(),
        running.base.port().unwrap()
    )
}

#[tokio::test]
async fn one_connection_carries_several_requests() {
    let running = serve(Options {
        preload: vec![patient("p", "Ada")],
        ..Options::default()
    })
    .await
    .unwrap();
    let mut stream = TcpStream::connect(address(&running)).await.unwrap();
    let read = "GET /fhir/Patient/p HTTP/1.1\r\nhost: x\r\n\r\n";
    let first = exchange(&mut stream, read).await;
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    assert!(first.contains("\"family\":\"Ada\""));
    assert!(first.to_lowercase().contains("etag: w/\"1\""));
    let second = exchange(&mut stream, "GET /elsewhere HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(second.starts_with("HTTP/1.1 404"), "{second}");
    assert_eq!(running.log.total(), 2);
}

#[tokio::test]
async fn a_head_request_tells_the_length_and_sends_no_body() {
    let running = serve(Options {
        preload: vec![patient("p", "Ada")],
        ..Options::default()
    })
    .await
    .unwrap();
    let mut stream = TcpStream::connect(address(&running)).await.unwrap();
    let request = b"HEAD /fhir/Patient/p HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).await.unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(body.is_empty());
    let length = head.to_lowercase();
    assert!(length.contains("content-length: ") && !length.contains("content-length: 0"));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let running = serve(Options::default()).await.unwrap();
    let mut stream = TcpStream::connect(address(&running)).await.unwrap();
    let length = crate::sandbox::serve::BODY_LIMIT + 1;
    let head =
        format!("POST /fhir/Patient HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    let answer = exchange(&mut stream, &head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn dropping_it_frees_the_port() {
    let running = serve(Options::default()).await.unwrap();
    let address = address(&running);
    drop(running);
    // The accept loop is woken at once; each try yields to it.
    let mut tries = 0;
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
        tries += 1;
        assert!(tries < 10_000, "the port stays open");
    }
}

#[tokio::test]
async fn the_facade_speaks_tls_under_its_own_authority() {
    let running = serve(Options {
        variants: vec![variant("facade").unwrap()],
        ..Options::default()
    })
    .await
    .unwrap();
    assert_eq!(running.base.scheme(), "https");
    assert_eq!(running.token_url.as_ref().unwrap().path(), "/token");
    let pem = running.ca_pem.clone().unwrap();
    let der = x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .unwrap()
        .1
        .contents;
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(rustls::pki_types::CertificateDer::from(der))
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address(&running)).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream
        .write_all(b"GET /fhir/Patient/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut received = String::new();
    let _ = stream.read_to_string(&mut received).await;
    assert!(received.starts_with("HTTP/1.1 401"), "{received}");
}
