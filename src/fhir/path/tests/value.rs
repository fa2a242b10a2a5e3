//! Values: exact decimals, quantities, partial dates, truth, sets of equal items.

use serde_json::{Value, json};

use super::super::{Context, Expression};
use super::{context, eval, observation, on, parse_error, run_error, text};

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
