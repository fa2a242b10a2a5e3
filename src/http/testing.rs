//! A TCP server of a few lines for tests of this folder and above: it answers what a closure says, or misbehaves as
//! told. Not an HTTP server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::target::{Auth, Target};

/// What to do with a connection once a request has been read.
pub(crate) enum Reply {
    /// Write these bytes and close.
    Bytes(Vec<u8>),
    /// Write these bytes and wait for the next request on the same connection.
    Kept(Vec<u8>),
    /// Close without a word.
    Close,
    /// Keep the connection and say nothing.
    Silence,
}

/// A complete response that closes the connection.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut text = format!(
        "HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    Reply::Bytes(text.into_bytes())
}

/// The base URL of a running server, and the requests it has read as text.
pub(crate) struct Server {
    pub(crate) base: Url,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server; `reply` gets the number of the request from 0 and its text.
    pub(crate) async fn start<F>(reply: F) -> Self
    where
        F: Fn(usize, &str) -> Reply + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/r4", listener.local_addr().unwrap());
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = Arc::clone(&log);
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, reply) = (Arc::clone(&shared), Arc::clone(&reply));
                tokio::spawn(async move { serve(stream, &shared, &*reply).await });
            }
        });
        Server {
            base: Url::parse(&base).unwrap(),
            log,
        }
    }

    /// Requests read so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// A target that points here.
    pub(crate) fn target(&self) -> Target {
        target(self.base.clone())
    }
}

/// A target without terms.
pub(crate) fn target(base: Url) -> Target {
    Target {
        name: "test".to_owned(),
        base,
        auth: Auth::None,
        headers: Vec::new(),
        cacert: None,
        cacert_pem: None,
        identity: None,
        insecure: false,
        timeout: Duration::from_secs(20),
        rate: None,
        max_requests: None,
        writes: true,
        load: false,
        in_process: true,
        validate_is_safe: false,
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<String>>,
    reply: &(dyn Fn(usize, &str) -> Reply + Send + Sync),
) {
    while let Some(text) = read_request(&mut stream).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(text.clone());
            log.len() - 1
        };
        match reply(number, &text) {
            Reply::Kept(bytes) => {
                let _ = stream.write_all(&bytes).await;
                continue;
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
            Reply::Close => {}
            Reply::Silence => std::future::pending().await,
        }
        return;
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).await.ok()?;
        if n == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")
                        .map(str::to_owned)
                })
                .map_or(0, |value| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
    }
}
