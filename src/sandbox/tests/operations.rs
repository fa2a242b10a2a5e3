//! Operations: what they answer, and what they refuse.

use super::*;

fn post(server: &Server, url: &str, body: &Value) -> Response {
    send(server, Method::Post, url, body)
}

fn severities(outcome: &Value) -> Vec<&str> {
    let issues = outcome["issue"].as_array().unwrap();
    issues
        .iter()
        .map(|issue| issue["severity"].as_str().unwrap())
        .collect()
}

#[test]
fn a_validation_is_an_answer_and_stores_nothing() {
    let server = server();
    let good = post(&server, "Patient/$validate", &patient("a", "Ada"));
    assert_eq!(good.status, 200);
    assert_eq!(severities(&json(&good)), ["information"]);
    let bad = json!({"resourceType": "Patient", "gender": "rounds", "birthDate": 1970});
    let wrapped = json!({"resourceType": "Parameters", "parameter": [
        {"name": "mode", "valueCode": "create"}, {"name": "resource", "resource": bad}]});
    for body in [bad, wrapped] {
        let answer = post(&server, "Patient/$validate", &body);
        assert_eq!(answer.status, 200);
        assert_eq!(severities(&json(&answer)), ["error", "error"]);
    }
    assert!(ids(&server, "Patient").is_empty());
}

#[test]
fn a_validation_knows_the_resource_of_its_url_and_no_foreign_profile() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    assert_eq!(get(&server, "Patient/a/$validate").status, 200);
    assert_outcome(&get(&server, "Patient/none/$validate"), 404);
    assert_outcome(&get(&server, "Patient/$validate"), 400);
    assert_outcome(
        &post(&server, "Observation/$validate", &patient("a", "Ada")),
        400,
    );
    let with = |profile: &str| {
        let body = json!({"resourceType": "Parameters", "parameter": [
            {"name": "profile", "valueUri": profile},
            {"name": "resource", "resource": patient("a", "Ada")}]});
        let answer = json(&post(&server, "Patient/$validate", &body));
        severities(&answer)[0].to_owned()
    };
    assert_eq!(
        with("http://hl7.org/fhir/StructureDefinition/Patient"),
        "information"
    );
    assert_eq!(with("http://example.org/profile"), "error");
}

fn record(server: &Server) {
    put(
        server,
        &json!({"resourceType": "Organization", "id": "org", "name": "Ward"}),
    );
    let mut ada = patient("a", "Ada");
    ada["managingOrganization"] = json!({"reference": "Organization/org"});
    put(server, &ada);
    put(server, &patient("b", "Bob"));
    for (id, subject, date) in [
        ("o1", "Patient/a", "2001-05-10"),
        ("o2", "Patient/a", "2011-05-10"),
        ("o3", "Patient/b", "2011-05-10"),
    ] {
        let mut observation = observation(id, subject, "x");
        observation["effectiveDateTime"] = json!(date);
        put(server, &observation);
    }
}

#[test]
fn everything_is_the_compartment_and_what_it_refers_to() {
    let server = server();
    record(&server);
    let of = |query: &str| ids(&server, &format!("Patient/a/$everything{query}"));
    assert_eq!(of(""), ["a", "o1", "o2", "org"]);
    assert_eq!(of("?_type=Observation"), ["o1", "o2"]);
    assert_eq!(of("?start=2010-01-01&end=2012-01-01"), ["a", "o2", "org"]);
    assert!(of("?_since=2199-01-01T00:00:00Z").is_empty());
    assert_outcome(&get(&server, "Patient/none/$everything"), 404);
    assert_outcome(&get(&server, "Patient/a/$everything?start=soon"), 400);
    assert_eq!(ids(&server, "Patient/$everything").len(), 6);
}

#[test]
fn everything_comes_in_pages() {
    let server = server();
    record(&server);
    let mut bundle = json(&get(&server, "Patient/a/$everything?_count=3"));
    assert_eq!(bundle["total"], 4);
    let mut seen = ids_of(&bundle, "match");
    while let Some(next) = link(&bundle, "next") {
        bundle = json(&get(&server, &next));
        seen.extend(ids_of(&bundle, "match"));
    }
    assert_eq!(seen, ["a", "o1", "o2", "org"]);
}

fn value<'a>(parameters: &'a Value, name: &str) -> &'a Value {
    let list = parameters["parameter"].as_array().unwrap();
    let part = list.iter().find(|part| part["name"] == name).unwrap();
    let members = part.as_object().unwrap();
    let (_, value) = members
        .iter()
        .find(|(name, _)| name.starts_with("value"))
        .unwrap();
    value
}

#[test]
fn codes_of_the_fixture_are_looked_up_and_compared() {
    let server = server();
    let of = |query: &str| json(&get(&server, &format!("CodeSystem/{query}")));
    let ward = "system=urn:rounds:sandbox:ward";
    let found = of(&format!("$lookup?{ward}&code=intensive"));
    assert_eq!(value(&found, "display"), "Intensive care");
    for (a, b, outcome) in [
        ("inpatient", "neonatal", "subsumes"),
        ("neonatal", "intensive", "subsumed-by"),
        ("general", "general", "equivalent"),
        ("general", "outpatient", "not-subsumed"),
    ] {
        let found = of(&format!("$subsumes?{ward}&codeA={a}&codeB={b}"));
        assert_eq!(value(&found, "outcome"), outcome, "{a} {b}");
    }
    let unknown = format!("CodeSystem/$lookup?{ward}&code=unicorn");
    assert_outcome(&get(&server, &unknown), 404);
    assert_outcome(&get(&server, "CodeSystem/$lookup?code=x"), 400);
}

