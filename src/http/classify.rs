//! What kind of failure an error of the network stack is, found by walking its chain of causes. Names no client
//! library and prints no URL.

use std::error::Error;

use super::exchange::{Failure, FailureKind};

/// Causes looked at before giving up; the deepest chain seen has six.
const MAX_CAUSES: usize = 16;

/// What the client itself knows about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// While the name was looked up.
    Resolving,
    /// While the connection was made, TLS included.
    Connecting,
    /// After the connection was there.
    Exchanging,
    /// While the body was read and its content coding undone.
    Decoding,
    /// A time limit of the client struck.
    TimedOut,
}

/// The failure behind an error.
pub fn classify(error: &(dyn Error + 'static), stage: Stage) -> Failure {
    let causes = causes(error);
    if stage == Stage::TimedOut {
        return failure(FailureKind::Timeout, "no complete answer in time");
    }
    if stage == Stage::Resolving {
        return failure(FailureKind::Dns, "the host name did not resolve");
    }
    if let Some(tls) = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<rustls::Error>())
    {
        return failure(FailureKind::Tls, tls_message(tls));
    }
    let io = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<std::io::Error>());
    if stage == Stage::Connecting {
        return failure(FailureKind::Connect, connect_message(io));
    }
    exchanging(&causes, io, stage)
}

fn exchanging(
    causes: &[&(dyn Error + 'static)],
    io: Option<&std::io::Error>,
    stage: Stage,
) -> Failure {
    let hyper = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<hyper::Error>());
    // A body that ends too early is reported while it is decoded, but it is the connection that broke.
    if stage == Stage::Decoding && hyper.is_none() {
        return failure(
            FailureKind::Protocol,
            "the content coding of the body is broken",
        );
    }
    match hyper {
        Some(error) if error.is_parse_too_large() => {
            failure(FailureKind::TooLarge, "the response head is too large")
        }
        Some(error) if error.is_parse() => {
            failure(FailureKind::Protocol, "what came back is not HTTP")
        }
        Some(error) if error.is_timeout() => {
            failure(FailureKind::Timeout, "no complete answer in time")
        }
        Some(error) if error.is_incomplete_message() => failure(
            FailureKind::Broken,
            "the connection was closed before the response was complete",
        ),
        _ => failure(
            FailureKind::Broken,
            match io.map(std::io::Error::kind) {
                Some(std::io::ErrorKind::ConnectionReset) => "the connection was reset",
                _ => "the connection broke after the request was sent",
            },
        ),
    }
}

fn connect_message(io: Option<&std::io::Error>) -> &'static str {
    use std::io::ErrorKind as Kind;
    match io.map(std::io::Error::kind) {
        Some(Kind::ConnectionRefused) => "connection refused: nothing listens there",
        Some(Kind::ConnectionReset) => "the connection was reset while it was made",
        Some(Kind::UnexpectedEof) => "the connection was closed while it was made",
        Some(Kind::NetworkUnreachable) => "the network is unreachable",
        Some(Kind::HostUnreachable) => "the host is unreachable",
        Some(Kind::TimedOut) => "no connection in time",
        Some(Kind::PermissionDenied) => "connecting is not permitted here",
        _ => "no connection",
    }
}

/// What a TLS error means for people, without certificate contents.
pub fn tls_message(error: &rustls::Error) -> String {
    use rustls::CertificateError as Certificate;
    let text = match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::UnknownIssuer => {
                "the certificate was issued by an authority that is not trusted here"
            }
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "the certificate has expired"
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "the certificate is for another host name"
            }
            Certificate::Revoked => "the certificate has been revoked",
            _ => "the certificate is not acceptable",
        },
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS",
        rustls::Error::PeerIncompatible(_) => "no TLS version or cipher suite in common",
        rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
            "the server demands a client certificate"
        }
        rustls::Error::AlertReceived(alert) => {
            return format!("the server broke the TLS handshake off with the alert {alert:?}");
        }
        _ => "the TLS handshake failed",
    };
    text.to_owned()
}

fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        message: message.into(),
    }
}

/// The error and what caused it, outermost first. An `io::Error` hides the error it wraps from `source`, so that one
/// is asked directly.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut list = vec![error];
    let mut current = error;
    while list.len() < MAX_CAUSES {
        let wrapped = current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        let Some(next) = wrapped.or_else(|| current.source()) else {
            break;
        };
        list.push(next);
        current = next;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_error_is_found_inside_io_errors() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = std::io::Error::other(std::io::Error::other(tls));
        let failure = classify(&error, Stage::Connecting);
        assert_eq!(failure.kind, FailureKind::Tls);
        assert!(failure.message.contains("not trusted"));
    }

    #[test]
    fn a_refused_connection_is_not_a_broken_one() {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(
            classify(&error, Stage::Connecting).kind,
            FailureKind::Connect
        );
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let failure = classify(&error, Stage::Exchanging);
        assert_eq!(failure.kind, FailureKind::Broken);
        assert!(failure.is_unknown());
    }
}
