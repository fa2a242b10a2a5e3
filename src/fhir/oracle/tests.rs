//! Tests of what the tables in `fixtures/oracle` do not cover: order, totals, pages and what is not decided.

use serde_json::{Value, json};

use super::{Answer, Match, answer, is_sorted, judge, union};
use crate::fhir::Key;
use crate::fhir::query::Query;

fn sorted(resources: &[Value], query: &str, ids: &str) -> Result<bool, String> {
    let resources: Vec<&Value> = resources.iter().collect();
    let keys: Vec<Key> = ids.split(' ').map(|id| Key::new("Patient", id)).collect();
    is_sorted(&resources, &Query::parse_url(query).unwrap(), &keys)
}

fn born(id: &str, date: Option<&str>) -> Value {
    match date {
        Some(date) => json!({"resourceType": "Patient", "id": id, "birthDate": date}),
        None => json!({"resourceType": "Patient", "id": id}),
    }
}

fn called(id: &str, families: &[&str]) -> Value {
    let names: Vec<Value> = families
        .iter()
        .map(|name| json!({"family": name}))
        .collect();
    json!({"resourceType": "Patient", "id": id, "name": names})
}

#[test]
fn dates_rise_or_fall_and_equals_are_in_any_order() {
    let cohort = [
        born("a", Some("1980-01-01")),
        born("b", Some("1980-01-02")),
        born("c", Some("1980-01-02")),
        born("d", Some("1990-05-05")),
    ];
    let up = "Patient?_sort=birthdate";
    assert_eq!(sorted(&cohort, up, "a b c d"), Ok(true));
    assert_eq!(sorted(&cohort, up, "a c b d"), Ok(true));
    assert_eq!(sorted(&cohort, up, "b a c d"), Ok(false));
    assert_eq!(
        sorted(&cohort, "Patient?_sort=-birthdate", "d b c a"),
        Ok(true)
    );
    assert_eq!(
        sorted(&cohort, "Patient?_sort=-birthdate", "a b c d"),
        Ok(false)
    );
}

#[test]
fn what_has_no_value_is_neither_equal_nor_found_to_be_unequal() {
    let query = Query::parse_url("Patient?birthdate=ne1980-01-01").unwrap();
    let mut extended = born("x", None);
    extended["_birthDate"] =
        json!({"extension": [{"url": "http://example.org/e", "valueCode": "unknown"}]});
    for patient in [born("y", None), extended] {
        let judged = judge(&patient, &[], &query);
        assert!(matches!(judged, Match::Open(_)), "{judged:?}");
    }
    assert_eq!(judge(&born("z", Some("1981")), &[], &query), Match::Yes);
}

#[test]
fn resources_without_a_value_stand_together_anywhere() {
    let cohort = [
        born("a", Some("1980-01-01")),
        born("b", Some("1981-01-01")),
        born("x", None),
        born("y", None),
    ];
    let up = "Patient?_sort=birthdate";
    assert_eq!(sorted(&cohort, up, "x y a b"), Ok(true));
    assert_eq!(sorted(&cohort, up, "a b y x"), Ok(true));
    assert_eq!(sorted(&cohort, up, "x a b y"), Ok(false));
    assert_eq!(sorted(&cohort, up, "a x y b"), Ok(true));
}

#[test]
fn a_partial_date_sorts_by_its_start_or_its_end() {
    let cohort = [born("year", Some("1980")), born("may", Some("1980-05-05"))];
    assert_eq!(
        sorted(&cohort, "Patient?_sort=birthdate", "year may"),
        Ok(true)
    );
    assert_eq!(
        sorted(&cohort, "Patient?_sort=birthdate", "may year"),
        Ok(true)
    );
}

#[test]
fn a_second_key_orders_what_the_first_leaves_equal() {
    let person = |id: &str, gender: &str, date: &str| json!({"resourceType": "Patient", "id": id, "gender": gender, "birthDate": date});
    let cohort = [
        person("a", "female", "1990-01-01"),
        person("b", "female", "1980-01-01"),
        person("c", "male", "1985-01-01"),
    ];
    let query = "Patient?_sort=gender,-birthdate";
    assert_eq!(sorted(&cohort, query, "a b c"), Ok(true));
    assert_eq!(sorted(&cohort, query, "b a c"), Ok(false));
    assert_eq!(sorted(&cohort, query, "c a b"), Ok(false));
}

