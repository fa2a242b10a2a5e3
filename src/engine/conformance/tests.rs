//! Disagreements about data of others, against an endpoint that loses a match, changes it, or hides it.

mod refusals;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::case;
use crate::clock::SystemClock;
use crate::engine::context::{Context, Requirements};
use crate::engine::session::{NoJournal, Session};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::http::scripted::Scripted;
use crate::record::event::Silent;
use crate::record::{Cohort, Completeness, Verdict};
use crate::secret::Disclosure;
use crate::seed::{RunToken, Seed};
use crate::suite::ir::Suite;
use crate::suite::load::{Source, load};

const BASE: &str = "http://ehr.example/fhir";

const SUITE: &str = "
kind: conformance
title: One search
cases:
  - id: search/family
    title: A search by family name returns all
    spec: http://hl7.org/fhir/R4/search.html
    sentence: May match just the start of a string
    level: SHALL
    severity: major
    steps:
      - get: Patient?family=ada
        expect: { status: 200, ids: oracle }
";

fn patient(version: &str) -> Value {
    json!({"resourceType": "Patient", "id": "a", "meta": {"versionId": version},
        "name": [{"family": "Ada"}]})
}

/// Answers searches with nothing, and reads with a status and a body.
fn forgetful(read: (u16, Value)) -> Arc<Scripted> {
    Scripted::json(BASE, move |url| match url {
        "Patient/a" => read.clone(),
        search => {
            let links = json!([{"relation": "self", "url": format!("{BASE}/{search}")}]);
            let bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": 0,
                "link": links});
            (200, bundle)
        }
    })
}

/// The surroundings of a run on a cohort of one patient, version 1.
fn context(completeness: Completeness, transport: Arc<Scripted>) -> Context {
    let token = RunToken::fixed(Seed(1));
    let disclosure = Disclosure::everything();
    let mut cohort = Cohort {
        completeness,
        ..Cohort::empty()
    };
    cohort
        .resources
        .insert(Key::new("Patient", "a"), patient("1"));
    Context {
        session: Arc::new(Session::new(
            transport,
            disclosure,
            token,
            Box::new(NoJournal),
        )),
        capability: Arc::new(Capability::new(
            json!({"rest": [{"mode": "server", "resource": [{"type": "Patient",
                "interaction": [{"code": "search-type"}], "searchParam": [{"name": "family"}]}]}]}),
        )),
        cohort: Arc::new(cohort),
        memory: Arc::default(),
        survey: Arc::default(),
        seed: Seed(1),
        token,
        clock: Arc::new(SystemClock::new()),
        observer: Arc::new(Silent),
        writes: false,
        load: false,
        jobs: 1,
        requirements: Requirements::default(),
        vars: Arc::default(),
        overlay: Arc::default(),
        index_lag: Duration::ZERO,
        retries: 0,
        restart: None,
        stop: Arc::default(),
    }
}

fn suite(text: &str) -> Suite {
    let source = Source {
        id: "core/one",
        file: "one.yaml",
        text,
    };
    load(&[source]).unwrap().remove(0)
}

async fn verdict(completeness: Completeness, read: (u16, Value)) -> (Verdict, usize) {
    let suite = suite(SUITE);
    let context = context(completeness, forgetful(read));
    let (record, exchanges) = case::execute(&context, &suite, &suite.cases()[0]).await;
    (record.verdict, exchanges.len())
}

const OTHERS: [Completeness; 2] = [Completeness::Snapshot, Completeness::Sample];

#[tokio::test]
async fn a_missing_match_that_can_be_read_fails_the_server() {
    for completeness in OTHERS {
        // A search, a read, and the search again.
        let (verdict, exchanges) = verdict(completeness, (200, patient("1"))).await;
        assert_eq!((verdict, exchanges), (Verdict::Fail, 3));
    }
}

#[tokio::test]
async fn a_missing_match_that_changed_or_went_meanwhile_is_unstable() {
    for read in [(200, patient("2")), (404, json!({})), (410, json!({}))] {
        for completeness in OTHERS {
            let (verdict, exchanges) = verdict(completeness, read.clone()).await;
            assert!(
                matches!(&verdict, Verdict::Error(why) if why.starts_with("unstable: ")),
                "{verdict:?}"
            );
            assert_eq!(exchanges, 2, "nothing is asked again");
        }
    }
}

#[tokio::test]
async fn a_missing_match_that_may_be_hidden_only_warns() {
    for completeness in OTHERS {
        let (verdict, _) = verdict(completeness, (403, json!({}))).await;
        assert_eq!(verdict, Verdict::Warn);
    }
}

#[tokio::test]
async fn our_own_data_needs_no_second_look() {
    let (verdict, exchanges) = verdict(Completeness::Exact, (404, json!({}))).await;
    assert_eq!((verdict, exchanges), (Verdict::Fail, 2));
}

/// A delete that is refused with 412, before the step that looks what is left.
async fn of_a_refused_delete(decides: bool) -> Verdict {
    let text = format!(
        "
kind: conformance
title: One delete
cases:
  - id: delete/all
    title: A delete of what matches deletes all of it
    spec: http://hl7.org/fhir/R4/http.html#delete
    sentence: A server indicates whether it can delete multiple resources in its Capability Statement
    level: SHALL
    severity: major
    steps:
      - delete: Patient/a
        decides: {decides}
        expect: {{ status: [200, 204] }}
      - get: Patient/a
        expect: {{ status: [404, 410] }}
"
    );
    let suite = suite(&text);
    let context = context(Completeness::Exact, forgetful((412, json!({}))));
    let (record, _) = case::execute(&context, &suite, &suite.cases()[0]).await;
    record.verdict
}

#[tokio::test]
async fn a_refusal_before_the_last_step_blocks_unless_the_step_decides() {
    assert!(matches!(
        of_a_refused_delete(false).await,
        Verdict::Blocked(_)
    ));
    assert_eq!(of_a_refused_delete(true).await, Verdict::Fail);
}
