//! `property/crash` on a program of its own: what it acknowledged is there after `kill -9`, or that is found.

use super::stage::{Folder, Said};
use super::started::port;

/// Runs the suite on a sandbox with a journal that the run starts itself.
fn crash(more: &str) -> (Folder, Said) {
    let (folder, port) = (Folder::new(), port());
    let rounds = env!("CARGO_BIN_EXE_rounds");
    folder.write(
        "rounds.yaml",
        &format!(
            "targets:\n  own:\n    url: http://127.0.0.1:{port}/fhir\n    writes: true\n    load: true\n    \
             start: ['{rounds}', sandbox, --port, '{port}', --journal, writes.jsonl{more}]\n    \
             ready: http://127.0.0.1:{port}/fhir/metadata\n"
        ),
    );
    let run = ["run", "-t", "own", "property/crash", "--population", "1"];
    let said = folder.rounds(&run);
    (folder, said)
}

#[test]
fn what_a_sandbox_with_a_journal_acknowledged_outlasts_a_kill() {
    let (folder, said) = crash("");
    let said = said.exits(0);
    assert!(said.out.contains("1 passed"), "{}", said.out);
    let starts = folder.read(".rounds/started/own.log");
    assert!(starts.matches("sandbox  http://").count() > 1, "{starts}");
    assert!(folder.read("writes.jsonl").lines().count() > 1);
}

#[test]
fn a_sandbox_that_notes_too_late_is_found() {
    let (_folder, said) = crash(", --defect, acknowledged-write-lost");
    let said = said.exits(1);
    assert!(
        said.out.contains("property/crash-keeps-acknowledged"),
        "{}",
        said.out
    );
}

#[test]
fn a_target_that_others_started_is_not_killed() {
    let (folder, server) = (Folder::new(), super::stage::Server::empty());
    let run = [
        "run",
        "-t",
        server.url(),
        "--allow-writes",
        "property/crash",
    ];
    let said = folder.rounds(&run);
    assert!(
        said.out.contains("0 passed") || said.out.contains("1 skipped"),
        "{}",
        said.out
    );
}
