//! TLS as a client: whom to trust, and who we are. Built so that a machine without any certificate authority can
//! still talk to a plain-HTTP target. Not the handshake itself, which `client` and `dial` do.

use std::path::Path;
use std::sync::{Arc, Once};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::target::{Auth, SetupError, Target};

/// The cryptography of this program, also made the default of the process on the first call.
pub fn provider() -> Arc<CryptoProvider> {
    static INSTALL: Once = Once::new();
    let provider = rustls::crypto::ring::default_provider();
    INSTALL.call_once(|| {
        // An error only says that somebody was first; ours is handed over explicitly everywhere anyhow.
        let _ = provider.clone().install_default();
    });
    Arc::new(provider)
}

/// A client configuration for a target: its authorities, its client certificate, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// A PEM file that cannot be read or holds nothing usable.
pub fn client_config(target: &Target) -> Result<ClientConfig, SetupError> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports the protocol versions that rustls was built with");
    let builder = if target.insecure {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unchecked::new(&provider)))
    } else {
        builder.with_root_certificates(roots(target)?)
    };
    with_identity(builder, target)
}

/// A configuration that completes a handshake with anybody, so that what the server presents can be looked at.
/// Nothing but the handshake may go over such a connection.
///
/// # Errors
/// As [`client_config`].
pub fn inspecting_config(target: &Target) -> Result<ClientConfig, SetupError> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports the protocol versions that rustls was built with")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unchecked::new(&provider)));
    with_identity(builder, target)
}

fn with_identity(
    builder: rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>,
    target: &Target,
) -> Result<ClientConfig, SetupError> {
    let mut config = match &target.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate, "client certificate")?;
            builder
                .with_client_auth_cert(chain, private_key(key)?)
                .map_err(|error| {
                    SetupError::new(
                        format!(
                            "the client certificate {} cannot be used",
                            certificate.display()
                        ),
                        error.to_string(),
                        "check that --cert and --key belong together",
                    )
                })?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The authorities to trust: the system's, as far as they can be read, and those of `cacert`.
///
/// # Errors
/// `cacert` cannot be read or holds no certificate. Unreadable system authorities are none.
pub fn roots(target: &Target) -> Result<RootCertStore, SetupError> {
    let mut store = RootCertStore::empty();
    if speaks_tls(target) {
        // Lenient: a system file with one certificate that rustls cannot parse must not disable the rest.
        let system = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(system.certs);
    }
    if let Some(pem) = &target.cacert_pem {
        let own = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
        store.add_parsable_certificates(own);
    }
    if let Some(path) = &target.cacert {
        for certificate in certificates(path, "certificate authority")? {
            store.add(certificate).map_err(|error| {
                SetupError::new(
                    format!(
                        "the certificate authority in {} cannot be used",
                        path.display()
                    ),
                    error.to_string(),
                    "give the PEM file of the authority that signed the server's certificate",
                )
            })?;
        }
    }
    Ok(store)
}

fn speaks_tls(target: &Target) -> bool {
    let token_endpoint = match &target.auth {
        Auth::ClientCredentials { token_url, .. } => token_url.scheme() == "https",
        Auth::BackendServices { token_url, .. } => token_url
            .as_ref()
            .is_some_and(|url| url.scheme() == "https"),
        _ => false,
    };
    // An `https://` proxy in front of a plain target needs the authorities too; in-process targets have no proxy.
    token_endpoint || target.base.scheme() == "https" || !target.in_process
}

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let refuse = |why: String| {
        SetupError::new(
            format!("the {what} file {} cannot be used", path.display()),
            why,
            "give a PEM file that holds BEGIN CERTIFICATE",
        )
    };
    let list: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|error| refuse(error.to_string()))?
        .collect::<Result<_, _>>()
        .map_err(|error| refuse(error.to_string()))?;
    if list.is_empty() {
        return Err(refuse("it holds no certificate".to_owned()));
    }
    Ok(list)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SetupError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        SetupError::new(
            format!("the key file {} cannot be used", path.display()),
            error.to_string(),
            "give a PEM file with an unencrypted private key",
        )
    })
}

/// Accepts every certificate: for `insecure`, and for looking at what a server presents.
#[derive(Debug)]
struct Unchecked {
    algorithms: WebPkiSupportedAlgorithms,
}

impl Unchecked {
    fn new(provider: &CryptoProvider) -> Self {
        Unchecked {
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
