//! Answers: types, options, limits, units, attachments and references.
//! Not which questions are to be answered.

use serde_json::{Value, json};

use super::super::super::Validator;
use super::{core, found, issues, judge, nothing, open, response};

/// What a completed response to one question with one answer raises.
fn answered(mut question: Value, key: &str, value: Value) -> Vec<String> {
    question["linkId"] = json!("a");
    found(
        json!([question]),
        json!([{"linkId": "a", "answer": [{key: value}]}]),
    )
}

fn extended(kind: &str, extensions: Value) -> Value {
    json!({"type": kind, "extension": extensions})
}

#[test]
fn every_type_of_question_takes_its_type_of_answer() {
    let values = [
        ("boolean", "valueBoolean", json!(true)),
        ("decimal", "valueDecimal", json!(1.5)),
        ("integer", "valueInteger", json!(1)),
        ("date", "valueDate", json!("2024-01-01")),
        ("dateTime", "valueDateTime", json!("2024-01-01T10:00:00Z")),
        ("time", "valueTime", json!("10:00:00")),
        ("string", "valueString", json!("x")),
        ("text", "valueString", json!("x\ny")),
        ("url", "valueUri", json!("http://example.org")),
        ("choice", "valueCoding", json!({"code": "x"})),
        ("open-choice", "valueCoding", json!({"code": "x"})),
        ("open-choice", "valueString", json!("x")),
        ("attachment", "valueAttachment", json!({"title": "x"})),
        (
            "reference",
            "valueReference",
            json!({"reference": "Patient/1"}),
        ),
        ("quantity", "valueQuantity", json!({"value": 1})),
    ];
    for (kind, _, _) in &values {
        for (other, key, value) in &values {
            let is_own = values
                .iter()
                .any(|(own, fits, _)| own == kind && fits == key);
            let expected = if is_own {
                nothing()
            } else {
                vec!["answer-type item[0].answer[0].value".to_owned()]
            };
            assert_eq!(
                answered(json!({"type": kind}), key, value.clone()),
                expected,
                "{kind} {other}"
            );
        }
    }
}

#[test]
fn options_of_other_types_make_answers_of_other_types() {
    let question =
        json!({"type": "choice", "answerOption": [{"valueString": "x"}, {"valueInteger": 1}]});
    assert_eq!(
        answered(question.clone(), "valueString", json!("x")),
        nothing()
    );
    assert_eq!(
        answered(question.clone(), "valueString", json!("y")),
        ["answer-option item[0].answer[0].value"]
    );
    assert_eq!(
        answered(question.clone(), "valueInteger", json!(2)),
        ["answer-option item[0].answer[0].value"]
    );
    assert_eq!(
        answered(question, "valueDate", json!("2024")),
        ["answer-type item[0].answer[0].value"]
    );
}

#[test]
fn a_choice_is_one_of_the_options_and_an_open_one_may_be_text() {
    let question = |kind: &str| {
        json!({"type": kind, "answerOption": [{"valueCoding": {"system": "http://a", "code": "1"}},
            {"valueCoding": {"system": "http://a", "code": "2"}}]})
    };
    let coding =
        |system: &str, code: &str| json!({"system": system, "code": code, "display": "any"});
    let outside = ["answer-option item[0].answer[0].value"];
    for kind in ["choice", "open-choice"] {
        assert_eq!(
            answered(question(kind), "valueCoding", coding("http://a", "2")),
            nothing()
        );
        assert_eq!(
            answered(question(kind), "valueCoding", coding("http://a", "3")),
            outside
        );
        assert_eq!(
            answered(question(kind), "valueCoding", coding("http://b", "2")),
            outside
        );
    }
    assert_eq!(
        answered(question("open-choice"), "valueString", json!("other")),
        nothing()
    );
}

#[test]
fn a_code_without_a_system_is_left_open_and_one_of_no_option_is_not() {
    let form = json!({"item": [{"linkId": "a", "type": "choice",
        "answerOption": [{"valueCoding": {"system": "http://a", "code": "1"}}]}]});
    let items = |code: &str| json!([{"linkId": "a", "answer": [{"valueCoding": {"code": code}}]}]);
    let outcome = judge("completed", &form, &items("1"));
    assert_eq!(
        (issues(&outcome), open(&outcome)),
        (
            nothing(),
            vec!["answer-option Questionnaire.item[0]".to_owned()]
        )
    );
    assert_eq!(
        issues(&judge("completed", &form, &items("2"))),
        ["answer-option item[0].answer[0].value"]
    );
}

