//! A server that claims to be an R4 endpoint, answers the first questions well enough to be tested, and then echoes
//! sentinels wherever HTTP and FHIR have a place for a text. No endpoint that anybody should imitate.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::planted::{PATIENT, records, sentence};

/// One trick. Each answers every question in its way, whatever was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Records,
    Links,
    Outcome,
    IssueCode,
    Html,
    Syntax,
    WrongType,
    Redirect,
    MediaType,
    Huge,
    Unauthorized,
    OddMembers,
    CutOff,
    OddHead,
    Encoding,
    Throttled,
}

pub const MOODS: &[Mood] = &[
    Mood::Records,
    Mood::Links,
    Mood::Outcome,
    Mood::IssueCode,
    Mood::Html,
    Mood::Syntax,
    Mood::WrongType,
    Mood::Redirect,
    Mood::MediaType,
    Mood::Huge,
    Mood::Unauthorized,
    Mood::OddMembers,
    Mood::CutOff,
    Mood::OddHead,
    Mood::Encoding,
    // The last is left out of the mixture: it makes a client wait.
    Mood::Throttled,
];

/// Answers after `/metadata` that are good enough for a cohort to be read.
const GOOD: usize = 16;
/// Characters of a text that is too long for any message.
const HUGE: usize = 300_000;

/// The server; its threads end with the process.
pub struct Hostile {
    pub url: String,
}

impl Hostile {
    /// One with a single trick, or with all in turn.
    pub fn start(mood: Option<Mood>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let url = format!("http://{}/fhir", listener.local_addr().expect("bound"));
        let (base, asked) = (url.clone(), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (base, asked) = (base.clone(), Arc::clone(&asked));
                std::thread::spawn(move || {
                    // A client that goes away is its own affair.
                    let _ = reply(stream, &base, mood, &asked);
                });
            }
        });
        Hostile { url }
    }
}

fn reply(
    mut stream: TcpStream,
    base: &str,
    mood: Option<Mood>,
    asked: &AtomicUsize,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let target = target
        .strip_prefix("/fhir")
        .unwrap_or(target)
        .trim_start_matches('/');
    if target.starts_with("metadata") {
        asked.store(0, Ordering::Relaxed);
        return send(&mut stream, "200 OK", JSON, "", &claims().to_string());
    }
    let number = asked.fetch_add(1, Ordering::Relaxed);
    if number < GOOD {
        let (status, body) = good(target, base);
        return send(&mut stream, status, JSON, "", &body.to_string());
    }
    play(
        &mut stream,
        mood.unwrap_or(MOODS[number % (MOODS.len() - 1)]),
        target,
        base,
    )
}

const JSON: &str = "application/fhir+json";

/// Fields that every answer has besides its own.
fn echoes() -> String {
    "ETag: W/\"ver-3361-vexmoor\"\r\nLast-Modified: Tue, 17 Mar 1931 00:00:00 GMT\r\n\
     Content-Location: /fhir/Patient/pt-zq81-vexmoor/_history/Quillfeather\r\n\
     Set-Cookie: patient=Quillfeather; Path=/Oxnardville\r\nX-Patient: Zephyrine Quillfeather\r\n\
     X-Quillfeather: MRN-QX7741903\r\nVary: Quillfeather\r\nCache-Control: max-age=0, Quillfeather\r\n\
     Allow: GET, QUILLFEATHER\r\nServer: Quillfeather\r\nX-Served-By: MRN-QX7741903\r\nVia: 1.1 Quillfeather\r\n"
        .to_owned()
}

fn send(
    stream: &mut TcpStream,
    status: &str,
    media_type: &str,
    more: &str,
    body: &str,
) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\n{}{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        echoes(),
        body.len()
    )
}

