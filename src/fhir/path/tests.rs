//! Tests of the engine as a whole; each asks for what the specification says.

use serde_json::{Value, json};

use super::{
    Alone, Computed, Context, Environment, Expression, Focus, Item, PathError, Plan, Reason,
};
use crate::fhir::definitions;

fn context(resource: &Value) -> Context<'_> {
    Context {
        resource,
        variables: &[],
        now: "2026-11-20T10:11:12.345Z".parse().unwrap(),
    }
}

fn observation() -> Value {
    serde_json::from_str(
        r##"{
            "resourceType": "Observation",
            "status": "final",
            "subject": {"reference": "Patient/1"},
            "hasMember": [
                {"reference": "#c"},
                {"reference": "http://example.org/fhir/Observation/2/_history/3"},
                {"type": "MolecularSequence", "identifier": {"value": "s"}},
                {"display": "unknown"}
            ],
            "contained": [{"resourceType": "QuestionnaireResponse", "id": "c", "status": "completed"}],
            "effectiveDateTime": "2015-02-07T13:28:17-05:00",
            "_status": {"extension": [{"url": "http://example.org/why", "valueCode": "x"}]},
            "valueQuantity": {"value": 6.30, "unit": "mmol/l", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
            "component": [
                {"code": {"text": "a"}, "valueQuantity": {"value": 1.2E+2, "unit": "x"}},
                {"code": {"text": "b"}, "valueString": "text"},
                {"code": {"text": "c"}, "valueInteger": 7}
            ]
        }"##,
    )
    .unwrap()
}

/// The result as JSON.
fn on(resource: &Value, expression: &str) -> Value {
    let expression = Expression::parse(expression).unwrap();
    let items = expression.evaluate(&context(resource)).unwrap();
    items.iter().map(Item::to_json).collect()
}

fn eval(expression: &str) -> Value {
    on(&observation(), expression)
}

fn parse_error(expression: &str) -> PathError {
    Expression::parse(expression).unwrap_err()
}

fn run_error(expression: &str) -> PathError {
    let resource = observation();
    Expression::parse(expression)
        .unwrap()
        .evaluate(&context(&resource))
        .unwrap_err()
}

fn text(value: &Value) -> String {
    value.to_string()
}

#[test]
fn decimals_are_exact() {
    assert_eq!(eval("Observation.value.value = 6.3"), json!([true]));
    assert_eq!(eval("Observation.value.value >= 6.3"), json!([true]));
    assert_eq!(eval("Observation.value = 6.3 'mmol/L'"), json!([true]));
    assert_eq!(eval("Observation.value > 6.2 'mmol/L'"), json!([true]));
    assert_eq!(eval("0.1 + 0.2 = 0.3"), json!([true]));
    assert_eq!(text(&eval("Observation.value.value")), "[6.30]");
    assert_eq!(text(&eval("Observation.value.value + 0")), "[6.30]");
    assert_eq!(eval("Observation.value.value.toString()"), json!(["6.30"]));
    assert_eq!(eval("Observation.value.value.precision()"), json!([2]));
    assert_eq!(
        eval("Observation.component[0].value.value = 120"),
        json!([true])
    );
    assert_eq!(text(&eval("2.sqrt()")), "[1.4142135623730950488016887242]");
    assert_eq!(text(&eval("1.1.power(3)")), "[1.331]");
}

#[test]
fn numbers_beyond_exact_decimals_are_no_numbers() {
    let resource: Value = serde_json::from_str(
        r#"{"resourceType": "Basic", "a": 1234567890123456789012345678901234567890}"#,
    )
    .unwrap();
    assert_eq!(on(&resource, "a = a"), json!([true]));
    let expression = Expression::parse("a > 1").unwrap();
    assert!(expression.evaluate(&context(&resource)).is_err());
    assert_eq!(
        parse_error("1 = 1234567890123456789012345678901234567890").position,
        4
    );
}

#[test]
fn other_units_are_left_open() {
    assert_eq!(eval("Observation.value = 6.3 'mg/dL'"), json!([]));
    assert_eq!(eval("Observation.value > 6.3 'mg/dL'"), json!([]));
    assert_eq!(
        eval("7 days = 1 week and 90 'min' = 1.5 hours"),
        json!([true])
    );
    assert_eq!(eval("1 year = 12 months"), json!([true]));
    assert_eq!(eval("1 year = 1 'a'"), json!([]));
}

