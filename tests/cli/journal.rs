//! `rounds sandbox --journal`: a served sandbox that is killed and started again. What the journal holds is tested
//! beside its code; here it is the process that dies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::stage::Folder;

/// Clients that write at the same time.
const CLIENTS: usize = 4;
/// Acknowledged writes after which the process is killed in the midst of others.
const ENOUGH: usize = 200;
/// The longest that a test waits for them.
const MAX_POLLS: u32 = 3_000;

/// A sandbox in a process of its own.
struct Served {
    child: Child,
    address: String,
    said: Vec<String>,
}

impl Served {
    fn start(folder: &Folder) -> Self {
        let mut child = folder
            .command(&["sandbox", "--port", "0", "--journal", "writes.jsonl"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut said: Vec<String> = Vec::new();
        while !said.last().is_some_and(|line| line.contains("Ctrl-C")) {
            let mut line = String::new();
            let read = out.read_line(&mut line).expect("text");
            assert!(read > 0, "it ends: {said:?}");
            said.push(line.trim_end().to_owned());
        }
        let url = said[0].split_whitespace().last().expect("a URL").to_owned();
        let address = url.trim_start_matches("http://").trim_end_matches("/fhir");
        Served {
            address: address.to_owned(),
            child,
            said,
        }
    }

    /// SIGKILL; gives what it said on standard error.
    fn kill(mut self) -> String {
        self.child.kill().expect("it runs");
        let output = self.child.wait_with_output().expect("it ends");
        String::from_utf8(output.stderr).expect("text")
    }
}

/// Sends a request by hand; the answer, as far as there is one.
fn ask(address: &str, line: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/fhir+json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

/// Writes patients until the process is gone; the ids of those that were acknowledged.
fn write_until_gone(address: &str, client: usize, acknowledged: &AtomicUsize) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let id = format!("c{client}-{}", ids.len());
        let body = format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#);
        match ask(address, &format!("PUT /fhir/Patient/{id}"), &body) {
            Some(answer) if answer.starts_with("HTTP/1.1 201 ") => ids.push(id),
            _ => return ids,
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_sandbox_that_is_killed_under_load_loses_nothing_that_it_acknowledged() {
    let folder = Folder::new();
    let served = Served::start(&folder);
    let (address, acknowledged) = (served.address.clone(), AtomicUsize::new(0));
    let ids: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, acknowledged) = (&address, &acknowledged);
                scope.spawn(move || write_until_gone(address, client, acknowledged))
            })
            .collect();
        for _ in 0..MAX_POLLS {
            if acknowledged.load(Ordering::Relaxed) >= ENOUGH {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        served.kill();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client that ends"))
            .collect()
    });
    assert!(ids.len() >= ENOUGH, "only {} were written", ids.len());

    let again = Served::start(&folder);
    for id in &ids {
        let answer = ask(&again.address, &format!("GET /fhir/Patient/{id}"), "");
        let answer = answer.expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{id}: {answer}");
    }
    again.kill();
}

#[test]
fn a_torn_line_is_said_and_left_out() {
    let folder = Folder::new();
    let served = Served::start(&folder);
    let body = r#"{"resourceType":"Patient","id":"a"}"#;
    ask(&served.address, "PUT /fhir/Patient/a", body).expect("an answer");
    served.kill();
    let text = folder.read("writes.jsonl");
    folder.write("writes.jsonl", &format!("{text}[{{\"key\":\"Patient/b\""));
    let again = Served::start(&folder);
    let line = again.said.iter().find(|line| line.starts_with("journal"));
    assert!(
        line.is_some_and(|line| line.ends_with("1 version")),
        "{line:?}"
    );
    let warned = again.kill();
    assert!(
        warned.starts_with("warning: writes.jsonl: the last line is torn"),
        "{warned}"
    );
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let folder = Folder::new();
    folder.write("notes.txt", "dear diary\n");
    folder
        .rounds(&["sandbox", "--port", "0", "--journal", "notes.txt"])
        .complains(2, &["notes.txt", "not a journal of the sandbox"]);
    assert_eq!(folder.read("notes.txt"), "dear diary\n");
}