fn claims() -> Value {
    let resource = |name: &str, parameters: &[(&str, &str)]| {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|(name, kind)| json!({ "name": name, "type": kind, "documentation": sentence() }))
            .collect();
        json!({ "type": name, "versioning": "versioned", "documentation": sentence(),
            "interaction": [{ "code": "read" }, { "code": "vread" }, { "code": "search-type" }],
            "searchInclude": [format!("{name}:patient")], "searchParam": parameters })
    };
    json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": "2018-07-29", "kind": "instance",
        "fhirVersion": "4.0.1", "format": ["json"], "publisher": "Zephyrine Quillfeather", "description": sentence(),
        "contact": [{ "telecom": [{ "system": "phone", "value": "+1-707-555-0142" }] }],
        "software": { "name": "Strange\u{1b}[31m" },
        "implementation": { "description": sentence(), "url": "https://portal.vexmoor-record.example/p/8812" },
        "rest": [{ "mode": "server", "documentation": sentence(), "resource": [
            resource("Patient", &[("_id", "token"), ("family", "string"), ("name", "string"), ("birthdate", "date"),
                ("identifier", "token"), ("gender", "token")]),
            resource("Observation", &[("_id", "token"), ("patient", "reference"), ("subject", "reference"), ("code", "token"),
                ("category", "token"), ("date", "date"), ("status", "token"), ("value-quantity", "quantity")]),
            resource("Condition", &[("_id", "token"), ("patient", "reference"), ("code", "token"), ("onset-date", "date")]),
            resource("Quillfeather", &[("MRN-QX7741903", "token")]),
        ] }],
    })
}

fn good(target: &str, base: &str) -> (&'static str, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (name, id) = path.split_once('/').unwrap_or((path, ""));
    let ours = |value: &&Value| value["resourceType"] == name;
    let versioned = |mut value: Value| {
        value["meta"]["versionId"] = json!("ver-3361-vexmoor");
        value["meta"]["lastUpdated"] = json!("2019-11-23T04:05:06Z");
        value
    };
    let all = records();
    if !id.is_empty() && id != "_search" {
        return match all.iter().filter(ours).find(|value| value["id"] == id) {
            Some(value) => ("200 OK", versioned(value.clone())),
            None => ("404 Quillfeather", outcome("not-found")),
        };
    }
    let entries: Vec<Value> = all
        .iter()
        .filter(ours)
        .map(|value| json!({ "fullUrl": format!("{base}/{name}/{}", value["id"].as_str().unwrap_or_default()),
            "resource": versioned(value.clone()), "search": { "mode": "match" } }))
        .collect();
    let own = format!("{base}/{name}?{query}&Quillfeather=MRN-QX7741903&name=Zephyrine");
    (
        "200 OK",
        json!({ "resourceType": "Bundle", "id": "ver-3361-vexmoor", "type": "searchset", "total": entries.len(),
        "link": [{ "relation": "self", "url": own }], "entry": entries }),
    )
}

fn outcome(code: &str) -> Value {
    json!({ "resourceType": "OperationOutcome", "text": { "status": "additional", "div": sentence() },
        "issue": [{ "severity": "error", "code": code, "diagnostics": format!("required: patient, {}", sentence()),
            "details": { "text": sentence(), "coding": [{ "system": "http://example.org", "code": "MRN-QX7741903" }] },
            "expression": ["Patient.name.where(family='Quillfeather')"], "location": ["/f:Patient/Quillfeather"] }] })
}

/// A searchset whose links lead to themselves, elsewhere and nowhere.
fn links(target: &str, base: &str) -> Value {
    let (path, _) = target.split_once('?').unwrap_or((target, ""));
    let (_, mut bundle) = good(path.split('/').next().unwrap_or_default(), base);
    bundle["link"] = json!([
        { "relation": "self", "url": format!("{base}/{path}?_count=Quillfeather&_sort=Zephyrine&_format=MRN-QX7741903") },
        { "relation": "next", "url": format!("{base}/_Quillfeather/$Zephyrine/{PATIENT}?cursor=MRN-QX7741903&_sort=Oxnardville&Quillfeather") },
        { "relation": "Quillfeather", "url": "https://quillfeather.vexmoor-record.example/MRN-QX7741903" },
    ]);
    bundle["total"] = json!(99);
    let entries = bundle["entry"].as_array_mut().into_iter().flatten();
    for (entry, (member, value)) in entries.zip([
        (
            "fullUrl",
            json!("https://portal.vexmoor-record.example/p/8812"),
        ),
        ("search", json!({ "mode": "Quillfeather" })),
    ]) {
        entry[member] = value;
    }
    bundle
}

