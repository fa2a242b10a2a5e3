//! A sandbox that crashes, and one that begins with a journal.

use std::path::PathBuf;

use super::*;
use crate::sandbox::Journal;

/// A file of its own for each test; gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("rounds-journal-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        Scratch(path)
    }

    fn server(&self, preload: Vec<Value>) -> (Server, Option<String>) {
        let opened = Journal::open(&self.0).unwrap();
        let options = Options {
            preload,
            journal: Some(opened.journal),
            ..options()
        };
        (Server::new(&options, BASE).unwrap(), opened.warning)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a server says of a resource: body and ETag now, and its history.
fn said(server: &Server, key: &str) -> (u16, Vec<u8>, Option<String>, Value) {
    let read = get(server, key);
    let history = json(&get(server, &format!("{key}/_history")));
    let tag = read.headers.get("etag").map(str::to_owned);
    (read.status, read.body.to_vec(), tag, history)
}

#[test]
fn what_was_acknowledged_outlasts_a_crash() {
    let server = server();
    put(&server, &patient("1", "Ada"));
    put(&server, &patient("1", "Grace"));
    put(&server, &patient("2", "Barbara"));
    send(&server, Method::Delete, "Patient/2", &json!({}));
    let before: Vec<_> = ["Patient/1", "Patient/2"]
        .map(|key| said(&server, key))
        .into();
    server.crash();
    let after: Vec<_> = ["Patient/1", "Patient/2"]
        .map(|key| said(&server, key))
        .into();
    assert_eq!(before, after);
    assert_eq!(ids(&server, "Patient?family=Grace"), ["1"]);
    assert!(ids(&server, "Patient?family=Ada").is_empty());
}

#[test]
fn a_server_that_begins_with_a_journal_says_what_the_one_before_it_said() {
    let scratch = Scratch::new("again");
    let exact = json!({"resourceType": "Observation", "id": "o", "status": "final",
        "code": {"text": "x"}, "valueQuantity": {"value": serde_json::from_str::<Value>("1.10").unwrap()}});
    let (first, _) = scratch.server(vec![patient("0", "Hedy")]);
    put(&first, &patient("1", "Ada"));
    put(&first, &exact);
    send(&first, Method::Delete, "Patient/1", &json!({}));
    let before: Vec<_> = ["Patient/0", "Patient/1", "Observation/o"]
        .map(|key| said(&first, key))
        .into();
    drop(first);
    let (second, warning) = scratch.server(vec![patient("0", "Nobody")]);
    assert_eq!(warning, None);
    let after: Vec<_> = ["Patient/0", "Patient/1", "Observation/o"]
        .map(|key| said(&second, key))
        .into();
    assert_eq!(before, after);
    assert_eq!(ids(&second, "Patient?family=Hedy"), ["0"]);
    let created = send(
        &second,
        Method::Post,
        "Patient",
        &json!({"resourceType": "Patient"}),
    );
    assert_eq!(created.status, 201);
}

#[test]
fn a_torn_last_line_is_left_out_and_its_transaction_with_it() {
    let scratch = Scratch::new("torn");
    let (first, _) = scratch.server(Vec::new());
    put(&first, &patient("1", "Ada"));
    let entry = |id: &str| {
        json!({"resource": patient(id, "Both"),
            "request": {"method": "PUT", "url": format!("Patient/{id}")}})
    };
    let bundle = json!({"resourceType": "Bundle", "type": "transaction",
        "entry": [entry("2"), entry("3")]});
    assert_eq!(send(&first, Method::Post, "", &bundle).status, 200);
    drop(first);
    let bytes = std::fs::read(&scratch.0).unwrap();
    std::fs::write(&scratch.0, &bytes[..bytes.len() - 9]).unwrap();
    let (second, warning) = scratch.server(Vec::new());
    assert!(warning.unwrap().contains("torn"));
    assert!(ids(&second, "Patient?family=Both").is_empty());
    put(&second, &patient("4", "Later"));
    drop(second);
    let (third, warning) = scratch.server(Vec::new());
    assert_eq!(warning, None);
    assert_eq!(ids(&third, "Patient?_sort=_id"), ["1", "4"]);
}

#[test]
fn a_transaction_that_is_refused_leaves_nothing_to_begin_with() {
    let scratch = Scratch::new("refused");
    let (first, _) = scratch.server(Vec::new());
    let good = json!({"resource": patient("2", "Both"),
        "request": {"method": "PUT", "url": "Patient/2"}});
    let bad = json!({"request": {"method": "PUT", "url": "Nonsense/3"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [good, bad]});
    assert!(send(&first, Method::Post, "", &bundle).status >= 400);
    drop(first);
    assert_eq!(get(&scratch.server(Vec::new()).0, "Patient/2").status, 404);
}

#[test]
fn a_journal_is_open_once() {
    let scratch = Scratch::new("once");
    let opened = Journal::open(&scratch.0).unwrap();
    assert!(Journal::open(&scratch.0).unwrap_err().contains("open"));
    drop(opened);
    assert!(Journal::open(&scratch.0).is_ok());
}

#[test]
fn a_file_that_is_no_journal_stays_as_it_is() {
    let scratch = Scratch::new("other");
    std::fs::write(&scratch.0, "dear diary").unwrap();
    assert!(
        Journal::open(&scratch.0)
            .unwrap_err()
            .contains("not a journal")
    );
    assert_eq!(std::fs::read_to_string(&scratch.0).unwrap(), "dear diary");
}

#[test]
fn the_last_write_is_lost_where_that_is_the_fault_in_memory_and_in_a_file() {
    let server = with_defect("acknowledged-write-lost");
    put(&server, &patient("1", "Ada"));
    put(&server, &patient("2", "Grace"));
    get(&server, "Patient/2");
    server.crash();
    assert_eq!(ids(&server, "Patient"), ["1"]);

    let scratch = Scratch::new("lost");
    let faulty = Options {
        defects: vec![defect("acknowledged-write-lost").unwrap()],
        journal: Some(Journal::open(&scratch.0).unwrap().journal),
        ..options()
    };
    let first = Server::new(&faulty, BASE).unwrap();
    put(&first, &patient("1", "Ada"));
    put(&first, &patient("2", "Grace"));
    drop((first, faulty));
    assert_eq!(ids(&scratch.server(Vec::new()).0, "Patient"), ["1"]);
}
