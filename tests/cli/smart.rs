//! SMART Backend Services end to end: the sandbox as the authorization server, the program as its client.

use std::time::Duration;

use rounds::sandbox::{self, Client, Options};
use serde_json::Value;

use super::stage::{Folder, Server};

fn fixture(name: &str) -> String {
    format!("{}/fixtures/smart/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The sandbox with a registered client and tokens that live for so long.
fn server(id: &str, lifetime: Duration) -> Server {
    let text = std::fs::read_to_string(fixture("public.jwks.json")).expect("the fixture is there");
    Server::start(Options {
        variants: vec![sandbox::variant("smart").expect("a known variant")],
        client: Some(Client {
            id: id.to_owned(),
            jwks: serde_json::from_str::<Value>(&text).expect("a JWK Set"),
        }),
        token_lifetime: lifetime,
        ..Options::default()
    })
}

/// A folder whose configuration names the server, with these lines below `backend-services`.
fn configured(server: &Server, lines: &[String]) -> Folder {
    let folder = Folder::new();
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("        {line}\n"))
        .collect();
    folder.write(
        "rounds.yaml",
        &format!(
            "targets:\n  closed:\n    url: '{}'\n    writes: true\n    auth:\n      backend-services:\n{}",
            server.url(),
            lines.concat()
        ),
    );
    folder
}

fn client(key: &str, kid: &str, scopes: &str) -> Vec<String> {
    vec![
        "client-id: tester".to_owned(),
        format!("key: '{}'", fixture(key)),
        format!("kid: {kid}"),
        format!("scopes: [{scopes}]"),
    ]
}

fn tokens(server: &Server) -> usize {
    let lines = server.running.log.entries();
    lines.iter().filter(|line| line.path == "/token").count()
}

const RUN: &[&str] = &["run", "core", "-t", "closed"];

#[test]
fn a_run_outlives_its_tokens_with_either_algorithm() {
    for (key, kid) in [("rs384.jwk.json", "rsa-1"), ("es384.pem", "ec-1")] {
        let server = server("tester", Duration::from_secs(1));
        let folder = configured(&server, &client(key, kid, "system/*.cruds"));
        let said = folder.rounds(RUN).exits(0);
        assert!(
            tokens(&server) >= 3,
            "{} tokens\n{}",
            tokens(&server),
            said.out
        );
        let id = folder.run_ids().pop().expect("a run");
        let record = folder.read(&format!(".rounds/runs/{id}/run.json"));
        for secret in ["client_assertion", "smart-", "Bearer"] {
            assert!(!record.contains(secret), "{secret} is in the record");
        }
    }
}

#[test]
fn scopes_that_only_read_are_enough_to_read_and_version_1_is_understood() {
    let server = server("tester", Duration::from_secs(30));
    let folder = configured(&server, &client("es384.jwks.json", "ec-1", "system/*.read"));
    let text = folder
        .read("rounds.yaml")
        .replace("writes: true", "rate: 500");
    folder.write("rounds.yaml", &text);
    let said = folder
        .rounds(&["run", "core/metadata", "-t", "closed"])
        .exits(0);
    assert!(said.out.contains("passed"), "{}", said.out);
    assert_eq!(server.running.log.mutating(), 0);
}

#[test]
fn each_way_of_not_getting_a_token_is_one_message() {
    let near = server("tester", Duration::from_secs(30));
    let foreign = server("somebody-else", Duration::from_secs(30));
    let plain = Server::empty();
    let good = || client("es384.pem", "ec-1", "system/*.rs");
    let cases: [(&Server, Vec<String>, &[&str]); 6] = [
        (
            &near,
            client("nowhere.pem", "k", "system/*.rs"),
            &["nowhere.pem cannot be read"],
        ),
        (
            &near,
            client("p256.pem", "k", "system/*.rs"),
            &["P-256", "RS384 or ES384", "openssl genpkey"],
        ),
        (
            &near,
            client("es384.pem", "other", "system/*.rs"),
            &["invalid_client", "kid `other`"],
        ),
        (&foreign, good(), &["invalid_client", "client id"]),
        (
            &near,
            client("es384.pem", "ec-1", "patient/*.rs"),
            &["invalid_scope", "`scopes`"],
        ),
        (
            &plain,
            good(),
            &["no token endpoint is known", "`token-url`"],
        ),
    ];
    for (server, lines, words) in cases {
        let said = configured(server, &lines).rounds(RUN).complains(2, words);
        assert!(!said.err.contains("BEGIN"), "{}", said.err);
    }
}

#[test]
fn the_sandbox_wants_a_registered_client_and_a_plain_run_registers_its_own() {
    let folder = Folder::new();
    folder
        .rounds(&["sandbox", "--variant", "smart", "--port", "0"])
        .complains(2, &["--client-jwks"]);
    folder
        .rounds(&[
            "run",
            "core/read",
            "--variant",
            "smart",
            "--population",
            "2",
        ])
        .exits(0);
}
