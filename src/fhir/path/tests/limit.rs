//! What is refused: errors with their place, limits on nesting and work, texts that are no expressions.

use serde_json::json;

use super::super::{Focus, Plan};
use super::{Known, eval, observation, parse_error, run_error};

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