/// Records whose members have the names, kinds and codes that nothing of R4 has.
fn odd() -> Value {
    json!({ "resourceType": "Bundle", "type": "Quillfeather", "total": "MRN-QX7741903",
        "link": [{ "relation": "next", "url": "//quillfeather.vexmoor-record.example:99999/?=" }],
        "Quillfeather": { "MRN-QX7741903": 1 },
        "entry": [
            { "fullUrl": "Quillfeather", "resource": { "resourceType": "Quillfeather", "id": "ver-3361-vexmoor" } },
            { "resource": { "resourceType": "Patient", "id": "Zephyrine Quillfeather", "gender": "Quillfeather",
                "birthDate": "17 Mar 1931", "Quillfeather": { "Oxnardville": true }, "name": "Quillfeather",
                "meta": { "versionId": "ver-3361-vexmoor", "lastUpdated": "1931-03-17" }, "active": "MRN-QX7741903" } },
            { "resource": { "resourceType": "Observation", "id": "ob-77ty-vexmoor", "status": "Quillfeather",
                "subject": { "reference": "Quillfeather/MRN-QX7741903" }, "valueQuillfeather": "987-65-4320",
                "Zephyrine": [[["Quillfeather"]]], "effectiveDateTime": "Quillfeather" } },
            { "search": { "mode": "Quillfeather" }, "resource": outcome("Quillfeather") },
            "Quillfeather", null,
        ] })
}

fn play(stream: &mut TcpStream, mood: Mood, target: &str, base: &str) -> std::io::Result<()> {
    let said = sentence();
    let text = outcome("invalid").to_string();
    match mood {
        Mood::Records => {
            let (status, body) = good(target, base);
            send(
                stream,
                status,
                JSON,
                "Location: Patient/pt-zq81-vexmoor/_history/Quillfeather\r\n",
                &body.to_string(),
            )
        }
        Mood::Links => send(
            stream,
            "200 Quillfeather",
            JSON,
            "",
            &links(target, base).to_string(),
        ),
        Mood::Outcome => send(
            stream,
            "400 Quillfeather has no MRN-QX7741903",
            JSON,
            "",
            &text,
        ),
        Mood::IssueCode => send(
            stream,
            "422 Quillfeather",
            JSON,
            "",
            &outcome("Quillfeather").to_string(),
        ),
        Mood::Html => send(
            stream,
            "500 Quillfeather",
            "text/html",
            "",
            &format!("<h1>{said}</h1>"),
        ),
        Mood::Syntax => send(
            stream,
            "200 OK",
            JSON,
            "",
            &format!("{{\"resourceType\": \"Patient\", \"name\": Quillfeather, {said}"),
        ),
        Mood::WrongType => send(
            stream,
            "200 OK",
            JSON,
            "",
            &json!({ "resourceType": "Quillfeather", "id": "MRN-QX7741903" }).to_string(),
        ),
        Mood::Redirect => send(
            stream,
            "302 Quillfeather",
            JSON,
            "Location: https://quillfeather.vexmoor-record.example/Patient?name=Zephyrine\r\n",
            "",
        ),
        Mood::MediaType => send(
            stream,
            "200 OK",
            "application/x-quillfeather; charset=MRN-QX7741903; name=\"Zephyrine\"",
            "",
            &good(target, base).1.to_string(),
        ),
        Mood::Huge => {
            let huge = said.repeat(HUGE / said.len());
            send(
                stream,
                "400 Bad",
                JSON,
                "",
                &json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": huge,
                "code": huge, "diagnostics": huge, "expression": [huge] }] })
                .to_string(),
            )
        }
        Mood::Unauthorized => send(
            stream,
            "401 Quillfeather",
            JSON,
            "WWW-Authenticate: Bearer realm=\"Quillfeather\", \
            error=\"MRN-QX7741903\", error_description=\"Zephyrine\"\r\n",
            &text,
        ),
        Mood::OddMembers => send(stream, "200 OK", JSON, "", &odd().to_string()),
        Mood::CutOff => write!(
            stream,
            "HTTP/1.1 200 Quillfeather\r\nContent-Type: {JSON}\r\nContent-Length: 9999\r\n\r\n{{\"id\": \"{said}"
        ),
        Mood::OddHead => write!(
            stream,
            "HTTP/Quillfeather 2OO MRN-QX7741903\r\nZephyrine Quillfeather\r\n\r\n{said}"
        ),
        Mood::Encoding => send(
            stream,
            "200 OK",
            JSON,
            "Content-Encoding: Quillfeather\r\nTransfer-Encoding: Quillfeather\r\n",
            &said,
        ),
        Mood::Throttled => send(
            stream,
            "429 Quillfeather",
            JSON,
            "Retry-After: Quillfeather\r\n",
            &text,
        ),
    }
}
