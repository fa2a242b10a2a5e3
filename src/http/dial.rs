//! Facts about the way to a target, found on connections of our own: names, addresses, TCP, TLS, the certificate.
//! Nothing is sent but handshakes. Behind a proxy nothing is measured, because it would not be the way requests take.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::classify::{Stage, classify, tls_message};
use super::exchange::{Failure, FailureKind};
use super::target::Target;
use super::tls;
use crate::clock::Clock;

/// Time limit of each step: name, connection, handshake.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses kept of one name.
const MAX_ADDRESSES: usize = 16;
/// Names kept of one certificate.
const MAX_NAMES: usize = 100;

/// What was found on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Requests go through a proxy of the environment: not measured.
    Proxied,
    /// The connection is direct.
    Direct(Box<Facts>),
}

/// Facts of a direct connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Addresses of the host, in the order of the resolver.
    pub addresses: Vec<IpAddr>,
    /// Time of the name lookup; zero where the URL holds an address.
    pub resolved_in: Duration,
    /// The address that took the connection.
    pub connected_to: SocketAddr,
    /// Time of the TCP handshake with it.
    pub connected_in: Duration,
    /// TLS facts of an https target.
    pub tls: Option<Result<TlsFacts, Failure>>,
}

/// Facts of a TLS handshake, whether or not the certificate is acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The protocol agreed on by ALPN (`h2`, `http/1.1`).
    pub alpn: Option<String>,
    /// Time of the handshake.
    pub shaken_in: Duration,
    /// Certificates that the server sent.
    pub certificates: usize,
    /// The server's own certificate, if it could be read.
    pub certificate: Option<CertificateFacts>,
    /// Whether the chain verifies against the authorities that requests use; the reason if it does not.
    pub verified: Result<(), String>,
}

/// Facts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// Host names and addresses of `subjectAltName`.
    pub names: Vec<String>,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Issued by itself.
    pub self_signed: bool,
}

/// Walks the way to a target. Sends no request.
///
/// # Errors
/// The name does not resolve, or nothing takes the connection. A failed TLS handshake is a fact, not an error.
pub async fn dial(target: &Target, clock: &dyn Clock) -> Result<Way, Failure> {
    if !target.in_process && is_proxied(&target.base) {
        return Ok(Way::Proxied);
    }
    let port = target
        .base
        .port_or_known_default()
        .ok_or_else(|| failure(FailureKind::Connect, "the URL has no port"))?;
    let start = clock.elapsed();
    let addresses = resolve(&target.base, port).await?;
    let resolved_in = match target.base.host() {
        Some(Host::Domain(_)) => clock.elapsed().saturating_sub(start),
        _ => Duration::ZERO,
    };
    let start = clock.elapsed();
    let (stream, connected_to) = connect(&addresses).await?;
    let connected_in = clock.elapsed().saturating_sub(start);
    let tls = match target.base.scheme() {
        "https" => Some(shake(target, stream, clock).await),
        _ => None,
    };
    Ok(Way::Direct(Box::new(Facts {
        addresses: addresses.iter().map(SocketAddr::ip).collect(),
        resolved_in,
        connected_to,
        connected_in,
        tls,
    })))
}

/// True if the environment sends requests to this URL through a proxy.
pub fn is_proxied(url: &Url) -> bool {
    url.as_str()
        .parse::<hyper::Uri>()
        .is_ok_and(|uri| Matcher::from_system().intercept(&uri).is_some())
}

async fn resolve(base: &Url, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let name = match base.host() {
        Some(Host::Ipv4(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Ipv6(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Domain(name)) => name,
        None => return Err(failure(FailureKind::Dns, "the URL has no host")),
    };
    let unresolved = || failure(FailureKind::Dns, "the host name did not resolve");
    let found = tokio::time::timeout(STEP_TIMEOUT, tokio::net::lookup_host((name, port)))
        .await
        .map_err(|_| failure(FailureKind::Dns, "the name lookup did not end in time"))?
        .map_err(|_| unresolved())?;
    let addresses: Vec<SocketAddr> = found.take(MAX_ADDRESSES).collect();
    if addresses.is_empty() {
        return Err(unresolved());
    }
    Ok(addresses)
}

/// The first address that takes the connection; the failure of the last one if none does.
async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut last = failure(FailureKind::Connect, "no connection");
    for address in addresses {
        match tokio::time::timeout(STEP_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, *address)),
            Ok(Err(error)) => last = classify(&error, Stage::Connecting),
            Err(_) => last = failure(FailureKind::Connect, "no connection in time"),
        }
    }
    Err(last)
}

async fn shake(target: &Target, stream: TcpStream, clock: &dyn Clock) -> Result<TlsFacts, Failure> {
    let config = tls::inspecting_config(target)
        .map_err(|error| failure(FailureKind::Tls, error.to_string()))?;
    let host = target.base.host_str().unwrap_or_default();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| failure(FailureKind::Tls, "the host cannot be named in TLS"))?;
    let start = clock.elapsed();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = tokio::time::timeout(STEP_TIMEOUT, connector.connect(name.clone(), stream))
        .await
        .map_err(|_| failure(FailureKind::Tls, "the TLS handshake did not end in time"))?
        .map_err(|error| classify(&error, Stage::Connecting))?;
    let shaken_in = clock.elapsed().saturating_sub(start);
    let session = stream.get_ref().1;
    let chain = session.peer_certificates().unwrap_or_default();
    Ok(TlsFacts {
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS of another version",
        },
        alpn: session
            .alpn_protocol()
            .map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        shaken_in,
        certificates: chain.len(),
        certificate: chain.first().and_then(read),
        verified: verify(target, chain, &name, clock.now()),
    })
}

fn verify(
    target: &Target,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: Timestamp,
) -> Result<(), String> {
    let Some((own, others)) = chain.split_first() else {
        return Err("the server sent no certificate".to_owned());
    };
    let roots = tls::roots(target).map_err(|error| error.to_string())?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider())
        .build()
        .map_err(|_| "no certificate authority is trusted on this machine".to_owned())?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier
        .verify_server_cert(own, others, name, &[], now)
        .map(|_| ())
        .map_err(|error| tls_message(&error))
}

fn read(certificate: &CertificateDer<'_>) -> Option<CertificateFacts> {
    let (_, parsed) = X509Certificate::from_der(certificate.as_ref()).ok()?;
    let names = parsed
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| {
            extension
                .value
                .general_names
                .iter()
                .filter_map(name_of)
                .take(MAX_NAMES)
                .collect()
        })
        .unwrap_or_default();
    let instant = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
    Some(CertificateFacts {
        not_before: instant(parsed.validity().not_before)?,
        not_after: instant(parsed.validity().not_after)?,
        names,
        issuer: parsed.issuer().to_string(),
        self_signed: parsed.issuer() == parsed.subject(),
    })
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|octets| IpAddr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|octets| IpAddr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
