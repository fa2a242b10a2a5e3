//! Faults in how one value compares: dates, tokens, strings, references, quantities.

use super::*;

/// Patients, observations and others, chosen so that each fault tells some apart.
fn varied(server: &Server) {
    let resources = [
        json!({"resourceType": "Patient", "id": "1", "gender": "male", "birthDate": "1980-05-10",
            "name": [{"family": "Müller"}], "telecom": [{"system": "email", "value": "Ada@example.org"}],
            "identifier": [{"system": "urn:s", "value": "Über"}, {"system": "urn:t", "value": "T-1"}]}),
        json!({"resourceType": "Patient", "id": "12", "birthDate": "1980", "name": [{"family": "ΟΔΥΣΣΕΥΣ"}]}),
        json!({"resourceType": "Group", "id": "1", "type": "person", "actual": true}),
        json!({"resourceType": "Encounter", "id": "open", "status": "finished", "class": {"code": "AMB"},
            "period": {"end": "2020-01-31"}, "subject": {"reference": "Patient/1"}}),
        json!({"resourceType": "ValueSet", "id": "v", "status": "active", "url": "http://acme.org/ValueSet/A/"}),
        json!({"resourceType": "AuditEvent", "id": "e", "type": {"code": "rest"}, "recorded": "2024-01-01T00:00:00Z",
            "agent": [{"requestor": true, "who": {"identifier": {"system": "urn:n", "value": "7"}}}],
            "source": {"observer": {"identifier": {"system": "urn:n", "value": "8"}}},
            "entity": [{"what": {"identifier": {"system": "urn:n", "value": "9"}}}]}),
        json!({"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
            "medicationCodeableConcept": {"text": "x"}, "subject": {"reference": "Patient/1"}}),
        json!({"resourceType": "MedicationRequest", "id": "m2", "status": "stopped", "intent": "order",
            "medicationCodeableConcept": {"text": "x"}, "subject": {"identifier": {"value": "3"}}}),
    ];
    for resource in &resources {
        put(server, resource);
    }
    let mut night = observation("night", "Patient/1", "Code");
    night["effectiveDateTime"] = json!("2024-05-01T23:30:00-05:00");
    night["issued"] = json!("2024-06-01T10:00:00Z");
    night["valueQuantity"] =
        json!({"value": 100.4, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"});
    let mut span = observation("span", "Patient/12", "x");
    span["code"]["coding"] =
        json!([{"system": "urn:a", "code": "x"}, {"system": "urn:b", "code": "y"}]);
    span["effectivePeriod"] = json!({"start": "2024-05-01", "end": "2024-05-20"});
    span["valueQuantity"] = json!({"value": 5, "comparator": "<", "unit": "mg", "code": "mg"});
    let mut group = observation("group", "Group/1", "z");
    group["performer"] = json!([{"reference": "Patient/1"}]);
    for resource in [night, span, group] {
        put(server, &resource);
    }
}

#[test]
fn dates_compare_otherwise() {
    tell(
        varied,
        matches,
        &[
            (
                "date-eq-overlaps",
                "Observation?date=2024-05-10",
                "",
                "span",
            ),
            (
                "date-eq-overlaps",
                "Observation?date=2024-05-02",
                "night",
                "night,span",
            ),
            (
                "date-eq-reversed",
                "Observation?date=2024-05-10",
                "",
                "span",
            ),
            (
                "date-eq-reversed",
                "Observation?date=2024-05-02",
                "night",
                "span",
            ),
            (
                "date-zone-dropped",
                "Observation?date=2024-05-01T23:30:00-05:00",
                "night",
                "",
            ),
            (
                "date-zone-dropped",
                "Observation?date=2024-05-01T23:30:00Z",
                "",
                "night",
            ),
            ("date-of-issued", "Observation?date=2024-06-01", "", "night"),
            (
                "date-of-issued",
                "Observation?date=ge2024-05-01",
                "night,span",
                "night",
            ),
            (
                "end-only-period-lost",
                "Encounter?date=le2020-02-01",
                "open",
                "",
            ),
            (
                "second-date-wins",
                "Patient?birthdate=ge1980-05-11&birthdate=le1981-01-01",
                "12",
                "1,12",
            ),
            ("bad-date-ignored", "Patient?birthdate=junk", "400", "1,12"),
            (
                "date-start-taken",
                "Patient?birthdate=1980-05-10jasd",
                "400",
                "1",
            ),
            (
                "date-start-taken",
                "Patient?birthdate=ge1980-05junk",
                "400",
                "1,12",
            ),
            (
                "ge-excludes-day",
                "Patient?birthdate=ge1980-05-10",
                "1,12",
                "12",
            ),
        ],
    );
}

#[test]
fn the_instant_of_the_last_update_compares_otherwise() {
    let asked = |server: &Server, prefix: &str| {
        put(server, &patient("a", "Ada"));
        let stored = json(&put(server, &patient("a", "Eva")));
        let instant = stored["meta"]["lastUpdated"].as_str().unwrap();
        ids(server, &format!("Patient?_lastUpdated={prefix}{instant}")).len()
    };
    assert_eq!((asked(&server(), "gt"), asked(&server(), "ge")), (0, 1));
    assert_eq!(asked(&with_defect("last-updated-gt-as-ge"), "gt"), 1);
    assert_eq!(asked(&with_defect("last-updated-duplicates"), "ge"), 2);
}

#[test]
fn tokens_and_strings_compare_otherwise() {
    tell(
        varied,
        matches,
        &[
            ("gender-upper-case", "Patient?gender=male", "1", ""),
            (
                "contact-case-sensitive",
                "Patient?email=ada@example.org",
                "1",
                "",
            ),
            (
                "contact-case-sensitive",
                "Patient?email=Ada@example.org",
                "1",
                "1",
            ),
            (
                "coding-case-sensitive",
                "Observation?code=code",
                "night",
                "",
            ),
            (
                "not-forgets-others",
                "Patient?gender:not=male&birthdate=1970",
                "",
                "12",
            ),
            (
                "system-lost-among-several",
                "Observation?code=urn:b|y",
                "span",
                "",
            ),
            (
                "system-lost-among-several",
                "Observation?code=y",
                "span",
                "span",
            ),
            ("or-duplicates", "Patient?_id=1,1", "1", "1,1"),
            ("token-accents-folded", "Patient?identifier=uber", "", "1"),
            (
                "token-accents-folded",
                "Patient?identifier=urn:x|uber",
                "",
                "",
            ),
            ("string-case-sensitive", "Patient?family=m%C3%BCll", "1", ""),
            (
                "string-case-sensitive",
                "Patient?family=M%C3%BCll",
                "1",
                "1",
            ),
            (
                "ascii-case-only",
                "Patient?family:contains=%CE%94%CE%A5",
                "12",
                "",
            ),
            (
                "ascii-case-only",
                "Patient?family:contains=%CE%B4%CF%85",
                "12",
                "12",
            ),
            (
                "stopped-as-active",
                "MedicationRequest?status=active",
                "m1",
                "m1,m2",
            ),
        ],
    );
}

#[test]
fn old_values_and_deleted_resources_are_found() {
    let change = |server: &Server| {
        put(server, &patient("a", "Old"));
        put(server, &patient("a", "New"));
        put(server, &patient("gone", "Gone"));
        server.handle(&Request::new(Method::Delete, "Patient/gone"));
    };
    tell(
        change,
        matches,
        &[
            ("superseded-value-found", "Patient?family=old", "", "a"),
            ("superseded-value-found", "Patient?family=new", "a", "a"),
            (
                "not-finds-deleted",
                "Patient?gender:not=male",
                "a",
                "a,gone",
            ),
            ("not-finds-deleted", "Patient", "a", "a"),
        ],
    );
}

#[test]
fn references_and_uris_compare_otherwise() {
    tell(
        varied,
        matches,
        &[
            (
                "subject-by-compartment",
                "Observation?subject=Patient/1",
                "night",
                "night,group",
            ),
            (
                "subject-by-compartment",
                "Observation?patient=Patient/1",
                "night",
                "night",
            ),
            (
                "reference-by-prefix",
                "Observation?subject=Patient/1",
                "night",
                "night,span",
            ),
            (
                "identifier-as-type",
                "MedicationRequest?subject:identifier=3",
                "m2",
                "",
            ),
            (
                "nested-logical-unindexed",
                "AuditEvent?entity:identifier=urn:n|9",
                "e",
                "",
            ),
            (
                "ambiguous-id-first-type",
                "Observation?subject=1",
                "400",
                "group",
            ),
            (
                "uri-indexed-normalised",
                "ValueSet?url=http://acme.org/ValueSet/A/",
                "v",
                "",
            ),
        ],
    );
}

#[test]
fn quantities_compare_otherwise() {
    tell(
        varied,
        matches,
        &[
            (
                "quantity-eq-one-percent",
                "Observation?value-quantity=100.0",
                "",
                "night",
            ),
            (
                "comparator-ignored",
                "Observation?value-quantity=lt4",
                "span",
                "",
            ),
            (
                "comparator-ignored",
                "Observation?value-quantity=5",
                "",
                "span",
            ),
            (
                "quantity-unit-ignored",
                "Observation?value-quantity=100.4||g",
                "",
                "night",
            ),
            (
                "exponent-refused",
                "Observation?value-quantity=1.004e2",
                "night",
                "400",
            ),
        ],
    );
    let status = |server: &Server| {
        let mut empty = observation("o", "Patient/a", "x");
        empty["valueQuantity"] = json!({"unit": "kg"});
        send(server, Method::Post, "Observation", &empty).status
    };
    assert_eq!(status(&server()), 201);
    assert_eq!(status(&with_defect("quantity-without-value-crashes")), 500);
}