#[test]
fn an_exclusive_option_stands_alone() {
    let mark = core("questionnaire-optionExclusive", "valueBoolean", json!(true));
    let question = json!([{"linkId": "a", "type": "choice", "repeats": true, "answerOption": [
        {"valueCoding": {"code": "1"}}, {"valueCoding": {"code": "none"}, "extension": [mark]}]}]);
    let coding = |code: &str| json!({"valueCoding": {"code": code}});
    let items = |answers: Value| json!([{"linkId": "a", "answer": answers}]);
    assert_eq!(
        found(question.clone(), items(json!([coding("none")]))),
        nothing()
    );
    assert_eq!(
        found(question, items(json!([coding("1"), coding("none")]))),
        ["answer-option item[0].answer[1]"]
    );
}

#[test]
fn value_sets_are_asked_where_they_can_be_listed() {
    let question =
        |url: &str| json!({"item": [{"linkId": "a", "type": "choice", "answerValueSet": url}]});
    let coding = |system: &str, code: &str| json!([{"linkId": "a", "answer": [{"valueCoding": {"system": system, "code": code}}]}]);
    let gender = question("http://hl7.org/fhir/ValueSet/administrative-gender");
    let system = "http://hl7.org/fhir/administrative-gender";
    assert_eq!(
        issues(&judge("completed", &gender, &coding(system, "female"))),
        nothing()
    );
    assert_eq!(
        issues(&judge("completed", &gender, &coding(system, "Female"))),
        ["answer-option item[0].answer[0].value"]
    );
    let unknown = question("http://example.org/nothing");
    let outcome = judge("completed", &unknown, &coding(system, "x"));
    assert_eq!(
        (issues(&outcome), open(&outcome)),
        (
            nothing(),
            vec!["answer-option http://example.org/nothing".to_owned()]
        )
    );
}

#[test]
fn a_contained_value_set_is_used() {
    let form = json!({"item": [{"linkId": "a", "type": "choice", "answerValueSet": "#v"}]});
    let judge = |code: &str| {
        let items = json!([{"linkId": "a", "answer": [{"valueCoding": {"system": "http://a", "code": code}}]}]);
        let mut response = response("completed", &form, &items);
        let values = json!({"resourceType": "ValueSet", "id": "v", "status": "active",
            "compose": {"include": [{"system": "http://a", "concept": [{"code": "1"}]}]}});
        response["contained"].as_array_mut().unwrap().push(values);
        issues(&Validator::built_in().validate(&response, &[]))
    };
    assert_eq!(judge("1"), nothing());
    assert_eq!(judge("2"), ["answer-option item[0].answer[0].value"]);
}

#[test]
fn lengths_count_characters() {
    let limits = json!([core("minLength", "valueInteger", json!(2))]);
    let mut question = extended("string", limits);
    question["maxLength"] = json!(3);
    let limit = ["answer-limit item[0].answer[0].value"];
    assert_eq!(
        answered(question.clone(), "valueString", json!("äöü")),
        nothing()
    );
    assert_eq!(
        answered(question.clone(), "valueString", json!("äöüß")),
        limit
    );
    assert_eq!(answered(question, "valueString", json!("ä")), limit);
}

#[test]
fn values_lie_between_the_least_and_the_greatest() {
    let limit = ["answer-limit item[0].answer[0].value"];
    let number = extended(
        "decimal",
        json!([
            core("minValue", "valueDecimal", json!(1)),
            core("maxValue", "valueDecimal", json!(2.5))
        ]),
    );
    for (value, is_allowed) in [
        (json!(0.9), false),
        (json!(1.0), true),
        (json!(2.50), true),
        (json!(2.51), false),
    ] {
        let expected = if is_allowed { &[][..] } else { &limit };
        assert_eq!(answered(number.clone(), "valueDecimal", value), expected);
    }
    let month = extended(
        "dateTime",
        json!([core("maxValue", "valueDateTime", json!("2022-06"))]),
    );
    assert_eq!(
        answered(month.clone(), "valueDateTime", json!("2022-06-30")),
        nothing()
    );
    assert_eq!(
        answered(month.clone(), "valueDateTime", json!("2022-07")),
        limit
    );
    // A year may be before and after its June.
    let form =
        json!({"item": [{"linkId": "a", "type": "dateTime", "extension": month["extension"]}]});
    let outcome = judge(
        "completed",
        &form,
        &json!([{"linkId": "a", "answer": [{"valueDateTime": "2022"}]}]),
    );
    assert_eq!(
        (issues(&outcome), open(&outcome)),
        (
            nothing(),
            vec!["answer-limit Questionnaire.item[0]".to_owned()]
        )
    );
}

