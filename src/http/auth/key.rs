//! The private key of a SMART client: read from PEM or JWK, and what it signs. Nothing of it is ever printed. Which
//! claims are signed is `assertion`.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA384, RsaKeyPair,
};
use rustls::pki_types::pem::{PemObject, SectionKind};
use serde_json::{Value, json};

use crate::http::target::{KeySource, SetupError};
use crate::secret::Secret;

/// Bytes of a key file at most; an RSA key of 4,096 bits as JWK has four thousand.
const MAX_BYTES: u64 = 64 << 10;

/// Signature algorithms that SMART names for clients (<https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl Algorithm {
    /// Name in a JOSE header (RFC 7518 section 3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs384 => "RS384",
            Algorithm::Es384 => "ES384",
        }
    }
}

/// A private key with the name under which its public half is registered.
pub struct SigningKey {
    kid: Option<String>,
    pair: Pair,
    random: SystemRandom,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm().as_str())
    }
}

/// Why a text is no usable key, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Lower-case fragment, without anything of the key.
    pub why: String,
    /// What to do.
    pub hint: &'static str,
}

fn unusable(why: impl Into<String>, hint: &'static str) -> Unusable {
    Unusable {
        why: why.into(),
        hint,
    }
}

const WANTED: &str = "give an RSA key of 2,048 bits or more (RS384) or an EC key on P-384 (ES384), as PEM or JWK: \
                      openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem";

impl SigningKey {
    /// Reads a key from where the target says it is. `kid` names the key, and chooses it from a JWK Set.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key that can sign RS384 or ES384.
    pub fn read(source: &KeySource, kid: Option<&str>) -> Result<Self, SetupError> {
        match source {
            KeySource::Text(text) => Self::parse(text.reveal(), kid).map_err(|error| {
                SetupError::new("the private key cannot be used", error.why, error.hint)
            }),
            KeySource::File(path) => {
                let text = read_file(path)?;
                Self::parse(text.reveal(), kid).map_err(|error| {
                    let what = format!("the private key {} cannot be used", path.display());
                    SetupError::new(what, error.why, error.hint)
                })
            }
        }
    }

    /// Reads a key from PEM (PKCS #8, PKCS #1, SEC 1), JWK or JWK Set.
    ///
    /// # Errors
    /// The text is none of these, or the key is of another kind.
    pub fn parse(text: &str, kid: Option<&str>) -> Result<Self, Unusable> {
        let (pair, own_kid) = if text.trim_start().starts_with('{') {
            let jwk = choose(text, kid)?;
            let own = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
            (of_jwk(&jwk)?, own)
        } else {
            (of_pem(text)?, None)
        };
        Ok(SigningKey {
            kid: kid.map(str::to_owned).or(own_kid),
            pair,
            random: SystemRandom::new(),
        })
    }

    /// What the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs384,
            Pair::Ec(_) => Algorithm::Es384,
        }
    }

    /// Name of the key for the server, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Signs; `None` if the parts of the key do not fit each other, which shows only here.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA384, &self.random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&self.random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
        }
    }

    /// The public half as a JWK, to be registered with a server.
    pub fn public_jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Pair::Ec(pair) => {
                // SEC 1 section 2.3.3: 04, then x and y of 48 bytes each.
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(COORDINATE);
                json!({ "kty": "EC", "crv": "P-384", "x": encode(x), "y": encode(y) })
            }
        };
        jwk["alg"] = self.algorithm().as_str().into();
        jwk["use"] = "sig".into();
        if let Some(kid) = &self.kid {
            jwk["kid"] = kid.as_str().into();
        }
        jwk
    }
}

/// Bytes of a coordinate on P-384.
const COORDINATE: usize = 48;

/// A fresh key on P-384 as PEM, for a server that this process starts itself.
pub fn generate() -> Secret<String> {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new())
            .expect("the operating system gives random bytes");
    let body = STANDARD.encode(document.as_ref());
    Secret::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    ))
}

fn read_file(path: &Path) -> Result<Secret<String>, SetupError> {
    let refuse = |why: String| {
        SetupError::new(
            format!("the private key {} cannot be read", path.display()),
            why,
            "`key` of `backend-services` names a PEM or JWK file",
        )
    };
    let size = std::fs::metadata(path)
        .map_err(|error| refuse(error.to_string()))?
        .len();
    if size > MAX_BYTES {
        return Err(refuse(format!(
            "it has {size} bytes; a key has {MAX_BYTES} at most"
        )));
    }
    std::fs::read_to_string(path)
        .map(Secret::new)
        .map_err(|error| refuse(error.to_string()))
}