#[test]
fn any_common_collation_will_do() {
    let cohort = [
        called("lower", &["adams"]),
        called("upper", &["Baker"]),
        called("last", &["clark"]),
    ];
    let up = "Patient?_sort=family";
    assert_eq!(sorted(&cohort, up, "lower upper last"), Ok(true));
    assert_eq!(sorted(&cohort, up, "upper lower last"), Ok(true));
    assert_eq!(sorted(&cohort, up, "last lower upper"), Ok(false));
}

#[test]
fn the_order_of_letters_beyond_ascii_and_of_repeated_values_is_not_judged_wrong() {
    let accents = [
        called("z", &["Zorn"]),
        called("o", &["Öz"]),
        called("a", &["Abt"]),
    ];
    let up = "Patient?_sort=family";
    assert_eq!(sorted(&accents, up, "a o z"), Ok(true));
    assert_eq!(sorted(&accents, up, "a z o"), Ok(true));
    assert!(sorted(&accents, up, "z o a").is_err());
    let repeated = [
        called("two", &["Adams", "Young"]),
        called("one", &["Moore"]),
    ];
    assert_eq!(sorted(&repeated, up, "two one"), Ok(true));
    assert_eq!(
        sorted(&repeated, "Patient?_sort=-family", "two one"),
        Ok(true)
    );
    assert!(sorted(&repeated, up, "one two").is_err());
}

#[test]
fn a_sort_that_cannot_be_decided_is_an_error() {
    let cohort = [born("a", None)];
    assert!(sorted(&cohort, "Patient?_sort=_score", "a").is_err());
    assert!(sorted(&cohort, "Patient?_sort=birthdate", "unknown").is_err());
}

#[test]
fn what_the_oracle_cannot_decide_is_an_error_even_without_resources() {
    for undecided in [
        "Condition?code:in=http://example.org/ValueSet/v",
        "Location?near=1|2|3|km",
        "Patient?_text=eve",
        "Patient?phonetic=eve",
        "Patient?favourite-colour=red",
        "Location?partof:below=1",
        "Patient?_contained=true",
        "Observation?subject:Patient.phonetic=eve",
    ] {
        let query = Query::parse_url(undecided).unwrap();
        assert!(answer(&[], &query).is_err(), "{undecided}");
        let patient = json!({"resourceType": "Patient", "id": "a"});
        assert!(
            matches!(judge(&patient, &[], &query), Match::Open(_)),
            "{undecided}"
        );
    }
}

#[test]
fn totals_are_exact_only_where_nothing_is_open() {
    let key = |id: &str| Key::new("Patient", id);
    let mut answer = Answer {
        must: vec![key("a"), key("b")],
        ..Answer::default()
    };
    assert_eq!(answer.total(), Some(2));
    assert!(!answer.allows_total(3));
    answer.may.push(key("c"));
    assert_eq!(answer.total(), None);
    assert!(answer.allows_total(3) && !answer.allows_total(4) && !answer.allows_total(1));
    let difference = answer.compare(&[key("c"), key("b"), key("x")]);
    assert_eq!(difference.missing, [key("a")]);
    assert_eq!(difference.extra, [key("x")]);
}

#[test]
fn pages_are_put_together_and_repetitions_noted() {
    let key = |id: &str| Key::new("Patient", id);
    let pages = [vec![key("a"), key("b")], vec![key("b"), key("c")]];
    let union = union(pages.iter().map(Vec::as_slice));
    assert_eq!(union.keys, [key("a"), key("b"), key("c")]);
    assert_eq!(union.repeated, [key("b")]);
}

#[test]
fn every_parameter_of_r4_with_a_path_can_be_read() {
    use crate::fhir::definitions::{ParameterKind, resource_types, search_parameters};
    let mut unreadable = Vec::new();
    for name in resource_types() {
        let empty = json!({"resourceType": name, "id": "a"});
        for parameter in search_parameters(name) {
            let is_special = parameter.kind == ParameterKind::Special;
            if is_special || parameter.expression.is_empty() || parameter.code == "_filter" {
                continue;
            }
            let seen = match parameter.kind {
                ParameterKind::Composite => super::composite::readable(parameter),
                _ => super::extract::nodes(&empty, parameter).map(|_| ()),
            };
            if let Err(message) = seen {
                unreadable.push(format!("{name}.{}: {message}", parameter.code));
            }
        }
    }
    assert!(unreadable.is_empty(), "{}", unreadable.join("\n"));
}
