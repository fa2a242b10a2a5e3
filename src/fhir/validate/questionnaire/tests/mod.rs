//! Responses against forms of our own: what is found, what is let pass, what is left open.

mod answers;
mod enabling;
mod forms;
mod items;

use serde_json::{Value, json};

use super::super::{Outcome, Severity, Validator};

/// A response that contains the form that it answers.
fn response(status: &str, form: &Value, items: &Value) -> Value {
    let mut form = form.clone();
    form["resourceType"] = json!("Questionnaire");
    form["id"] = json!("f");
    form["status"] = json!("active");
    let mut response = json!({"resourceType": "QuestionnaireResponse", "status": status, "questionnaire": "#f",
        "contained": [form], "item": items});
    if items == &json!([]) {
        response.as_object_mut().unwrap().shift_remove("item");
    }
    response
}

/// Issues of the forms' rules as `rule path`, warnings with a question mark behind.
fn issues(outcome: &Outcome) -> Vec<String> {
    let own = outcome
        .issues
        .iter()
        .filter(|issue| issue.rule.starts_with("questionnaire/"));
    own.map(|issue| {
        let mark = if issue.severity == Severity::Error {
            ""
        } else {
            "?"
        };
        let rule = issue.rule.trim_start_matches("questionnaire/");
        let path = issue
            .path
            .trim_start_matches("QuestionnaireResponse")
            .trim_start_matches('.');
        format!("{rule} {path}{mark}")
            .replace(" ?", "?")
            .trim_end()
            .to_owned()
    })
    .collect()
}

fn open(outcome: &Outcome) -> Vec<String> {
    let own = outcome
        .not_checked
        .iter()
        .filter(|open| open.rule.starts_with("questionnaire/"));
    own.map(|open| {
        format!(
            "{} {}",
            open.rule.trim_start_matches("questionnaire/"),
            open.what
        )
    })
    .collect()
}

fn judge(status: &str, form: &Value, items: &Value) -> Outcome {
    Validator::built_in().validate(&response(status, form, items), &[])
}

/// What a completed response to these questions raises.
fn found(questions: Value, items: Value) -> Vec<String> {
    issues(&judge("completed", &json!({"item": questions}), &items))
}

fn core(name: &str, key: &str, value: Value) -> Value {
    json!({"url": format!("http://hl7.org/fhir/StructureDefinition/{name}"), key: value})
}

fn nothing() -> Vec<String> {
    Vec::new()
}
