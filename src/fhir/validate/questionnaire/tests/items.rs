//! Items: their places, how often they occur, what is missing.
//! Not what the answers hold.

use serde_json::json;

use super::{core, found, issues, judge, nothing};

#[test]
fn items_have_the_link_ids_and_the_places_of_the_form() {
    let questions = json!([
        {"linkId": "g", "type": "group", "item": [{"linkId": "a", "type": "string"}, {"linkId": "b", "type": "string"}]},
        {"linkId": "c", "type": "string", "item": [{"linkId": "d", "type": "string"}]}]);
    let text = |link: &str| json!({"linkId": link, "answer": [{"valueString": "x"}]});
    let both = json!([{"linkId": "g", "item": [text("a"), text("b")]},
        {"linkId": "c", "answer": [{"valueString": "x", "item": [text("d")]}]}]);
    assert_eq!(found(questions.clone(), both), nothing());
    assert_eq!(
        found(questions.clone(), json!([text("e")])),
        ["link-id item[0]"]
    );
    assert_eq!(
        found(questions.clone(), json!([text("a")])),
        ["nesting item[0]"]
    );
    let swapped = json!([text("c"), {"linkId": "g", "item": [text("b"), text("a")]}]);
    assert_eq!(
        found(questions.clone(), swapped),
        ["order item[1]?", "order item[1].item[1]?"]
    );
    let beside = json!([{"linkId": "c", "item": [text("d")]}]);
    assert_eq!(found(questions, beside), ["nesting item[0]"]);
}

#[test]
fn groups_and_texts_have_no_answers() {
    let questions = json!([{"linkId": "g", "type": "group", "item": [{"linkId": "a", "type": "string"}]},
        {"linkId": "t", "type": "display"}]);
    let answer = |link: &str| json!({"linkId": link, "answer": [{"valueString": "x"}]});
    assert_eq!(
        found(questions.clone(), json!([answer("g"), answer("t")])),
        ["answer-type item[0]", "answer-type item[1]"]
    );
    assert_eq!(found(questions, json!([{"linkId": "t"}])), nothing());
}

#[test]
fn what_is_required_is_required_of_complete_forms_only() {
    let form = json!({"item": [{"linkId": "a", "type": "string", "required": true},
        {"linkId": "g", "type": "group", "item": [{"linkId": "b", "type": "string", "required": true}]}]});
    for status in ["completed", "amended"] {
        assert_eq!(issues(&judge(status, &form, &json!([]))), ["required"]);
        assert_eq!(
            issues(&judge(status, &form, &json!([{"linkId": "a"}]))),
            ["required item[0]"]
        );
    }
    for status in ["in-progress", "stopped", "entered-in-error"] {
        assert_eq!(issues(&judge(status, &form, &json!([]))), nothing());
    }
    let excused = json!([{"linkId": "a", "extension": [{"url": "http://example.org/why", "valueString": "x"}]}]);
    assert_eq!(issues(&judge("completed", &form, &excused)), nothing());
}

#[test]
fn a_required_group_has_a_child_and_an_optional_one_may_be_skipped_with_its_questions() {
    let questions = |required: bool| {
        json!([{"linkId": "g", "type": "group", "required": required, "item": [
            {"linkId": "a", "type": "string", "required": true}, {"linkId": "b", "type": "string"}]}])
    };
    assert_eq!(found(questions(true), json!([])), ["required"]);
    assert_eq!(
        found(questions(true), json!([{"linkId": "g"}])),
        ["required item[0]"]
    );
    assert_eq!(found(questions(false), json!([{"linkId": "g"}])), nothing());
    assert_eq!(found(questions(false), json!([])), nothing());
    let without =
        json!([{"linkId": "g", "item": [{"linkId": "b", "answer": [{"valueString": "x"}]}]}]);
    assert_eq!(found(questions(false), without), ["required item[0]"]);
}

#[test]
fn a_hidden_question_is_required_like_any_other() {
    let hidden = core("questionnaire-hidden", "valueBoolean", json!(true));
    let question =
        json!({"linkId": "a", "type": "string", "required": true, "extension": [hidden]});
    assert_eq!(found(json!([question]), json!([])), ["required"]);
}

#[test]
fn only_what_repeats_may_repeat() {
    let question =
        |kind: &str, repeats: bool| json!([{"linkId": "a", "type": kind, "repeats": repeats}]);
    let twice = json!([{"linkId": "a", "answer": [{"valueString": "x"}, {"valueString": "y"}]}]);
    assert_eq!(
        found(question("string", false), twice.clone()),
        ["repeats item[0]"]
    );
    assert_eq!(found(question("string", true), twice), nothing());
    let once = json!({"linkId": "a", "answer": [{"valueString": "x"}]});
    assert_eq!(
        found(question("string", false), json!([once, once])),
        ["repeats item[1]"]
    );
    assert_eq!(
        found(question("string", true), json!([once, once])),
        ["repeats item[1]?"]
    );
    let group = |repeats: bool| json!([{"linkId": "g", "type": "group", "repeats": repeats, "item": [{"linkId": "a", "type": "string"}]}]);
    let groups = json!([{"linkId": "g", "item": [once]}, {"linkId": "g", "item": [once]}]);
    assert_eq!(found(group(false), groups.clone()), ["repeats item[1]"]);
    assert_eq!(found(group(true), groups), nothing());
}

#[test]
fn occurrences_are_counted_for_answers_and_groups() {
    let limits = json!([
        core("questionnaire-minOccurs", "valueInteger", json!(2)),
        core("questionnaire-maxOccurs", "valueInteger", json!(3))
    ]);
    let question =
        json!([{"linkId": "a", "type": "integer", "repeats": true, "extension": limits}]);
    let times =
        |count: usize| json!([{"linkId": "a", "answer": vec![json!({"valueInteger": 1}); count]}]);
    assert_eq!(found(question.clone(), times(1)), ["occurs item[0]"]);
    assert_eq!(found(question.clone(), times(3)), nothing());
    assert_eq!(found(question, times(4)), ["occurs item[0]"]);
}

#[test]
fn another_text_is_a_warning_unless_it_is_a_translation() {
    let translation = json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": [
        {"url": "lang", "valueCode": "de"}, {"url": "content", "valueString": "Gewicht"}]}]});
    let questions =
        json!([{"linkId": "a", "type": "string", "text": "Weight", "_text": translation}]);
    let shown = |text: &str| found(questions.clone(), json!([{"linkId": "a", "text": text}]));
    assert_eq!(shown("Weight "), nothing());
    assert_eq!(shown("Gewicht"), nothing());
    assert_eq!(shown("Height"), ["text item[0].text?"]);
}
