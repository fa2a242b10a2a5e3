//! Targets that name a program to start: it answers, is tested, and is gone afterwards, however the run ends.

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::stage::{Folder, Said};

/// Looks at a port before a test gives up.
const MAX_POLLS: u32 = 3_000;

/// A port that was free a moment ago.
pub fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("bound").port()
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn polled(condition: impl Fn() -> bool) -> bool {
    (0..MAX_POLLS).any(|_| {
        let holds = condition();
        if !holds {
            std::thread::sleep(Duration::from_millis(10));
        }
        holds
    })
}

/// A target that is a sandbox of its own.
fn configure(folder: &Folder, port: u16, more: &str) {
    let rounds = env!("CARGO_BIN_EXE_rounds");
    folder.write(
        "rounds.yaml",
        &format!(
            "targets:\n  own:\n    url: http://127.0.0.1:{port}/fhir\n    writes: true\n    \
             start: ['{rounds}', sandbox, --port, '{port}'{more}]\n"
        ),
    );
}

#[test]
fn a_program_is_started_and_gone_afterwards_and_what_it_said_is_kept() {
    let (folder, port) = (Folder::new(), port());
    configure(&folder, port, "");
    let run = ["run", "-t", "own", "core/metadata", "--population", "1"];
    folder.rounds(&run).exits(0);
    assert!(!listens(port), "it still listens");
    let said = folder.read(".rounds/started/own.log");
    assert!(
        said.contains(&format!("http://127.0.0.1:{port}/fhir")),
        "{said}"
    );
    folder.rounds(&["clean"]).exits(0);
    assert!(!listens(port), "it still listens");
}

#[test]
fn a_program_that_does_not_come_up_is_one_clear_failure() {
    let folder = Folder::new();
    let target = |start: &str| {
        let url = format!("http://127.0.0.1:{}/fhir", port());
        folder.write(
            "rounds.yaml",
            &format!("targets:\n  own:\n    url: {url}\n    start: {start}\n"),
        );
        folder.rounds(&["run", "-t", "own", "core/metadata"])
    };
    target("echo broken; exit 3").complains(3, &["ended before it answered", "started/own.log"]);
    assert_eq!(folder.read(".rounds/started/own.log"), "broken\n");
    target("[/no/such/program]").complains(2, &["/no/such/program"]);
}

#[test]
fn a_run_that_is_ended_at_once_takes_its_program_with_it() {
    for signal in ["-INT", "-TERM"] {
        let (folder, port) = (Folder::new(), port());
        configure(&folder, port, ", --variant, index-lag");
        let child = folder
            .command(&["run", "-t", "own", "property/core", "--population", "2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        assert!(polled(|| listens(port)), "it does not listen");
        let kill = || {
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .stderr(Stdio::null())
                .status()
        };
        // The first signal ends the run in order, a later one at once: whichever is in time.
        assert!(kill().expect("kill is there").success());
        assert!(polled(|| !listens(port) || kill().is_err()), "it listens");
        let said = Said::of(child.wait_with_output().expect("it ends"));
        said.exits(130);
        assert!(polled(|| !listens(port)), "it still listens");
    }
}
