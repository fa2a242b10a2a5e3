//! The variant `facade`.

use std::time::Duration;

use super::*;
use crate::sandbox::tests::json as body;

fn facade(rate: u32, lifetime: Duration) -> Server {
    let mut preload: Vec<Value> = (0..12)
        .map(|index| {
            let mut resource = observation(&format!("o{index}"), "Patient/p", "29463-7");
            resource["category"] =
                json!([{"coding": [{"system": "urn:c", "code": "vital-signs"}]}]);
            resource
        })
        .collect();
    let mut person = patient("p", "Ada");
    person["birthDate"] = json!("1980-01-01");
    preload.push(person);
    preload.push(json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Doe"}]}));
    let variants = vec![variant("facade").unwrap()];
    let options = Options {
        variants,
        preload,
        rate,
        token_lifetime: lifetime,
        ..options()
    };
    Server::new(&options, "https://127.0.0.1:1/fhir").unwrap()
}

fn calm() -> Server {
    facade(1_000_000, Duration::from_secs(30))
}

fn token(server: &Server, form: &'static str) -> Response {
    let request = Request::new(Method::Post, "/token");
    server.handle(&request.with_body("application/x-www-form-urlencoded", form))
}

const CREDENTIALS: &str = "grant_type=client_credentials&client_id=rounds&client_secret=sandbox";

fn bearer(server: &Server) -> String {
    let response = body(&token(server, CREDENTIALS));
    format!("Bearer {}", response["access_token"].as_str().unwrap())
}

fn ask(server: &Server, token: &str, url: &str) -> Response {
    server.handle(&Request::get(url).with_header("Authorization", token))
}

#[test]
fn tokens_are_needed_issued_and_expire() {
    let server = facade(1_000_000, Duration::from_millis(3));
    let refused = get(&server, "Patient/p");
    assert_outcome(&refused, 401);
    assert!(
        refused
            .headers
            .get("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    assert_eq!(get(&server, "metadata").status, 200);
    let issued = token(&server, CREDENTIALS);
    assert_eq!(
        (issued.status, issued.media_type().as_str()),
        (200, "application/json")
    );
    assert_eq!(body(&issued)["token_type"], "bearer");
    let bearer = bearer(&server);
    let statuses: Vec<u16> = (0..6)
        .map(|_| ask(&server, &bearer, "Patient/p").status)
        .collect();
    assert_eq!((statuses[0], statuses[5]), (200, 401));
    assert_eq!(
        token(
            &server,
            "grant_type=client_credentials&client_id=x&client_secret=y"
        )
        .status,
        401
    );
    assert_eq!(token(&server, "grant_type=password").status, 400);
}

#[test]
fn only_reads_and_searches_are_offered() {
    let server = calm();
    let bearer = bearer(&server);
    let write = Request::new(Method::Put, "Patient/p").with_json(&patient("p", "Eva"));
    let refused = server.handle(&write.with_header("Authorization", bearer.as_str()));
    assert_outcome(&refused, 405);
    assert_eq!(refused.headers.get("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(ask(&server, &bearer, "Patient/p").status, 200);
    assert_outcome(&ask(&server, &bearer, "Patient/p/_history"), 403);
    assert_outcome(&ask(&server, &bearer, "Account/1"), 404);
    let search = Request::new(Method::Post, "Patient/_search")
        .with_body("application/x-www-form-urlencoded", "_id=p")
        .with_header("Authorization", bearer.as_str());
    assert_eq!(server.handle(&search).status, 200);
    let capability = crate::fhir::capability::Capability::new(body(&get(&server, "metadata")));
    assert!(
        capability.supports("Patient", "read") && capability.supports("Patient", "search-type")
    );
    assert!(!capability.supports("Patient", "create") && !capability.supports("Patient", "vread"));
    assert!(!capability.supports_parameter("Patient", "_tag"));
    assert!(crate::fhir::validate::validate(capability.value()).is_empty());
}

#[test]
fn wide_searches_are_refused_with_the_names_of_what_is_missing() {
    let server = calm();
    let bearer = bearer(&server);
    let diagnostics = |url: &str| {
        let response = ask(&server, &bearer, url);
        assert_outcome(&response, 400);
        body(&response)["issue"][0]["diagnostics"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let message = diagnostics("Observation?patient=p");
    assert!(
        message.contains("patient") && message.contains("category"),
        "{message}"
    );
    assert!(diagnostics("Patient?gender=female").contains("birthdate"));
    assert!(diagnostics("Practitioner").contains("Practitioner"));
    assert!(diagnostics("Practitioner?_tag=x&name=doe").contains("_tag"));
    assert!(diagnostics("Practitioner?bogus=x&name=doe").contains("bogus"));
    for url in [
        "Practitioner?name=doe",
        "Patient?_id=p",
        "Patient?family=ada&birthdate=1980-01-01",
        "Encounter?patient=p",
        "Observation?_id=o1",
    ] {
        assert_eq!(ask(&server, &bearer, url).status, 200, "{url}");
    }
}

#[test]
fn pages_hold_ten_and_there_is_no_total() {
    let server = calm();
    let bearer = bearer(&server);
    let bundle = body(&ask(
        &server,
        &bearer,
        "Observation?patient=p&category=vital-signs&_count=100",
    ));
    assert!(bundle.get("total").is_none());
    assert_eq!(ids_of(&bundle, "match").len(), 10);
    let second = body(&ask(&server, &bearer, &link(&bundle, "next").unwrap()));
    assert_eq!(ids_of(&second, "match").len(), 2);
}

#[test]
fn the_rate_is_kept_with_429_and_retry_after() {
    let server = facade(2, Duration::from_secs(30));
    let statuses: Vec<u16> = (0..4).map(|_| get(&server, "metadata").status).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    let refused = get(&server, "metadata");
    assert_outcome(&refused, 429);
    assert_eq!(refused.headers.get("retry-after"), Some("1"));
    assert_eq!(server.log().throttled(), 3);
}

#[test]
fn the_token_endpoint_is_announced() {
    let server = calm();
    let found = body(&get(&server, ".well-known/smart-configuration"));
    assert_eq!(found["token_endpoint"], "https://127.0.0.1:1/token");
    assert_outcome(
        &get(&super::server(), ".well-known/smart-configuration"),
        404,
    );
}
