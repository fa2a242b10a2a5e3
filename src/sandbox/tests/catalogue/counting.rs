//! Faults of totals and of the order of matches.

use super::*;

/// Two patients with two names each and one with one, in an order that is none of the sort keys.
fn named(server: &Server) {
    let of = |id: &str, family: &str, given: &str, birth: Option<&str>| {
        let mut resource = json!({"resourceType": "Patient", "id": id, "gender": "male",
            "name": [{"family": family, "given": [given]}]});
        if let Some(date) = birth {
            resource["birthDate"] = date.into();
        }
        resource
    };
    put(
        server,
        &json!({"resourceType": "Organization", "id": "o", "name": "Clinic"}),
    );
    put(server, &of("c", "Adams", "Ada", Some("1970-01-01")));
    put(server, &of("a", "Adams", "Eva", Some("1960-01-01")));
    let mut third = patient("b", "Adams");
    third["managingOrganization"] = json!({"reference": "Organization/o"});
    put(server, &third);
}

fn total(server: &Server, url: &str) -> String {
    let response = get(server, url);
    match response.status {
        200 => json(&response)["total"].to_string(),
        status => status.to_string(),
    }
}

/// The total of the second page.
fn later_total(server: &Server, url: &str) -> String {
    let first = json(&get(server, url));
    total(server, &link(&first, "next").unwrap())
}

#[test]
fn totals_are_of_something_else() {
    tell(
        named,
        total,
        &[
            ("count-zero-crashes", "Patient?_count=0", "3", "500"),
            ("count-zero-refused", "Patient?_count=0", "3", "400"),
            ("total-counts-rows", "Patient?name=adams", "3", "5"),
            ("total-counts-rows", "Patient", "3", "3"),
            ("total-of-page", "Patient?_count=2", "3", "2"),
            ("total-of-page", "Patient?_summary=count", "3", "3"),
            ("count-without-total", "Patient?_summary=count", "3", "null"),
        ],
    );
    tell(
        named,
        later_total,
        &[("total-of-rest", "Patient?_count=2", "3", "1")],
    );
    tell(
        named,
        matches,
        &[("count-zero-pages", "Patient?_count=0", "", "c,a,b")],
    );
}

#[test]
fn sorting_loses_matches_filters_or_its_order() {
    tell(
        named,
        matches,
        &[
            (
                "sort-forgets-token",
                "Patient?gender=male&_sort=birthdate",
                "a,c",
                "a,c,b",
            ),
            ("sort-forgets-token", "Patient?gender=male", "c,a", "c,a"),
            (
                "last-updated-sorted-by-id",
                "Patient?_sort=_lastUpdated",
                "c,a,b",
                "a,b,c",
            ),
            (
                "sort-drops-missing",
                "Patient?_sort=birthdate",
                "a,c,b",
                "a,c",
            ),
            (
                "chain-sort-empty",
                "Patient?organization.name=clinic&_sort=_id",
                "b",
                "",
            ),
            (
                "chain-sort-empty",
                "Patient?organization.name=clinic",
                "b",
                "b",
            ),
            (
                "descending-sort-empty",
                "Patient?_sort=-death-date",
                "c,a,b",
                "",
            ),
            (
                "descending-sort-empty",
                "Patient?_sort=-birthdate",
                "c,a,b",
                "c,a,b",
            ),
        ],
    );
    let second = |server: &Server, url: &str| {
        let first = json(&get(server, url));
        matches(server, &link(&first, "next").unwrap())
    };
    let url = "Patient?_count=2&_sort=_id&_include=Patient:organization";
    tell(named, second, &[("include-loses-sort", url, "c", "b")]);
}
