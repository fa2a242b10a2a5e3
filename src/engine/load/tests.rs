//! The whole engine against a server of a few lines. Counts are exact; no test asks how fast anything was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;
use crate::engine::context::Requirements;
use crate::engine::session::{NoJournal, Session};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::http::client;
use crate::http::testing::target;
use crate::record::Cohort;
use crate::record::event::Silent;
use crate::secret::Disclosure;
use crate::seed::{RunToken, Seed};
use crate::suite::yaml;

const PLAN: &str = "kind: load
title: A test
rate: 100
duration: 500ms
warmup: 100ms
in-flight: 200
max-lateness: 60s
operations:
  - {name: read, weight: 3, get: 'Patient/${value}', from: {type: Patient, value: id}}
  - {name: busy, get: 'Patient?family=x'}
  - {name: odd, get: 'Patient?active=true'}
thresholds:
  read: [p95 < 60s]
  all: [error_rate < 1%]
";

/// A server that keeps connections, answers by what the path holds, and counts the requests.
async fn serve() -> (Url, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/r4", listener.local_addr().unwrap());
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&counted)));
        }
    });
    (Url::parse(&base).unwrap(), count)
}

async fn converse(mut stream: TcpStream, count: Arc<AtomicU64>) {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = text.find("\r\n\r\n") {
            let head: String = text.drain(..end + 4).collect();
            count.fetch_add(1, Ordering::Relaxed);
            let (status, body) = if head.contains("family=") {
                ("429 Too Many Requests", "{}")
            } else if head.contains("active=") {
                ("200 OK", r#"{"resourceType":"OperationOutcome"}"#)
            } else if head.contains("silence") {
                std::future::pending().await
            } else {
                ("200 OK", r#"{"resourceType":"Patient","id":"a"}"#)
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nretry-after: 100\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..length])),
            _ => return,
        }
    }
}

fn context(target: &Target) -> Context {
    let transport = client::connect(target, Arc::new(SystemClock::new())).unwrap();
    let token = RunToken::fixed(Seed(1));
    let session = Session::new(
        transport,
        Disclosure::everything(),
        token,
        Box::new(NoJournal),
    );
    let capability = Capability::new(json!({"rest": [{"mode": "server", "resource": [{
        "type": "Patient",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": "family"}, {"name": "active"}],
    }]}]}));
    let mut cohort = Cohort::empty();
    for id in ["a", "b"] {
        let patient = json!({"resourceType": "Patient", "id": id});
        cohort.resources.insert(Key::new("Patient", id), patient);
    }
    Context {
        session: Arc::new(session),
        capability: Arc::new(capability),
        cohort: Arc::new(cohort),
        memory: Arc::default(),
        survey: Arc::default(),
        seed: Seed(1),
        token,
        clock: Arc::new(SystemClock::new()),
        observer: Arc::new(Silent),
        writes: false,
        load: true,
        jobs: 1,
        requirements: Requirements::default(),
        vars: Arc::new(BTreeMap::new()),
        overlay: Arc::default(),
        index_lag: Duration::ZERO,
        retries: 0,
        restart: None,
        stop: Arc::new(AtomicBool::new(false)),
    }
}

fn plan(text: &str) -> LoadPlan {
    read("load/test", &yaml::parse("load/test.yaml", text).unwrap()).unwrap()
}

fn verdicts(results: &LoadResults) -> Vec<&'static str> {
    let cases = results.cases.iter();
    cases.map(|case| case.verdict.name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_arrival_is_sent_once_and_counted_once() {
    let (base, served) = serve().await;
    let target = target(base);
    let ctx = context(&target);
    let results = run(&ctx, &target, "load/test", &plan(PLAN)).await;
    // 10 arrivals of the warm-up, then 50 at 3 : 1 : 1. A 429 is not sent again and holds nothing back.
    assert_eq!(results.requests, 60);
    assert_eq!(served.load(Ordering::Relaxed), 60);
    let class = |name: &str, count| vec![(name.to_owned(), count)];
    let expected = [
        ("read", 30, 30, vec![]),
        ("busy", 10, 0, class("429", 10)),
        ("odd", 10, 0, class("wrong-body", 10)),
        (
            "all",
            50,
            30,
            [class("429", 10), class("wrong-body", 10)].concat(),
        ),
    ];
    assert_eq!(results.load.len(), expected.len());
    for (record, (name, scheduled, succeeded, failed)) in results.load.iter().zip(expected) {
        assert_eq!(record.operation, name);
        assert_eq!((record.scheduled, record.sent), (scheduled, scheduled));
        assert_eq!((record.succeeded, &record.failed), (succeeded, &failed));
        assert_eq!(
            (record.response.n, record.service.n),
            (scheduled, scheduled)
        );
        assert_eq!(record.per_second_p95.len(), 1);
    }
    assert_eq!(results.cases.len(), 3);
    assert_ne!(results.cases[2].verdict, Verdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_target_keeps_from_being_sent_is_counted() {
    let (base, _) = serve().await;
    let mut target = target(base);
    target.timeout = Duration::from_secs(1);
    let text = PLAN
        .replace("Patient/${value}", "Patient/silence${value}")
        .replace("in-flight: 200", "in-flight: 4")
        .replace("max-lateness: 60s", "max-lateness: 20ms")
        .replace("warmup: 100ms", "warmup: 0s");
    let mut plan = plan(&text);
    plan.operations.truncate(1);
    let results = run(&context(&target), &target, "load/test", &plan).await;
    let all = results.load.last().unwrap();
    let count = |class: &str| {
        let found = all.failed.iter().find(|(name, _)| name == class);
        found.map_or(0, |(_, count)| *count)
    };
    assert_eq!((all.scheduled, all.succeeded), (50, 0));
    assert!(all.sent <= 4, "{}", all.sent);
    assert_eq!(count("timeout"), all.sent);
    assert_eq!(count("not_sent"), 50 - all.sent);
    assert_eq!(all.response.n, 50);
    assert_ne!(results.cases[1].verdict, Verdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_sends_nothing_more_and_decides_nothing() {
    let (base, served) = serve().await;
    let target = target(base);
    let ctx = context(&target);
    ctx.stop.store(true, Ordering::Relaxed);
    let results = run(&ctx, &target, "load/test", &plan(PLAN)).await;
    assert_eq!((results.requests, served.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(verdicts(&results), ["error"; 3]);
}

#[tokio::test]
async fn load_that_is_not_permitted_or_beyond_the_terms_is_blocked() {
    let mut target = target(Url::parse("http://127.0.0.1:9/r4").unwrap());
    let mut ctx = context(&target);
    for (rate, max_requests, permitted, reason) in [
        (None, None, false, "load not allowed"),
        (Some(99.5), None, true, "`rate` of the target is 99.5"),
        (None, Some(59), true, "59 of `max-requests` are left"),
    ] {
        (target.rate, target.max_requests, ctx.load) = (rate, max_requests, permitted);
        let results = run(&ctx, &target, "load/test", &plan(PLAN)).await;
        assert_eq!(verdicts(&results), ["blocked"; 3]);
        assert!(results.cases[0].verdict.reason().unwrap().contains(reason));
        assert!(results.load.is_empty());
    }
}

#[tokio::test]
async fn a_plan_without_any_data_is_vacuous() {
    let target = target(Url::parse("http://127.0.0.1:9/r4").unwrap());
    let ctx = context(&target).with_cohort(Cohort::empty());
    let mut plan = plan(PLAN);
    plan.operations.truncate(1);
    let results = run(&ctx, &target, "load/test", &plan).await;
    assert_eq!(verdicts(&results), ["vacuous"; 3]);
}
