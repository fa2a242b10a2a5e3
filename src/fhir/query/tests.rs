//! Tests of the grammar.

use super::*;

#[test]
fn escapes_survive_splitting_and_vanish_once() {
    assert_eq!(split_escaped(r"a\,b,c", ','), [r"a\,b", "c"]);
    assert_eq!(split_escaped(r"a\\,b", ','), [r"a\\", "b"]);
    assert_eq!(unescape(r"a\,b\\c"), r"a,b\c");
    assert_eq!(unescape(&escape(r"x|y$z,\")), r"x|y$z,\");
}

#[test]
fn pairs_survive_percent_encoding() {
    let pairs = vec![
        ("name:exact".to_owned(), "Müller & Söhne+x=1".to_owned()),
        ("code".to_owned(), "http://loinc.org|1234-5".to_owned()),
    ];
    let encoded = encode_pairs(&pairs);
    assert!(encoded.ends_with("code=http://loinc.org%7C1234-5"));
    assert_eq!(decode_pairs(&encoded), pairs);
    assert_eq!(
        decode_pairs("a=x+y&&b"),
        [
            ("a".to_owned(), "x y".to_owned()),
            ("b".to_owned(), String::new())
        ]
    );
}

#[test]
fn tokens_have_a_system_or_none_or_any() {
    let token = |text: &str| TokenValue::parse(text).map(|token| (token.system, token.code));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(token("male"), Ok((None, some("male"))));
    assert_eq!(token("http://s|c"), Ok((some("http://s"), some("c"))));
    assert_eq!(token("|c"), Ok((some(""), some("c"))));
    assert_eq!(token("http://s|"), Ok((some("http://s"), None)));
    assert_eq!(token(r"a\|b"), Ok((None, some("a|b"))));
    assert!(token("|").is_err());
    assert!(token("a|b|c").is_err());
}

#[test]
fn quantities_have_one_or_three_parts() {
    let quantity = QuantityValue::parse("le5.40e-3|http://unitsofmeasure.org|g").unwrap();
    assert_eq!(quantity.prefix, Prefix::Le);
    assert_eq!(quantity.number, "5.40e-3");
    assert_eq!(quantity.code.as_deref(), Some("g"));
    let any_system = QuantityValue::parse("5.4||mg").unwrap();
    assert_eq!(any_system.system, None);
    assert!(QuantityValue::parse("5.4|mg").is_err());
    assert!(QuantityValue::parse("xx5.4").is_err());
    assert!(QuantityValue::parse(".5").is_err());
}

#[test]
fn dates_have_any_precision_but_must_exist() {
    for good in [
        "2013",
        "ge2013-01",
        "ne2013-01-14",
        "2012-02-29",
        "2013-01-14T10:00",
        "2013-01-14T10:00:00.123+14:00",
        "sa2013-01-14T10:00Z",
    ] {
        assert!(DateValue::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "2013-02-29",
        "2013-13",
        "13",
        "0000",
        "2013-01-14T10",
        "2013-01T10:00",
        "2013-01-14T25:00",
        "2013-01-14T10:00 02:00",
        "2013-01-14T10:00+15:00",
        "xx2013",
        "2013-1-1",
        "2013-01-14T10:00:00.",
    ] {
        assert!(DateValue::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn references_have_three_forms() {
    assert_eq!(
        ReferenceValue::parse("23"),
        Ok(ReferenceValue::Id("23".to_owned()))
    );
    assert_eq!(
        ReferenceValue::parse("Patient/23/_history/2"),
        Ok(ReferenceValue::Relative {
            resource_type: "Patient".to_owned(),
            id: "23".to_owned(),
            version: Some("2".to_owned())
        })
    );
    assert_eq!(
        ReferenceValue::parse("https://h/Patient/23"),
        Ok(ReferenceValue::Absolute("https://h/Patient/23".to_owned()))
    );
    assert!(ReferenceValue::parse("Patient/").is_err());
    assert!(ReferenceValue::parse("a b").is_err());
}

fn refusal(url: &str) -> String {
    match Query::parse_url(url) {
        Ok(query) => panic!("{url} was read as {query:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_query_has_criteria_shape_and_unknown_parameters() {
    let query = Query::parse_url(
        "https://h.example/fhir/Patient?family:exact=M%C3%BCller&gender=male,female&_count=5\
         &_sort=-birthdate,family&_include=Patient:organization&_revinclude:iterate=Observation:subject:Patient&colour=red",
    )
    .unwrap();
    assert_eq!(query.resource_type.as_deref(), Some("Patient"));
    assert_eq!(query.criteria.len(), 2);
    assert_eq!(query.criteria[0].modifier, Some(Modifier::Exact));
    assert_eq!(query.criteria[0].values, ["Müller"]);
    assert_eq!(query.criteria[1].values, ["male", "female"]);
    assert_eq!(query.shape.count, Some(5));
    assert_eq!(
        query.shape.sort,
        [("birthdate".to_owned(), true), ("family".to_owned(), false)]
    );
    assert_eq!(query.shape.include[0].parameter, "organization");
    assert!(query.shape.revinclude[0].iterate);
    assert_eq!(query.shape.revinclude[0].target.as_deref(), Some("Patient"));
    assert_eq!(query.unknown, [("colour".to_owned(), "red".to_owned())]);
}

#[test]
fn structure_keeps_its_escapes_and_text_loses_them() {
    let text = Query::parse_url(r"Patient?family=a\,b").unwrap();
    assert_eq!(text.criteria[0].values, ["a,b"]);
    let token = Query::parse_url(r"Condition?code=s|a\|b,c").unwrap();
    assert_eq!(token.criteria[0].values, [r"s|a\|b", "c"]);
}

#[test]
fn a_chain_has_a_branch_for_each_type_that_has_the_parameter() {
    let typed = Query::parse_url("Observation?subject:Patient.name:exact=Eve").unwrap();
    let Subject::Chain {
        reference,
        target,
        branches,
    } = &typed.criteria[0].subject
    else {
        panic!("no chain: {typed:?}");
    };
    assert_eq!(
        (reference.code.as_str(), target.as_deref()),
        ("subject", Some("Patient"))
    );
    assert_eq!(branches.len(), 1);
    assert_eq!(branches[0].1.modifier, Some(Modifier::Exact));
    let untyped = Query::parse_url("Observation?subject.name=Eve").unwrap();
    let Subject::Chain { branches, .. } = &untyped.criteria[0].subject else {
        panic!("no chain: {untyped:?}");
    };
    let types: Vec<&str> = branches.iter().map(|(name, _)| name.as_str()).collect();
    assert!(types.contains(&"Patient") && types.contains(&"Location") && !types.contains(&"Group"));
    let deep = Query::parse_url("Observation?patient.organization.name=x").unwrap();
    let Subject::Chain { branches, .. } = &deep.criteria[0].subject else {
        panic!("no chain: {deep:?}");
    };
    assert!(matches!(branches[0].1.subject, Subject::Chain { .. }));
}

#[test]
fn has_may_be_nested_and_end_in_a_modifier() {
    let query = Query::parse_url(
        "Organization?_has:Patient:organization:_has:Observation:patient:code:not=A",
    )
    .unwrap();
    let Subject::Has {
        resource_type,
        rest,
        ..
    } = &query.criteria[0].subject
    else {
        panic!("no _has: {query:?}");
    };
    assert_eq!(resource_type, "Patient");
    let Subject::Has { rest, .. } = &rest.subject else {
        panic!("not nested: {rest:?}");
    };
    assert_eq!(rest.modifier, Some(Modifier::Not));
    assert_eq!(rest.values, ["A"]);
}

#[test]
fn a_whole_system_search_knows_the_parameters_of_every_type_only() {
    let query = Query::parse_url("?_type=Patient,Observation&_tag=a&family=x").unwrap();
    assert_eq!(query.resource_type, None);
    assert_eq!(query.shape.types, ["Patient", "Observation"]);
    assert_eq!(query.criteria.len(), 1);
    assert_eq!(query.unknown.len(), 1);
}

#[test]
fn what_breaks_the_grammar_is_refused_with_the_parameter() {
    for bad in [
        "Patient?birthdate=2013-02-30",
        "Patient?birthdate=xx2013",
        "Patient?birthdate:exact=2013",
        "Patient?gender:exact=male",
        "Patient?family:not=x",
        "Patient?family:nonsense=x",
        "Patient?family:missing=maybe",
        "Patient?family=",
        "Patient?family=a,,b",
        r"Patient?family=a\b",
        r"Patient?family=a\",
        "Patient?_count=many",
        "Patient?_count=-1",
        "Patient?_total=some",
        "Patient?_summary=all",
        "Patient?_include=Patient",
        "Patient?_include=Nothing:subject",
        "Patient?_include:again=Patient:organization",
        "Patient?_type=Nothing",
        "Patient?family.given=x",
        "Patient?_has:Observation:code:status=final",
        "Patient?_has:Nothing:patient:code=x",
        "Patient?_has:Observation=x",
        "Observation?subject:Practitioner=1",
        "Observation?subject=patient/2",
        "Observation?subject:Patient.birthdate=never",
        "Observation?value-quantity=5|mg",
        "Observation?value-quantity=much",
        "Observation?code-value-quantity=a",
        "Observation?code-value-quantity=a$b",
        "Observation?code-value-quantity:missing=true",
        "Patient?identifier:of-type=a|b",
        "RiskAssessment?probability=half",
    ] {
        let (_, name) = bad.split_once('?').unwrap();
        let (name, _) = name.split_once('=').unwrap();
        assert!(refusal(bad).contains(name), "{bad}");
    }
    assert!(refusal("Nothing?a=b").contains("Nothing"));
    assert!(refusal("Patient/1/Observation?code=a").contains("compartment"));
}

#[test]
fn an_endless_chain_is_refused() {
    let chain = format!("Location?{}name=x", "partof.".repeat(20));
    assert!(refusal(&chain).contains("links"));
}