#[test]
fn a_limit_without_a_value_is_left_open() {
    let computed = json!({"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "_valueDate": {"extension": []}});
    let form = json!({"item": [{"linkId": "a", "type": "date", "extension": [computed]}]});
    let items = json!([{"linkId": "a", "answer": [{"valueDate": "2022-01-01"}]}]);
    let outcome = judge("completed", &form, &items);
    assert_eq!(
        (issues(&outcome), open(&outcome)),
        (
            nothing(),
            vec!["answer-limit Questionnaire.item[0]".to_owned()]
        )
    );
}

#[test]
fn decimal_places_are_counted_without_zeros_at_the_end() {
    let question = extended(
        "decimal",
        json!([core("maxDecimalPlaces", "valueInteger", json!(1))]),
    );
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(
        answered(question.clone(), "valueDecimal", number("1.50")),
        nothing()
    );
    assert_eq!(
        answered(question, "valueDecimal", number("1.51")),
        ["answer-limit item[0].answer[0].value"]
    );
}

#[test]
fn a_regular_expression_covers_the_whole_text_and_a_foreign_one_is_left_open() {
    let question = |pattern: &str| {
        extended(
            "string",
            json!([core("regex", "valueString", json!(pattern))]),
        )
    };
    assert_eq!(
        answered(question("[a-z]+"), "valueString", json!("abc")),
        nothing()
    );
    assert_eq!(
        answered(question("[a-z]+"), "valueString", json!("abc1")),
        ["answer-limit item[0].answer[0].value"]
    );
    assert_eq!(
        answered(question("(?=a).*"), "valueString", json!("b")),
        nothing()
    );
}

#[test]
fn a_unit_is_one_of_those_offered() {
    let offered = |code: &str| {
        core(
            "questionnaire-unitOption",
            "valueCoding",
            json!({"system": "http://unitsofmeasure.org", "code": code}),
        )
    };
    let question = extended("quantity", json!([offered("kg"), offered("g")]));
    let quantity =
        |code: &str| json!({"value": 1, "system": "http://unitsofmeasure.org", "code": code});
    assert_eq!(
        answered(question.clone(), "valueQuantity", quantity("g")),
        nothing()
    );
    assert_eq!(
        answered(question.clone(), "valueQuantity", quantity("mg")),
        ["answer-unit item[0].answer[0].value"]
    );
    assert_eq!(
        answered(
            question.clone(),
            "valueQuantity",
            json!({"value": 1, "unit": "kg"})
        ),
        nothing()
    );
    assert_eq!(
        answered(
            question,
            "valueQuantity",
            json!({"value": 1, "unit": "Kilogramm"})
        ),
        nothing()
    );
}

#[test]
fn attachments_have_an_allowed_kind_and_size() {
    let question = extended(
        "attachment",
        json!([
            core("mimeType", "valueCode", json!("image/*")),
            core("maxSize", "valueDecimal", json!(3))
        ]),
    );
    let attachment = |kind: &str, data: &str| json!({"contentType": kind, "data": data});
    let content = ["answer-content item[0].answer[0].value"];
    assert_eq!(
        answered(
            question.clone(),
            "valueAttachment",
            attachment("image/png", "YWJj")
        ),
        nothing()
    );
    assert_eq!(
        answered(
            question.clone(),
            "valueAttachment",
            attachment("text/plain; charset=utf-8", "YWJj")
        ),
        content
    );
    assert_eq!(
        answered(
            question,
            "valueAttachment",
            attachment("image/png", "YWJjZA==")
        ),
        content
    );
}

#[test]
fn a_reference_has_an_allowed_type_of_target() {
    let question = extended(
        "reference",
        json!([core(
            "questionnaire-referenceResource",
            "valueCode",
            json!("Patient")
        )]),
    );
    let targets = |reference: &str| {
        let mut question = question.clone();
        question["linkId"] = json!("a");
        let items =
            json!([{"linkId": "a", "answer": [{"valueReference": {"reference": reference}}]}]);
        let outcome = judge("completed", &json!({"item": [question]}), &items);
        outcome
            .errors()
            .filter(|issue| issue.rule == "reference/target")
            .count()
    };
    assert_eq!(
        (
            targets("Patient/1"),
            targets("Organization/1"),
            targets("urn:oid:1.2")
        ),
        (0, 1, 0)
    );
}
