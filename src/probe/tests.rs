//! Each judge on answers as they should be and as they should not be; each cause reached by what it explains.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::known::IMPOSSIBLE;
use super::testing::{BASE, answered, capability, exchange, informed, known, searchset};
use super::*;
use crate::http::dial::{CertificateFacts, TlsFacts, Way};
use crate::http::{Failure, FailureKind};

fn judge(id: &str, known: &Known, seen: &[Exchange]) -> Judgement {
    find(id).unwrap().judge(known, seen)
}

fn outcome() -> Value {
    crate::fhir::outcome::error("not-found", "no such thing")
}

#[test]
fn ids_are_unique_and_every_probe_has_a_question_and_a_source() {
    let ids: BTreeSet<&str> = PROBES.iter().map(|probe| probe.spec().id).collect();
    assert_eq!(ids.len(), PROBES.len());
    assert!(PROBES.len() >= 12);
    for probe in PROBES {
        let spec = probe.spec();
        assert!(spec.spec.starts_with("http") && !spec.title.is_empty());
    }
}

#[test]
fn probes_ask_nothing_of_a_host_that_was_not_reached() {
    let mut known = known();
    known.way = Err(Failure {
        kind: FailureKind::Dns,
        message: "the host name did not resolve".to_owned(),
    });
    for probe in PROBES {
        assert!(!matches!(probe.next(&known, &[]), Step::Send(_)));
    }
    assert_eq!(judge("reachability", &known, &[]).mark, Mark::Fail);
}

fn with_tls(not_after: &str, verified: Result<(), &str>) -> Known {
    let mut known = known();
    let Ok(Way::Direct(facts)) = &mut known.way else {
        panic!("direct");
    };
    facts.tls = Some(Ok(TlsFacts {
        version: "TLS 1.3",
        alpn: None,
        shaken_in: Duration::from_millis(9),
        certificates: 1,
        certificate: Some(CertificateFacts {
            not_before: "2020-01-01T00:00:00Z".parse().unwrap(),
            not_after: not_after.parse().unwrap(),
            names: vec!["fhir.example.org".to_owned()],
            issuer: "CN=somebody".to_owned(),
            self_signed: false,
        }),
        verified: verified.map_err(str::to_owned),
    }));
    known
}

#[test]
fn a_certificate_is_judged_by_its_days_and_its_chain() {
    let fine = judge("tls", &with_tls("2027-11-22T12:00:00Z", Ok(())), &[]);
    assert_eq!(fine.mark, Mark::Pass);
    let ending = judge("tls", &with_tls("2026-12-01T12:00:00Z", Ok(())), &[]);
    assert_eq!(
        (ending.mark, ending.fact.as_str()),
        (
            Mark::Warn,
            "TLS 1.3 in 9ms; certificate ends in 9 days (2026-12-01)"
        )
    );
    let untrusted = judge(
        "tls",
        &with_tls("2027-11-22T12:00:00Z", Err("not trusted")),
        &[],
    );
    assert_eq!(untrusted.mark, Mark::Fail);
    assert_eq!(untrusted.signs, [Sign::ChainUntrusted, Sign::ChainShort]);
}

#[test]
fn metadata_of_another_version_or_in_html_is_no_r4_server() {
    let fine = judge(
        "metadata",
        &known(),
        &[exchange("metadata", 200, &capability())],
    );
    assert_eq!(
        (fine.mark, fine.fact.as_str()),
        (
            Mark::Pass,
            "CapabilityStatement in 10ms, FHIR 4.0.1, 3 resource types"
        )
    );
    let mut other = capability();
    other["fhirVersion"] = json!("3.0.2");
    let other = judge("metadata", &known(), &[exchange("metadata", 200, &other)]);
    assert_eq!((other.mark, other.signs), (Mark::Fail, vec![Sign::NotFhir]));
    let html = answered("metadata", 200, &[("content-type", "text/html")], "<html>");
    let html = judge("metadata", &known(), &[html]);
    assert_eq!(html.signs, [Sign::NotFhir, Sign::HtmlAnswer]);
    let closed = judge(
        "metadata",
        &known(),
        &[exchange("metadata", 401, &outcome())],
    );
    assert_eq!(closed.signs, [Sign::Unauthorized]);
}

#[test]
fn a_capability_statement_must_not_declare_anything_twice() {
    assert_eq!(judge("capability", &informed(), &[]).mark, Mark::Pass);
    let mut twice = capability();
    let patient = twice["rest"][0]["resource"][1].clone();
    twice["rest"][0]["resource"]
        .as_array_mut()
        .unwrap()
        .push(patient);
    let mut known = known();
    known.note(&exchange("metadata", 200, &twice));
    let judgement = judge("capability", &known, &[]);
    assert_eq!(
        (judgement.mark, judgement.fact.as_str()),
        (Mark::Fail, "Patient is declared twice")
    );
}