#[test]
fn choice_elements_go_by_their_name() {
    assert_eq!(eval("Observation.value.code"), json!(["mmol/L"]));
    assert_eq!(eval("component.value.ofType(string)"), json!(["text"]));
    assert_eq!(eval("component.value.ofType(integer) + 1"), json!([8]));
    assert_eq!(
        eval("(Observation.component.value as Quantity).unit"),
        json!(["x"])
    );
    assert_eq!(
        eval("component.where(value is Quantity).code.text"),
        json!(["a"])
    );
    assert_eq!(
        eval("Observation.value is Quantity and Observation.value is Element"),
        json!([true])
    );
}

#[test]
fn items_know_their_types() {
    let resource = observation();
    let types = |text: &str| -> Vec<&'static str> {
        let expression = Expression::parse(text).unwrap();
        let items = expression.evaluate(&context(&resource)).unwrap();
        let type_name = |item: &Item<'_>| match item {
            Item::Node { type_name, .. } => *type_name,
            Item::Computed(_) => "computed",
        };
        items.iter().map(type_name).collect()
    };
    assert_eq!(
        types("Observation | status | subject | component.first()"),
        ["Observation", "code", "Reference", "Observation.component"]
    );
    assert_eq!(
        types("contained | contained.status"),
        ["QuestionnaireResponse", "code"]
    );
    assert_eq!(types("component.value"), ["Quantity", "string", "integer"]);
    assert_eq!(
        types("children().where($this is Quantity).value"),
        ["decimal"]
    );
    assert_eq!(types("status.extension.value"), ["code"]);
}

#[test]
fn primitives_have_extensions_and_may_have_nothing_else() {
    assert_eq!(
        eval("status.extension('http://example.org/why').value"),
        json!(["x"])
    );
    let resource = json!({
        "resourceType": "Patient",
        "name": [{"given": [null, "B"], "_given": [{"extension": [{"url": "u", "valueString": "v"}]}]}],
        "_birthDate": {"extension": [{"url": "u", "valueString": "w"}]}
    });
    assert_eq!(on(&resource, "Patient.name.given.count()"), json!([2]));
    assert_eq!(
        on(&resource, "Patient.name.given.hasValue()"),
        json!([false])
    );
    assert_eq!(
        on(&resource, "Patient.name.given.where(hasValue())"),
        json!(["B"])
    );
    assert_eq!(
        on(
            &resource,
            "birthDate.exists() and birthDate.hasValue().not()"
        ),
        json!([true])
    );
    assert_eq!(on(&resource, "birthDate.extension.value"), json!(["w"]));
    assert_eq!(on(&resource, "birthDate < today()"), json!([]));
    assert_eq!(
        on(&resource, "descendants().ofType(string)"),
        json!([null, "v", "B", "w"])
    );
}

#[test]
fn sets_are_sets_of_equal_items() {
    assert_eq!(eval("('a' | 'b' | 'a').count()"), json!([2]));
    assert_eq!(eval("(1 | 1.0 | '1').count()"), json!([2]));
    assert_eq!(eval("(@2015 | @2015-01 | @2015).count()"), json!([2]));
    assert_eq!(
        eval("component.code.text.combine('a').distinct()"),
        json!(["a", "b", "c"])
    );
    assert_eq!(
        eval("component.value.unit | component.code.text | 'x'"),
        json!(["x", "a", "b", "c"])
    );
    assert_eq!(
        eval("component.intersect(component.skip(1)).code.text"),
        json!(["b", "c"])
    );
    let entries: Vec<Value> = (0..20_000)
        .map(|id| json!({"resource": {"resourceType": "Basic", "id": id.to_string()}}))
        .collect();
    let bundle = json!({"resourceType": "Bundle", "entry": entries});
    assert_eq!(
        on(
            &bundle,
            "Bundle.entry.resource.id.select('x' + $this).isDistinct()"
        ),
        json!([true])
    );
}