#[test]
fn value_sets_are_expanded_from_filters_lists_imports_and_exclusions() {
    let server = server();
    let codes = |answer: &Response| -> Vec<String> {
        let body = json(answer);
        assert_eq!(answer.status, 200, "{body}");
        let list = body["expansion"]["contains"].as_array().cloned();
        let codes = list.unwrap_or_default();
        let text = |entry: &Value| entry["code"].as_str().unwrap().to_owned();
        codes.iter().map(text).collect()
    };
    let url = "ValueSet/$expand?url=urn:rounds:sandbox:inpatient";
    let all = ["inpatient", "intensive", "neonatal", "general"];
    assert_eq!(codes(&get(&server, url)), all);
    let part = get(&server, &format!("{url}&offset=1&count=2"));
    assert_eq!(json(&part)["expansion"]["total"], 4);
    assert_eq!(codes(&part), all[1..3]);
    let filtered = get(&server, &format!("{url}&filter=CARE"));
    assert_eq!(codes(&filtered), ["intensive", "neonatal"]);
    put(
        &server,
        &json!({"resourceType": "ValueSet", "id": "v", "url": "urn:v", "status": "active", "compose": {
            "include": [
                {"valueSet": ["urn:rounds:sandbox:inpatient"]},
                {"system": "urn:elsewhere", "concept": [{"code": "x"}]}],
            "exclude": [{"system": "urn:rounds:sandbox:ward", "concept": [{"code": "general"}]}]}}),
    );
    let expected = ["inpatient", "intensive", "neonatal", "x"];
    assert_eq!(codes(&get(&server, "ValueSet/v/$expand")), expected);
    assert_outcome(&get(&server, "ValueSet/$expand?url=urn:none"), 404);
    let odd = json!({"resourceType": "ValueSet", "status": "active", "compose": {"include": [
        {"system": "urn:rounds:sandbox:ward", "filter": [{"property": "code", "op": "regex", "value": "x"}]}]}});
    assert_outcome(&post(&server, "ValueSet/$expand", &odd), 422);
}

#[test]
fn codes_are_validated_with_their_system_and_display() {
    let server = server();
    let result = |query: &str| {
        let url = format!("ValueSet/$validate-code?url=urn:rounds:sandbox:inpatient&{query}");
        value(&json(&get(&server, &url)), "result").clone()
    };
    let ward = "system=urn:rounds:sandbox:ward";
    assert_eq!(result(&format!("{ward}&code=general")), true);
    assert_eq!(
        result(&format!("{ward}&code=general&display=general WARD")),
        true
    );
    assert_eq!(result(&format!("{ward}&code=general&display=Other")), false);
    assert_eq!(result(&format!("{ward}&code=outpatient")), false);
    assert_eq!(result("system=urn:other&code=general"), false);
    let bare = "ValueSet/$validate-code?url=urn:rounds:sandbox:inpatient&code=general";
    assert_outcome(&get(&server, bare), 400);
    let system = "CodeSystem/$validate-code?url=urn:rounds:sandbox:ward&code=outpatient";
    assert_eq!(value(&json(&get(&server, system)), "result"), true);
}

#[test]
fn the_fixture_is_valid() {
    let text = include_str!("../../../fixtures/sandbox/terminology.json");
    let bundle: Value = serde_json::from_str(text).unwrap();
    assert_eq!(crate::fhir::validate::validate(&bundle), []);
}

#[test]
fn operations_are_claimed_where_they_are_offered() {
    let statement = json(&get(&server(), "metadata"));
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let names = |of: &str| -> Vec<String> {
        let resource = resources.iter().find(|resource| resource["type"] == of);
        let list = resource.unwrap()["operation"].as_array().unwrap();
        let name = |operation: &Value| operation["name"].as_str().unwrap().to_owned();
        list.iter().map(name).collect()
    };
    assert_eq!(names("Patient"), ["everything", "validate"]);
    assert_eq!(names("ValueSet"), ["expand", "validate", "validate-code"]);
    assert_eq!(names("Observation"), ["validate"]);
    for url in [
        "$validate",
        "Patient/$expand",
        "Patient/a/$unknown",
        "CodeSystem/a/$lookup",
    ] {
        assert_outcome(&get(&server(), url), 404);
    }
}

#[test]
fn pages_of_other_origins_are_told_what_they_may() {
    let server = server();
    let ask = |method: Method, fields: &[(&str, &str)]| {
        let mut request = Request::new(method, "Patient/a");
        for (name, value) in fields {
            request = request.with_header(name, *value);
        }
        server.handle(&request).headers
    };
    let plain = ask(Method::Get, &[]);
    assert_eq!(plain.get("Access-Control-Allow-Origin"), None);
    let origin = ("Origin", "https://rounds.example");
    let simple = ask(Method::Get, &[origin]);
    assert_eq!(simple.get("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(simple.get("Access-Control-Allow-Methods"), None);
    let preflight = ask(
        Method::Options,
        &[origin, ("Access-Control-Request-Method", "PUT")],
    );
    let methods = preflight.get("Access-Control-Allow-Methods").unwrap();
    assert!(methods.contains("PUT"), "{methods}");
}