#[test]
fn a_declared_interaction_must_exist() {
    let found = exchange(
        "Organization?_count=1",
        200,
        &searchset("Organization", &["a"], &[]),
    );
    let missing = exchange("Patient?_count=1", 404, &outcome());
    let known = informed();
    let fine = judge("interactions", &known, std::slice::from_ref(&found));
    assert_eq!(
        (fine.mark, fine.signs),
        (Mark::Pass, vec![Sign::Authorized])
    );
    let bad = judge("interactions", &known, &[found, missing]);
    assert_eq!(bad.mark, Mark::Fail);
    assert!(bad.fact.starts_with("1 of 2 "));
    assert!(bad.signs.contains(&Sign::InteractionMissing));
}

#[test]
fn interactions_search_types_that_touch_nobody_first_and_then_read_one_resource() {
    let probe = find("interactions").unwrap();
    let mut known = informed();
    let mut seen = Vec::new();
    let mut urls = Vec::new();
    while let Step::Send(request) = probe.next(&known, &seen) {
        let body = if request.url.starts_with("Organization?") {
            searchset("Organization", &["o1"], &[])
        } else {
            json!({ "resourceType": "Organization", "id": "o1", "meta": { "versionId": "7" } })
        };
        let answer = exchange(&request.url, 200, &body);
        urls.push(request.url);
        known.note(&answer);
        seen.push(answer);
    }
    assert_eq!(
        urls,
        [
            "Organization?_count=1",
            "Patient?_count=1",
            "Observation?_count=1",
            "Organization/o1",
            "Organization/o1/_history/7",
            "Organization/o1/_history?_count=1",
        ]
    );
}

#[test]
fn a_search_that_lacked_company_is_asked_again_only_if_the_operator_named_a_patient() {
    let refusal = crate::fhir::outcome::error(
        "required",
        "Observation searches require the parameters patient and category",
    );
    let refused = exchange("Observation?_count=1", 400, &refusal);
    let mut known = informed();
    assert!(known.learn(&refused));
    assert!(!known.learn(&refused), "nothing new the second time");
    assert_eq!(
        known.search("Observation", &[("_count", "1")]).unwrap_err(),
        "server requires patient"
    );
    known.patient = Some("p 1".to_owned());
    assert_eq!(
        known.search("Observation", &[("_count", "1")]).unwrap().url,
        "Observation?patient=p%201&category=laboratory&_count=1"
    );
}

#[test]
fn html_in_place_of_fhir_is_a_problem_and_plain_json_a_warning() {
    let mut known = informed();
    assert_eq!(judge("media-type", &known, &[]).mark, Mark::Pass);
    known.note(&answered(
        "Patient/1",
        404,
        &[("content-type", "application/json; charset=utf-8")],
        "{}",
    ));
    assert_eq!(judge("media-type", &known, &[]).mark, Mark::Warn);
    known.note(&answered(
        "Patient/1",
        404,
        &[("content-type", "text/html")],
        "<html>",
    ));
    let judgement = judge("media-type", &known, &[]);
    assert_eq!(
        (judgement.mark, judgement.fact.as_str()),
        (
            Mark::Fail,
            "answers text/html to Accept: application/fhir+json on 404 (1 of 3 answers)"
        )
    );
    let mut known = informed();
    known.note(&answered(
        "x",
        404,
        &[("content-type", "secret/of-ada")],
        "?",
    ));
    assert!(!judge("media-type", &known, &[]).fact.contains("ada"));
}

#[test]
fn errors_carry_an_operation_outcome() {
    let known = informed();
    let good = exchange("Patient/x", 404, &outcome());
    let bare = answered("Patient/x", 404, &[], "");
    let ok = exchange("Patient/x", 200, &json!({}));
    let crash = answered("Patient/x", 500, &[], "");
    let closed = answered("Patient/x", 401, &[], "");
    let mark = |seen: &[&Exchange]| {
        let seen: Vec<Exchange> = seen.iter().map(|exchange| (*exchange).clone()).collect();
        judge("error-shape", &known, &seen).mark
    };
    assert_eq!(mark(&[&good, &good]), Mark::Pass);
    assert_eq!(mark(&[&good, &bare]), Mark::Warn);
    assert_eq!(mark(&[&good, &ok]), Mark::Fail);
    assert_eq!(mark(&[&good, &crash]), Mark::Fail);
    assert_eq!(mark(&[&closed, &closed]), Mark::Skip);
}

