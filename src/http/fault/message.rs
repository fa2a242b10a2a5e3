//! A request as the fault proxy reads it from a connection: head and body as bytes, the head rewritten for the target.
//! Not the vocabulary of requests (`http::message`): nothing here is understood that need not be.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Fault, HEADER, Limits};

/// One request on its way.
#[derive(Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What is to happen to it.
    pub fault: Option<Fault>,
    /// The bytes for the target.
    pub bytes: Vec<u8>,
}

/// Reads one request; `None` if the connection ends before it begins.
///
/// # Errors
/// The connection breaks, a limit is passed, or it is no request whose length is stated.
pub async fn read<R: AsyncRead + Unpin>(
    stream: &mut R,
    host: &str,
    limits: &Limits,
) -> io::Result<Option<Incoming>> {
    let Some((head, mut rest)) = read_head(stream, limits.head).await? else {
        return Ok(None);
    };
    let (fault, mut bytes, length) = rewrite(&head, host)?;
    if length > limits.body {
        return Err(refuse("the body is larger than the proxy carries"));
    }
    let missing = length.saturating_sub(rest.len() as u64);
    rest.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    bytes.append(&mut rest);
    let read = stream.take(missing).read_to_end(&mut bytes).await?;
    if (read as u64) < missing {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(Incoming { fault, bytes }))
}

/// The head without the empty line that ends it, and what was read beyond.
async fn read_head<R: AsyncRead + Unpin>(
    stream: &mut R,
    limit: usize,
) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(END.len()).position(|window| window == END) {
            let rest = bytes.split_off(at + END.len());
            bytes.truncate(at);
            return Ok(Some((bytes, rest)));
        }
        if bytes.len() > limit {
            return Err(refuse("the head is larger than the proxy carries"));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return match bytes.is_empty() {
                true => Ok(None),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
    }
}

/// The fault, the head for the target with the empty line at its end, and the length of the body.
fn rewrite(head: &[u8], host: &str) -> io::Result<(Option<Fault>, Vec<u8>, u64)> {
    let (mut fault, mut length) = (None, 0);
    let mut written = Vec::with_capacity(head.len() + 64);
    for (index, line) in head.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (name, value) = field(line);
        let is = |wanted: &str| index > 0 && name.eq_ignore_ascii_case(wanted.as_bytes());
        if is(HEADER) {
            fault = Some(text(value).parse().map_err(|why: String| refuse(&why))?);
            continue;
        }
        if is("Transfer-Encoding") {
            return Err(refuse("a body without a stated length is not carried"));
        }
        if is("Content-Length") {
            let stated = text(value).parse();
            length = stated.map_err(|_| refuse("Content-Length is no number"))?;
        }
        if is("Connection") || is("Host") {
            continue;
        }
        written.extend_from_slice(line);
        written.extend_from_slice(b"\r\n");
        if index == 0 {
            written.extend_from_slice(format!("Host: {host}\r\n").as_bytes());
        }
    }
    written.extend_from_slice(b"Connection: close\r\n\r\n");
    Ok((fault, written, length))
}

fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b':') {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, &[]),
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim().to_owned()
}

fn refuse(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_text(text: &str) -> io::Result<Option<Incoming>> {
        read(&mut text.as_bytes(), "target:80", &Limits::default()).await
    }

    #[tokio::test]
    async fn a_request_reaches_the_target_as_sent_but_for_host_connection_and_the_fault() {
        let sent = "PUT /r4/Patient/1?a=b HTTP/1.1\r\nHost: 127.0.0.1:9\r\nX-Rounds-Fault: hang-up\r\n\
            If-Match: W/\"1\"\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}";
        let incoming = read_text(sent).await.unwrap().unwrap();
        assert_eq!(incoming.fault, Some(Fault::HangUp));
        assert_eq!(
            String::from_utf8(incoming.bytes).unwrap(),
            "PUT /r4/Patient/1?a=b HTTP/1.1\r\nHost: target:80\r\nIf-Match: W/\"1\"\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{}"
        );
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_is_no_request_and_half_a_request_is_an_error() {
        assert_eq!(read_text("").await.unwrap(), None);
        let cut = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}";
        for text in ["GET / HT", cut] {
            let error = read_text(text).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_beyond_a_limit_or_of_unknown_length_is_refused() {
        let limits = Limits {
            head: 32,
            body: 4,
            ..Limits::default()
        };
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(64));
        for text in [
            long.as_str(),
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nfive!",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nX-Rounds-Fault: explode\r\n\r\n",
        ] {
            let error = read(&mut text.as_bytes(), "target", &limits)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text}");
        }
    }
}
