//! The client assertion of `private_key_jwt` (RFC 7523): a few claims, signed. Who accepts it is the server's affair.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::key::SigningKey;
use crate::secret::Secret;

/// How long an assertion is good for, in seconds. SMART allows five minutes; the rest is for clocks that differ.
pub const LIFE: i64 = 240;

/// `client_assertion_type` (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The claims of SMART Backend Services with an id that nobody used before. No `iat` and no `nbf`: nobody asks for
/// them, and a clock that is a second fast would make them a lie.
pub fn claims(client_id: &str, audience: &str, now: Timestamp) -> Value {
    json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "exp": now.as_second() + LIFE,
        "jti": nonce(),
    })
}

/// Signs claims as a compact JWS; `None` if the key cannot.
pub fn sign(key: &SigningKey, claims: &Value) -> Option<Secret<String>> {
    let mut header = json!({ "alg": key.algorithm().as_str(), "typ": "JWT" });
    if let Some(kid) = key.kid() {
        header["kid"] = kid.into();
    }
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&header), encode(claims));
    let signature = key.sign(message.as_bytes())?;
    Some(Secret::new(format!(
        "{message}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

/// 128 random bits as text.
fn nonce() -> String {
    let mut bytes = [0u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}
