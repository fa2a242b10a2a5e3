//! Verifies a client assertion: signature, issuer, audience, life (RFC 7523 section 3). Whether it was used before is
//! the caller's to know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

use super::Client;

/// Seconds that an assertion may live: SMART says five minutes.
const LONGEST: i64 = 300;
/// Seconds by which clocks may differ.
const LEEWAY: i64 = 5;

/// The `jti` of a good assertion.
///
/// # Errors
/// Why it is not good; a phrase for `error_description`.
pub fn verify(
    token: &str,
    client: &Client,
    audience: &str,
    now: Timestamp,
) -> Result<String, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err("the assertion is not a signed JWT");
    };
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (Some(head), Some(body), Ok(signature)) = (
        read(header),
        read(claims),
        URL_SAFE_NO_PAD.decode(signature),
    ) else {
        return Err("the assertion is not a signed JWT");
    };
    let signed = &token[..header.len() + 1 + claims.len()];
    check_signature(&head, &client.jwks, signed.as_bytes(), &signature)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if text("iss") != Some(client.id.as_str()) || text("sub") != Some(client.id.as_str()) {
        return Err("iss and sub are not the id of a registered client");
    }
    if !names(&body["aud"], audience) {
        return Err("aud is not this token endpoint");
    }
    let left = body["exp"].as_i64().ok_or("exp is missing")? - now.as_second();
    if left < -LEEWAY {
        return Err("the assertion has expired");
    }
    if left > LONGEST + LEEWAY {
        return Err("the assertion lives longer than five minutes");
    }
    match text("jti") {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ => Err("jti is missing"),
    }
}

/// RFC 7519 section 4.1.3: one value or a list.
fn names(audience: &Value, wanted: &str) -> bool {
    match audience {
        Value::Array(list) => list.iter().any(|item| item == wanted),
        single => single == wanted,
    }
}

fn check_signature(
    head: &Value,
    jwks: &Value,
    message: &[u8],
    signature: &[u8],
) -> Result<(), &'static str> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    // Without a `kid` the one key that is registered is meant.
    let is_meant = |key: &&Value| match head.get("kid") {
        Some(kid) => key.get("kid") == Some(kid),
        None => keys.is_some_and(|keys| keys.len() == 1),
    };
    let key = keys
        .and_then(|keys| keys.iter().find(is_meant))
        .ok_or("no registered key has this kid")?;
    let part =
        |name: &str| -> Option<Vec<u8>> { URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok() };
    let verified = match (head["alg"].as_str(), key["kty"].as_str()) {
        (Some("RS384"), Some("RSA")) => {
            let public = RsaPublicKeyComponents {
                n: part("n").ok_or("the registered key is broken")?,
                e: part("e").ok_or("the registered key is broken")?,
            };
            public.verify(&RSA_PKCS1_2048_8192_SHA384, message, signature)
        }
        (Some("ES384"), Some("EC")) if key["crv"] == "P-384" => {
            let mut point = vec![0x04];
            point.extend(part("x").ok_or("the registered key is broken")?);
            point.extend(part("y").ok_or("the registered key is broken")?);
            UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
        }
        _ => return Err("alg is neither RS384 nor ES384, or does not fit the key"),
    };
    verified.map_err(|_| "the signature does not verify")
}
