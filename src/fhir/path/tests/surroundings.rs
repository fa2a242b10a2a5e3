//! What an expression is given from outside: variables, an environment, a focus; and its use by several threads.

use serde_json::{Value, json};

use super::super::{Alone, Context, Expression, Focus, Item, Plan, Reason};
use super::{Known, context, observation, run_error};

#[test]
fn variables_are_those_of_the_context() {
    let resource = observation();
    let (limit, list) = (json!(6.3), json!(["a", "final"]));
    let with_variables = Context {
        variables: &[("limit", &limit), ("my-list", &list)],
        ..context(&resource)
    };
    let run = |text: &str| -> Value {
        let expression = Expression::parse(text).unwrap();
        expression
            .evaluate(&with_variables)
            .unwrap()
            .iter()
            .map(Item::to_json)
            .collect()
    };
    assert_eq!(run("Observation.value.value >= %limit"), json!([true]));
    assert_eq!(run("status in %`my-list`"), json!([true]));
    assert_eq!(run("%resource.status = %context.status"), json!([true]));
    assert_eq!(run_error("%limits").position, 0);
}

#[test]
fn expressions_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Expression>();
}

#[test]
fn an_environment_answers_what_it_knows_and_the_rest_is_an_error() {
    let resource = observation();
    let known = Known(json!({"resourceType": "Patient", "active": true}));
    let truth = |text: &str| {
        let plan = Plan::compile(text).unwrap();
        plan.truth(&Focus::resource(&resource), &known)
    };
    assert_eq!(truth("subject.resolve().active"), Ok(Some(true)));
    assert_eq!(truth("subject.resolve().conformsTo('p')"), Ok(Some(true)));
    assert_eq!(truth("%resource.conformsTo('p')"), Ok(Some(false)));
    assert_eq!(truth("status.memberOf('v')"), Ok(Some(true)));
    assert_eq!(truth("status.htmlChecks()"), Ok(Some(true)));
    assert_eq!(truth("identifier.memberOf('v')"), Ok(None));
    let unanswered = truth("status.memberOf('w')").unwrap_err();
    assert_eq!(unanswered.reason, Reason::NotEvaluated);
    assert_eq!(unanswered.position, 7);
    assert_eq!(
        truth("now() > @2015").unwrap_err().reason,
        Reason::NotEvaluated
    );
    let endless = truth("1.repeat($this + 1).exists()").unwrap_err();
    assert_eq!(endless.reason, Reason::Limit);
    let several = truth("component").unwrap_err();
    assert_eq!(several.reason, Reason::Evaluation);
    assert_eq!(Plan::compile("a b").unwrap_err().reason, Reason::Syntax);
}

#[test]
fn a_plan_runs_on_an_element_with_its_type_and_its_resources() {
    let root = observation();
    let contained = &root["contained"][0];
    let truth = |text: &str, focus: &Focus<'_>| Plan::compile(text).unwrap().truth(focus, &Alone);
    let component = Focus::on(&root["component"][0], "Observation.component", &root);
    assert_eq!(truth("value is Quantity", &component), Ok(Some(true)));
    assert_eq!(
        truth("%context.code.text = 'a'", &component),
        Ok(Some(true))
    );
    assert_eq!(
        truth("%resource.status = 'final'", &component),
        Ok(Some(true))
    );
    assert_eq!(
        truth("$this is BackboneElement", &component),
        Ok(Some(true))
    );
    let inner = Focus {
        root: &root,
        ..Focus::resource(contained)
    };
    assert_eq!(
        truth("%rootResource is Observation", &inner),
        Ok(Some(true))
    );
    assert_eq!(truth("'#c'.resolve() = %resource", &inner), Ok(Some(true)));
    let status = Focus {
        sibling: root.get("_status"),
        ..Focus::on(&root["status"], "code", &root)
    };
    // ele-1
    let ele_1 = "hasValue() or (children().count() > id.count())";
    assert_eq!(truth(ele_1, &status), Ok(Some(true)));
    assert_eq!(truth("extension.value = 'x'", &status), Ok(Some(true)));
    assert_eq!(truth("$this is string", &status), Ok(Some(true)));
    assert!(Plan::compile_for("Observation.component", "valueQuantity").is_err());
}