fn of_pem(text: &str) -> Result<Pair, Unusable> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(unusable(
            "it is encrypted, and there is nobody to ask for the passphrase",
            "decrypt it into a file that only you can read: openssl pkcs8 -in key.pem -out plain.pem",
        ));
    }
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes());
    for section in sections.filter_map(Result::ok) {
        match section {
            (SectionKind::PrivateKey, der) => return of_pkcs8(&der),
            (SectionKind::RsaPrivateKey, der) => return rsa(RsaKeyPair::from_der(&der)),
            (SectionKind::EcPrivateKey, der) => return of_sec1(&der),
            _ => {}
        }
    }
    if text.contains("BEGIN PUBLIC KEY") || text.contains("BEGIN CERTIFICATE") {
        return Err(unusable(
            "it holds the public half; what signs is the private one",
            "the public half goes to the server, `key` names the private one",
        ));
    }
    Err(unusable("it is neither PEM nor a JWK", WANTED))
}

/// Object identifiers in DER, to say what a key is that cannot be used.
const KINDS: &[(&str, &[u8])] = &[
    (
        "an EC key on P-256",
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    ),
    ("an EC key on P-521", &[0x2b, 0x81, 0x04, 0x00, 0x23]),
    ("an Ed25519 key", &[0x06, 0x03, 0x2b, 0x65, 0x70]),
    (
        "an RSASSA-PSS key",
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
    ),
];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

fn of_pkcs8(der: &[u8]) -> Result<Pair, Unusable> {
    let holds = |needle: &[u8]| der.windows(needle.len()).any(|window| window == needle);
    if holds(P384) {
        return ec(EcdsaKeyPair::from_pkcs8(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            der,
            &SystemRandom::new(),
        ));
    }
    if holds(RSA) {
        return rsa(RsaKeyPair::from_pkcs8(der));
    }
    let kind = KINDS.iter().find(|(_, identifier)| holds(identifier));
    Err(wrong_algorithm(
        kind.map_or("a key of another kind", |(name, _)| name),
    ))
}

/// RFC 5915 in the envelope of RFC 5208.
fn of_sec1(der: &[u8]) -> Result<Pair, Unusable> {
    const HEAD: &[u8] = &[
        0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
        0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
    ];
    if !der.windows(P384.len()).any(|window| window == P384) {
        return Err(wrong_algorithm("an EC key on another curve"));
    }
    let inner = [HEAD, &value(0x04, der)].concat();
    of_pkcs8(&value(0x30, &inner))
}

/// A DER value: tag, length (X.690 section 8.1.3), content.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        Ok(short) => bytes.extend([0x81, short]),
        // A key of this curve never needs more than two bytes of length.
        Err(_) => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend_from_slice(content);
    bytes
}

fn wrong_algorithm(kind: &str) -> Unusable {
    unusable(
        format!("it is {kind}; SMART Backend Services signs with RS384 or ES384"),
        WANTED,
    )
}

fn rsa(parsed: Result<RsaKeyPair, ring::error::KeyRejected>) -> Result<Pair, Unusable> {
    parsed
        .map(|pair| Pair::Rsa(Box::new(pair)))
        .map_err(|error| unusable(format!("it is no RSA key that can sign ({error})"), WANTED))
}

fn ec(parsed: Result<EcdsaKeyPair, ring::error::KeyRejected>) -> Result<Pair, Unusable> {
    parsed
        .map(|pair| Pair::Ec(Box::new(pair)))
        .map_err(|error| unusable(format!("it is no EC key that can sign ({error})"), WANTED))
}

/// The key of a JWK, or the one of a JWK Set that is meant.
fn choose(text: &str, kid: Option<&str>) -> Result<Value, Unusable> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| unusable("it is neither PEM nor a JWK", WANTED))?;
    let Some(keys) = value.get("keys").and_then(Value::as_array) else {
        return Ok(value);
    };
    let named = |key: &&Value| match kid {
        Some(kid) => key.get("kid").and_then(Value::as_str) == Some(kid),
        None => key.get("d").is_some(),
    };
    keys.iter().find(named).cloned().ok_or_else(|| {
        unusable(
            "its JWK Set holds no such private key",
            "set `kid` to one of the set, and give the set with the private keys",
        )
    })
}

