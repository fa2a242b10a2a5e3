//! Faults of `_include` and `_revinclude`.

use super::*;

/// A patient with an organization that is part of another one, an encounter at a ward, an observation in it and a report
/// of that. A care team has a parameter of the same name as the encounter.
fn joined(server: &Server) {
    let resources = [
        json!({"resourceType": "Organization", "id": "o3", "name": "State"}),
        json!({"resourceType": "Organization", "id": "o2", "name": "Trust", "partOf": {"reference": "Organization/o3"}}),
        json!({"resourceType": "Organization", "id": "o1", "name": "Clinic", "partOf": {"reference": "Organization/o2"}}),
        json!({"resourceType": "Location", "id": "l", "name": "Ward"}),
        json!({"resourceType": "Patient", "id": "p", "gender": "female", "active": true,
            "managingOrganization": {"reference": "Organization/o1"}}),
        json!({"resourceType": "Encounter", "id": "n", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"}, "location": [{"location": {"reference": "Location/l"}}]}),
        json!({"resourceType": "CareTeam", "id": "t", "subject": {"reference": "Patient/p"}}),
        json!({"resourceType": "Observation", "id": "w", "status": "final", "code": {"text": "x"},
            "subject": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/n"}}),
        json!({"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "x"},
            "result": [{"reference": "Observation/w"}]}),
    ];
    for resource in &resources {
        put(server, resource);
    }
}

/// Matches, then what is included; the status if it is not 200.
fn page(server: &Server, url: &str) -> String {
    let response = get(server, url);
    if response.status != 200 {
        return response.status.to_string();
    }
    let bundle = json(&response);
    let mut included = ids_of(&bundle, "include");
    included.sort();
    format!(
        "{}+{}",
        ids_of(&bundle, "match").join(","),
        included.join(",")
    )
}

#[test]
fn pages_bring_too_little_or_too_much() {
    let up = "Patient?_include=Patient:organization&_include:iterate=Organization:partof";
    let counted =
        "Patient?_count=9&_include=Patient:organization&_include:iterate=Organization:partof";
    let back = "Patient?_revinclude=Encounter:patient&_revinclude:iterate=Observation:encounter\
                &_revinclude:iterate=DiagnosticReport:result";
    tell(
        joined,
        page,
        &[
            (
                "nested-include-misses",
                "Encounter?_include=Encounter:location",
                "n+l",
                "n+",
            ),
            (
                "nested-include-misses",
                "Encounter?_include=Encounter:subject",
                "n+p",
                "n+p",
            ),
            ("revinclude-not-iterated", back, "p+n,r,w", "p+n"),
            (
                "revinclude-any-type",
                "Patient?_revinclude=CareTeam:subject",
                "p+t",
                "p+n,t,w",
            ),
            ("include-iterates-once", up, "p+o1,o2,o3", "p+o1,o2"),
            ("count-drops-iterated", counted, "p+o1,o2,o3", "p+o1"),
            ("count-drops-iterated", up, "p+o1,o2,o3", "p+o1,o2,o3"),
            (
                "include-misses",
                "Patient?_include=Patient:organization",
                "p+o1",
                "p+",
            ),
            (
                "empty-include-crashes",
                "Patient?_id=x&_include=Patient:organization",
                "+",
                "500",
            ),
            (
                "empty-include-total-crashes",
                "Patient?_id=x&_include=Patient:organization",
                "+",
                "+",
            ),
            (
                "empty-include-total-crashes",
                "Patient?_id=x&_total=none&_include=Patient:organization",
                "+",
                "500",
            ),
            (
                "include-loses-match",
                "Patient?gender=female&active=true&_include=Patient:organization",
                "p+o1",
                "+",
            ),
            (
                "includes-overflow-crashes",
                "Patient?_count=100&_revinclude=Encounter:patient&_revinclude=CareTeam:patient",
                "p+n,t",
                "500",
            ),
        ],
    );
}

#[test]
fn exactly_five_included_resources_crash() {
    let fill = |server: &Server| {
        joined(server);
        for id in ["x2", "x3", "x4", "x5", "x6"] {
            put(server, &observation(id, "Patient/p", "c"));
        }
    };
    let url = "Patient?_revinclude=Observation:subject";
    let honest = server();
    fill(&honest);
    assert_eq!(page(&honest, url), "p+w,x2,x3,x4,x5,x6");
    let faulty = with_defect("include-limit-crashes");
    fill(&faulty);
    assert_eq!(page(&faulty, url), "p+w,x2,x3,x4,x5,x6");
    faulty.handle(&Request::new(Method::Delete, "Observation/x6"));
    assert_eq!(page(&faulty, url), "500");
}

#[test]
fn later_pages_include_nothing() {
    let second = |server: &Server| {
        for id in ["a", "b"] {
            put(server, &patient(id, "Ada"));
            put(server, &observation(id, &format!("Patient/{id}"), "x"));
        }
        let first = json(&get(
            server,
            "Observation?_count=1&_include=Observation:subject",
        ));
        assert_eq!(ids_of(&first, "include"), ["a"]);
        let next = json(&get(server, &link(&first, "next").unwrap()));
        ids_of(&next, "include")
    };
    assert_eq!(second(&server()), ["b"]);
    assert!(second(&with_defect("include-on-first-page-only")).is_empty());
}

#[test]
fn an_include_of_nothing_is_not_said() {
    let asked = |server: &Server| {
        joined(server);
        let url = "Patient?_include=Patient:birthdate";
        let strict = Request::get(url).with_header("Prefer", "handling=strict");
        let lenient = json(&get(server, url));
        (
            server.handle(&strict).status,
            link(&lenient, "self").unwrap().contains("_include"),
        )
    };
    assert_eq!(asked(&server()), (400, false));
    assert_eq!(asked(&with_defect("invalid-include-dropped")), (200, true));
}

#[test]
fn a_cache_directive_changes_what_is_found() {
    let asked = |server: &Server| {
        joined(server);
        let request = Request::get("Patient?_lastUpdated=lt2001");
        let plain = ids_of(&json(&server.handle(&request)), "match").len();
        let request = request.with_header("Cache-Control", "no-store");
        (
            plain,
            ids_of(&json(&server.handle(&request)), "match").len(),
        )
    };
    assert_eq!(asked(&server()), (0, 0));
    assert_eq!(asked(&with_defect("no-store-unfiltered")), (0, 1));
}