#[test]
fn references_resolve_as_far_as_search_needs() {
    assert_eq!(
        eval("Observation.subject.where(resolve() is Patient).reference"),
        json!(["Patient/1"])
    );
    assert_eq!(
        eval("Observation.subject.where(resolve() is Group)"),
        json!([])
    );
    assert_eq!(eval("hasMember.resolve().count()"), json!([3]));
    assert_eq!(eval("hasMember.resolve().status"), json!(["completed"]));
    assert_eq!(
        eval("hasMember.where(resolve() is Observation).count()"),
        json!([1])
    );
    assert_eq!(
        eval("hasMember.where(resolve() is MolecularSequence).identifier.value"),
        json!(["s"])
    );
}

#[test]
fn partial_dates_leave_comparisons_open() {
    assert_eq!(eval("effective > @2015-02-07"), json!([]));
    assert_eq!(eval("effective > @2015-02-05"), json!([true]));
    assert_eq!(eval("effective = @2015-02-07T18:28:17Z"), json!([true]));
    assert_eq!(
        eval("effective.toString()"),
        json!(["2015-02-07T13:28:17-05:00"])
    );
    assert_eq!(eval("@2015 < @2015-02"), json!([]));
    assert_eq!(eval("@2016-02-29 + 1 year"), json!(["2017-02-28"]));
    assert_eq!(eval("@2015 + 24 months"), json!(["2017"]));
    assert_eq!(eval("@T23:30 + 45 minutes"), json!(["00:15"]));
    assert_eq!(eval("now()"), json!(["2026-11-20T10:11:12.345Z"]));
    assert_eq!(eval("today() - 20 days"), json!(["2026-10-31"]));
    assert_eq!(eval("@9999-12-31 + 1 day"), json!([]));
    assert_eq!(
        eval("@2015 + 79228162514264337593543950335 days"),
        json!([])
    );
    assert_eq!(eval("@T10:00:00 + 1 year"), json!(["10:00:00"]));
    assert_eq!(
        eval("@T10:00:00 - 79228162514264337593543950335 seconds"),
        json!([])
    );
}

#[test]
fn a_date_in_the_resource_meets_texts() {
    assert_eq!(eval("effective < '2015-02-09'"), json!([true]));
    assert_eq!(eval("effective < '2015-02-07'"), json!([]));
    assert_eq!(run_error("effective < 'soon'").position, 10);
    assert_eq!(run_error("@2015 < '2016'").position, 6);
    assert_eq!(
        eval("effective = '2015-02-07T13:28:17-05:00'"),
        json!([true])
    );
    assert_eq!(eval("effective = '2015-02-07'"), json!([false]));
}

#[test]
fn logic_has_three_values() {
    assert_eq!(eval("{} and false"), json!([false]));
    assert_eq!(eval("({} and true).empty()"), json!([true]));
    assert_eq!(eval("{} or true"), json!([true]));
    assert_eq!(eval("({} implies false).empty()"), json!([true]));
    assert_eq!(eval("({} xor true).empty()"), json!([true]));
    assert_eq!(eval("status and true"), json!([true]));
}

#[test]
fn a_test_is_a_singleton_evaluation() {
    let resource = observation();
    let test = |text: &str| Expression::parse(text).unwrap().test(&context(&resource));
    assert_eq!(test("{}"), Ok(false));
    assert_eq!(test("status"), Ok(true));
    assert_eq!(test("status = 'draft'"), Ok(false));
    assert!(test("component").is_err());
}

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
fn an_id_of_four_digits_in_a_variable_is_no_year() {
    let resource = json!({ "resourceType": "Patient", "id": "1010", "birthDate": "1010" });
    let picked = json!({ "id": "1010", "other": "1011" });
    let with_variables = Context {
        variables: &[("x", &picked)],
        ..context(&resource)
    };
    let test = |text: &str| Expression::parse(text).unwrap().test(&with_variables);
    assert_eq!(test("id = %x.id"), Ok(true));
    assert_eq!(test("%x.id = id"), Ok(true));
    assert_eq!(test("id = %x.other"), Ok(false));
    assert_eq!(test("birthDate = %x.id"), Ok(true));
}

