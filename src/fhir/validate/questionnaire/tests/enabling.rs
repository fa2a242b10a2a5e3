//! `enableWhen`: what enables a question, what disables it, what leaves it open.
//! Not the answers to it.

use serde_json::{Value, json};

use super::{issues, judge, nothing, open};

/// A question that is enabled by the answer to another one.
fn guarded(kind: &str, conditions: Value, behavior: Option<&str>) -> Value {
    let mut question =
        json!({"linkId": "b", "type": "string", "required": true, "enableWhen": conditions});
    if let Some(behavior) = behavior {
        question["enableBehavior"] = json!(behavior);
    }
    json!({"item": [{"linkId": "a", "type": kind, "repeats": true}, question]})
}

/// Whether `b` is enabled, by what a response without it and one with it raise; `None` if it is left open.
fn enables(form: &Value, answers: Value) -> Option<bool> {
    let mut items = json!([{"linkId": "a", "answer": answers}]);
    if answers == json!([]) {
        items = json!([]);
    }
    let without = judge("completed", form, &items);
    let last = json!({"linkId": "b", "answer": [{"valueString": "x"}]});
    items.as_array_mut().unwrap().push(last);
    let with = judge("completed", form, &items);
    match (issues(&without).as_slice(), issues(&with).as_slice()) {
        ([required], []) if required == "required" => Some(true),
        ([], [disabled]) if disabled.starts_with("disabled") => Some(false),
        ([], []) => {
            assert_eq!(open(&without), ["required Questionnaire.item[1]"]);
            None
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_operator_enables_by_its_order() {
    let orders = [
        ("=", [false, true, false]),
        ("!=", [true, false, true]),
        (">", [false, false, true]),
        ("<", [true, false, false]),
        (">=", [false, true, true]),
        ("<=", [true, true, false]),
    ];
    for (operator, expected) in orders {
        for (answer, is_enabled) in [4, 5, 6].into_iter().zip(expected) {
            let form = guarded(
                "integer",
                json!([{"question": "a", "operator": operator, "answerInteger": 5}]),
                None,
            );
            let found = enables(&form, json!([{"valueInteger": answer}]));
            assert_eq!(found, Some(is_enabled), "{answer} {operator} 5");
        }
    }
}

#[test]
fn existence_is_asked_of_answers() {
    let form = |exists: bool| {
        guarded(
            "string",
            json!([{"question": "a", "operator": "exists", "answerBoolean": exists}]),
            None,
        )
    };
    let one = json!([{"valueString": "x"}]);
    assert_eq!(enables(&form(true), one.clone()), Some(true));
    assert_eq!(enables(&form(true), json!([])), Some(false));
    assert_eq!(enables(&form(false), one), Some(false));
    assert_eq!(enables(&form(false), json!([])), Some(true));
}

#[test]
fn several_answers_enable_by_one_that_equals_and_are_open_where_they_disagree() {
    let form = |operator: &str| {
        guarded(
            "integer",
            json!([{"question": "a", "operator": operator, "answerInteger": 5}]),
            None,
        )
    };
    let both = json!([{"valueInteger": 5}, {"valueInteger": 9}]);
    assert_eq!(enables(&form("="), both.clone()), Some(true));
    assert_eq!(enables(&form("!="), both.clone()), None);
    assert_eq!(enables(&form(">"), both), None);
    assert_eq!(enables(&form("!="), json!([])), None);
    assert_eq!(enables(&form("<"), json!([])), Some(false));
}

#[test]
fn conditions_are_joined_by_the_behavior() {
    let conditions = json!([{"question": "a", "operator": ">", "answerInteger": 1},
        {"question": "a", "operator": "<", "answerInteger": 5}]);
    let of = |behavior: Option<&str>, answer: i32| {
        enables(
            &guarded("integer", conditions.clone(), behavior),
            json!([{"valueInteger": answer}]),
        )
    };
    assert_eq!(
        (of(Some("all"), 3), of(Some("all"), 7)),
        (Some(true), Some(false))
    );
    assert_eq!(
        (of(Some("any"), 7), of(Some("any"), 3)),
        (Some(true), Some(true))
    );
    // Without a behavior (que-12) only what both conditions say is sure.
    assert_eq!((of(None, 3), of(None, 7)), (Some(true), None));
}

#[test]
fn conditions_compare_values_of_every_type() {
    let cases = [
        (
            "boolean",
            "Boolean",
            json!(true),
            json!(true),
            "=",
            Some(true),
        ),
        ("string", "String", json!("x"), json!("y"), "=", Some(false)),
        (
            "choice",
            "Coding",
            json!({"code": "x"}),
            json!({"code": "x", "display": "X"}),
            "=",
            Some(true),
        ),
        (
            "choice",
            "Coding",
            json!({"system": "http://a", "code": "x"}),
            json!({"code": "x"}),
            "=",
            None,
        ),
        (
            "date",
            "Date",
            json!("2024-05"),
            json!("2024-06-01"),
            ">",
            Some(true),
        ),
        (
            "date",
            "Date",
            json!("2024"),
            json!("2024-06-01"),
            ">",
            None,
        ),
        (
            "dateTime",
            "DateTime",
            json!("2024-01-01T10:00:00+01:00"),
            json!("2024-01-01T09:00:00Z"),
            "=",
            Some(true),
        ),
        (
            "time",
            "Time",
            json!("10:00:00"),
            json!("09:59:59.5"),
            "<",
            Some(true),
        ),
        (
            "decimal",
            "Decimal",
            json!(1.50),
            json!(1.5),
            "=",
            Some(true),
        ),
        (
            "reference",
            "Reference",
            json!({"reference": "Patient/1"}),
            json!({"reference": "Patient/2"}),
            "=",
            None,
        ),
        (
            "quantity",
            "Quantity",
            json!({"value": 1, "system": "http://unitsofmeasure.org", "code": "km"}),
            json!({"value": 999, "system": "http://unitsofmeasure.org", "code": "m"}),
            "<",
            Some(true),
        ),
    ];
    for (kind, type_name, expected, answer, operator, enabled) in cases {
        let (key, value) = (format!("answer{type_name}"), format!("value{type_name}"));
        let form = guarded(
            kind,
            json!([{"question": "a", "operator": operator, key: expected}]),
            None,
        );
        assert_eq!(
            enables(&form, json!([{value: answer}])),
            enabled,
            "{kind} {operator}"
        );
    }
}

#[test]
fn a_form_that_is_being_filled_in_may_hold_answers_to_disabled_items() {
    let form = guarded(
        "integer",
        json!([{"question": "a", "operator": "=", "answerInteger": 1}]),
        None,
    );
    let items = json!([{"linkId": "a", "answer": [{"valueInteger": 2}]}, {"linkId": "b", "answer": [{"valueString": "x"}]}]);
    assert_eq!(
        issues(&judge("in-progress", &form, &items)),
        ["disabled item[1]?"]
    );
    let listed = json!([{"linkId": "a", "answer": [{"valueInteger": 2}]}, {"linkId": "b"}]);
    assert_eq!(issues(&judge("completed", &form, &listed)), nothing());
}

#[test]
fn a_question_is_enabled_by_the_answer_in_its_own_repetition() {
    let form = json!({"item": [{"linkId": "g", "type": "group", "repeats": true, "item": [
        {"linkId": "a", "type": "boolean"},
        {"linkId": "b", "type": "string", "required": true,
            "enableWhen": [{"question": "a", "operator": "=", "answerBoolean": true}]}]}]});
    let group = |answer: bool| json!({"linkId": "g", "item": [{"linkId": "a", "answer": [{"valueBoolean": answer}]}]});
    let outcome = judge("completed", &form, &json!([group(true), group(false)]));
    assert_eq!(issues(&outcome), ["required item[0]"]);
}

#[test]
fn a_nested_question_is_enabled_by_the_answer_that_it_stands_in() {
    let form = json!({"item": [{"linkId": "a", "type": "boolean", "item": [
        {"linkId": "b", "type": "string", "required": true,
            "enableWhen": [{"question": "a", "operator": "=", "answerBoolean": true}]}]}]});
    let items = |answer: bool| json!([{"linkId": "a", "answer": [{"valueBoolean": answer}]}]);
    assert_eq!(
        issues(&judge("completed", &form, &items(true))),
        ["required item[0].answer[0]"]
    );
    assert_eq!(issues(&judge("completed", &form, &items(false))), nothing());
}

#[test]
fn an_expression_leaves_open_whether_an_item_is_enabled() {
    let url =
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression";
    let form = json!({"item": [{"linkId": "a", "type": "string", "required": true, "extension": [
        {"url": url, "valueExpression": {"language": "text/fhirpath", "expression": "true"}}]}]});
    let outcome = judge("completed", &form, &json!([]));
    assert_eq!(
        (issues(&outcome), open(&outcome)),
        (nothing(), vec!["required Questionnaire.item[0]".to_owned()])
    );
}
