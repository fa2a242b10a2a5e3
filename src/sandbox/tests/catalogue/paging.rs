//! Faults of pages and of their links.

use super::*;

/// Five patients, of whom `c` has a practitioner that is not there.
fn five(server: &Server) {
    put(
        server,
        &json!({"resourceType": "Organization", "id": "org", "name": "Clinic"}),
    );
    for id in ["a", "b", "c", "d", "e"] {
        let mut resource = patient(id, "Ada");
        resource["managingOrganization"] = json!({"reference": "Organization/org"});
        if id == "c" {
            resource["generalPractitioner"] = json!([{"reference": "Practitioner/none"}]);
        }
        put(server, &resource);
    }
}

/// The ids of the matches, page by page; `…` where it does not end, the status where it breaks off.
fn walk(server: &Server, url: &str) -> String {
    let mut pages = Vec::new();
    let mut url = url.to_owned();
    for _ in 0..6 {
        let response = get(server, &url);
        if response.status != 200 {
            pages.push(response.status.to_string());
            return pages.join("|");
        }
        let bundle = json(&response);
        pages.push(ids_of(&bundle, "match").join(","));
        match link(&bundle, "next") {
            Some(next) => url = next,
            None => return pages.join("|"),
        }
    }
    pages.push("…".to_owned());
    pages.join("|")
}

#[test]
fn walks_lose_repeat_or_break_off() {
    let both =
        "Patient?_count=2&_include=Patient:organization&_include=Patient:general-practitioner";
    let chained = "Patient?_count=2&organization.name=clinic&_include=Patient:organization";
    tell(
        five,
        walk,
        &[
            (
                "page-order-drifts",
                "Patient?_count=2",
                "a,b|c,d|e",
                "a,b|c,b|a",
            ),
            (
                "page-overlap",
                "Patient?_count=3",
                "a,b,c|d,e",
                "a,b,c|c,d,e",
            ),
            (
                "id-page-repeats",
                "Patient?_count=2&_id=a,b,c",
                "a,b|c",
                "a,b|a,b|a,b|a,b|a,b|a,b|…",
            ),
            (
                "dangling-reference-ends-pages",
                "Patient?_count=2",
                "a,b|c,d|e",
                "a,b|c,d",
            ),
            (
                "includes-fill-page",
                "Patient?_count=3&_include=Patient:organization",
                "a,b,c|d,e",
                "a,b|d,e",
            ),
            (
                "next-link-to-nothing",
                "Patient?_count=5",
                "a,b,c,d,e",
                "a,b,c,d,e|",
            ),
            (
                "total-shifts-page",
                "Patient?_count=2&_total=accurate",
                "a,b|c,d|e",
                "a,b|d,e",
            ),
            (
                "cursor-appended",
                "Patient?_count=2",
                "a,b|c,d|e",
                "a,b|c,d|c,d|c,d|c,d|c,d|…",
            ),
            (
                "chain-include-page-repeats",
                chained,
                "a,b|c,d|e",
                "a,b|a,b|a,b|a,b|a,b|a,b|…",
            ),
            (
                "two-includes-page-repeats",
                both,
                "a,b|c,d|e",
                "a,b|a,b|a,b|a,b|a,b|a,b|…",
            ),
            (
                "next-link-too-long",
                "Patient?_count=2",
                "a,b|c,d|e",
                "a,b|404",
            ),
            ("next-link-absent", "Patient?_count=2", "a,b|c,d|e", "a,b"),
        ],
    );
}

#[test]
fn a_long_query_loses_its_pages() {
    let mut alternatives = vec!["a", "b", "c"];
    alternatives.resize(1_500, "x");
    let url = format!("Patient?_count=2&_id={}", alternatives.join(","));
    for (server, seen) in [
        (server(), "a,b|c"),
        (with_defect("long-query-page-lost"), "a,b|400"),
    ] {
        five(&server);
        assert_eq!(walk(&server, &url), seen);
        assert_eq!(walk(&server, "Patient?_count=3"), "a,b,c|d,e");
    }
}

#[test]
fn later_pages_are_cut_from_what_matches_now() {
    let seen = |server: &Server| {
        five(server);
        let first = json(&get(server, "Patient?_count=2"));
        server.handle(&Request::new(Method::Delete, "Patient/a"));
        let next = json(&get(server, &link(&first, "next").unwrap()));
        (ids_of(&next, "match"), next["total"].clone())
    };
    let of = |ids: [&str; 2], total: u64| (ids.map(str::to_owned).to_vec(), json!(total));
    assert_eq!(seen(&server()), of(["c", "d"], 5));
    assert_eq!(seen(&with_defect("page-of-newer-state")), of(["d", "e"], 5));
    assert_eq!(seen(&with_defect("total-of-now")), of(["c", "d"], 4));
}

#[test]
fn links_of_later_pages_are_wrong() {
    let second = |server: &Server| {
        five(server);
        let first = json(&get(server, "Patient?_count=2"));
        json(&get(server, &link(&first, "next").unwrap()))
    };
    let honest = second(&server());
    assert!(link(&honest, "self").unwrap().contains("_cursor="));
    assert!(
        link(&honest, "next")
            .unwrap()
            .starts_with("http://127.0.0.1:1/fhir/")
    );
    let claims = second(&with_defect("self-link-of-first-page"));
    assert!(!link(&claims, "self").unwrap().contains("_cursor="));
    let repeated = second(&with_defect("page-link-port-repeated"));
    assert!(
        link(&repeated, "next")
            .unwrap()
            .starts_with("http://127.0.0.1:1:1/fhir/")
    );
}

#[test]
fn a_huge_count_overflows() {
    tell(
        five,
        matches,
        &[(
            "huge-count-crashes",
            "Patient?_count=2147483648",
            "a,b,c,d,e",
            "500",
        )],
    );
}
