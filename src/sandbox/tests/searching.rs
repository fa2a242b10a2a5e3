//! Search: parameter types, modifiers, joins, shapes and pages.

use super::*;

/// Three patients and their observations, chosen so that each query tells them apart.
fn filled() -> Server {
    let server = server();
    let resources = [
        json!({
            "resourceType": "Patient", "id": "a", "active": true, "gender": "female", "birthDate": "1980-05-10",
            "meta": {"tag": [{"system": "urn:t", "code": "one"}], "profile": ["http://example.org/p/one"]},
            "identifier": [{"system": "urn:s", "value": "A-1",
                "type": {"coding": [{"system": "urn:k", "code": "MR"}]}}],
            "name": [{"family": "Müller", "given": ["Ada", "Eva"]}],
            "address": [{"city": "Köln"}],
            "managingOrganization": {"reference": "Organization/o"},
        }),
        json!({
            "resourceType": "Patient", "id": "b", "gender": "male", "birthDate": "1980",
            "identifier": [{"value": "A-1"}], "name": [{"family": "Muller-Lang"}],
            "generalPractitioner": [{"identifier": {"system": "urn:n", "value": "77"}}],
        }),
        json!({"resourceType": "Patient", "id": "c", "name": [{"family": "MULLER", "given": ["Adam"]}]}),
        json!({"resourceType": "Organization", "id": "o", "name": "Clinic",
            "partOf": {"reference": "Organization/top"}}),
        json!({"resourceType": "Organization", "id": "top", "name": "Trust"}),
    ];
    for resource in &resources {
        put(&server, resource);
    }
    let mut first = observation("w", "Patient/a", "29463-7");
    first["valueQuantity"] =
        json!({"value": 72.50, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"});
    first["effectiveDateTime"] = json!("2024-03-01T08:00:00Z");
    let mut second = observation("h", "Patient/b", "8302-2");
    second["valueQuantity"] =
        json!({"value": 180, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"});
    second["effectivePeriod"] = json!({"start": "2024-02-28", "end": "2024-03-01"});
    let mut third = observation("n", "Patient/a", "8867-4");
    third["status"] = json!("amended");
    third["hasMember"] = json!([{"reference": "Observation/w"}]);
    for resource in [first, second, third] {
        put(&server, &resource);
    }
    put(
        &server,
        &json!({"resourceType": "ValueSet", "id": "v", "status": "active", "url": "http://acme.org/fhir/ValueSet/123"}),
    );
    put(
        &server,
        &json!({"resourceType": "RiskAssessment", "id": "r", "status": "final",
        "subject": {"reference": "Patient/a"}, "prediction": [{"probabilityDecimal": 0.30}]}),
    );
    server
}

#[track_caller]
fn finds(server: &Server, table: &[(&str, &[&str])]) {
    for (url, expected) in table {
        let mut found = ids(server, url);
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{url}");
    }
}

#[test]
fn strings_start_with_are_exact_or_contain() {
    finds(
        &filled(),
        &[
            ("Patient?family=mull", &["a", "b", "c"]),
            ("Patient?family=M%C3%BCller", &["a", "b", "c"]),
            ("Patient?family:exact=M%C3%BCller", &["a"]),
            ("Patient?family:exact=muller", &[]),
            ("Patient?family:contains=lang", &["b"]),
            ("Patient?name=ada", &["a", "c"]),
            ("Patient?given=adam", &["c"]),
            ("Patient?address-city=koln", &["a"]),
            ("Patient?name=ada,lang", &["a", "c"]),
            ("Patient?given=ada&given=eva", &["a"]),
            ("Patient?family=nobody", &[]),
        ],
    );
}

#[test]
fn tokens_compare_system_and_code() {
    finds(
        &filled(),
        &[
            ("Patient?identifier=A-1", &["a", "b"]),
            ("Patient?identifier=urn:s|A-1", &["a"]),
            ("Patient?identifier=|A-1", &["b"]),
            ("Patient?identifier=urn:s|", &["a"]),
            ("Patient?identifier:of-type=urn:k|MR|A-1", &["a"]),
            ("Patient?gender=female", &["a"]),
            ("Patient?gender=female,male", &["a", "b"]),
            ("Patient?gender:not=male", &["a", "c"]),
            ("Patient?active=true", &["a"]),
            ("Patient?gender:missing=true", &["c"]),
            ("Patient?gender:missing=false", &["a", "b"]),
            ("Observation?code=http://loinc.org|8302-2", &["h"]),
            ("Observation?status:not=final", &["n"]),
        ],
    );
}

#[test]
fn parameters_of_all_resources_work() {
    let server = filled();
    finds(
        &server,
        &[
            ("Patient?_id=a,c", &["a", "c"]),
            ("Patient?_tag=urn:t|one", &["a"]),
            ("Patient?_profile=http://example.org/p/one", &["a"]),
            ("Patient?_lastUpdated=ge2024-05-01", &["a", "b", "c"]),
            ("Patient?_lastUpdated=lt2024-05-01", &[]),
        ],
    );
}

#[test]
fn dates_compare_as_intervals() {
    finds(
        &filled(),
        &[
            ("Patient?birthdate=1980-05-10", &["a"]),
            ("Patient?birthdate=1980", &["a", "b"]),
            ("Patient?birthdate=ge1980-05-10", &["a", "b"]),
            ("Patient?birthdate=gt1980-05-10", &["b"]),
            ("Patient?birthdate=ne1980-05-10", &["b"]),
            ("Patient?birthdate=sa1979", &["a", "b"]),
            ("Observation?date=2024-03-01", &["w"]),
            ("Observation?date=le2024-02-29", &["h"]),
            ("Observation?date=eb2024-03-01T09:00:00Z", &["w"]),
        ],
    );
    assert_outcome(&get(&filled(), "Patient?birthdate=soon"), 400);
}

#[test]
fn quantities_and_numbers_compare_exactly() {
    finds(
        &filled(),
        &[
            ("Observation?value-quantity=72.5", &["w"]),
            (
                "Observation?value-quantity=72.50|http://unitsofmeasure.org|kg",
                &["w"],
            ),
            ("Observation?value-quantity=72.5||kg", &["w"]),
            (
                "Observation?value-quantity=72.5|http://unitsofmeasure.org|g",
                &[],
            ),
            ("Observation?value-quantity=gt100", &["h"]),
            ("RiskAssessment?probability=0.3", &["r"]),
            ("RiskAssessment?probability=le0.3", &["r"]),
            ("RiskAssessment?probability=lt0.3", &[]),
        ],
    );
}

#[test]
fn references_are_found_by_id_type_url_and_identifier() {
    finds(
        &filled(),
        &[
            ("Observation?subject=Patient/a", &["w", "n"]),
            ("Observation?patient=a", &["w", "n"]),
            ("Observation?subject:Patient=b", &["h"]),
            (
                "Observation?subject=http://127.0.0.1:1/fhir/Patient/b",
                &["h"],
            ),
            ("Observation?subject=http://elsewhere/fhir/Patient/b", &[]),
            ("Patient?general-practitioner:identifier=urn:n|77", &["b"]),
            ("Patient?organization:missing=true", &["b", "c"]),
        ],
    );
}

#[test]
fn uris_match_whole_or_by_path() {
    finds(
        &filled(),
        &[
            ("ValueSet?url=http://acme.org/fhir/ValueSet/123", &["v"]),
            ("ValueSet?url=http://acme.org/fhir", &[]),
            ("ValueSet?url:below=http://acme.org/fhir", &["v"]),
            ("ValueSet?url:below=http://acme.org/fh", &[]),
            (
                "ValueSet?url:above=http://acme.org/fhir/ValueSet/123/456",
                &["v"],
            ),
        ],
    );
}

#[test]
fn chains_and_reverse_chains_follow_references() {
    finds(
        &filled(),
        &[
            ("Observation?subject:Patient.family=muller-lang", &["h"]),
            ("Observation?patient.gender=female", &["w", "n"]),
            (
                "Observation?subject:Patient.organization.name=clinic",
                &["w", "n"],
            ),
            ("Patient?_has:Observation:patient:code=8302-2", &["b"]),
            ("Patient?_has:Observation:subject:code=nothing", &[]),
            ("Patient?organization.partof.name=trust", &["a"]),
            (
                "Organization?_has:Patient:organization:_has:Observation:patient:status=amended",
                &["o"],
            ),
        ],
    );
}

#[test]
fn the_parts_of_a_composite_hold_on_one_element() {
    let server = filled();
    let mut panel = observation("bp", "Patient/a", "85354-9");
    let component = |code: &str, value: u64| {
        json!({"code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg"}})
    };
    panel["component"] = json!([component("8480-6", 120), component("8462-4", 80)]);
    put(&server, &panel);
    finds(
        &server,
        &[
            ("Observation?code-value-quantity=29463-7$72.5", &["w"]),
            ("Observation?code-value-quantity=29463-7$gt100", &[]),
            (
                "Observation?component-code-value-quantity=8480-6$120",
                &["bp"],
            ),
            ("Observation?component-code-value-quantity=8480-6$80", &[]),
            (
                "Observation?component-code-value-quantity=8480-6$80,8462-4$lt90",
                &["bp"],
            ),
        ],
    );
}

#[test]
fn compartments_narrow_a_search() {
    finds(
        &filled(),
        &[
            ("Patient/a/Observation", &["w", "n"]),
            ("Patient/a/Observation?code=8867-4", &["n"]),
            ("Patient/none/Observation", &[]),
        ],
    );
}

#[test]
fn sorting_has_two_directions_and_puts_missing_values_last() {
    let server = filled();
    assert_eq!(ids(&server, "Patient?_sort=birthdate"), ["b", "a", "c"]);
    assert_eq!(ids(&server, "Patient?_sort=-birthdate"), ["a", "b", "c"]);
    assert_eq!(ids(&server, "Patient?_sort=gender,_id"), ["a", "b", "c"]);
    assert_eq!(ids(&server, "Observation?_sort=-_id"), ["w", "n", "h"]);
}

#[test]
fn includes_come_along_once_and_are_not_counted() {
    let server = filled();
    let bundle = json(&get(&server, "Observation?_include=Observation:subject"));
    assert_eq!(bundle["total"], 3);
    assert_eq!(ids_of(&bundle, "include"), ["a", "b"]);
    let deep = "Observation?_id=w&_include=Observation:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof";
    assert_eq!(
        ids_of(&json(&get(&server, deep)), "include"),
        ["a", "o", "top"]
    );
    let flat = "Observation?_id=w&_include=Observation:patient&_include=Patient:organization";
    assert_eq!(ids_of(&json(&get(&server, flat)), "include"), ["a"]);
    let back = "Patient?_id=a&_revinclude=Observation:subject";
    assert_eq!(ids_of(&json(&get(&server, back)), "include"), ["w", "n"]);
    let other = "Observation?_include=Observation:subject:Group";
    assert!(ids_of(&json(&get(&server, other)), "include").is_empty());
}

#[test]
fn pages_are_a_stable_snapshot() {
    let server = server();
    for index in 0..7 {
        put(&server, &patient(&format!("p{index}"), "Same"));
    }
    let mut bundle = json(&get(&server, "Patient?family=same&_count=3"));
    assert_eq!(bundle["total"], 7);
    assert_eq!(
        link(&bundle, "self").unwrap(),
        format!("{BASE}/Patient?family=same&_count=3")
    );
    server.handle(&Request::new(Method::Delete, "Patient/p5"));
    put(&server, &patient("new", "Same"));
    let mut seen = ids_of(&bundle, "match");
    while let Some(next) = link(&bundle, "next") {
        bundle = json(&get(&server, &next));
        seen.extend(ids_of(&bundle, "match"));
    }
    assert_eq!(seen, ["p0", "p1", "p2", "p3", "p4", "p5", "p6"]);
    let previous = json(&get(&server, &link(&bundle, "previous").unwrap()));
    assert_eq!(ids_of(&previous, "match"), ["p3", "p4", "p5"]);
    assert_outcome(&get(&server, "Patient?_cursor=zzz"), 400);
    assert_outcome(&get(&server, "Patient?_cursor=00000000000000003"), 410);
}

#[test]
fn old_pages_expire() {
    let server = server();
    put(&server, &patient("a", "Ada"));
    put(&server, &patient("b", "Ada"));
    let first = link(&json(&get(&server, "Patient?_count=1")), "next").unwrap();
    for _ in 0..crate::sandbox::page::SNAPSHOTS {
        get(&server, "Patient?_count=1");
    }
    assert_outcome(&get(&server, &first), 410);
}

#[test]
fn totals_and_counts_follow_their_parameters() {
    let server = filled();
    for url in ["Patient?_count=0", "Patient?_summary=count"] {
        let bundle = json(&get(&server, url));
        assert_eq!(bundle["total"], 3, "{url}");
        assert!(bundle.get("entry").is_none(), "{url}");
    }
    assert!(
        json(&get(&server, "Patient?_total=none"))
            .get("total")
            .is_none()
    );
    assert_eq!(
        json(&get(&server, "Patient?_total=accurate&_count=1"))["total"],
        3
    );
    let none = json(&get(&server, "Patient?family=nobody"));
    assert_eq!((none["total"].as_u64(), none.get("entry")), (Some(0), None));
    assert_outcome(&get(&server, "Patient?_count=-1"), 400);
}

#[test]
fn summaries_and_elements_are_marked() {
    let server = filled();
    let resource = |url: &str| json(&get(&server, url))["entry"][0]["resource"].clone();
    let elements = resource("Observation?_id=w&_elements=subject");
    assert!(elements.get("valueQuantity").is_none());
    assert!(elements.get("status").is_some() && elements.get("code").is_some());
    assert_eq!(elements["meta"]["tag"][0]["code"], "SUBSETTED");
    let data = resource("Observation?_id=w&_summary=data");
    assert!(data.get("valueQuantity").is_some());
    let text = resource("Observation?_id=w&_summary=text");
    assert!(text.get("valueQuantity").is_none() && text.get("status").is_some());
    let whole = resource("Observation?_id=w&_summary=false");
    assert!(whole["meta"].get("tag").is_none());
    let read = json(&get(&server, "Observation/w?_elements=subject"));
    assert!(read.get("valueQuantity").is_none());
    let mixed = "Observation?_summary=text&_include=Observation:subject";
    assert_outcome(&get(&server, mixed), 400);
}

#[test]
fn post_search_is_the_same_search() {
    let server = filled();
    let post = |url: &str, form: &'static str| {
        server.handle(
            &Request::new(Method::Post, url).with_body("application/x-www-form-urlencoded", form),
        )
    };
    let found = json(&post(
        "Patient/_search?gender=female",
        "family=mull&birthdate=1980",
    ));
    assert_eq!(ids_of(&found, "match"), ["a"]);
    let url = link(&found, "self").unwrap();
    assert_eq!(ids(&server, &url), ["a"]);
    let wrong = send(&server, Method::Post, "Patient/_search", &json!({}));
    assert_outcome(&wrong, 415);
    assert_eq!(
        post("Patient/a/Observation/_search", "status=final").status,
        200
    );
}

#[test]
fn unknown_parameters_are_ignored_or_refused_as_the_client_prefers() {
    let server = filled();
    let url = "Patient?bogus=1&gender=male&_sort=nothing&_include=Patient:nothing&phonetic=x";
    let lenient = json(&get(&server, url));
    assert_eq!(ids_of(&lenient, "match"), ["b"]);
    assert_eq!(
        link(&lenient, "self").unwrap(),
        format!("{BASE}/Patient?gender=male")
    );
    for part in [
        "bogus=1",
        "_sort=nothing",
        "_include=Patient:nothing",
        "phonetic=x",
        "_contained=true",
    ] {
        let request =
            Request::get(format!("Patient?{part}")).with_header("Prefer", "handling=strict");
        assert_outcome(&server.handle(&request), 400);
    }
}

#[test]
fn a_known_parameter_with_a_modifier_that_it_lacks_is_refused() {
    let server = filled();
    for url in [
        "Patient?gender:exact=male",
        "Patient?family:bogus=x",
        "Patient?gender:in=http://x",
    ] {
        assert_outcome(&get(&server, url), 400);
    }
}

#[test]
fn a_deleted_or_changed_resource_leaves_the_index() {
    let server = filled();
    put(
        &server,
        &json!({"resourceType": "Patient", "id": "a", "gender": "other"}),
    );
    server.handle(&Request::new(Method::Delete, "Patient/b"));
    finds(
        &server,
        &[
            ("Patient?gender=female", &[]),
            ("Patient?gender=other", &["a"]),
            ("Patient?family=muller", &["c"]),
            ("Patient", &["a", "c"]),
        ],
    );
}
