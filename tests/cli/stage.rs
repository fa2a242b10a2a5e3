//! What the tests of the program stand on: a temporary folder, the binary, sandboxes and strange servers on loopback.
//! No assertions but those without which a test makes no sense.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rounds::population::{Plan, generate, shared};
use rounds::sandbox::{self, Options, Running};
use rounds::seed::Seed;
use serde_json::Value;
use url::Url;

/// A folder of its own for each test; gone with it.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rounds-cli-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("temporary folders can be made");
        Folder { path }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the folder can be written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program in this folder with an empty environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rounds"));
        command
            .args(arguments)
            .current_dir(&self.path)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn rounds(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().expect("the binary starts"))
    }

    /// Ids of stored runs: folders, with a record or without.
    pub fn run_ids(&self) -> Vec<String> {
        names(&self.path(".rounds/runs"))
    }

    /// The record of a run.
    pub fn record(&self, id: &str) -> Value {
        let text = self.read(&format!(".rounds/runs/{id}/run.json"));
        serde_json::from_str(&text).expect("a record is JSON")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Names in a folder, sorted; none if there is no such folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Bytes of all files of a flat folder.
pub fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    names(folder)
        .into_iter()
        .map(|name| {
            let content = fs::read(folder.join(&name)).expect("a file that was just listed");
            (name, content)
        })
        .collect()
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: Output) -> Self {
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Asserts the exit code, and shows everything if it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n---\n{}", self.out, self.err);
        self
    }

    /// Asserts that one message on standard error says what, why and what to do.
    #[track_caller]
    pub fn complains(self, code: i32, words: &[&str]) -> Self {
        let said = self.exits(code);
        let messages = said.err.matches("error: could not ").count();
        assert_eq!(messages, 1, "one message:\n{}", said.err);
        assert!(said.err.contains("hint: "), "what to do:\n{}", said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        for word in words {
            assert!(
                said.err.contains(word),
                "`{word}` is missing:\n{}",
                said.err
            );
        }
        said
    }
}

/// A sandbox that is served while this lives.
pub struct Server {
    pub running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub fn start(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let running = runtime
            .block_on(sandbox::serve(options))
            .expect("a loopback port is free");
        Server {
            running,
            _runtime: runtime,
        }
    }

    /// An honest one without data.
    pub fn empty() -> Self {
        Self::start(Options::default())
    }

    /// One with a few patients.
    pub fn filled() -> Self {
        let plan = Plan::new(Seed(77), 3);
        let mut preload = shared(&plan);
        preload.extend(generate(&plan).flatten());
        Self::start(Options {
            preload,
            ..Options::default()
        })
    }

    pub fn with_variant(id: &str) -> Self {
        Self::start(Options {
            variants: vec![sandbox::variant(id).expect("a known variant")],
            ..Options::default()
        })
    }

    pub fn url(&self) -> &str {
        self.running.base.as_str().trim_end_matches('/')
    }

    /// Resources of a type that it holds, as it says itself.
    pub fn count(&self, resource_type: &str) -> u64 {
        self.matches(&format!("{resource_type}?_summary=count"))
    }

    /// Matches of a search, as it says itself.
    pub fn matches(&self, search: &str) -> u64 {
        let answer = ask(&self.running.base, &format!("GET {{base}}/{search}"), "");
        let body: Value = serde_json::from_str(&answer).expect("a Bundle");
        body["total"].as_u64().expect("a total")
    }

    /// Posts a Bundle to the base.
    pub fn post(&self, bundle: &str) -> Value {
        let answer = ask(&self.running.base, "POST {base}", bundle);
        serde_json::from_str(&answer).expect("an answer in JSON")
    }
}

/// Sends one request by hand, for looks that do not go through the program; gives the body.
fn ask(base: &Url, line: &str, body: &str) -> String {
    let address = base.socket_addrs(|| None).expect("loopback")[0];
    let line = line.replace("{base}", base.path().trim_end_matches('/'));
    let mut stream = TcpStream::connect(address).expect("the sandbox listens");
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: application/fhir+json\r\n\
         Content-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (_, body) = answer.split_once("\r\n\r\n").expect("head and body");
    body.to_owned()
}

/// An answer by hand: status, content type, body.
pub type Answer = (u16, &'static str, String);

/// A server that is no FHIR endpoint of ours: answers each path as it is told, on a thread that ends with the process.
pub struct Stranger {
    pub url: String,
    asked: Arc<AtomicUsize>,
}

impl Stranger {
    pub fn start(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let url = format!("http://{}/fhir", listener.local_addr().expect("bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                // A client that goes away is its own affair.
                let _ = reply(stream, &answer);
            }
        });
        Stranger { url, asked }
    }

    /// One that gives every path the same answer.
    pub fn always(status: u16, content_type: &'static str, body: impl ToString) -> Self {
        let body = body.to_string();
        Self::start(move |_| (status, content_type, body.clone()))
    }

    /// Connections so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn reply(mut stream: TcpStream, answer: &impl Fn(&str) -> Answer) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, content_type, body) = answer(path);
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
