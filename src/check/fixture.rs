//! Fixtures of checks: recorded exchanges in a small JSON form, and the tests that hold for every check.
//!
//! `{"why": SENTENCE, "base": URL, "capability": {…}, "cohort": {"completeness", "tag", "resources": […], "sent": […]},
//! "earlier": […], "exchanges": [{"request": {"method", "url", "headers", "body"}, "response": {"status", "headers",
//! "body"}}]}`; a body is JSON, or a string for bytes that are not JSON. `pass-…` files are legal, however odd; `fail-…`
//! files break the rule of their folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::Value;

use super::{Check, Evidence, all};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, resource};
use crate::http::{Exchange, Headers, Method, Request, Response, Timings};
use crate::record::{Cohort, Completeness, Isolation, Provenance, Violation};

/// Evidence that owns its parts.
pub(super) struct Fixture {
    base: String,
    capability: Option<Capability>,
    cohort: Option<Cohort>,
    earlier: Vec<Exchange>,
    exchanges: Vec<Exchange>,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        Fixture::parse(&text).unwrap_or_else(|| panic!("{} is no fixture", path.display()))
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let why = value.get("why")?.as_str()?;
        assert!(why.contains(' '), "`why` is a sentence: {why}");
        let earlier = read_exchanges(value.get("earlier"), 1)?;
        let exchanges = read_exchanges(value.get("exchanges"), 1 + earlier.len())?;
        Some(Fixture {
            base: value.get("base")?.as_str()?.to_owned(),
            capability: value.get("capability").cloned().map(Capability::new),
            cohort: value.get("cohort").map(read_cohort),
            earlier,
            exchanges,
        })
    }

    fn judge(&self, check: &dyn Check) -> Vec<Violation> {
        let exchanges: Vec<&Exchange> = self.exchanges.iter().collect();
        let earlier: Vec<&Exchange> = self.earlier.iter().collect();
        check.judge(&Evidence {
            earlier: &earlier,
            exchanges: &exchanges,
            capability: self.capability.as_ref(),
            cohort: self.cohort.as_ref(),
            memory: None,
            base: &self.base,
        })
    }
}

fn body(value: Option<&Value>) -> Bytes {
    match value {
        None => Bytes::new(),
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(json) => Bytes::from(json.to_string()),
    }
}

fn headers(value: Option<&Value>) -> Headers {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// A list of exchanges numbered from `first`; an absent list is empty.
fn read_exchanges(list: Option<&Value>, first: usize) -> Option<Vec<Exchange>> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items
        .zip(first..)
        .map(|(exchange, number)| read_exchange(exchange, u32::try_from(number).ok()?))
        .collect()
}

fn read_exchange(value: &Value, number: u32) -> Option<Exchange> {
    let request = value.get("request")?;
    let response = value.get("response")?;
    let answer = body(response.get("body"));
    let method: Method = serde_json::from_value(request.get("method")?.clone()).ok()?;
    Some(Exchange {
        number,
        request: Request {
            method,
            url: request.get("url")?.as_str()?.to_owned(),
            headers: headers(request.get("headers")),
            body: body(request.get("body")),
        },
        outcome: Ok(Response {
            status: u16::try_from(response.get("status")?.as_u64()?).ok()?,
            version: "HTTP/1.1",
            headers: headers(response.get("headers")),
            body: answer.clone(),
        }),
        timings: Timings::default(),
        translated: resource::is_markup(&answer)
            .then(|| resource::of_body(&answer))
            .flatten()
            .map(std::sync::Arc::new),
    })
}

fn read_cohort(value: &Value) -> Cohort {
    let of = |name: &str| -> IndexMap<Key, Value> {
        value
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|value| (Key::of(value).expect("a fixture has ids"), value.clone()))
            .collect()
    };
    let completeness: Completeness =
        serde_json::from_value(value["completeness"].clone()).expect("a completeness");
    let isolation = match value.get("tag").and_then(Value::as_str) {
        Some(code) => Isolation::Tag {
            system: "urn:test".to_owned(),
            code: code.to_owned(),
        },
        None => Isolation::None,
    };
    Cohort {
        resources: of("resources"),
        sent: of("sent"),
        provenance: Provenance::Generated,
        completeness,
        isolation,
        patients: Vec::new(),
    }
}

fn folder(check: &dyn Check) -> PathBuf {
    let id = check.spec().id.replace('/', "-");
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/checks")
        .join(id)
}

fn fixtures(check: &dyn Check, prefix: &str) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(folder(check)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(prefix) && name.ends_with(".json")
        })
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_check_is_registered() {
    let mut files = 0;
    for area in ["bundle", "http", "resource", "search"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/check")
            .join(area);
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            files += usize::from(text.contains("impl Check for"));
        }
    }
    let ids: BTreeSet<&str> = all().map(|check| check.spec().id).collect();
    assert_eq!(ids.len(), files, "{ids:?}");
    assert!(all().map(|check| check.spec().id).is_sorted());
}

#[test]
fn every_check_has_pass_and_fail_fixtures() {
    for check in all() {
        let id = check.spec().id;
        assert!(
            !fixtures(check, "pass-").is_empty(),
            "{id} has no pass fixture"
        );
        assert!(
            !fixtures(check, "fail-").is_empty(),
            "{id} has no fail fixture"
        );
    }
}

#[test]
fn every_fixture_is_judged_as_its_name_says() {
    let mut wrong = Vec::new();
    for check in all() {
        for path in fixtures(check, "pass-") {
            for violation in Fixture::read(&path).judge(check) {
                wrong.push(format!("{}: {violation:?}", path.display()));
            }
        }
        for path in fixtures(check, "fail-") {
            let violations = Fixture::read(&path).judge(check);
            if violations.is_empty() {
                wrong.push(format!("{}: nothing found", path.display()));
            }
            for violation in violations {
                assert_eq!(violation.rule, check.spec().id);
                assert!(!violation.exchanges.is_empty(), "{}", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fixture_belongs_to_a_check() {
    let known: BTreeSet<PathBuf> = all().map(folder).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/checks");
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            known.contains(&path),
            "{} belongs to no check",
            path.display()
        );
    }
}

#[test]
fn every_check_says_what_it_rests_on() {
    for check in all() {
        let spec = check.spec();
        assert!(spec.spec.starts_with("http"), "{}", spec.id);
        assert!(!spec.usual_causes.is_empty(), "{}", spec.id);
        let is_robust = spec.level == crate::record::Level::Robust;
        assert!(is_robust || !spec.sentence.is_empty(), "{}", spec.id);
    }
}
