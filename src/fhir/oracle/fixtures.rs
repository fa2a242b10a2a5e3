//! Runs the hand-computed answers of `fixtures/oracle`: small cohorts, and for each query the ids that R4 gives.
//! Not a comparison with any program: the expected ids were found by reading the specification.

use serde::Deserialize;
use serde_json::Value;

use super::{Match, answer, judge};
use crate::fhir::Key;
use crate::fhir::query::Query;

const TABLES: [(&str, &str); 8] = [
    (
        "common",
        include_str!("../../../fixtures/oracle/common.json"),
    ),
    (
        "composites",
        include_str!("../../../fixtures/oracle/composites.json"),
    ),
    ("dates", include_str!("../../../fixtures/oracle/dates.json")),
    ("links", include_str!("../../../fixtures/oracle/links.json")),
    (
        "numbers",
        include_str!("../../../fixtures/oracle/numbers.json"),
    ),
    (
        "references",
        include_str!("../../../fixtures/oracle/references.json"),
    ),
    (
        "strings",
        include_str!("../../../fixtures/oracle/strings.json"),
    ),
    (
        "tokens",
        include_str!("../../../fixtures/oracle/tokens.json"),
    ),
];

#[derive(Deserialize)]
struct Table {
    resources: Vec<Value>,
    queries: Vec<Row>,
}

/// Ids of the searched type, or `Type/id` in a whole-system search.
#[derive(Deserialize)]
struct Row {
    query: String,
    must: Vec<String>,
    may: Vec<String>,
    rule: String,
}

fn keys(query: &Query, ids: &[String]) -> Vec<Key> {
    let mut keys: Vec<Key> = ids
        .iter()
        .map(|id| match (&query.resource_type, id.split_once('/')) {
            (Some(resource_type), None) => Key::new(resource_type.as_str(), id.as_str()),
            (None, Some((resource_type, id))) => Key::new(resource_type, id),
            _ => panic!("{id} does not fit {query:?}"),
        })
        .collect();
    keys.sort();
    keys
}

/// What is wrong with one row; empty if nothing is.
fn check(resources: &[&Value], row: &Row) -> Option<String> {
    let query = match Query::parse_url(&row.query) {
        Ok(query) => query,
        Err(error) => return Some(format!("does not parse: {error}")),
    };
    let answer = match answer(resources, &query) {
        Ok(answer) => answer,
        Err(reason) => return Some(format!("is not decided: {reason}")),
    };
    let (mut must, mut may) = (answer.must, answer.may);
    must.sort();
    may.sort();
    let (wanted, open) = (keys(&query, &row.must), keys(&query, &row.may));
    (must != wanted || may != open).then(|| {
        let list = |keys: &[Key]| {
            keys.iter()
                .map(Key::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        format!(
            "must be [{}] and may be [{}], is [{}] and [{}]: {}",
            list(&wanted),
            list(&open),
            list(&must),
            list(&may),
            answer.open.join("; ")
        )
    })
}

#[test]
fn every_hand_computed_answer_is_found() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (name, text) in TABLES {
        let table: Table = serde_json::from_str(text).unwrap();
        let resources: Vec<&Value> = table.resources.iter().collect();
        for row in &table.queries {
            rows += 1;
            if let Some(message) = check(&resources, row) {
                wrong.push(format!("{name}: {} ({}) {message}", row.query, row.rule));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 120, "only {rows} rows");
}

#[test]
fn judging_one_resource_agrees_with_the_answer() {
    let table: Table = serde_json::from_str(TABLES[3].1).unwrap();
    let resources: Vec<&Value> = table.resources.iter().collect();
    for row in &table.queries {
        let query = Query::parse_url(&row.query).unwrap();
        let answer = answer(&resources, &query).unwrap();
        for resource in &resources {
            let key = Key::of(resource).unwrap();
            let expected = (answer.must.contains(&key), answer.may.contains(&key));
            let judged = judge(resource, &resources, &query);
            let actual = (judged == Match::Yes, matches!(judged, Match::Open(_)));
            assert_eq!(actual, expected, "{key} for {}", row.query);
        }
    }
}