/// RFC 7518 sections 6.2.2 and 6.3.2.
fn of_jwk(jwk: &Value) -> Result<Pair, Unusable> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let part = |name: &str| {
        text(name)
            .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok())
            .ok_or_else(|| {
                unusable(
                    format!("its member `{name}` is missing or not base64url"),
                    WANTED,
                )
            })
    };
    if text("kty").is_some() && text("d").is_none() {
        return Err(unusable(
            "it holds the public half; what signs is the private one",
            "the public half goes to the server, `key` names the private one",
        ));
    }
    let wanted = match text("kty") {
        Some("RSA") => Algorithm::Rs384,
        Some("EC") if text("crv") == Some("P-384") => Algorithm::Es384,
        Some("EC") => return Err(wrong_algorithm("an EC key on another curve")),
        Some(_) => return Err(wrong_algorithm("a key of another kind")),
        None => return Err(unusable("it is neither PEM nor a JWK", WANTED)),
    };
    if text("alg").is_some_and(|alg| alg != wanted.as_str()) {
        return Err(wrong_algorithm("a key for another algorithm (`alg`)"));
    }
    if wanted == Algorithm::Es384 {
        let point = [vec![0x04], part("x")?, part("y")?].concat();
        return ec(EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &part("d")?,
            &point,
            &SystemRandom::new(),
        ));
    }
    rsa(RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: part("n")?,
            e: part("e")?,
        },
        d: part("d")?,
        p: part("p")?,
        q: part("q")?,
        dP: part("dp")?,
        dQ: part("dq")?,
        qInv: part("qi")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> String {
        let path = format!("{}/fixtures/smart/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    fn registered(kid: &str) -> Value {
        let set: Value = serde_json::from_str(&fixture("public.jwks.json")).unwrap();
        let keys = set["keys"].as_array().unwrap();
        keys.iter().find(|key| key["kid"] == kid).unwrap().clone()
    }

    #[test]
    fn every_form_of_a_key_is_read_and_has_the_same_public_half() {
        for (name, kid) in [
            ("rs384.pem", "rsa-1"),
            ("rs384-pkcs1.pem", "rsa-1"),
            ("rs384.jwk.json", "rsa-1"),
            ("es384.pem", "ec-1"),
            ("es384-sec1.pem", "ec-1"),
            ("es384.jwks.json", "ec-1"),
        ] {
            let key = SigningKey::parse(&fixture(name), Some(kid)).unwrap();
            assert_eq!(key.public_jwk(), registered(kid), "{name}");
            assert!(key.sign(b"message").is_some(), "{name}");
        }
        let key = SigningKey::parse(&fixture("es384.jwks.json"), None).unwrap();
        assert_eq!(key.kid(), Some("ec-1"));
    }

    #[test]
    fn a_key_that_cannot_be_used_says_what_it_is() {
        for (text, words) in [
            (fixture("p256.pem"), "P-256"),
            (fixture("ed25519.pem"), "Ed25519"),
            (fixture("rsa1024.pem"), "TooSmall"),
            (fixture("public.jwks.json"), "no such private key"),
            (registered("ec-1").to_string(), "public half"),
            ("hello".to_owned(), "neither PEM nor a JWK"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\n".to_owned(),
                "encrypted",
            ),
            (
                fixture("rs384.jwk.json").replace("RS384", "RS256"),
                "another algorithm",
            ),
        ] {
            let error = SigningKey::parse(&text, None).unwrap_err();
            assert!(error.why.contains(words), "{words}: {}", error.why);
        }
    }

    #[test]
    fn a_generated_key_can_sign_and_debug_shows_nothing_of_it() {
        let key = SigningKey::parse(generate().reveal(), Some("k")).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Es384);
        assert_eq!(format!("{key:?}"), "SigningKey(ES384)");
        let missing = KeySource::File("/nowhere/key.pem".into());
        let error = SigningKey::read(&missing, None).unwrap_err();
        assert!(error.what.contains("/nowhere/key.pem"), "{error}");
    }
}
