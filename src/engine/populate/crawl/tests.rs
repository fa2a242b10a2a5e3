//! Which patients a crawl takes, and by which form of a reference it asks for their records.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Bounds, Reference, crawl, to_named};
use crate::clock::SystemClock;
use crate::engine::context::{Context, Requirements};
use crate::engine::session::{NoJournal, Session};
use crate::fhir::capability::Capability;
use crate::http::scripted::Scripted;
use crate::record::event::Silent;
use crate::record::{Cohort, Completeness};
use crate::secret::Disclosure;
use crate::seed::{RunToken, Seed};

const BASE: &str = "http://ehr.example/fhir";

/// Patients 1 to 7, of whom those with an odd number have one Observation, found by one form of the reference.
fn answer(url: &str, form: &str) -> (u16, Value) {
    let bundle = |resources: Vec<Value>| {
        let entries: Vec<Value> = resources
            .into_iter()
            .map(|resource| json!({ "resource": resource }))
            .collect();
        json!({"resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries})
    };
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let patient = |id: u32| json!({"resourceType": "Patient", "id": id.to_string()});
    let found = match path {
        "Patient" => (1..=7).map(patient).collect(),
        "Patient/2" => return (200, patient(2)),
        "Observation" => {
            let odd = ["1", "3", "5", "7"].into_iter();
            let asked = odd.filter(|id| {
                query.starts_with("_count") || query.starts_with(&format!("patient={form}{id}&"))
            });
            asked
                .map(|id| json!({"resourceType": "Observation", "id": format!("o{id}")}))
                .collect()
        }
        _ => Vec::new(),
    };
    (200, bundle(found))
}

async fn taken(form: &'static str, bounds: Bounds) -> Cohort {
    taken_from(Scripted::json(BASE, move |url| answer(url, form)), bounds).await
}

async fn taken_from(transport: Arc<Scripted>, bounds: Bounds) -> Cohort {
    let token = RunToken::fixed(Seed(1));
    let searchable = |name: &str| json!({"type": name, "interaction": [{"code": "search-type"}], "searchParam": [{"name": "patient"}]});
    let context = Context {
        session: Arc::new(Session::new(
            transport,
            Disclosure::everything(),
            token,
            Box::new(NoJournal),
        )),
        capability: Arc::new(Capability::new(json!({"rest": [{"mode": "server",
            "resource": [searchable("Patient"), searchable("Observation"), searchable("Condition")]}]}))),
        cohort: Arc::new(Cohort::empty()),
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
    };
    crawl(&context, &bounds).await.cohort
}

fn of(patients: usize) -> Bounds {
    Bounds {
        patients,
        ..Bounds::default()
    }
}

#[tokio::test]
async fn patients_with_a_record_are_taken_before_those_without() {
    for form in ["", "Patient/"] {
        let cohort = taken(form, of(3)).await;
        assert_eq!(cohort.patients, ["1", "3", "5"], "{form}");
        assert_eq!(cohort.resources.len(), 6);
    }
}

#[tokio::test]
async fn where_too_few_have_a_record_others_fill_up() {
    let cohort = taken("", of(5)).await;
    assert_eq!(cohort.patients, ["1", "3", "5", "7", "2"]);
    assert_eq!(cohort.resources.len(), 9);
}

#[tokio::test]
async fn who_is_named_is_taken_with_or_without_a_record() {
    let named = Bounds {
        named: vec!["2".to_owned()],
        ..of(5)
    };
    assert_eq!(taken("", named).await.patients, ["2"]);
}

#[tokio::test]
async fn a_small_target_that_is_read_to_its_end_is_a_snapshot() {
    let all = taken("", of(7)).await;
    assert_eq!(all.completeness, Completeness::Snapshot);
    assert_eq!(all.resources.len(), 11);
    let some = taken("", of(6)).await;
    assert_eq!(some.completeness, Completeness::Sample);
}

#[tokio::test]
async fn what_a_target_may_have_kept_back_leaves_a_sample() {
    type Change = fn(&mut (u16, Value));
    let changes: [Change; 3] = [
        |(status, _)| *status = 403,
        |(_, body)| body["total"] = json!(5),
        |(_, body)| body["link"] = json!([{"relation": "next", "url": "Observation?_count=50"}]),
    ];
    for change in changes {
        let endpoint = Scripted::json(BASE, move |url| {
            let mut answer = answer(url, "");
            if url == "Observation?_count=50" {
                change(&mut answer);
            }
            answer
        });
        let cohort = taken_from(endpoint, of(7)).await;
        assert_eq!(cohort.completeness, Completeness::Sample);
    }
}

#[test]
fn searches_keep_to_named_patients_by_what_the_target_declares() {
    let capability = Capability::new(json!({"rest": [{"mode": "server", "resource": [
        {"type": "Patient", "searchParam": [{"name": "_id"}, {"name": "family"}]},
        {"type": "Observation", "searchParam": [{"name": "patient"}]},
        {"type": "Encounter", "searchParam": [{"name": "date"}]},
        {"type": "Location", "searchParam": [{"name": "name"}]},
    ]}]}));
    let named = ["a".to_owned(), "b".to_owned()];
    let cohort = Cohort {
        isolation: to_named(&capability, &named, Reference::TypeAndId),
        ..Cohort::empty()
    };
    let confined = |name: &str| cohort.confine(name).pop();
    let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
    assert_eq!(confined("Patient"), pair("_id", "a,b"));
    assert_eq!(
        confined("Observation"),
        pair("patient", "Patient/a,Patient/b")
    );
    assert_eq!((confined("Encounter"), confined("Location")), (None, None));
}
