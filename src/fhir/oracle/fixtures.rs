//! Runs the hand-computed answers of `fixtures/oracle`: small cohorts, and for each query the ids that R4 gives.
//! Not a comparison with any program: the expected ids were found by reading the specification.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Known, Match, Memory};
use crate::fhir::Key;
use crate::fhir::query::Query;

const TABLES: [(&str, &str); 14] = [
    ("bases", include_str!("../../../fixtures/oracle/bases.json")),
    (
        "chains",
        include_str!("../../../fixtures/oracle/chains.json"),
    ),
    (
        "common",
        include_str!("../../../fixtures/oracle/common.json"),
    ),
    (
        "composites",
        include_str!("../../../fixtures/oracle/composites.json"),
    ),
    ("dates", include_str!("../../../fixtures/oracle/dates.json")),
    (
        "includes",
        include_str!("../../../fixtures/oracle/includes.json"),
    ),
    ("links", include_str!("../../../fixtures/oracle/links.json")),
    (
        "meanings",
        include_str!("../../../fixtures/oracle/meanings.json"),
    ),
    (
        "missing",
        include_str!("../../../fixtures/oracle/missing.json"),
    ),
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
    (
        "undecided",
        include_str!("../../../fixtures/oracle/undecided.json"),
    ),
];

#[derive(Deserialize)]
struct Table {
    /// Where the server lives, if that is known.
    base: Option<String>,
    resources: Vec<Value>,
    queries: Vec<Row>,
    /// Queries that are not decided as a whole.
    #[serde(default)]
    undecided: Vec<Beyond>,
    /// Queries that break the grammar.
    #[serde(default)]
    refused: Vec<Beyond>,
    #[serde(default)]
    pages: Vec<Page>,
}

impl Table {
    fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    fn known(&self) -> Known<'_> {
        let known = Known::new(&self.resources);
        match &self.base {
            Some(base) => known.at(base),
            None => known,
        }
    }
}

/// Ids of the searched type, or `Type/id` in a whole-system search.
#[derive(Deserialize)]
struct Row {
    query: String,
    must: Vec<String>,
    may: Vec<String>,
    rule: String,
}

#[derive(Deserialize)]
struct Beyond {
    query: String,
    rule: String,
}

/// Matches by id, what comes along by `Type/id`, supported parameters as `Type:code`.
#[derive(Deserialize)]
struct Page {
    query: String,
    matches: Vec<String>,
    must: BTreeSet<String>,
    may: BTreeSet<String>,
    rule: String,
    #[serde(default)]
    supports: Vec<String>,
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
fn check(known: &Known<'_>, row: &Row) -> Option<String> {
    let query = match Query::parse_url(&row.query) {
        Ok(query) => query,
        Err(error) => return Some(format!("does not parse: {error}")),
    };
    let answer = match known.answer(&query) {
        Ok(answer) => answer,
        Err(reason) => return Some(format!("is not decided: {reason}")),
    };
    let (mut must, mut may) = (answer.must.clone(), answer.may.clone());
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
        let table = Table::parse(text);
        let known = table.known();
        for row in &table.queries {
            rows += 1;
            if let Some(message) = check(&known, row) {
                wrong.push(format!("{name}: {} ({}) {message}", row.query, row.rule));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 350, "only {rows} rows");
}

#[test]
fn a_memory_changes_no_answer() {
    for (name, text) in TABLES {
        let table = Table::parse(text);
        let memory = Memory::default();
        // Twice: what is kept must be what was found.
        for row in table.queries.iter().chain(&table.queries) {
            let known = table.known().remembering(Some(&memory));
            let wrong = check(&known, row);
            assert_eq!(wrong, None, "{name}: {}", row.query);
        }
    }
}

#[test]
fn judging_one_resource_agrees_with_the_answer() {
    for (name, text) in TABLES {
        let table = Table::parse(text);
        let known = table.known();
        for row in &table.queries {
            let query = Query::parse_url(&row.query).unwrap();
            let answer = known.answer(&query).unwrap();
            for resource in &table.resources {
                let key = Key::of(resource).unwrap();
                let expected = (answer.must.contains(&key), answer.may.contains(&key));
                let judged = known.judge(resource, &query);
                let actual = (judged == Match::Yes, matches!(judged, Match::Open(_)));
                assert_eq!(actual, expected, "{name}: {key} for {}", row.query);
            }
        }
    }
}

#[test]
fn what_is_beyond_the_oracle_is_undecided_and_what_breaks_the_grammar_refused() {
    for (name, text) in TABLES {
        let table = Table::parse(text);
        let known = table.known();
        for beyond in &table.undecided {
            let query = Query::parse_url(&beyond.query)
                .unwrap_or_else(|error| panic!("{name}: {}: {error}", beyond.query));
            let answer = known.answer(&query);
            assert!(
                answer.is_err(),
                "{name}: {} ({})",
                beyond.query,
                beyond.rule
            );
        }
        for beyond in &table.refused {
            let query = Query::parse_url(&beyond.query);
            assert!(query.is_err(), "{name}: {} ({})", beyond.query, beyond.rule);
        }
    }
}

#[test]
fn every_hand_computed_page_brings_along_what_it_must() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (name, text) in TABLES {
        let table = Table::parse(text);
        let known = table.known();
        for page in &table.pages {
            rows += 1;
            let query = Query::parse_url(&page.query).unwrap();
            let is_match = |resource: &&Value| {
                resource["resourceType"] == query.resource_type.as_deref().unwrap_or_default()
                    && page.matches.iter().any(|id| resource["id"] == id.as_str())
            };
            let matches: Vec<&Value> = table.resources.iter().filter(is_match).collect();
            assert_eq!(matches.len(), page.matches.len(), "{name}: {}", page.query);
            let supports =
                |name: &str, code: &str| page.supports.contains(&format!("{name}:{code}"));
            let included = known.included(&query, &matches, &supports);
            let text = |key: &Key| key.to_string();
            let must: BTreeSet<String> = included.must().into_iter().map(text).collect();
            let may: BTreeSet<String> = included.may.iter().map(text).collect();
            if (&must, &may) != (&page.must, &page.may) {
                wrong.push(format!(
                    "{name}: {} of {:?} ({}) must {must:?} and may {may:?}",
                    page.query, page.matches, page.rule
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 25, "only {rows} rows");
}