fn filtered(link: &str, ids: &[&str]) -> Exchange {
    exchange(
        &format!("Patient?family={IMPOSSIBLE}&_count=1"),
        200,
        &searchset("Patient", ids, &[("self", link)]),
    )
}

#[test]
fn the_self_link_must_name_the_filter() {
    let known = informed();
    let full = format!("{BASE}/Patient?_count=1&family=x");
    let fine = judge("search-echo", &known, &[filtered(&full, &[])]);
    assert_eq!(
        (fine.mark, fine.signs),
        (Mark::Pass, vec![Sign::SelfLinkComplete])
    );
    let lacking = format!("{BASE}/Patient?_count=1");
    let bad = judge("search-echo", &known, &[filtered(&lacking, &[])]);
    assert_eq!(bad.mark, Mark::Fail);
    assert!(bad.fact.starts_with("self link lacks family=;"));
    let elsewhere = "http://10.0.0.7:8080/r4/Patient?_count=1&family=x";
    let foreign = judge("search-echo", &known, &[filtered(elsewhere, &[])]);
    assert_eq!(foreign.mark, Mark::Warn);
    assert!(foreign.signs.contains(&Sign::ForeignLink));
}

#[test]
fn an_impossible_filter_must_find_nothing() {
    let after = |exchange: Exchange| {
        let mut known = informed();
        known.note(&exchange);
        judge("search-filter", &known, &[exchange])
    };
    let fine = after(filtered("", &[]));
    assert_eq!(
        (fine.mark, fine.signs),
        (Mark::Pass, vec![Sign::FilterKept])
    );
    let bad = after(filtered("", &["a", "b"]));
    assert_eq!(
        (bad.mark, bad.fact.as_str()),
        (
            Mark::Fail,
            "family=<nonexistent> returns 2 matches; expected 0"
        )
    );
    let refused = exchange("Patient?family=x", 403, &outcome());
    assert_eq!(after(refused).mark, Mark::Skip);
}

fn page(number: usize, ids: &[&str], next: Option<&str>) -> Exchange {
    let links: Vec<(&str, &str)> = next.map(|url| ("next", url)).into_iter().collect();
    let url = format!("Organization?_count=5&page={number}");
    exchange(&url, 200, &searchset("Organization", ids, &links))
}

#[test]
fn a_walk_over_pages_must_get_somewhere() {
    let known = informed();
    let walk = |pages: &[Exchange]| judge("paging", &known, pages);
    let url = |number| format!("{BASE}/Organization?_count=5&page={number}");
    let whole = [page(1, &["a", "b"], Some(&url(2))), page(2, &["c"], None)];
    let fine = walk(&whole);
    assert_eq!(
        (fine.mark, fine.fact.as_str()),
        (Mark::Pass, "2 pages, no duplicates, last page ends")
    );
    let same = [
        page(1, &["a", "b"], Some(&url(2))),
        page(2, &["a", "b"], Some(&url(3))),
    ];
    assert_eq!(
        walk(&same).signs,
        [Sign::PagingLoop, Sign::PagingDuplicates]
    );
    let back = [
        page(1, &["a"], Some(&url(2))),
        page(2, &["b"], Some(&url(1))),
    ];
    assert_eq!(walk(&back).mark, Mark::Fail);
    let moved = [
        page(1, &["a", "b"], Some(&url(2))),
        page(2, &["b", "c"], None),
    ];
    assert_eq!(walk(&moved).mark, Mark::Warn);
    let foreign = [page(1, &["a"], Some("http://10.0.0.7/r4?page=2"))];
    assert_eq!(walk(&foreign).signs, [Sign::ForeignLink]);
    let dead = [
        page(1, &["a"], Some(&url(2))),
        exchange("Organization?_count=5&page=2", 410, &outcome()),
    ];
    assert_eq!(walk(&dead).mark, Mark::Fail);
    assert_eq!(walk(&[page(1, &["a"], None)]).mark, Mark::Info);
}

#[test]
fn an_etag_names_the_version() {
    let known = informed();
    let body = json!({ "resourceType": "Patient", "id": "a", "meta": { "versionId": "2" } });
    let read = |etag: Option<&str>| {
        let headers: Vec<(&str, &str)> = etag.map(|etag| ("etag", etag)).into_iter().collect();
        judge(
            "etag",
            &known,
            &[answered("Patient/a", 200, &headers, &body.to_string())],
        )
    };
    assert_eq!(read(Some("W/\"2\"")).signs, [Sign::EtagRight]);
    assert_eq!(read(Some("W/\"2-gzip\"")).signs, [Sign::EtagRight]);
    assert_eq!(read(Some("W/\"1\"")).signs, [Sign::EtagWrong]);
    assert_eq!(read(None).signs, [Sign::EtagMissing]);
}