#[test]
fn components_are_evaluated_from_their_parent() {
    let resource = observation();
    let context = context(&resource);
    let components = Expression::parse("Observation.component")
        .unwrap()
        .evaluate(&context)
        .unwrap();
    let value = Expression::parse("value.as(Quantity) | %resource.status").unwrap();
    let items = value.evaluate_from(&context, &components[0]).unwrap();
    assert_eq!(items.len(), 2);
    assert!(matches!(
        items[0],
        Item::Node {
            type_name: "Quantity",
            ..
        }
    ));
    let number = Item::Computed(Computed::Integer(2));
    let doubled = Expression::parse("$this * 2")
        .unwrap()
        .evaluate_from(&context, &number)
        .unwrap();
    assert_eq!(doubled[0].to_json(), json!(4));
}

#[test]
fn what_is_beyond_the_engine_is_an_error_with_its_place() {
    let place = |text: &str| {
        let error = parse_error(text);
        (error.position, error.message)
    };
    assert_eq!(
        place("name.frobnicate()"),
        (5, "unknown function `frobnicate`".into())
    );
    assert_eq!(place("value is Foo"), (9, "unknown type `Foo`".into()));
    assert_eq!(place("Foo.bar"), (0, "unknown type `Foo`".into()));
    assert_eq!(place("a.matches('(?=x)')").0, 10);
    assert_eq!(place("a.where()"), (2, "`where` takes 1 arguments".into()));
    assert_eq!(place("a = ").0, 4);
    assert_eq!(place("a b").0, 2);
    assert_eq!(place("'a").0, 0);
    assert_eq!(place("'\\q'").0, 1);
    assert_eq!(place("@2015-13").0, 0);
    assert_eq!(place("and b").0, 0);
    assert_eq!(place("a # b").0, 2);
    assert_eq!(place("$that").0, 0);
    assert_eq!(place("").0, 0);
}

#[test]
fn elements_that_cannot_exist_are_found_when_parsing() {
    let message = |text: &str| parse_error(text).message;
    assert_eq!(
        message("Observation.valueQuantity.unit"),
        "Observation has no element `valueQuantity`; choice elements go by `value`"
    );
    assert_eq!(message("Patient.nmae"), "Patient has no element `nmae`");
    assert_eq!(parse_error("Patient.name.where(famly = 'x')").position, 19);
    assert_eq!(
        message("(Observation.value as Quantity).start"),
        "Quantity has no element `start`"
    );
    assert!(Expression::parse_for("Patient", "name.given1").is_err());
    assert!(Expression::parse_for("Patient", "Encounter.status").is_err());
    for fine in [
        "Bundle.entry.resource.name",
        "Patient.contained.anything",
        "Resource.id",
        "Observation.value.unit",
        "Patient.birthDate.extension.value.unit",
        "Patient.name.given.id",
        "Questionnaire.item.item.item.linkId",
        "Patient.name.select(given | family)",
        "(Patient.name | Patient.contact.name).family",
        "Patient.descendants().code",
        "Patient.name.iif(use = 'x', family, text)",
    ] {
        assert!(
            Expression::parse(fine).is_ok(),
            "{fine}: {:?}",
            Expression::parse(fine)
        );
    }
    assert!(
        Expression::parse_for("Patient", "Resource.id | DomainResource.text | name.family").is_ok()
    );
}

#[test]
fn errors_while_evaluating_have_a_place() {
    assert_eq!(run_error("status + 1").position, 7);
    assert_eq!(run_error("true and component.single()").position, 19);
    assert_eq!(run_error("component.value < 'x'").position, 16);
    assert_eq!(run_error("$index").position, 0);
    assert_eq!(run_error("component.value.as(Quantity)").position, 16);
}

#[test]
fn nesting_and_work_have_limits() {
    let deep = format!("{}1{}", "(".repeat(1000), ")".repeat(1000));
    assert!(parse_error(&deep).message.contains("nesting"));
    assert!(
        parse_error(&"-".repeat(100_000))
            .message
            .contains("nesting")
    );
    let nested = format!("{}1{}", "iif(true, (".repeat(31), "))".repeat(31));
    assert_eq!(eval(&nested), json!([1]));
    let long = vec!["1"; 5000].join(" + ");
    assert_eq!(eval(&long), json!([5000]));
    let long = format!("Observation{}", ".where(true)".repeat(5000));
    assert_eq!(eval(&format!("{long}.status")), json!(["final"]));
    for endless in [
        "1.repeat($this + 1)",
        "descendants().aggregate($total & $total, 'x')",
        "descendants().aggregate($total.replace('x', 'xxxx'), 'x')",
    ] {
        assert!(run_error(endless).message.contains("steps"), "{endless}");
    }
}

