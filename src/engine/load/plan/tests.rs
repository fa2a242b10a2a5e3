//! Reading plans: what a good file means, and how mistakes are reported.

use super::*;
use crate::suite::yaml;

const GOOD: &str = "kind: load
title: A test
rate: 12.5
duration: 2m
warmup: 500ms
arrivals: uniform
operations:
  - name: read
    weight: 3
    get: Patient/${value}
    from: {type: Patient, value: id, where: active = true}
  - name: search
    get: Patient?family=${value}
    from: {type: Patient, value: name.family}
    status: [200, 206]
thresholds:
  read: [p95 < 500ms]
  all: [error_rate < 1%]
";

fn read_text(text: &str) -> Result<LoadPlan, Vec<Problem>> {
    read(
        "load/test",
        &yaml::parse("suites/load/test.yaml", text).unwrap(),
    )
}

fn mistakes(text: &str) -> Vec<String> {
    let problems = read_text(text).unwrap_err();
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.line, problem.message))
        .collect()
}

#[test]
fn a_plan_is_read_with_its_defaults() {
    let plan = read_text(GOOD).unwrap();
    assert_eq!(plan.rate_milli, 12_500);
    assert_eq!(plan.duration, Duration::from_secs(120));
    assert_eq!(plan.warmup, Duration::from_millis(500));
    assert_eq!(plan.arrivals, Arrivals::Uniform);
    assert_eq!(plan.max_lateness, DEFAULT_LATENESS);
    assert_eq!(plan.in_flight, 25);
    let [read, search] = plan.operations.as_slice() else {
        panic!("two operations");
    };
    assert_eq!((read.weight, read.body.as_str()), (3, "Patient"));
    assert_eq!((search.weight, search.body.as_str()), (1, "Bundle"));
    assert_eq!(search.statuses, [200, 206]);
    let ids: Vec<&str> = plan.thresholds.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["load/test-read-p95", "load/test-all-error-rate"]);
}

#[test]
fn the_suite_in_the_binary_is_a_plan() {
    let source = crate::suite::builtin::named("load/smoke").next().unwrap();
    let plan = read(source.id, &yaml::parse(source.file, source.text).unwrap()).unwrap();
    assert_eq!((plan.rate_milli, plan.operations.len()), (100_000, 3));
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_lines() {
    let text = "kind: load
title: A test
rate: fast
durration: 3s
warmup: 3 weeks
arrivals: bursts
in-flight: 0
operations:
  - name: All
    weight: 0
    get: Patient/${id}
    from: {type: Pacient, value: id}
  - name: odd
    get: $export
thresholds:
  reed: [p95 < 500ms]
  all: [p95 > 500ms, latency < 1s]
";
    let found = mistakes(text);
    let expected = [
        (1, "`duration` is missing"),
        (3, "`rate` is a number"),
        (4, "unknown key `durration`"),
        (5, "`warmup` is a time"),
        (6, "`arrivals` is"),
        (7, "`in-flight` is"),
        (9, "an operation has a `name`"),
        (10, "`weight` is"),
        (11, "`${id}` is not known here"),
        (12, "`type` is a resource type"),
        (13, "`body` is missing"),
        (16, "no operation is named `reed`"),
        (17, "`p95 > 500ms` is not a threshold"),
        (17, "`latency` is not measured"),
    ];
    for (line, start) in expected {
        let start = format!("{line}: {start}");
        assert!(
            found.iter().any(|message| message.starts_with(&start)),
            "{start} is not among {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_value_and_its_source_need_each_other() {
    let without = GOOD.replacen(
        "    from: {type: Patient, value: id, where: active = true}\n",
        "",
        1,
    );
    assert!(mistakes(&without)[0].contains("needs `from`"));
    let unused = GOOD.replacen("Patient/${value}", "Patient/1", 1);
    assert!(mistakes(&unused)[0].contains("does not use"));
}

#[test]
fn an_expression_that_does_not_fit_the_type_is_a_mistake() {
    let wrong = GOOD.replacen("name.family", "nmae.family", 1);
    assert!(mistakes(&wrong)[0].starts_with("14: FHIRPath"));
}

#[test]
fn names_and_thresholds_stand_once() {
    let twice = GOOD.replacen("name: search", "name: read", 1);
    assert!(mistakes(&twice)[0].contains("there twice"));
    let twice = GOOD.replacen("[p95 < 500ms]", "[p95 < 500ms, p95 < 1s]", 1);
    assert!(mistakes(&twice)[0].contains("there twice"));
}

#[test]
fn a_plan_without_thresholds_judges_nothing_and_is_a_mistake() {
    let cut = &GOOD[..GOOD.find("thresholds").unwrap()];
    assert!(mistakes(cut)[0].contains("`thresholds` is missing"));
}

#[test]
fn a_plan_has_a_size_that_fits_into_memory() {
    let long = GOOD.replacen("duration: 2m", "duration: 60m", 1);
    assert!(mistakes(&long)[0].contains("at most 3600s together"));
    let empty = GOOD.replacen("duration: 2m", "duration: 0s", 1);
    assert!(mistakes(&empty)[0].contains("more than nothing"));
}
