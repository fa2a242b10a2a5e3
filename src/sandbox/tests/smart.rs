//! The variant `smart`: what its token endpoint takes and refuses, and what a token opens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use super::*;
use crate::sandbox::Client;
use crate::sandbox::tests::json as body;

const AUDIENCE: &str = "http://127.0.0.1:1/token";
const START: i64 = 1_714_557_600;

struct Ground {
    server: Server,
    pair: EcdsaKeyPair,
}

impl Ground {
    fn new() -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, document.as_ref(), &random)
                .unwrap();
        let point = pair.public_key().as_ref();
        let jwks = json!({ "keys": [{
            "kty": "EC", "crv": "P-384", "kid": "k",
            "x": URL_SAFE_NO_PAD.encode(&point[1..49]), "y": URL_SAFE_NO_PAD.encode(&point[49..]),
        }]});
        let options = Options {
            variants: vec![variant("smart").unwrap()],
            preload: vec![
                patient("p", "Ada"),
                observation("o", "Patient/p", "29463-7"),
            ],
            client: Some(Client {
                id: "me".to_owned(),
                jwks,
            }),
            ..options()
        };
        let server = Server::new(&options, BASE).unwrap();
        Ground { server, pair }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message.as_bytes())
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn ask(&self, assertion: &str, scope: &str) -> Response {
        let form = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type\
             %3Ajwt-bearer&client_assertion={assertion}&scope={scope}"
        );
        let request = Request::new(Method::Post, "/token");
        self.server
            .handle(&request.with_body("application/x-www-form-urlencoded", form))
    }

    fn bearer(&self, id: &str, scope: &str) -> String {
        let answer = self.ask(&self.sign(&header(), &claims(id)), scope);
        let granted = body(&answer);
        assert_eq!(answer.status, 200, "{granted}");
        format!("Bearer {}", granted["access_token"].as_str().unwrap())
    }
}

fn header() -> Value {
    json!({ "alg": "ES384", "typ": "JWT", "kid": "k" })
}

fn claims(id: &str) -> Value {
    json!({ "iss": "me", "sub": "me", "aud": AUDIENCE, "exp": START + 240, "jti": id })
}

fn with(mut value: Value, name: &str, member: impl Into<Value>) -> Value {
    value[name] = member.into();
    value
}

#[test]
fn a_good_assertion_is_good_once() {
    let ground = Ground::new();
    let assertion = ground.sign(&header(), &claims("1"));
    let granted = ground.ask(&assertion, "system/*.rs");
    assert_eq!(
        (granted.status, body(&granted)["scope"].as_str()),
        (200, Some("system/*.rs"))
    );
    assert_eq!(granted.headers.get("cache-control"), Some("no-store"));
    let again = ground.ask(&assertion, "system/*.rs");
    assert_eq!(
        (again.status, body(&again)["error"].as_str()),
        (400, Some("invalid_client"))
    );
}

#[test]
fn every_flaw_of_an_assertion_is_refused() {
    let ground = Ground::new();
    let other = Ground::new();
    let flawed = [
        (
            "aud",
            ground.sign(
                &header(),
                &with(claims("a"), "aud", "http://elsewhere/token"),
            ),
        ),
        (
            "exp",
            ground.sign(&header(), &with(claims("b"), "exp", START - 60)),
        ),
        (
            "five minutes",
            ground.sign(&header(), &with(claims("c"), "exp", START + 3_600)),
        ),
        (
            "iss and sub",
            ground.sign(&header(), &with(claims("d"), "iss", "you")),
        ),
        ("jti", ground.sign(&header(), &with(claims("e"), "jti", ""))),
        (
            "kid",
            ground.sign(&with(header(), "kid", "other"), &claims("f")),
        ),
        (
            "alg",
            ground.sign(&with(header(), "alg", "none"), &claims("g")),
        ),
        ("signature", other.sign(&header(), &claims("h"))),
        ("signed JWT", "abc".to_owned()),
    ];
    for (words, assertion) in flawed {
        let answer = ground.ask(&assertion, "system/*.rs");
        let said = body(&answer);
        assert_eq!(
            (answer.status, said["error"].as_str()),
            (400, Some("invalid_client")),
            "{words}"
        );
        let description = said["error_description"].as_str().unwrap();
        assert!(description.contains(words), "{words}: {description}");
    }
    let scope = ground.ask(&ground.sign(&header(), &claims("i")), "patient/*.rs");
    assert_eq!(body(&scope)["error"], "invalid_scope");
}

#[test]
fn scopes_are_kept_in_a_batch_too() {
    let ground = Ground::new();
    let ask = |token: &str, url: &str| {
        let request = Request::get(url).with_header("Authorization", token);
        ground.server.handle(&request)
    };
    let token = ground.bearer("1", "system/Patient.rs");
    assert_eq!(ask(&token, "Patient/p").status, 200);
    assert_outcome(&ask(&token, "Observation/o"), 403);
    assert_outcome(&ask(&token, "Patient?_revinclude=Observation:subject"), 403);
    assert_outcome(&ask("Bearer x", "Patient/p"), 401);
    assert_outcome(&get(&ground.server, "Patient/p"), 401);
    let batch = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        { "request": { "method": "GET", "url": "Patient/p" } },
        { "request": { "method": "GET", "url": "Observation/o" } },
        { "request": { "method": "DELETE", "url": "Patient/p" } },
    ]});
    let request = Request::new(Method::Post, "").with_json(&batch);
    let answer = body(
        &ground
            .server
            .handle(&request.with_header("Authorization", token)),
    );
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["response"]["status"].as_str().unwrap()[..3])
        .collect();
    assert_eq!(statuses, ["200", "403", "403"]);
    let writer = ground.bearer("2", "system/*.cruds");
    let write = Request::new(Method::Put, "Patient/p").with_json(&patient("p", "Eva"));
    let write = write.with_header("Authorization", writer);
    assert_eq!(ground.server.handle(&write).status, 200);
}

#[test]
fn discovery_names_the_endpoint_and_the_claims_say_so() {
    let ground = Ground::new();
    let found = body(&get(&ground.server, ".well-known/smart-configuration"));
    assert_eq!(found["token_endpoint"], AUDIENCE);
    let claims = body(&get(&ground.server, "metadata"));
    let security = &claims["rest"][0]["security"];
    assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    assert!(claims["rest"][0]["interaction"].is_array());
    assert!(crate::fhir::validate::validate(&claims).is_empty());
}