#[test]
fn expressions_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Expression>();
}

#[test]
fn every_search_parameter_of_r4_parses_for_its_type() {
    let mut count = 0;
    for name in definitions::resource_types() {
        for parameter in definitions::search_parameters(name) {
            if parameter.expression.is_empty() {
                continue;
            }
            count += 1;
            let parsed = Expression::parse_for(name, &parameter.expression);
            assert!(
                parsed.is_ok(),
                "{name} {}: {} {parsed:?}",
                parameter.code,
                parameter.expression
            );
            for (_, component) in &parameter.components {
                assert!(
                    Expression::parse(component).is_ok(),
                    "{name} {}: {component}",
                    parameter.code
                );
            }
        }
    }
    assert!(count > 1400, "{count}");
}

/// Answers one of each question.
struct Known(Value);

impl Environment for Known {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        (reference == "Patient/1").then_some(&self.0)
    }

    fn member_of(&self, item: &Item<'_>, value_set: &str) -> Option<bool> {
        (value_set == "v").then(|| item.to_json() == "final")
    }

    fn conforms_to(&self, item: &Item<'_>, profile: &str) -> Option<bool> {
        (profile == "p").then(|| item.to_json()["resourceType"] == "Patient")
    }

    fn html_checks(&self, div: &str) -> Option<bool> {
        Some(div == "final")
    }

    fn step_limit(&self) -> usize {
        1000
    }
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

#[test]
fn no_text_makes_the_engine_panic() {
    let resource = observation();
    let pieces = [
        "status",
        ".",
        "(",
        ")",
        "[",
        "]",
        "{}",
        "'",
        "'a'",
        "`b`",
        "@2015",
        "@T10",
        "1",
        "1.5",
        "-",
        "+",
        "*",
        "/",
        " div ",
        " mod ",
        "%resource",
        "%",
        "$this",
        "$total",
        "=",
        "~",
        "<=",
        "|",
        "&",
        " is ",
        " as ",
        "Quantity",
        "where(",
        "matches(",
        "substring(",
        "repeat(",
        "resolve()",
        "lowBoundary(",
        "highBoundary()",
        "1 'mg'",
        "2 days",
        "toQuantity()",
        "descendants()",
        ",",
        " and ",
        " implies ",
        "\\u12",
        "é",
        "component",
        "value",
        "round(",
        "power(",
        "9223372036854775807",
        "79228162514264337593543950335",
        "iif(",
        "split(",
        "sort(",
        "decode('hex')",
    ];
    // A fixed linear congruence: the same texts in every run.
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..(state >> 33) % 12 + 1 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        if let Ok(plan) = Plan::compile(&text) {
            let _ = plan.evaluate(&Focus::resource(&resource), &Known(json!({})));
        }
    }
}

#[test]
fn quantities_convert_exactly_or_stay_open() {
    for truth in [
        "1 'g' = 1000 'mg'",
        "0.1 'g' + 0.2 'g' = 300 'mg'",
        "5.4 'mmol/L' = 5400 'umol/L'",
        "90 'mg/dL' = 0.9 'g/L'",
        "1 '[lb_av]' = 453.59237 'g'",
        "120 'mm[Hg]' > 15.9 'kPa' and 120 'mm[Hg]' < 16 'kPa'",
        "1 'kg' ~ 1040 'g' and 1.5 'kg' !~ 1560 'g'",
        "1 'mg'.comparable(1 'kg') and 1 'mg'.comparable(1 'mL').not()",
        "(1 'g' = 1 'mL').empty()",
        "(1 'mmol/L' = 18 'mg/dL').empty()",
        "185.100.toString() = '185.100' and 185.100.precision() = 3",
        "component[0].value.value = 120 and 6.3 = 6.30",
    ] {
        assert_eq!(eval(truth), json!([true]), "{truth}");
    }
}
