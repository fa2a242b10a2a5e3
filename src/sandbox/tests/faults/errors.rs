//! Faults of answers to what is wrong, or to what only looks so.

use super::*;

fn status_of(server: &Server, url: &str) -> u16 {
    get(server, url).status
}

#[test]
fn what_is_wrong_in_a_url_crashes() {
    let table = [
        ("bad-id-crashes", "Patient/a_b", 400),
        (
            "half-composite-crashes",
            "Observation?code-value-quantity=x$",
            400,
        ),
        ("tampered-cursor-crashes", "Patient?_cursor=none", 400),
        (
            "far-range-crashes",
            "Patient?_lastUpdated=ge1900-01-01",
            200,
        ),
        (
            "mixed-kinds-crash",
            "Patient?birthdate=2000&gender=male,female",
            200,
        ),
        ("xml-errors-crash", "Patient/none?_format=xml", 404),
    ];
    for (id, url, honest) in table {
        shows(id, |server| status_of(server, url), honest, 500);
        for fine in [
            "Patient?birthdate=2000",
            "Patient?_lastUpdated=ge2000",
            "Patient?gender=male,female",
            "Patient?_format=xml",
        ] {
            assert_eq!(status_of(&with_defect(id), fine), 200, "{id}");
        }
    }
}

#[test]
fn one_resource_breaks_searches_that_find_it() {
    let statuses = |server: &Server| {
        let mut ada = patient("a", "Ada");
        ada["_birthDate"] = json!({"extension": [{"url": "urn:e", "valueString": "x"}]});
        put(server, &ada);
        put(server, &patient("b", "Bob"));
        ["Patient", "Patient?_id=b", "Patient/a"].map(|url| status_of(server, url))
    };
    shows(
        "extension-breaks-search",
        statuses,
        [200; 3],
        [500, 200, 200],
    );
}

#[test]
fn a_narrative_that_is_none_crashes() {
    let status = |server: &Server| {
        let mut ada = patient("a", "Ada");
        ada["text"] = json!({"status": "generated", "div": "<script>"});
        send(server, Method::Put, "Patient/a", &ada).status
    };
    shows("bad-narrative-crashes", status, 422, 500);
}

#[test]
fn errors_have_another_body() {
    let media = |server: &Server| get(server, "Patient/none").media_type();
    let (fhir, json_type) = ("application/fhir+json", "application/json");
    shows(
        "errors-as-json",
        media,
        fhir.to_owned(),
        json_type.to_owned(),
    );
    let tells = |server: &Server| {
        let outcome = json(&get(server, "Patient?birthdate=x"));
        outcome["issue"][0]["diagnostics"]
            .as_str()
            .unwrap()
            .contains("SELECT")
    };
    shows("errors-tell-sql", tells, false, true);
    let issues = |server: &Server| {
        let request = Request::new(Method::Post, "Patient").with_body("text/plain", "x");
        let response = server.handle(&request);
        (
            response.status,
            json(&response)["issue"].as_array().unwrap().len(),
        )
    };
    shows("outcome-without-issue", issues, (415, 1), (415, 0));
}
