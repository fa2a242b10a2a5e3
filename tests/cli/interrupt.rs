//! Runs that end early: what they did is stored, and what they created can be removed. Not the engines' own cleaning.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::stage::{Folder, Said, Server};

/// Polls of a server before a test gives up.
const MAX_POLLS: u32 = 3_000;
/// Writes after which a run is well under way: its population is loaded, its properties have begun.
const UNDER_WAY: u64 = 60;
/// A population small enough to be removed quickly.
const SMALL: [&str; 2] = ["--population", "2"];

/// A writing run that lasts: on a server whose index lags, every property waits for it.
fn begin(folder: &Folder, server: &Server) -> Child {
    let mut command = folder.command(&[
        "run",
        "-t",
        server.url(),
        "--allow-writes",
        "property/core",
        "core/write",
    ]);
    let mut child = command
        .args(SMALL)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    for _ in 0..MAX_POLLS {
        if server.running.log.mutating() > UNDER_WAY {
            return child;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it runs");
    let said = Said::of(child.wait_with_output().expect("it ends"));
    panic!("the run does not begin: {said:?}");
}

fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(status.expect("kill is there").success());
}

/// Waits until the server shows nothing any more: an index that lags shows for a while what is gone.
fn empties(server: &Server) -> bool {
    (0..MAX_POLLS).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        held(server) == 0
    })
}

fn held(server: &Server) -> u64 {
    [
        "Patient",
        "Observation",
        "Encounter",
        "Practitioner",
        "Organization",
        "Location",
    ]
    .iter()
    .map(|name| server.count(name))
    .sum()
}

#[test]
fn an_interrupted_run_is_stored_and_what_it_created_can_be_removed() {
    let (folder, server) = (Folder::new(), Server::with_variant("index-lag"));
    let child = begin(&folder, &server);
    signal(&child, "-INT");
    Said::of(child.wait_with_output().expect("it ends")).exits(130);

    let id = folder.run_ids().pop().expect("the run is stored");
    let record = folder.record(&id);
    assert_eq!(record["interrupted"], Value::Bool(true));
    let notices = record["notices"].to_string();
    assert!(notices.contains(&format!("rounds clean {id}")), "{notices}");
    assert!(held(&server) > 0, "there is something to remove");

    folder
        .rounds(&["clean"])
        .complains(2, &["not permitted", "--allow-writes"]);
    assert!(held(&server) > 0, "nothing is removed without permission");
    let said = folder.rounds(&["clean", &id, "--allow-writes"]).exits(0);
    assert!(said.out.contains("removed"), "{}", said.out);
    assert!(empties(&server), "something is left");
    let again = folder.rounds(&["clean", "--allow-writes"]).exits(0);
    assert!(again.out.contains("nothing of run"), "{}", again.out);
}

#[test]
fn a_killed_run_can_be_cleaned_up_by_its_journal_and_its_tag_alone() {
    let (folder, server) = (Folder::new(), Server::with_variant("index-lag"));
    let mut child = begin(&folder, &server);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let id = folder.run_ids().pop().expect("the journal is there");
    assert!(!folder.path(&format!(".rounds/runs/{id}/run.json")).exists());
    assert!(held(&server) > 0);

    // The last lines are what a kill takes: whatever they would have named is found by its tag.
    let journal = format!(".rounds/runs/{id}/created.jsonl");
    let text = folder.read(&journal);
    folder.write(&journal, &text[..text.len() / 2]);
    folder.rounds(&["clean", "--allow-writes"]).exits(0);
    assert!(empties(&server), "something is left");
}

#[test]
fn a_run_removes_what_it_created_at_its_end() {
    let (folder, server) = (Folder::new(), Server::filled());
    let before = held(&server);
    let mut arguments = vec!["run", "-t", server.url(), "--allow-writes", "core/metadata"];
    arguments.extend(SMALL);
    folder.rounds(&arguments).exits(0);
    assert!(server.running.log.mutating() > 0, "it wrote");
    assert_eq!(held(&server), before);
}

#[test]
fn cleaning_touches_nothing_but_the_run_and_no_other_server() {
    let (folder, server, other) = (Folder::new(), Server::filled(), Server::filled());
    let before = held(&server);
    let mut arguments = vec!["run", "-t", server.url(), "--allow-writes", "core/metadata"];
    arguments.extend(SMALL);
    arguments.push("--keep-data");
    folder.rounds(&arguments).exits(0);
    assert!(held(&server) > before);
    folder
        .rounds(&["clean", "-t", other.url(), "--allow-writes"])
        .complains(2, &["it ran on", server.url()]);
    assert_eq!(other.running.log.total(), 0);
    folder
        .rounds(&["clean", "-t", server.url(), "--allow-writes"])
        .exits(0);
    assert_eq!(held(&server), before);
}

#[test]
fn what_cannot_be_removed_is_listed_by_id() {
    let (folder, server) = (Folder::new(), Server::empty());
    let mut arguments = vec!["run", "-t", server.url(), "--allow-writes", "core/metadata"];
    arguments.extend(SMALL);
    folder.rounds(&arguments).exits(0);
    let id = folder.run_ids().pop().expect("the run is stored");
    // A server that refuses stands where the journal says that the run was.
    let refusing = super::stage::Stranger::start(|path| {
        let claims = serde_json::json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
            "rest": [{ "mode": "server", "resource": [{ "type": "Patient" }] }] });
        match path.ends_with("/metadata") {
            true => (200, "application/fhir+json", claims.to_string()),
            false => (409, "application/fhir+json", "{}".to_owned()),
        }
    });
    let journal = format!(".rounds/runs/{id}/created.jsonl");
    let begun = serde_json::json!({ "begun": { "target": refusing.url, "token": "t" } });
    folder.write(
        &journal,
        &format!("{begun}\n{{\"created\":{{\"key\":\"Patient/a\"}}}}\n{{\"created\":{{\"key\":\"Patient/b\"}}}}\n"),
    );
    let said = folder.rounds(&["clean", "--allow-writes"]).exits(1);
    assert!(said.out.contains("2 could not be removed"), "{}", said.out);
    for line in ["Patient/a  409", "Patient/b  409"] {
        assert!(said.out.contains(line), "{}", said.out);
    }
    assert_eq!(refusing.asked(), 3, "nothing changes after one round");
}

#[test]
fn a_run_on_the_built_in_sandbox_leaves_nothing_to_clean() {
    let folder = Folder::new();
    folder
        .rounds(&["run", "core/metadata", "--population", "1"])
        .exits(0);
    let id = folder.run_ids().pop().expect("the run is stored");
    let said = folder.rounds(&["clean", &id]).exits(0);
    assert!(
        said.out.contains("did not write to a target"),
        "{}",
        said.out
    );
    folder
        .rounds(&["clean"])
        .complains(2, &["no stored run wrote"]);
    folder
        .rounds(&["clean", "nonsense"])
        .complains(2, &["nonsense", &id]);
}
