//! A second look at the resources on which a judgement rests, by id and with the same credentials: are they still there,
//! and still what they were? Only for data that others may change. Judges no search.

use serde_json::Value;

use crate::fhir::Key;
use crate::fhir::resource::{last_updated, version_id};
use crate::http::{Exchange, Request};
use crate::record::{Cohort, Violation};

use super::super::session::Scope;

/// Resources that are read again at most for one disagreement.
const MAX_READ: usize = 5;

/// What the second look showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing was to be looked at.
    None,
    /// All are there, and as they were.
    Same,
    /// Something is gone, or is another version: why, without values.
    Changed(String),
    /// Something could not be read; it may be hidden from these credentials.
    Unreadable,
}

impl Look {
    /// Both together: a change says most, then what could not be read.
    fn and(self, other: Look) -> Look {
        match (self, other) {
            (changed @ Look::Changed(_), _) | (_, changed @ Look::Changed(_)) => changed,
            (Look::Unreadable, _) | (_, Look::Unreadable) => Look::Unreadable,
            (Look::None, other) | (other, Look::None) => other,
            (Look::Same, Look::Same) => Look::Same,
        }
    }
}

/// Reads again what a violation is about, as far as it is known; the numbers are those of the reads.
pub async fn look(scope: &Scope, cohort: &Cohort, violation: &Violation) -> (Look, Vec<u32>) {
    let mut look = Look::None;
    let known: Vec<(&Key, &Value)> = violation
        .about
        .iter()
        .filter_map(|key| Some((key, cohort.resources.get(key)?)))
        .take(MAX_READ)
        .collect();
    let mut numbers = Vec::new();
    for (key, resource) in known {
        let exchange = scope.send(Request::get(key.to_string())).await;
        numbers.push(exchange.number);
        look = look.and(compare(resource, &exchange));
    }
    (look, numbers)
}

/// A resource as it was known against what a read by id shows now.
fn compare(known: &Value, exchange: &Exchange) -> Look {
    match exchange.status() {
        Some(200) => {}
        Some(404 | 410) => return Look::Changed("a resource is not there any more".to_owned()),
        _ => return Look::Unreadable,
    }
    let Some(now) = exchange.json() else {
        return Look::Unreadable;
    };
    let same = match (version_id(known), version_id(&now)) {
        (Some(before), Some(after)) => before == after,
        _ => match (last_updated(known), last_updated(&now)) {
            (Some(before), Some(after)) => before == after,
            _ => *known == now,
        },
    };
    match same {
        true => Look::Same,
        false => Look::Changed("a resource is another version than it was".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Headers, Response, Timings};

    fn answer(status: u16, body: &Value) -> Exchange {
        Exchange {
            number: 1,
            request: Request::get("Patient/a"),
            outcome: Ok(Response {
                status,
                version: "HTTP/1.1",
                headers: Headers::default(),
                body: body.to_string().into(),
            }),
            timings: Timings::default(),
            translated: None,
        }
    }

    fn patient(version: Option<&str>, family: &str) -> Value {
        let mut patient =
            json!({"resourceType": "Patient", "id": "a", "name": [{"family": family}]});
        if let Some(version) = version {
            patient["meta"] = json!({ "versionId": version });
        }
        patient
    }

    #[test]
    fn the_version_says_whether_a_resource_is_the_same() {
        let known = patient(Some("1"), "Ada");
        assert_eq!(compare(&known, &answer(200, &known)), Look::Same);
        // Another representation of the same version: text or links may differ between a search and a read.
        let other = patient(Some("1"), "A.");
        assert_eq!(compare(&known, &answer(200, &other)), Look::Same);
        let later = answer(200, &patient(Some("2"), "Ada"));
        assert!(matches!(compare(&known, &later), Look::Changed(_)));
    }

    #[test]
    fn without_a_version_the_content_says_it() {
        let known = patient(None, "Ada");
        assert_eq!(compare(&known, &answer(200, &known)), Look::Same);
        let other = answer(200, &patient(None, "Eve"));
        assert!(matches!(compare(&known, &other), Look::Changed(_)));
    }

    #[test]
    fn what_is_gone_has_changed_and_what_is_refused_is_unreadable() {
        let known = patient(Some("1"), "Ada");
        for status in [404, 410] {
            let gone = answer(status, &json!({}));
            assert!(matches!(compare(&known, &gone), Look::Changed(_)));
        }
        for status in [401, 403, 500] {
            let refused = answer(status, &json!({}));
            assert_eq!(compare(&known, &refused), Look::Unreadable);
        }
    }

    #[test]
    fn a_change_outweighs_what_could_not_be_read() {
        let changed = || Look::Changed("x".to_owned());
        assert_eq!(Look::Unreadable.and(changed()), changed());
        assert_eq!(Look::None.and(Look::Same), Look::Same);
        assert_eq!(Look::Same.and(Look::Unreadable), Look::Unreadable);
    }
}
