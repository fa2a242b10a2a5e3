//! `property/crash-keeps-acknowledged` on a program of its own: what it acknowledged is there after `kill -9`, or that is
//! found. A target that need not be durable, or that others started, is not killed.

use super::stage::{Folder, Said, Server};
use super::started::port;

const RUN: [&str; 5] = [
    "property/core",
    "-E",
    "property/crash-keeps-acknowledged",
    "--population",
    "1",
];

/// Runs the property on a sandbox with a journal that the run starts itself.
fn crash(durable: bool, more: &str) -> (Folder, Said) {
    let (folder, port) = (Folder::new(), port());
    let rounds = env!("CARGO_BIN_EXE_rounds");
    folder.write(
        "rounds.yaml",
        &format!(
            "targets:\n  own:\n    url: http://127.0.0.1:{port}/fhir\n    writes: true\n    load: true\n    \
             start: ['{rounds}', sandbox, --port, '{port}', --journal, writes.jsonl{more}]\n    \
             ready: http://127.0.0.1:{port}/fhir/metadata\n    durable: {durable}\n"
        ),
    );
    let said = folder.rounds(&[&["run", "-t", "own"], &RUN[..]].concat());
    (folder, said)
}

/// How often the sandbox of a folder was started.
fn starts(folder: &Folder) -> usize {
    let said = folder.read(".rounds/started/own.log");
    said.matches("sandbox  http://").count()
}

#[test]
fn what_a_sandbox_with_a_journal_acknowledged_outlasts_a_kill() {
    let (folder, said) = crash(true, "");
    let said = said.exits(0);
    assert!(said.out.contains("1 passed"), "{}", said.out);
    assert!(starts(&folder) > 1, "it was killed");
    assert!(folder.read("writes.jsonl").lines().count() > 1);
}

#[test]
fn a_sandbox_that_notes_too_late_is_found() {
    let (_folder, said) = crash(true, ", --defect, acknowledged-write-lost");
    let said = said.exits(1);
    assert!(
        said.out.contains("property/crash-keeps-acknowledged"),
        "{}",
        said.out
    );
}

#[test]
fn a_target_that_need_not_be_durable_or_that_others_started_is_not_killed() {
    let (folder, said) = crash(false, "");
    assert!(said.out.contains("1 skipped"), "{}", said.out);
    assert_eq!(starts(&folder), 1);
    let (folder, server) = (Folder::new(), Server::empty());
    let run = ["run", "-t", server.url(), "--allow-writes", "--allow-load"];
    let said = folder.rounds(&[&run, &RUN[..]].concat());
    assert!(said.out.contains("1 skipped"), "{}", said.out);
}