#[test]
fn slow_reads_among_fast_ones_are_seen() {
    let known = informed();
    let reads = |millis: &[u64]| -> Judgement {
        let seen: Vec<Exchange> = millis
            .iter()
            .map(|ms| {
                let mut read = exchange("Patient/a", 200, &json!({}));
                read.timings.head = Some(Duration::from_millis(*ms));
                read.timings.total = Duration::from_millis(*ms + 2);
                read
            })
            .collect();
        judge("latency", &known, &seen)
    };
    let fine = reads(&[36, 36, 40, 38, 36, 37, 39, 50]);
    assert_eq!(
        (fine.mark, fine.fact.as_str()),
        (
            Mark::Pass,
            "p50 39ms (2ms of it the body), max 52ms over 8 reads"
        )
    );
    let spread = reads(&[36, 1900, 40, 38, 36, 1800, 39, 50]);
    assert_eq!(
        (spread.mark, spread.signs),
        (Mark::Warn, vec![Sign::SlowSpread])
    );
    assert_eq!(reads(&[1200; 8]).signs, [Sign::SlowAll]);
    assert_eq!(reads(&[36, 900, 40, 38, 36, 37, 39, 50]).mark, Mark::Info);
}

#[test]
fn the_clock_is_judged_by_the_smallest_difference() {
    let dated = |date: &str| {
        let mut known = known();
        known.note(&answered("metadata", 200, &[("date", date)], "{}"));
        judge("clock", &known, &[])
    };
    assert_eq!(dated("Sun, 22 Nov 2026 12:00:00 GMT").mark, Mark::Pass);
    assert_eq!(dated("Sun, 22 Nov 2026 12:00:30 GMT").mark, Mark::Warn);
    let behind = dated("Sun, 22 Nov 2026 11:50:00 GMT");
    assert_eq!(
        (behind.mark, behind.fact.as_str()),
        (Mark::Fail, "the server's clock is 600 seconds behind")
    );
    assert_eq!(judge("clock", &informed(), &[]).mark, Mark::Info);
}

#[test]
fn evidence_shows_no_value_of_the_server_or_of_a_patient() {
    let mut known = informed();
    known.patient = Some("ada-lovelace".to_owned());
    let request = known.search("Patient", &[("_id", "ada-lovelace")]).unwrap();
    for url in [
        request.url.as_str(),
        "Patient/ada-lovelace",
        "Patient/ada-lovelace/_history/ada",
        "?_getpages=ada&lovelace=1",
        "Patient?_count=1&ada=lovelace",
    ] {
        let line = known.evidence(&exchange(url, 200, &json!({})));
        assert!(
            !line.contains("ada") && !line.contains("lovelace"),
            "{line}"
        );
    }
}

fn reading(mark: Mark, sign: Sign) -> Judgement {
    Judgement::new(mark, "x").sign(sign).of(50)
}

#[test]
fn every_cause_is_reached_by_each_thing_that_it_explains() {
    for cause in CAUSES {
        for sign in cause.explains {
            let judgement = reading(Mark::Fail, *sign);
            let ranked = cause::rank(&[("p", &judgement)]);
            let line = ranked.iter().find(|line| line.cause == cause.id);
            let line = line.unwrap_or_else(|| panic!("{} not reached by {sign:?}", cause.id));
            assert_eq!((line.problems.len(), line.is_likely()), (1, true));
        }
    }
}

#[test]
fn a_cause_with_less_against_it_comes_first() {
    let echo = reading(Mark::Fail, Sign::SelfLinkLacksParameter);
    let filter = reading(Mark::Fail, Sign::FilterIgnored).sign(Sign::ParameterDeclared);
    let ranked = cause::rank(&[("search-echo", &echo), ("search-filter", &filter)]);
    assert_eq!(ranked[0].cause, "gateway-drops-query");
    assert_eq!(ranked[0].problems, ["search-echo", "search-filter"]);
    assert_eq!(ranked[1].against, ["metadata declares the parameter"]);
    let paging = reading(Mark::Pass, Sign::PageStateKept).sign(Sign::FilterKept);
    let ranked = cause::rank(&[
        ("search-echo", &echo),
        ("search-filter", &filter),
        ("paging", &paging),
    ]);
    assert_eq!(ranked[0].cause, "filter-ignored-by-server");
}

#[test]
fn few_observations_make_a_cause_possible_only() {
    let slow = Judgement::new(Mark::Warn, "x").sign(Sign::SlowSpread).of(8);
    assert!(!cause::rank(&[("latency", &slow)])[0].is_likely());
    assert!(cause::rank(&[("latency", &Judgement::new(Mark::Pass, "x"))]).is_empty());
}
