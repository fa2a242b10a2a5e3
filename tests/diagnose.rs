//! Diagnosis of the sandbox over real connections: silent on an honest one, on the read-only facade within its rate
//! and its token's life, and right about what is planted. The sandbox's own request log is the witness.

use std::sync::Arc;

use rounds::clock::{Clock, SystemClock};
use rounds::engine::diagnose::{Options, diagnose};
use rounds::http::dial::dial;
use rounds::http::target::{Auth, DEFAULT_TIMEOUT, Target};
use rounds::http::{ReadOnly, client};
use rounds::population::{Plan, generate, shared};
use rounds::record::consultation::{Consultation, Mark};
use rounds::report::consultation::render;
use rounds::sandbox::{self, Running};
use rounds::secret::Secret;
use rounds::seed::Seed;
use serde_json::Value;

/// Resources to look at, ids and references as generated.
fn data() -> Vec<Value> {
    let plan = Plan::new(Seed::FIXED, 8);
    let mut resources = shared(&plan);
    resources.extend(generate(&plan).flatten());
    resources
}

async fn start(options: sandbox::Options) -> Running {
    sandbox::serve(sandbox::Options {
        preload: data(),
        ..options
    })
    .await
    .expect("a loopback port is free")
}

fn target(running: &Running) -> Target {
    Target {
        name: "sandbox".to_owned(),
        base: running.base.clone(),
        auth: Auth::None,
        headers: Vec::new(),
        cacert: None,
        cacert_pem: running.ca_pem.clone(),
        identity: None,
        insecure: false,
        timeout: DEFAULT_TIMEOUT,
        rate: None,
        max_requests: None,
        writes: false,
        load: false,
        in_process: true,
        validate_is_safe: false,
    }
}

async fn consult(target: &Target, options: &Options) -> Consultation {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let way = dial(target, &*clock).await;
    let transport = client::connect(target, Arc::clone(&clock)).expect("the target is usable");
    diagnose(ReadOnly::new(transport), way, options, clock).await
}

/// As fast as the sandbox allows, because it is not ill.
fn hasty() -> Options {
    Options {
        rate: 1_000.0,
        ..Options::default()
    }
}

fn marked(consultation: &Consultation, mark: Mark) -> Vec<&str> {
    let lines = consultation.lines.iter();
    lines
        .filter(|line| line.mark == mark)
        .map(|line| line.probe.as_str())
        .collect()
}

/// Strings of the data that name or describe somebody: ids, names, addresses, identifiers, birth dates.
fn values(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| values(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                let personal = ["id", "family", "line", "value", "birthDate", "city"];
                match member {
                    Value::String(text) if personal.contains(&name.as_str()) => {
                        found.push(text.clone());
                    }
                    _ => values(member, found),
                }
            }
        }
        _ => {}
    }
}

fn assert_discreet(consultation: &Consultation) {
    let stored = serde_json::to_string(consultation).expect("a record is JSON");
    let shown = render(consultation);
    let mut personal = Vec::new();
    data()
        .iter()
        .for_each(|resource| values(resource, &mut personal));
    assert!(personal.len() > 100, "the sentinels are there");
    for value in personal.iter().filter(|value| value.len() > 4) {
        assert!(!stored.contains(value.as_str()), "{value} was stored");
        assert!(!shown.contains(value.as_str()), "{value} was printed");
    }
}

#[tokio::test]
async fn an_honest_server_has_nothing_to_be_told() {
    let running = start(sandbox::Options::default()).await;
    let consultation = consult(&target(&running), &hasty()).await;
    let text = render(&consultation);
    assert!(marked(&consultation, Mark::Fail).is_empty(), "{text}");
    assert!(marked(&consultation, Mark::Warn).is_empty(), "{text}");
    assert!(marked(&consultation, Mark::Skip).is_empty(), "{text}");
    assert!(consultation.causes.is_empty());
    assert_eq!(consultation.requests, running.log.total());
    assert_eq!(
        (running.log.unsafe_methods(), running.log.mutating()),
        (0, 0)
    );
    assert_discreet(&consultation);
}

#[tokio::test]
async fn a_read_only_facade_is_diagnosed_within_its_rate() {
    let facade = sandbox::variant("facade").expect("the variant exists");
    let running = start(sandbox::Options {
        variants: vec![facade],
        ..sandbox::Options::default()
    })
    .await;
    let mut target = target(&running);
    target.rate = Some(5.0);
    target.auth = Auth::ClientCredentials {
        token_url: running.token_url.clone().expect("the facade has tokens"),
        client_id: "rounds".to_owned(),
        client_secret: Secret::new("sandbox".to_owned()),
        scope: String::new(),
    };
    let patient = data()
        .iter()
        .find(|resource| resource["resourceType"] == "Patient")
        .and_then(|patient| patient["id"].as_str().map(str::to_owned));
    for patient in [None, patient] {
        let options = Options { patient, ..hasty() };
        let consultation = consult(&target, &options).await;
        let text = render(&consultation);
        assert!(marked(&consultation, Mark::Fail).is_empty(), "{text}");
        assert_discreet(&consultation);
    }
    assert_eq!(running.log.throttled(), 0, "no request above the rate");
    assert_eq!(running.log.mutating(), 0);
}

#[tokio::test]
async fn planted_defects_are_seen_by_the_probe_that_looks_there() {
    for (defect, probe) in [
        ("filter-ignored", "search-filter"),
        ("etag-differs", "etag"),
        ("page-overlap", "paging"),
    ] {
        let planted = sandbox::defect(defect).expect("the defect exists");
        let running = start(sandbox::Options {
            defects: vec![planted],
            ..sandbox::Options::default()
        })
        .await;
        let consultation = consult(&target(&running), &hasty()).await;
        let mut seen = marked(&consultation, Mark::Fail);
        seen.extend(marked(&consultation, Mark::Warn));
        assert!(seen.contains(&probe), "{defect}: {}", render(&consultation));
        assert!(!consultation.causes.is_empty(), "{defect}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable_and_nothing_else_is_claimed() {
    let running = start(sandbox::Options::default()).await;
    let mut target = target(&running);
    target.base = "http://no-such-host.invalid/fhir".parse().expect("a URL");
    let consultation = consult(&target, &Options::default()).await;
    assert_eq!(consultation.exit_code(), 3);
    assert_eq!(consultation.requests, 0);
    assert_eq!(marked(&consultation, Mark::Fail), ["reachability"]);
}
