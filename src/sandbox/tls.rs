//! A certificate authority made at start and a server certificate under it, for the variant `facade`. Not for
//! anything that outlives the process.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// A private authority and a server that it vouches for.
pub struct Authority {
    /// The authority's certificate, PEM.
    pub ca_pem: String,
    /// Accepts TLS 1.2 and 1.3 connections.
    pub acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes fresh keys and certificates for an address and `localhost`.
    ///
    /// # Errors
    /// A sentence of the certificate or TLS library; none is known to occur.
    pub fn new(address: IpAddr) -> Result<Self, String> {
        let failed = |error: rcgen::Error| error.to_string();
        let ca_key = KeyPair::generate().map_err(failed)?;
        let ca_params = ca_params()?;
        let ca = ca_params.self_signed(&ca_key).map_err(failed)?;
        let issuer = Issuer::new(ca_params, ca_key);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = server_params(address)?
            .signed_by(&key, &issuer)
            .map_err(failed)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(|error| error.to_string())?;
        Ok(Authority {
            ca_pem: ca.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}

fn ca_params() -> Result<CertificateParams, String> {
    let mut params = CertificateParams::new(Vec::new()).map_err(|error| error.to_string())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params
        .distinguished_name
        .push(DnType::CommonName, "rounds sandbox private authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(&mut params);
    Ok(params)
}

fn server_params(address: IpAddr) -> Result<CertificateParams, String> {
    let names = vec![address.to_string(), "localhost".to_owned()];
    let mut params = CertificateParams::new(names).map_err(|error| error.to_string())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "rounds sandbox");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    lasting(&mut params);
    Ok(params)
}

/// The keys live as long as the process; the dates only have to enclose it.
fn lasting(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 12, 31);
}
